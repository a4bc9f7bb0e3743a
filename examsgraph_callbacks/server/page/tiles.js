// The figures at a glance: money against income, routing, latency, incidents.

import { el, fill } from './dom.js';
import { amounts, caveats, count, krw, share, time } from './format.js';
import { t } from './words.js';

/** Draw the tiles of whatever has arrived: `parts` are answers by their names, `failures` why one did not come. */
export function drawTiles(place, parts, standing, failures) {
  place.setAttribute('aria-label', t('tiles'));
  const { spending, routes, speed, incidents } = parts;
  const without = (name, part) => (failures[part] ? tile(name, '–', note(el('span', { class: 'alarm' }, t('failedPart', failures[part])))) : waiting(name));
  fill(place,
    spending ? money('costToday', spending.today, spending, standing) : without('costToday', 'spending'),
    spending ? money('costMonth', spending.month, spending, standing) : without('costMonth', 'spending'),
    routes ? routing(routes) : without('misrouted', 'routes'),
    speed ? latency(speed) : without('p95', 'speed'),
    incidents ? open(incidents) : without('openIncidents', 'incidents'));
}

function tile(name, value, ...notes) {
  return el('div', { class: 'tile', 'data-tile': name }, el('h2', {}, t(name)), el('p', { class: 'value' }, value), notes);
}

function waiting(name) {
  return tile(name, el('span', { class: 'bone' }), el('p', { class: 'note' }, el('span', { class: 'bone long' })));
}

function note(...content) {
  return el('p', { class: 'note' }, ...content);
}

function money(name, spent, all, { krw_per_usd: rate }) {
  if (!spent.calls) return tile(name, '–', note(t('noCalls')));
  const [first, second] = amounts(spent.cost_usd, rate);
  const atLeast = spent.unpriced_calls > 0 && spent.cost_usd !== null;
  const part = spent.cost_share;
  const isMonth = name === 'costMonth';
  const projected = isMonth && spent.cost_usd !== null && all.month_gone > 0.02
    ? amounts(spent.cost_usd / all.month_gone, rate)[0] : null;
  return tile(name,
    [atLeast ? t('atLeast', first) : first, el('small', {}, second)],
    meter(part, t(name)),
    note(part === null ? t('noIncome') : t('ofIncome', share(part), krw(spent.income_krw))),
    note(t('calls', count(spent.calls)), ' · ', caveats(spent.unpriced_calls / spent.calls, spent.estimated_calls / spent.calls)),
    isMonth && note(t('learnersPay', t('learners', count(spent.learners)), krw(all.subscription_krw)), projected && [' · ', t('projected', projected)]));
}

function meter(part, label) {
  const value = Math.min(Math.max(part ?? 0, 0), 1);
  const kind = part > 1 ? 'bad' : part > 0.7 ? 'warn' : 'good';
  return el('div', { class: `meter ${kind}`, role: 'meter', 'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': Math.round(value * 100), 'aria-valuetext': share(part) },
    el('span', { width: `${value * 100}%` }));
}

function routing({ routes }) {
  const judged = routes.filter((each) => each.misroutes !== null);
  const calls = judged.reduce((sum, each) => sum + each.calls, 0);
  const wrong = judged.reduce((sum, each) => sum + each.misroutes, 0);
  const extra = judged.reduce((sum, each) => sum + (each.misroute_extra_usd ?? 0), 0);
  const value = calls ? share(wrong / calls) : '–';
  return tile('misrouted', el('span', { class: wrong ? 'alarm' : calls ? 'fine' : null }, value),
    note(calls ? t('misroutedOf', count(wrong), count(calls)) : t('noCalls')),
    extra > 0 && note(t('extra', amounts(extra, tiles.rate)[0])));
}

function latency(speed) {
  if (!speed.calls) return tile('p95', '–', note(t('noCalls')));
  return tile('p95', time(speed.latency_p95_ms),
    note(t('p50Is', time(speed.latency_p50_ms))),
    note(t('failedCalls', share(speed.failed / speed.calls))));
}

function open({ open: number, ever, now }) {
  const said = !ever ? t('notWatched') : number === 0 ? t('noneOpen') : null;
  return tile('openIncidents', el('span', { class: number ? 'alarm' : ever ? 'fine' : null }, ever ? count(number) : '–'),
    said && note(said), ever && note(t(now ? 'isWatched' : 'isNotWatched')));
}

/** What the amounts are told by; set before the tiles are drawn. */
export const tiles = { rate: 1300 };
