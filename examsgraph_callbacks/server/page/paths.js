// The newest strange paths as pictures; each opens large, with the path as a table.

import { el, empty, fill, folded, table } from './dom.js';
import { count, decimal, moment, share } from './format.js';
import { t } from './words.js';

const addresses = new Set();

export function drawPaths(place, { newest, strange, judged }, { narrowed }) {
  for (const address of addresses) URL.revokeObjectURL(address);
  addresses.clear();
  const heading = el('h2', {}, t('pathsTitle'));
  if (!newest.length) {
    fill(place, heading, narrowed ? empty(t('emptyFiltered'), t('widen')) : empty(t('emptyPaths'), t('emptyPathsDo')));
    return;
  }
  fill(place, heading,
    el('p', { class: 'note' }, t('pathsAbout', count(strange), count(judged), share(strange / judged))),
    el('ul', { class: 'paths' }, newest.map(card)));
}

function card(path) {
  const query = path.query || path.wrong_concept || t('noQuery');
  const picture = image(path.picture, query);
  const enlarge = el('button', { type: 'button', class: 'picture', 'data-key': `path ${path.event_id}`, 'aria-label': `${t('zoom')}: ${query}`, on: { click: () => show(path, query) } }, picture);
  const about = [path.wrong_concept, path.question_id, moment(path.started_at), path.times > 1 ? t('times', count(path.times)) : t('once')].filter(Boolean).join(' · ');
  return el('li', { class: 'path' },
    enlarge,
    el('h3', {}, query),
    el('p', { class: 'note' }, about),
    el('p', { class: 'trail' }, trail(path)),
    folded(`path ${path.event_id} table`, t('asTable'), hops(path, query)));
}

/** An SVG as an image: whatever stands in it, nothing of it runs. */
function image(picture, query) {
  const address = URL.createObjectURL(new Blob([picture], { type: 'image/svg+xml' }));
  addresses.add(address);
  return el('img', { src: address, alt: t('pictureOf', query) });
}

/** The strange hops in a line. */
function trail({ path, similarity_threshold: threshold }) {
  const odd = path.filter((hop) => hop.reasons.length);
  return odd.slice(0, 2).map((hop, at) => [at > 0 && ', ', `${hop.node} → ${hop.next_node} `,
    el('b', { class: 'alarm' }, decimal(lowest(hop), 2)),
    el('span', { class: 'soft' }, ` ${t('below', decimal(threshold, 2))}: ${hop.reasons.map(remark).join(', ')}`)]);
}

/** The score for which it is strange: with the question, or with the concept before it. */
function lowest(hop) {
  return Math.min(hop.similarity_score ?? Infinity, hop.edge_similarity ?? Infinity);
}

function hops({ path }, query) {
  const heads = [[t('hop')], [t('relation')], [t('score'), true], [t('edge'), true], [t('remark')]];
  const rows = path.map((hop) => [
    `${hop.node} → ${hop.next_node}`, hop.relation, decimal(hop.similarity_score, 2), decimal(hop.edge_similarity, 2),
    hop.reasons.length ? el('span', { class: 'alarm' }, hop.reasons.map(remark).join(', ')) : '',
  ]);
  return table(query, heads, rows);
}

function remark(reason) {
  if (reason === 'leaves the question') return t('leaves');
  return reason.startsWith('drifts from ') ? t('drifts', reason.slice('drifts from '.length)) : reason;
}

function show(path, query) {
  const dialog = el('dialog', { class: 'large', 'aria-label': query, on: { close: () => dialog.remove(), click: (event) => event.target === dialog && dialog.close() } },
    el('header', {}, el('h2', {}, query), el('button', { type: 'button', class: 'plain', on: { click: () => dialog.close() } }, t('close'))),
    el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': t('pictureOf', query) }, image(path.whole_picture, query)),
    hops(path, query));
  document.body.append(dialog);
  dialog.showModal();
}
