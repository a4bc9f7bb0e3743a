// Which task went to which model, and whether it may.

import { el, empty, fill, table } from './dom.js';
import { amounts, count, decimal, share, time } from './format.js';
import { t } from './words.js';

export function drawRoutes(place, { routes }, { standing, narrowed }) {
  const heading = el('h2', {}, t('routesTitle'));
  if (!routes.length) {
    fill(place, heading, empty(t(narrowed ? 'emptyFiltered' : 'emptyRoutes'), t('widen')));
    return;
  }
  const heads = [[t('task')], [t('served')], [t('callsHead'), true], [t('misrouted')], [t('cost'), true], [t('p95Short'), true], [t('understood'), true]];
  const sorted = [...routes].sort((one, other) => (other.misroutes ?? 0) - (one.misroutes ?? 0) || other.calls - one.calls);
  const rows = sorted.map((each) => [
    each.task_type ?? t('noTask'), model(each), count(each.calls), verdict(each),
    amounts(each.cost_usd, standing.krw_per_usd)[0], time(each.latency_p95_ms),
    each.understanding === null ? '–' : `${decimal(each.understanding, 1)} (n ${count(each.scores)})`,
  ]);
  fill(place, heading, table(t('routesTitle'), heads, rows));
}

function verdict({ misroutes, calls }) {
  if (misroutes === null) return el('span', { class: 'soft' }, t('unjudged'));
  if (misroutes === 0) return el('span', { class: 'badge good' }, t('right'));
  return el('span', { class: 'badge bad' }, t('within', share(misroutes / calls)));
}

/** What answered; beneath it what was asked for, where that has another name. */
function model({ requested_model: wanted, served_model: served }) {
  return [served ?? '–', wanted !== null && wanted !== served && el('small', {}, t('askedFor', wanted))];
}
