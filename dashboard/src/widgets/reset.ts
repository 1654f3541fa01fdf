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
import { button, enable, h, refill, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import type { Store } from '../store.js';
import { openDialog } from './dialog.js';
import { panel } from './widget.js';

/** A vehicle that is not faster stands, m/s. */
const STANDSTILL = 0.002;

/** Why the stop cannot be reset now; empty: it can. */
export function whyNoReset(store: Store): string {
  if (!store.isLive) return t.notWhileNotLive;
  if (!store.latch.latched) return t.notStopped;
  const fresh = store.freshness('telemetry.realtime');
  if (fresh !== 'live') return t.notWhileStale;
  // One that is not known forbids nothing: the reset is what references a lost position again, and
  // until then there is no speed. The dialog asks a person instead.
  const speed = store.telemetry?.velocity.linear;
  if (speed != null && Math.abs(speed) > STANDSTILL) return t.notWhileMoving;
  if (store.safety && store.safety.reset_hindrances.length > 0) return t.causeStands;
  return '';
}

function openReset(store: Store): void {
  const causes = h('ul', {});
  const hindrances = h('ul', { class: 'hindrances' });
  const speed = h('p', {});
  const reason = h('p', { class: 'reason', role: 'status' });
  const seen = h('input', { type: 'checkbox', id: 'reset-seen' });
  const statement = h('label', { for: 'reset-seen' });
  const reset = button(
    t.resetStop,
    () => {
      const estopId = store.safety?.stops.at(-1)?.estop_id ?? store.latch.estopId;
      void store
        .order('clear_estop', {
          next_action: 'manual_control',
          ...(estopId === undefined ? {} : { estop_id: estopId }),
        })
        .then((reply) => {
          if (!reply) return;
          close();
          store.say(t.resetDone);
        });
    },
    { class: 'primary' },
  );
  let known = new Set<string>();
  let isSpeedKnown = true;
  let off = (): void => {};
  const close = openDialog(
    t.resetStop,
    [
      h('h3', {}, t.causes),
      causes,
      hindrances,
      speed,
      h('div', { class: 'check' }, seen, statement),
      reason,
      h('p', {}, t.resetStartsNothing),
      h(
        'div',
        { class: 'buttons' },
        reset,
        button(t.back, () => close()),
      ),
    ],
    () => off(),
  );
  off = store.watch(() => {
    const stops = store.safety?.stops ?? [];
    const ids = new Set(stops.map((stop) => stop.estop_id));
    if ([...ids].some((id) => !known.has(id))) {
      seen.checked = false; // who ticked it had not heard of this stop
    }
    known = ids;
    refill(causes, JSON.stringify(stops), () =>
      stops.map(({ trigger_type: trigger, reason: why, source, time }) =>
        h('li', {}, `${t.stoppedBy(trigger, t.format.time(time))}: ${why} (${source})`),
      ),
    );
    const obstacles = store.safety?.reset_hindrances ?? [];
    refill(hindrances, obstacles.join('|'), () => obstacles.map((each) => h('li', {}, each)));
    const value = store.telemetry?.velocity.linear;
    const age = store.age('telemetry.realtime');
    if (value == null && isSpeedKnown) {
      seen.checked = false; // who ticked it said nothing of the speed
    }
    isSpeedKnown = value != null;
    setText(statement, isSpeedKnown ? t.nobodyInTheWay : t.standsAndNobody);
    const text = value == null ? '' : `${t.format.number(Math.abs(value), 2)} m/s`;
    const aged = `${t.speed}: ${text}, ${t.ageOf(t.format.age(age ?? 0))}`;
    setText(speed, isSpeedKnown ? aged : t.speedNotKnown);
    const why = whyNoReset(store) || (seen.checked ? '' : t.tickFirst);
    enable(reset, why);
    setText(reason, why);
  });
  seen.addEventListener('change', () => store.changed());
}

/** The latch of the vehicle, and the way to its reset for those who may. */
export function mountReset(element: HTMLElement, store: Store): () => void {
  const state = h('p', {});
  const stops = h('ul', {});
  const motion = h('ul', {});
  const open = button(`${t.resetStop} ...`, () => openReset(store));
  const reason = h('p', { class: 'reason' });
  element.replaceChildren(panel(t.safety, state, stops, motion, open, reason));
  return store.watch(() => {
    const { latch, safety } = store;
    const words = latch.latched
      ? t.stoppedBy(latch.trigger, t.format.time(latch.time))
      : safety
        ? t.notStopped
        : t.noDataYet;
    setText(state, store.isLive ? words : `${words} (${t.lastKnown})`);
    const list = safety?.stops ?? [];
    const more = safety?.more_stops ?? 0;
    refill(stops, JSON.stringify([list, more]), () => [
      ...list.map(({ reason: why, source, time }) =>
        h('li', { title: t.format.utc(time) }, `${t.format.time(time)} ${why} (${source})`),
      ),
      ...(more > 0 ? [h('li', {}, t.moreStops(more))] : []),
    ]);
    const forbids = [
      [t.forward, safety?.forward_hindrance],
      [t.backward, safety?.backward_hindrance],
      [t.motor, safety?.motor_hindrance],
    ].filter((each): each is [string, string] => !!each[1]);
    refill(motion, forbids.join('|'), () =>
      forbids.map(([what, why]) => h('li', {}, `${what}: ${why}`)),
    );
    const may = store.mayOrder('clear_estop');
    const why = store.isLive ? (latch.latched ? '' : t.notStopped) : t.notWhileNotLive;
    show(open, may && latch.latched);
    enable(open, why);
    show(reason, latch.latched && !may && store.role !== '');
    setText(reason, t.adminResets);
  });
}
