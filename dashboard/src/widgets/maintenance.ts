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
import { button, enable, h, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import type { Store } from '../store.js';
import { openDialog } from './dialog.js';
import { panel } from './widget.js';

const isLocked = (store: Store): boolean => store.status?.state === 'maintenance';

/** Release one's own lock, or all of them: deliberately, as what is released may then move. */
function openRelease(store: Store): void {
  const seen = h('input', { type: 'checkbox', id: 'release-seen' });
  const others = h('input', { type: 'checkbox', id: 'release-others' });
  const reason = h('p', { class: 'reason', role: 'status' });
  const release = button(
    t.releaseLock,
    () => {
      const override = others.checked;
      void store.order('set_maintenance', { active: false, override }).then((reply) => {
        if (reply) close();
      });
    },
    { class: 'primary' },
  );
  const box = (field: HTMLInputElement, label: string): HTMLElement =>
    h('div', { class: 'check' }, field, h('label', { for: field.id }, label));
  let off = (): void => {};
  const close = openDialog(
    t.releaseLock,
    [
      h('p', {}, t.locksHelp),
      box(seen, t.nobodyAtWork),
      box(others, t.releaseOthers),
      reason,
      h('p', {}, t.releaseStartsNothing),
      h(
        'div',
        { class: 'buttons' },
        release,
        button(t.back, () => close()),
      ),
    ],
    () => off(),
  );
  off = store.watch(() => {
    const why = store.isLive ? (seen.checked ? '' : t.tickFirst) : t.notWhileNotLive;
    enable(release, why);
    setText(reason, why);
  });
  seen.addEventListener('change', () => store.changed());
}

/** The locks of those who are at work on the vehicle, and the way to set and release one's own. */
export function mountMaintenance(element: HTMLElement, store: Store): () => void {
  const state = h('p', {});
  const lock = button(t.lock, () => void store.order('set_maintenance', { active: true }));
  const release = button(`${t.releaseLock} ...`, () => openRelease(store));
  const buttons = h('div', { class: 'buttons' }, lock, release);
  const box = panel(t.maintenance, state, h('p', {}, t.locksHelp), buttons);
  element.replaceChildren(box);
  return store.watch(() => {
    const words = store.status ? (isLocked(store) ? t.locked : t.notLocked) : t.noDataYet;
    const fresh = store.freshness('system.status');
    setText(state, fresh === 'live' || fresh === 'never' ? words : `${words} (${t.lastKnown})`);
    const may = store.mayOrder('set_maintenance');
    // Others are shown that it is locked, and nothing else.
    show(box, may || isLocked(store));
    show(buttons, may);
    // Also what one holds already: the answer names who has a lock.
    enable(lock, store.isLive ? '' : t.notWhileNotLive);
    enable(release, store.isLive ? '' : t.notWhileNotLive);
  });
}
