// What broke a rule: open, and lately.

import { el, empty, fill } from './dom.js';
import { moment } from './format.js';
import { t } from './words.js';

const WATCH = 'examsgraph alerts run --follow';

export function drawIncidents(place, { ever, now, incidents }, { narrowTo }) {
  const heading = el('h2', {}, t('incidentsTitle'));
  if (!ever) {
    fill(place, heading, empty(t('neverWatched'), t('neverWatchedDo'), WATCH));
    return;
  }
  const open = incidents.filter((each) => each.resolved_at === null);
  const over = incidents.filter((each) => each.resolved_at !== null);
  fill(place, heading,
    !now && el('p', { class: 'note' }, t('isNotWatched'), ': ', el('code', {}, WATCH)),
    open.length ? el('ul', { class: 'incidents' }, open.map((each) => shown(each, narrowTo))) : el('p', { class: 'quiet' }, t('emptyIncidents')),
    over.length > 0 && el('details', { class: 'fold', 'data-key': 'over' }, el('summary', { 'data-key': 'over summary' }, t('lately', over.length)),
      el('ul', { class: 'incidents past' }, over.map((each) => shown(each, narrowTo)))));
}

function shown(incident, narrowTo) {
  const isConcept = incident.rule === 'concept_confusion' && incident.subject;
  const subject = isConcept
    ? el('button', { type: 'button', class: 'link', 'data-key': `incident ${incident.id}`, title: t('narrowTo', incident.subject), on: { click: () => narrowTo(incident.subject) } }, incident.subject)
    : incident.subject;
  const when = incident.resolved_at === null ? t('opened', moment(incident.opened_at)) : t('resolved', moment(incident.opened_at), moment(incident.resolved_at));
  return el('li', {},
    el('h3', {}, t('rules')[incident.rule] ?? incident.rule, subject && [': ', subject]),
    el('p', {}, t('incident', incident.title)),
    el('p', { class: 'note' }, when));
}
