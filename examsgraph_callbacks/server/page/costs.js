// What was spent in the course of time, model by model.

import { colours, places, seconds, stackedBars } from './charts.js';
import { el, empty, fill, folded, table } from './dom.js';
import { amounts, caveats, count, krw, share, shown, usd } from './format.js';
import { spoken, t } from './words.js';

const SHOWN = 5; // models with a colour of their own

export function drawCosts(place, costs, { standing, narrowed }) {
  const rate = standing.krw_per_usd;
  const heading = el('h2', {}, t('costTitle')[costs.by]);
  if (!costs.times.length) {
    fill(place, heading, narrowed ? empty(t('emptyFiltered'), t('widen')) : empty(t('emptyCalls'), t('attach'), 'examsgraph demo'));
    return;
  }
  const xs = places(costs.times, costs.by);
  const series = byModel(costs.times, xs, spoken() === 'ko' ? rate : 1);
  const sum = amounts(costs.cost_usd, rate);
  const formatX = (x, isShort) => shown(x, costs.by, isShort);
  const host = el('div', { class: 'chart', role: 'img', 'aria-label': t('chartOfCosts', formatX(xs[0]), formatX(xs[xs.length - 1]), sum[0]) });
  fill(place, heading,
    el('p', { class: 'lead' }, el('b', {}, costs.unpriced_share > 0 && costs.cost_usd !== null ? t('atLeast', sum[0]) : sum[0]), el('small', {}, sum[1]), ' ', t('calls', count(costs.calls)), ' · ', caveats(costs.unpriced_share, costs.estimated_share)),
    el('ul', { class: 'legend' }, series.map((each) => el('li', {}, el('i', { colour: each.colour }), each.label, ' ', el('small', {}, money(each.sum))))),
    host,
    folded('costs', t('asTable'), tableOf(costs, rate)));
  stackedBars(host, { xs, by: costs.by, series, formatX, formatY: money });
}

function money(value, step) {
  return spoken() === 'ko' ? krw(value) : usd(value, step);
}

/** The dearest models first, the rest of them as one. */
function byModel(times, xs, rate) {
  const at = new Map(xs.map((x, index) => [x, index]));
  const found = new Map();
  for (const each of times) {
    const name = each.model ?? t('unknownModel');
    if (!found.has(name)) found.set(name, { label: name, sum: null, values: xs.map(() => 0) });
    const model = found.get(name);
    if (each.cost_usd === null) continue; // not known, which is not 0
    const cost = each.cost_usd * rate;
    model.sum += cost;
    model.values[at.get(seconds(each.began))] += cost;
  }
  const models = [...found.values()].sort((one, other) => other.sum - one.sum);
  const shownModels = models.slice(0, SHOWN);
  const rest = models.slice(SHOWN);
  if (rest.length) {
    shownModels.push({
      label: t('otherModels'), sum: rest.every((each) => each.sum === null) ? null : rest.reduce((sum, each) => sum + each.sum, 0),
      values: xs.map((_x, index) => rest.reduce((sum, each) => sum + each.values[index], 0)),
    });
  }
  return shownModels.map((each, index) => ({ ...each, colour: colours()[index] }));
}

function tableOf(costs, rate) {
  const rows = [...costs.times].reverse().map((each) => [
    shown(seconds(each.began), costs.by), each.model ?? t('unknownModel'), count(each.calls), ...amounts(each.cost_usd, rate),
    share(each.unpriced_calls / each.calls), share(each.estimated_calls / each.calls),
  ]);
  const currencies = spoken() === 'ko' ? ['KRW', 'USD'] : ['USD', 'KRW'];
  const heads = [[t('day')[costs.by]], [t('model')], [t('callsHead'), true], ...currencies.map((each) => [each, true]),
    [t('unpriced', '').trim(), true], [t('estimated', '').trim(), true]];
  return table(t('costTitle')[costs.by], heads, rows);
}
