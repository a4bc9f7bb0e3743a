// The concepts that explanations failed on; each narrows the page to itself.

import { el, empty, fill } from './dom.js';
import { count, decimal } from './format.js';
import { t } from './words.js';

export function drawConcepts(place, { concepts, failures, unattributed }, { narrowed, narrowTo }) {
  const heading = el('h2', {}, t('conceptsTitle'));
  if (!failures) {
    fill(place, heading, narrowed ? empty(t('emptyFiltered'), t('widen')) : empty(t('emptyConcepts'), t('emptyConceptsDo')));
    return;
  }
  const most = Math.max(1, ...concepts.map((each) => each.failures));
  const rows = concepts.map((each) => el('li', {}, el('button', {
    type: 'button', class: 'row', 'data-key': `concept ${each.concept}`, title: t('narrowTo', each.concept), on: { click: () => narrowTo(each.concept) },
  },
  el('span', { class: 'name' }, each.concept),
  el('span', { class: 'value' }, t('failures', count(each.failures))),
  el('span', { class: 'track' }, el('span', { width: `${(100 * each.failures) / most}%` })),
  el('span', { class: 'note' }, each.scores ? t('meanOf', decimal(each.understanding, 1), count(each.scores)) : ''))));
  fill(place, heading, el('p', { class: 'note' }, t('conceptsAbout')), el('ol', { class: 'bars' }, rows),
    unattributed > 0 && el('p', { class: 'note' }, t('unattributed', count(unattributed))));
}
