// Asks for a token, which only this tab keeps.

import { el, fill } from './dom.js';
import { t } from './words.js';

/** Draw the form; `enter` is called with the token. `why` says what was wrong with the last one. */
export function drawSignIn(place, why, enter) {
  const input = el('input', { type: 'password', name: 'token', id: 'token', autocomplete: 'off', spellcheck: 'false', required: true, 'aria-describedby': why && 'token-problem' });
  const form = el('form', {
    on: { submit: (event) => { event.preventDefault(); if (input.value.trim()) enter(input.value.trim()); } },
  },
  el('label', { for: 'token' }, t('token')), input,
  why && el('p', { class: 'alarm', id: 'token-problem', role: 'alert' }, why),
  el('button', { type: 'submit', class: 'main' }, t('enter')));
  fill(place, el('h2', {}, t('tokenTitle')), el('p', { class: 'note' }, t('tokenAbout')), form);
  input.focus();
}
