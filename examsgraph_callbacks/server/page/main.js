// Asks for the parts of the page one after the other, draws each as it comes, and looks every ten seconds for more.

import { ask, Refused, setToken, token } from './api.js';
import { drawConcepts } from './concepts.js';
import { drawCosts } from './costs.js';
import { el, fill } from './dom.js';
import { drawExperiments, forgetVerdicts } from './experiments.js';
import { asked, drawFilters, isNarrowed, keepFilters, readFilters } from './filters.js';
import { clock, krw, setZone } from './format.js';
import { drawIncidents } from './incidents.js';
import { drawPaths } from './paths.js';
import { drawRoutes } from './routes.js';
import { drawSignIn } from './signin.js';
import { drawSpeed } from './speed.js';
import { drawTiles, tiles } from './tiles.js';
import { speak, spoken, t } from './words.js';

const EVERY_MS = 10_000;
const place = (id) => document.getElementById(id);

// in the order in which they are asked for; those without a place are shown in the tiles alone, and of those that are
// spoken the server says some of the words
const PARTS = [
  { name: 'spending', path: 'dashboard/spending' },
  { name: 'incidents', path: 'incidents', draw: drawIncidents },
  { name: 'costs', path: 'dashboard/costs', filtered: true, draw: drawCosts },
  { name: 'concepts', path: 'dashboard/concepts', filtered: true, draw: drawConcepts },
  { name: 'routes', path: 'dashboard/routes', filtered: true, draw: drawRoutes },
  { name: 'paths', path: 'dashboard/paths', filtered: true, isSpoken: true, draw: drawPaths },
  { name: 'speed', path: 'dashboard/speed', filtered: true, draw: drawSpeed },
  { name: 'experiments', path: 'experiments', draw: drawExperiments },
];

const page = {
  filters: readFilters(), standing: null, choices: { models: [], concepts: [] }, parts: {}, drawn: {}, failures: {},
  seen: null, isPaused: false, state: 'live', problem: null, round: 0, timer: null, updated: null,
};

/** One look: what the server's journal came to, and all parts anew where that or what is asked for changed. */
async function look() {
  clearTimeout(page.timer);
  const round = ++page.round;
  try {
    const { data: standing } = await ask('dashboard/standing');
    if (round !== page.round) return;
    page.standing = standing;
    page.problem = null;
    setZone(standing.time_zone);
    tiles.rate = standing.krw_per_usd;
    if (page.state !== 'live') page.seen = null;
    page.state = 'live';
    open();
    const seen = JSON.stringify([standing, page.filters, spoken()]);
    if (seen !== page.seen && (await fetchParts(round))) page.seen = seen;
  } catch (error) {
    if (round !== page.round) return;
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
      refused(error);
      return;
    }
    console.error(error);
    page.state = 'offline';
  }
  if (round !== page.round) return;
  drawLive();
  if (!page.isPaused && !document.hidden) page.timer = setTimeout(look, EVERY_MS);
}

/** Ask for every part; true where all came. One after the other: the server answers one question at a time. */
async function fetchParts(round) {
  let isWhole = true;
  const first = PARTS.filter((part) => !part.filtered).slice(0, 2);
  for (const part of [...first, { name: 'choices', path: 'dashboard/choices' }, ...PARTS.filter((each) => !first.includes(each))]) {
    try {
      const { data: answer, isBehind } = await ask(part.path, parameters(part));
      if (round !== page.round) return false;
      isWhole &&= !isBehind;
      delete page.failures[part.name];
      if (part.draw) place(part.name).querySelector('[data-failed]')?.remove();
      if (part.name === 'choices') {
        if (page.choices !== answer) {
          page.choices = answer;
          filters();
        }
      } else if (page.parts[part.name] !== answer || !page.drawn[part.name]) {
        page.parts[part.name] = answer;
        tryToDraw(part);
      }
    } catch (error) {
      if (round !== page.round) return false;
      if (!(error instanceof Refused) || error.status === 401 || error.status === 403) throw error;
      isWhole = false;
      failed(part, error.message);
    }
  }
  page.updated = new Date();
  document.body.dataset.ready = 'yes';
  return isWhole;
}

function parameters(part) {
  const narrowed = part.filtered ? asked(page.filters, page.standing.today) : {};
  return part.isSpoken ? { ...narrowed, language: spoken() } : narrowed;
}

/** What cannot be drawn says so, and keeps no other part from it. */
function tryToDraw(part) {
  page.drawn[part.name] = false;
  try {
    draw(part);
  } catch (error) {
    console.error(error);
    failed(part, error.message);
  }
}

function glance() {
  drawTiles(place('tiles'), page.parts, page.standing, page.failures);
}

function draw(part) {
  glance();
  if (!part.draw) return;
  const section = place(part.name);
  section.classList.remove('stale');
  section.removeAttribute('aria-busy');
  part.draw(section, page.parts[part.name], { standing: page.standing, narrowed: isNarrowed(page.filters), narrowTo, ask });
  page.drawn[part.name] = true;
}

function failed(part, why) {
  page.failures[part.name] = why;
  // what is there is of other filters
  if (part.filtered && !page.drawn[part.name]) delete page.parts[part.name];
  glance();
  if (!part.draw) return;
  const section = place(part.name);
  section.classList.remove('stale');
  section.removeAttribute('aria-busy');
  const said = el('p', { class: 'note alarm', 'data-failed': '' }, t('failedPart', why));
  if (page.drawn[part.name]) {
    // what is there was right when it was drawn
    section.querySelector('[data-failed]')?.remove();
    section.prepend(said);
  } else {
    fill(section, said);
  }
}

function change(filters_) {
  page.filters = filters_;
  keepFilters(filters_);
  filters();
  for (const part of PARTS) {
    if (part.filtered) {
      page.drawn[part.name] = false;
      place(part.name).classList.add('stale');
      place(part.name).setAttribute('aria-busy', 'true');
    }
  }
  look();
}

function narrowTo(concept) {
  change({ ...page.filters, concept });
  place('filters').scrollIntoView({ block: 'nearest' });
}

function filters() {
  drawFilters(place('filters'), page.filters, page.choices, change);
}

function open() {
  place('signin').hidden = true;
  place('notice').hidden = true;
  if (place('board').hidden) {
    place('board').hidden = place('filters').hidden = false;
    filters();
    skeleton();
  }
  place('signout').hidden = token() === null;
  place('foot').textContent = t('foot', page.standing.version, page.standing.time_zone, krw(page.standing.krw_per_usd));
}

function skeleton() {
  glance();
  for (const part of PARTS) {
    if (part.draw && !page.drawn[part.name]) {
      fill(place(part.name), el('p', { class: 'unseen' }, t('loading')), [1, 2, 3, 4].map(() => el('span', { class: 'bone wide' })));
    }
  }
}

/** Leave nothing on the page that only who is signed in may see. */
function leave() {
  page.seen = null;
  page.parts = {};
  page.drawn = {};
  page.failures = {};
  page.choices = { models: [], concepts: [] };
  forgetVerdicts();
  place('board').hidden = place('filters').hidden = true;
  place('signout').hidden = true;
  place('foot').textContent = '';
  for (const name of ['tiles', 'filters', ...PARTS.filter((part) => part.draw).map((part) => part.name)]) fill(place(name));
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
}

function refused(error) {
  leave();
  page.state = 'refused';
  page.problem = error;
  const isOpen = error.status === 403 && token() === null;
  place('notice').hidden = !isOpen;
  place('signin').hidden = isOpen;
  if (isOpen) {
    place('notice').textContent = `${t('refused')}: ${error.message}`;
  } else {
    const why = token() === null ? null : t(error.status === 403 ? 'noScope' : 'wrongToken');
    setToken(null);
    drawSignIn(place('signin'), why, (given) => { setToken(given); look(); });
  }
  drawLive();
}

function drawLive() {
  const button = place('live');
  const state = page.isPaused ? 'paused' : page.state;
  button.hidden = page.state === 'refused';
  button.dataset.state = state;
  button.setAttribute('aria-pressed', String(!page.isPaused));
  button.title = t(page.isPaused ? 'resume' : 'pause');
  const when = page.updated ? ` · ${t('updated', clock(page.updated))}` : '';
  button.querySelector('.said').textContent = state === 'offline' ? t('offline') : `${t(state === 'paused' ? 'paused' : 'live')}${when}`;
}

/** Everything that is said, in the language that is spoken now. */
function say() {
  document.documentElement.lang = spoken();
  for (const each of document.querySelectorAll('[data-word]')) each.textContent = t(each.dataset.word);
  place('languages').setAttribute('aria-label', t('languages'));
  for (const each of document.querySelectorAll('[data-language]')) each.setAttribute('aria-pressed', String(each.dataset.language === spoken()));
  drawLive();
}

function again() {
  say();
  if (page.state === 'refused') refused(page.problem);
  if (page.standing === null || place('board').hidden) return;
  place('board').hidden = true;
  open();
  for (const part of PARTS) if (page.parts[part.name]) tryToDraw(part);
}

place('languages').addEventListener('click', (event) => {
  const code = event.target.closest('[data-language]')?.dataset.language;
  if (code) {
    speak(code);
    again();
    if (!page.isPaused && page.standing !== null && !place('board').hidden) look();
  }
});
place('live').addEventListener('click', () => {
  page.isPaused = !page.isPaused;
  drawLive();
  if (page.isPaused) clearTimeout(page.timer);
  else look();
});
place('signout').addEventListener('click', () => {
  setToken(null);
  leave();
  look();
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) clearTimeout(page.timer);
  else if (!page.isPaused && page.state !== 'refused') look();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
say();
look();
