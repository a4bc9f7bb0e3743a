// Which language is spoken, and what is said in it.

import { english } from './words.en.js';
import { korean } from './words.ko.js';

const LANGUAGES = { en: english, ko: korean };
const KEPT = 'examsgraph.language';

let language = chosen();

function chosen() {
  const kept = localStorage.getItem(KEPT);
  if (kept in LANGUAGES) return kept;
  return (navigator.languages ?? [navigator.language]).map((each) => each.slice(0, 2)).find((each) => each in LANGUAGES) ?? 'en';
}

/** The language's code: `en` or `ko`. */
export function spoken() {
  return language;
}

/** Speak another language from now on. */
export function speak(code) {
  language = code;
  localStorage.setItem(KEPT, code);
}

/** The words of that name, made of what is given where they are a function. */
export function t(name, ...given) {
  const words = LANGUAGES[language][name] ?? english[name] ?? name;
  return typeof words === 'function' ? words(...given) : words;
}
