// How long calls took: in the course of time, and model by model.

import { colours, lines, places, seconds } from './charts.js';
import { el, empty, fill, folded, table } from './dom.js';
import { count, share, shown, time } from './format.js';
import { t } from './words.js';

const ALARMING = 0.05; // of calls that fail

export function drawSpeed(place, speed, { narrowed }) {
  const heading = el('h2', {}, t('speedTitle'));
  if (!speed.models.length) {
    fill(place, heading, empty(t(narrowed ? 'emptyFiltered' : 'emptyRoutes'), t('widen')));
    return;
  }
  const content = [heading];
  let draw = () => {};
  if (speed.times.length) {
    const xs = places(speed.times, speed.by);
    const at = new Map(speed.times.map((each) => [seconds(each.began), each]));
    const values = (name) => xs.map((x) => at.get(x)?.[name] ?? null);
    const [first, second] = [colours()[0], colours()[3]];
    const series = [
      { label: t('p50'), colour: first, values: values('latency_p50_ms') },
      { label: t('p95Short'), colour: second, values: values('latency_p95_ms') },
    ];
    const host = el('div', { class: 'chart', role: 'img', 'aria-label': t('chartOfSpeed', time(speed.latency_p50_ms), time(speed.latency_p95_ms)) });
    const formatX = (x, isShort) => shown(x, speed.by, isShort);
    content.push(el('ul', { class: 'legend' }, series.map((each) => el('li', {}, el('i', { colour: each.colour }), each.label))), host,
      folded('speed', t('asTable'), tableOf(speed)));
    draw = () => lines(host, { xs, by: speed.by, series, formatX, formatY: time });
  }
  content.push(models(speed.models));
  fill(place, content);
  draw();
}

function tableOf(speed) {
  const heads = [[t('day')[speed.by]], [t('callsHead'), true], [t('p50'), true], [t('p95Short'), true]];
  const rows = [...speed.times].reverse().map((each) => [
    shown(seconds(each.began), speed.by), count(each.calls), time(each.latency_p50_ms), time(each.latency_p95_ms),
  ]);
  return table(t('speedTitle'), heads, rows);
}

function models(found) {
  const heads = [[t('model')], [t('callsHead'), true], [t('p50'), true], [t('p95Short'), true], [t('p99'), true], [t('firstToken'), true], [t('failed'), true]];
  const rows = found.map((each) => [
    each.model ?? t('unknownModel'), count(each.calls), time(each.latency_p50_ms), time(each.latency_p95_ms), time(each.latency_p99_ms),
    time(each.time_to_first_token_p50_ms), el('span', { class: each.failed / each.calls > ALARMING ? 'alarm' : null }, share(each.failed / each.calls)),
  ]);
  return table(`${t('speedTitle')}: ${t('model')}`, heads, rows);
}
