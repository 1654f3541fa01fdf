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
import { h, setAttribute, setText } from '../dom.js';
import { t } from '../i18n/index.js';
import type { Store } from '../store.js';

/** State of the vehicle: a symbol, a word, and whether it is abnormal. */
export function vehicleState(store: Store): [string, string, string] {
  const { status } = store;
  if (store.latch.latched) return ['■', t.states.stopped, 'abnormal'];
  if (!status) return ['?', t.noDataYet, 'unknown'];
  if (status.state === 'error' || status.status === 'fault')
    return ['▲', t.states.fault, 'abnormal'];
  if (status.state === 'maintenance') return ['◆', t.states.maintenance, 'attention'];
  if (status.status === 'moving') return ['▶', t.states.moving, 'plain'];
  if (status.status === 'docking') return ['⇥', t.states.docking, 'plain'];
  return status.state === 'ready' ? ['○', t.states.ready, 'plain'] : ['◐', t.states.busy, 'plain'];
}

/** The state in one word; while it is not known to be so now, what it was. */
export function mountState(element: HTMLElement, store: Store): () => void {
  const symbol = h('span', { 'aria-hidden': 'true', class: 'symbol' });
  const word = h('span', {});
  element.replaceChildren(symbol, word);
  return store.watch(() => {
    const [sign, name, mark] = vehicleState(store);
    const fresh = store.freshness('system.status');
    const known = fresh === 'live' || fresh === 'delayed' || fresh === 'never';
    setText(symbol, sign);
    // That it is stopped may have come later than the last status, and on another connection.
    const age = store.age(store.latch.latched ? 'latch' : 'system.status') ?? 0;
    setText(word, known ? name : t.was(name, t.format.age(age)));
    setAttribute(element, 'data-mark', mark);
    setAttribute(element, 'data-fresh', fresh);
  });
}
