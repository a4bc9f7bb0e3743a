// The prompt experiments: who was given what, and, when it is asked for, the verdict.

import { el, empty, fill } from './dom.js';
import { count, moment, share } from './format.js';
import { t } from './words.js';

const verdicts = new Map(); // by experiment: the report, which lasts a day, or why there was none

/** Work out none that was worked out before. */
export function forgetVerdicts() {
  verdicts.clear();
}

export function drawExperiments(place, { experiments }, { ask, standing }) {
  const heading = el('h2', {}, t('experimentsTitle'));
  if (!experiments.length) {
    fill(place, heading, empty(t('emptyExperiments'), t('emptyExperimentsDo'), 'EXAMSGRAPH_EXPERIMENTS=experiments.toml examsgraph serve'));
    return;
  }
  const again = () => drawExperiments(place, { experiments }, { ask, standing });
  fill(place, heading, experiments.slice(0, 6).map((each) => shown(each, ask, standing.today, again)));
}

function shown(experiment, ask, today, again) {
  const metric = t('metrics')[experiment.metric] ?? experiment.metric;
  const state = experiment.running ? el('span', { class: 'badge good' }, t('running')) : el('span', { class: 'badge' }, t('over'));
  const most = Math.max(1, ...experiment.variants.map((each) => each.exposures));
  const about = [t('judgedBy', metric), experiment.running && experiment.day > 0 && t('dayOf', experiment.day, experiment.planned_days), !experiment.running && experiment.last_exposure && moment(experiment.last_exposure)];
  return el('article', { class: 'experiment' },
    el('h3', {}, experiment.experiment, ' ', state),
    el('p', { class: 'note' }, about.filter(Boolean).join(' · ')),
    el('ul', { class: 'bars' }, experiment.variants.map((each) => el('li', { class: 'row' },
      el('span', { class: 'name' }, each.variant),
      el('span', { class: 'value' }, share(each.weight)),
      el('span', { class: 'track calm' }, el('span', { width: `${(100 * each.exposures) / most}%` })),
      el('span', { class: 'note' }, t('variantShare', t('learners', count(each.learners)), count(each.exposures)))))),
    verdict(experiment.experiment, ask, today, again));
}

/** What is said in the page's language, else as the server said it, in English. */
function paragraph(said, english, kind) {
  const how = said === null ? { lang: 'en' } : {};
  return el('p', kind ? { ...how, class: kind } : how, said ?? english);
}

function verdict(name, ask, today, again) {
  const key = `${name} ${today}`;
  const found = verdicts.get(key);
  if (found === 'asked') return el('p', { class: 'note', role: 'status' }, t('working'));
  if (found && !(found instanceof Error)) {
    return el('div', { class: 'verdict' }, found.sentences.map((each, at) => paragraph(t('sentence', found, at), each)),
      found.cautions?.map((each) => paragraph(t('caution', each), each, 'alarm')),
      found.last_day && el('p', { class: 'note' }, t('verdictOn', found.last_day)));
  }
  const work = async () => {
    verdicts.set(key, 'asked');
    again();
    const report = await ask(`experiments/${encodeURIComponent(name)}/report`).catch((error) => ({ data: error }));
    verdicts.set(key, report.data);
    again();
  };
  return [
    found && el('p', { class: 'note alarm', role: 'status' }, found.message),
    el('button', { type: 'button', class: 'plain', 'data-key': `verdict ${name}`, on: { click: work } }, t('verdict')),
  ];
}
