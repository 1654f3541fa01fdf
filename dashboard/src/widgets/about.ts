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
import { h, setText } from '../dom.js';
import { t } from '../i18n/index.js';
import type { Store } from '../store.js';
import { allowTones, tone } from '../tones.js';
import { panel } from './widget.js';

/** What the keys do. */
export function keysTable(): HTMLElement {
  return h(
    'table',
    { class: 'keys' },
    ...t.keys.map(([key, what]) =>
      h('tr', {}, h('th', { scope: 'row' }, h('kbd', {}, key)), h('td', {}, what)),
    ),
  );
}

/** What this is, what it is not, and the settings of this browser. */
export function mountAboutPage(element: HTMLElement, store: Store): () => void {
  const facts = h('dl', {});
  const rows = [t.vehicle, t.mode, t.server, t.protocol, t.sessionId, t.clockDifference] as const;
  const values = rows.map(() => h('dd', {}));
  facts.append(...rows.flatMap((name, i) => [h('dt', {}, name), values[i]!]));
  const check = (
    id: string,
    label: string,
    checked: boolean,
    changed: (value: boolean) => void,
  ): HTMLElement =>
    h(
      'div',
      { class: 'check' },
      h('input', {
        type: 'checkbox',
        id,
        checked,
        onchange: (event: Event) => changed((event.target as HTMLInputElement).checked),
      }),
      h('label', { for: id }, label),
    );
  element.replaceChildren(
    panel(
      t.about,
      facts,
      h('p', {}, h('a', { href: 'asyncapi.yaml' }, t.protocolDocument)),
      h('p', {}, h('a', { href: 'third-party.txt' }, t.thirdParty)),
    ),
    panel(
      t.settings,
      check('sound', t.enableSound, store.settings.sound, (on) => {
        if (on) allowTones();
        store.set('sound', on);
        if (on) setTimeout(() => tone(1), 200);
      }),
      check('keys', t.enableKeys, store.settings.keys, (on) => store.set('keys', on)),
    ),
    panel(t.aboutStop, ...t.stopNotes.map((text) => h('p', {}, text))),
    panel(t.keyboard, keysTable()),
  );
  return store.watch(() => {
    const established = store.session.client?.established;
    const difference = store.clockDifference;
    const texts = [
      store.vehicle?.name ?? '--',
      store.vehicle ? t.modes[store.vehicle.mode] : '--',
      established?.server_version ?? '--',
      established?.protocol_version ?? '--',
      established?.session_id ?? '--',
      difference === undefined ? '--' : `${t.format.number(difference / 1000, 1)} s`,
    ];
    texts.forEach((text, i) => setText(values[i]!, text));
  });
}
