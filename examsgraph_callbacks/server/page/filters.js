// What is looked at: a period, a model, a concept. It stands in the address, so that it can be sent to others.

import { el, fill } from './dom.js';
import { t } from './words.js';

const PRESETS = ['1', '7', '30', '90', 'ever', 'custom'];

/** What the address says; `days` is a preset, or `custom` with `from` and `to` (days, both included). */
export function readFilters() {
  const query = new URLSearchParams(location.search);
  const days = PRESETS.includes(query.get('days')) ? query.get('days') : '30';
  return { days, from: dated(query.get('from')), to: dated(query.get('to')), model: query.get('model') ?? '', concept: query.get('concept') ?? '' };
}

/** Write them to the address. */
export function keepFilters(filters) {
  const query = new URLSearchParams();
  if (filters.days !== '30') query.set('days', filters.days);
  for (const name of ['from', 'to']) if (filters.days === 'custom' && filters[name]) query.set(name, filters[name]);
  for (const name of ['model', 'concept']) if (filters[name]) query.set(name, filters[name]);
  history.replaceState(null, '', query.size ? `?${query}` : location.pathname);
}

/** As the server's questions take them; `today` is the server's day. */
export function asked(filters, today) {
  const { model, concept } = filters;
  if (filters.days === 'ever') return { model, concept };
  if (filters.days === 'custom') {
    return { since: filters.from, until: filters.to && plus(filters.to, 1), model, concept };
  }
  return { since: plus(today, 1 - Number(filters.days)), until: plus(today, 1), model, concept };
}

/** Whether anything is left out but by the period. */
export function isNarrowed(filters) {
  return Boolean(filters.model || filters.concept);
}

/** Draw the form; `change` is called with the filters as they then are. */
export function drawFilters(form, filters, choices, change) {
  const set = (changes) => change({ ...filters, ...changes });
  const names = { 1: t('today'), 7: t('days', 7), 30: t('days', 30), 90: t('days', 90), ever: t('ever'), custom: t('custom') };
  const presets = PRESETS.map((days) => el('button', {
    type: 'button', 'data-key': `days ${days}`, 'aria-pressed': String(filters.days === days),
    on: { click: () => set({ days }) },
  }, names[days]));
  const date = (name) => el('label', {}, t(name), el('input', {
    type: 'date', name, 'data-key': name, value: filters[name], on: { change: ({ target: { value } }) => (value === '' || dated(value)) && set({ [name]: value }) },
  }));
  const models = choices.models.includes(filters.model) || !filters.model ? choices.models : [filters.model, ...choices.models];
  const model = el('select', { name: 'model', 'data-key': 'model', on: { change: (event) => set({ model: event.target.value }) } },
    el('option', { value: '' }, t('allModels')),
    models.map((each) => el('option', { value: each, selected: each === filters.model }, each)));
  const concept = el('input', {
    name: 'concept', 'data-key': 'concept', list: 'concept-names', value: filters.concept, autocomplete: 'off', maxlength: 256,
    placeholder: t('allConcepts'), type: 'search', on: { change: (event) => set({ concept: event.target.value.trim() }) },
  });
  form.setAttribute('aria-label', t('filters'));
  form.onsubmit = (event) => {
    event.preventDefault();
    set({ concept: concept.value.trim() });
  };
  fill(form,
    el('div', { class: 'switch', role: 'group', 'aria-label': t('period') }, presets),
    filters.days === 'custom' && [date('from'), date('to')],
    el('label', {}, t('model'), model),
    el('label', {}, t('concept'), concept),
    el('datalist', { id: 'concept-names' }, choices.concepts.map((each) => el('option', { value: each }))),
    isNarrowed(filters) && el('button', { type: 'button', class: 'plain', 'data-key': 'clear', on: { click: () => set({ model: '', concept: '' }) } }, t('clear')));
}

/** A day that there is, else nothing; a year that is still being typed is not yet one. */
function dated(text) {
  const moment = /^[12]\d{3}-\d{2}-\d{2}$/.test(text ?? '') ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return !Number.isNaN(moment) && new Date(moment).toISOString().startsWith(text) ? text : '';
}

function plus(day, days) {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}
