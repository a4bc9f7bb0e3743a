// Numbers, amounts and times as people read them, in the language that is spoken.

import { spoken, t } from './words.js';

let zone = 'UTC';

/** By which zone's clock moments are told. */
export function setZone(name) {
  zone = name;
}

const NONE = '–';
const made = new Map();

function formatter(Kind, options) {
  const key = `${Kind.name} ${spoken()} ${zone} ${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new Kind(spoken(), options));
  return made.get(key);
}

/** A whole number with its separators. */
export function count(value) {
  return value === null || value === undefined ? NONE : formatter(Intl.NumberFormat, { maximumFractionDigits: 0 }).format(value);
}

/** Dollars: to the cent, of small sums what counts; on a scale, as `step` asks for. */
export function usd(value, step = null) {
  if (value === null || value === undefined) return NONE;
  const isSmall = value !== 0 && Math.abs(value) < 1;
  const digits = step === null && isSmall ? { maximumSignificantDigits: 3 } : fraction(step === null ? 2 : decimals(step));
  return `$${formatter(Intl.NumberFormat, digits).format(value)}`;
}

function fraction(digits) {
  return { minimumFractionDigits: digits, maximumFractionDigits: digits };
}

/** How many decimals it takes to write every multiple of `step`. */
function decimals(step) {
  let digits = 0;
  while (digits < 9 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits += 1;
  return digits;
}

/** Won: whole, of sums below 10 to the tenth. */
export function krw(value) {
  if (value === null || value === undefined) return NONE;
  const digits = value !== 0 && Math.abs(value) < 10 ? 1 : 0;
  return `₩${formatter(Intl.NumberFormat, { maximumFractionDigits: digits }).format(value)}`;
}

/** A part of a whole, 0 to 1, in percent; what is not nothing is not told as 0 %. */
export function share(value) {
  if (value === null || value === undefined) return NONE;
  if (value > 0 && value < 0.001) return '< 0.1%';
  const digits = value > 0 && value < 0.1 ? 1 : 0;
  return formatter(Intl.NumberFormat, { style: 'percent', maximumFractionDigits: digits }).format(value);
}

/** Milliseconds; seconds from one on. */
export function time(ms) {
  if (ms === null || ms === undefined) return NONE;
  if (ms < 1000) return `${formatter(Intl.NumberFormat, { maximumFractionDigits: 0 }).format(ms)} ms`;
  return `${formatter(Intl.NumberFormat, { minimumFractionDigits: 1, maximumFractionDigits: ms < 10000 ? 2 : 1 }).format(ms / 1000)} s`;
}

/** A number to so many decimals. */
export function decimal(value, digits) {
  return value === null || value === undefined ? NONE
    : formatter(Intl.NumberFormat, fraction(digits)).format(value);
}

/** A moment (ISO 8601 with its offset) by the zone's clock. */
export function moment(text) {
  return formatter(Intl.DateTimeFormat, { timeZone: zone, month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(text));
}

/** The time of the day of a moment, to the second. */
export function clock(date) {
  return formatter(Intl.DateTimeFormat, { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(date);
}

/** What a clock showed (seconds since 1970 as if it were UTC): its day, or its hour. */
export function shown(seconds, by, isShort = false) {
  const options = by === 'hour'
    ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...(isShort ? {} : { month: 'short', day: 'numeric' }) }
    : { month: 'short', day: 'numeric', ...(isShort ? {} : { weekday: 'short' }) };
  return formatter(Intl.DateTimeFormat, { timeZone: 'UTC', ...options }).format(new Date(seconds * 1000));
}

/** Both currencies, the reader's own first. */
export function amounts(costUsd, rate) {
  if (costUsd === null || costUsd === undefined) return [NONE, NONE];
  const both = [usd(costUsd), krw(costUsd * rate)];
  return spoken() === 'ko' ? both.reverse() : both;
}

/** The shares that stand beside a cost: what has no price, and what was estimated. */
export function caveats(unpricedShare, estimatedShare) {
  const said = [unpricedShare > 0 && t('unpriced', share(unpricedShare)), estimatedShare > 0 && t('estimated', share(estimatedShare))];
  return said.filter(Boolean).join(' · ') || t('allPriced');
}
