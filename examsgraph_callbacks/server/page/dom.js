// Makes elements; what facts say is only ever put in as text.

/** An element with attributes and children; a text child becomes a text node. `on` holds listeners. */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (name === 'class') made.className = value;
    else if (name === 'width') made.style.width = value; // no style attribute, which the policy forbids
    else if (name === 'colour') made.style.background = value;
    else made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Put new content in a place; what had the focus there, or was folded open, has it again. */
export function fill(place, ...content) {
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const open = new Set([...place.querySelectorAll('details[open]')].map((each) => each.dataset.key));
  place.replaceChildren(...content.flat(9).filter(Boolean));
  for (const details of place.querySelectorAll('details')) details.open = open.has(details.dataset.key);
  if (focused) {
    [...place.querySelectorAll('[data-key]')].find((each) => each.dataset.key === focused)?.focus();
  }
}

/** A table: heads are `[text, isNumber]`, rows are lists of texts or elements. */
export function table(caption, heads, rows) {
  const head = heads.map(([text, isNumber]) => el('th', { scope: 'col', class: isNumber && 'number' }, text));
  const body = rows.map((row) =>
    el('tr', {}, row.map((cell, at) => (at === 0
      ? el('th', { scope: 'row' }, cell)
      : el('td', { class: heads[at][1] && 'number' }, cell)))),
  );
  // a keyboard scrolls it too
  return el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    el('table', {}, el('caption', { class: 'unseen' }, caption),
      el('thead', {}, el('tr', {}, head)), el('tbody', {}, body)));
}

/** A table that is folded away: what a chart shows, for whoever cannot see it. */
export function folded(key, summary, content) {
  return el('details', { class: 'fold', 'data-key': key }, el('summary', { 'data-key': `${key} summary` }, summary), content);
}

/** What stands where there is nothing yet: why, and what to do. */
export function empty(title, advice, command) {
  return el('div', { class: 'empty' }, el('p', { class: 'why' }, title), el('p', {}, advice),
    command && el('code', {}, command));
}
