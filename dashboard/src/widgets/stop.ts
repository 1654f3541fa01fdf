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
import { h, s, setAttribute, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import type { Store } from '../store.js';

/** A click of the same gesture as a press of a pointer comes so soon after it or its end, ms. */
const SAME_GESTURE = 1000;

/** Whether a press reaches the vehicle; a bridge that answers is not yet a vehicle that does. */
function reach(store: Store, roundTrip: number | undefined): string {
  if (store.link.name === 'silent') return t.reachesBridge;
  return roundTrip === undefined ? t.reachesUnknown : t.reaches(Math.round(roundTrip));
}

/**
 * The stop: a software stop, not an emergency-stop device. It shows what the vehicle reported, and
 * whether it reaches the vehicle; it is never covered and never becomes anything else.
 */
export function mountStop(element: HTMLElement, store: Store): () => void {
  const word = h('span', { class: 'stop-word' }, t.stop);
  const state = h('span', { class: 'stop-state' });
  const octagon = s('polygon', { points: '7,1 17,1 23,7 23,17 17,23 7,23 1,17 1,7' });
  const glyph = s('svg', { viewBox: '0 0 24 24', class: 'stop-glyph', 'aria-hidden': 'true' });
  glyph.append(octagon);
  const note = h('p', { class: 'stop-note', id: 'stop-note' }, t.softwareStop);
  const outcome = h('p', { class: 'stop-outcome' });
  const control = h(
    'button',
    {
      type: 'button',
      class: 'stop-button',
      'aria-keyshortcuts': 'F8',
      'aria-describedby': 'stop-note',
    },
    h('span', { class: 'stop-line' }, glyph, word, h('kbd', {}, 'F8')),
    state,
  );
  const absent = h('p', { class: 'stop-absent' });
  element.replaceChildren(control, note, outcome, absent);

  let pointed = -Infinity;
  const down = new Set<number>();
  const mayStop = (): boolean => !control.hidden;
  const press = (): void => {
    if (mayStop()) store.stop();
  };
  control.addEventListener('pointerdown', (event) => {
    // Also of a finger that is not the first on the glass: a hand may rest beside it.
    if (event.button !== 0) return;
    press();
    pointed = performance.now();
    down.add(event.pointerId);
  });
  // While another finger scrolls, a browser reports no pointers, but it does report touches.
  control.addEventListener(
    'touchstart',
    () => {
      if (performance.now() - pointed <= SAME_GESTURE) return;
      press();
      pointed = performance.now();
    },
    { passive: true },
  );
  const lifted = (event: PointerEvent): void => {
    if (down.delete(event.pointerId)) pointed = performance.now();
  };
  control.addEventListener('pointerup', lifted);
  control.addEventListener('pointercancel', lifted);
  // What follows a press of a pointer is the same press; alone it comes of assistive technology.
  control.addEventListener('click', () => {
    if (performance.now() - pointed > SAME_GESTURE) press();
  });
  control.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    if (!event.repeat) press();
  });
  control.addEventListener('keyup', (event) => {
    if (event.key === ' ') event.preventDefault();
  });
  const anywhere = (event: KeyboardEvent): void => {
    if (event.key !== 'F8') return;
    event.preventDefault();
    if (!event.repeat) press();
  };
  addEventListener('keydown', anywhere, { capture: true });

  const update = (): void => {
    const now = performance.now();
    const signedIn = store.session.client !== undefined;
    const display = store.presses.display({
      // Who was never let in sees the control without a connection, and not one for another role.
      allowed: store.mayOrder('emergency_stop') || store.role === '',
      live: store.isLive,
      latched: store.latch.latched,
      roundTrip: store.roundTrip,
      now,
    });
    show(control, display.name !== 'absent');
    show(note, display.name !== 'absent');
    show(absent, display.name === 'absent');
    setText(absent, store.isReplay ? t.stopReplay : t.stopAbsent);
    setAttribute(element, 'data-state', display.name);
    switch (display.name) {
      case 'ready':
        setText(state, reach(store, display.roundTrip));
        break;
      case 'sending':
        setText(state, t.sentWaiting(t.format.time(display.date)));
        break;
      case 'unconfirmed':
        setText(state, t.notConfirmed);
        break;
      case 'stopped':
        setText(state, t.stoppedBy(store.latch.trigger, t.format.time(store.latch.time)));
        break;
      case 'offline':
        setText(state, signedIn ? t.stopOffline : t.stopSignedOut);
        break;
      case 'absent':
    }
    const last = store.presses.outcome(now);
    const failed = last && !last.confirmed && !store.presses.isPending;
    const held = display.name === 'offline' && display.confirmed;
    show(outcome, !!failed || held);
    setAttribute(outcome, 'data-confirmed', held ? '' : undefined);
    if (held) {
      setText(outcome, `${t.stopConfirmed}: ${t.format.time(store.latch.time)}`);
    } else if (failed) {
      const text = last.sent ? t.stopUnconfirmed : t.stopNotSent;
      setText(outcome, last.message ? `${text}: ${last.message}` : text);
    }
  };
  const off = store.watch(update);
  return () => {
    off();
    removeEventListener('keydown', anywhere, { capture: true });
  };
}
