// Copyright 2026 The oht50_bridge Authors
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//     http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.
import { h, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import { tokensOfText } from '../logic/tokens.js';
import type { Store } from '../store.js';

/** Before the end of a session that nobody extends the field is offered, ms. */
const OFFERED = 60_000;

/** The way in: a field for a token, and why there is need of one. */
export function mountLogin(element: HTMLElement, store: Store): () => void {
  const why = h('p', { class: 'why' });
  const remedy = h('p', {});
  const detail = h('p', { class: 'detail' });
  const fault = h('p', { class: 'fault', id: 'token-fault', role: 'alert' });
  const field = h('input', {
    type: 'password',
    id: 'token',
    name: 'token',
    autocomplete: 'current-password',
    'aria-describedby': 'token-help token-fault',
    spellcheck: 'false',
    required: true,
  });
  const keep = h('input', { type: 'checkbox', id: 'keep' });
  const form = h(
    'form',
    {
      onsubmit: (event: SubmitEvent) => {
        event.preventDefault();
        const tokens = tokensOfText(field.value);
        setText(fault, tokens ? '' : t.notAToken);
        if (!tokens) return field.focus();
        field.value = '';
        store.session.start(tokens, keep.checked);
      },
    },
    // Password managers keep a name with a password.
    h('input', { type: 'text', autocomplete: 'username', value: 'oht50', hidden: true }),
    h('label', { for: 'token' }, t.token),
    field,
    fault,
    h('p', { id: 'token-help', class: 'help' }, t.tokenHelp),
    h('code', {}, 'oht50 token --pair --link'),
    h('div', { class: 'check' }, keep, h('label', { for: 'keep' }, t.keepSignedIn)),
    h('button', { type: 'submit', class: 'primary' }, t.signIn),
  );
  const title = h('h2', {}, t.signIn);
  const box = h('section', { class: 'panel login' }, title, why, remedy, detail, form);
  element.replaceChildren(box);
  let wasShown = false;
  return store.watch(() => {
    const kind = store.session.fault;
    const left = store.timeLeft;
    const ends =
      store.session.client !== undefined &&
      left !== undefined &&
      left < OFFERED &&
      !store.session.isRenewable;
    const shown = kind !== undefined || ends;
    show(box, shown);
    // Who can only wait needs no field.
    show(form, kind !== 'full' && kind !== 'unreachable');
    setText(title, kind === 'full' || kind === 'unreachable' ? t.notConnected : t.signIn);
    setText(why, kind ? t.faults[kind].what : ends ? t.sessionEnds : '');
    setText(remedy, kind ? t.faults[kind].remedy : '');
    setText(detail, kind && kind !== 'none' ? store.session.detail : '');
    if (shown && !wasShown && kind && !form.hidden && document.activeElement === document.body)
      field.focus();
    wasShown = shown;
  });
}
