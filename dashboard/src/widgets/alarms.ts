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
import { button, h, refill, setAttribute, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import type { Shown } from '../logic/alarms.js';
import { priorityOf } from '../logic/alarms.js';
import { isReported } from '../logic/reported.js';
import type { Store } from '../store.js';
import { closeDialog, openDialog } from './dialog.js';
import { mountMaintenance } from './maintenance.js';
import { mountReset } from './reset.js';
import { panel } from './widget.js';
import type { Mount } from './widget.js';

const HOUR = 3600_000;

/** Say why, and for how long, an alarm is put away in this browser. */
function shelve(store: Store, alarm: Shown): void {
  const reason = h('input', { id: 'shelf-reason', required: true, maxlength: 200 });
  const hours = h('select', { id: 'shelf-hours' });
  for (const each of [0.25, 1, 2, 4, 8]) {
    hours.append(h('option', { value: each }, t.hours(t.format.number(each, each < 1 ? 2 : 0))));
  }
  const form = h(
    'form',
    {
      onsubmit: (event: SubmitEvent) => {
        event.preventDefault();
        const long = Number(hours.value) * HOUR;
        if (!store.alarms.shelve(alarm, long, reason.value, performance.now())) return;
        store.note('alarm', `${t.shelved}: ${t.alarmName(alarm)}: ${reason.value}`);
        closeDialog();
      },
    },
    h('p', {}, t.shelfHelp),
    h('div', { class: 'field' }, h('label', { for: 'shelf-reason' }, t.reason), reason),
    h('div', { class: 'field' }, h('label', { for: 'shelf-hours' }, t.duration), hours),
    h(
      'div',
      { class: 'buttons' },
      h('button', { type: 'submit', class: 'primary' }, t.shelve),
      button(t.back, () => closeDialog()),
    ),
  );
  openDialog(`${t.shelve}: ${t.alarmName(alarm)}`, [form]);
}

function acknowledge(store: Store, alarm: Shown): void {
  for (const id of alarm.ids) {
    if (!isReported(id)) void store.order('acknowledge_alarm', { alarm_id: id });
    // The vehicle does not know it.
    store.reported.dismiss(id);
  }
  store.tick();
}

/** Acknowledge the first alarm that nobody has acknowledged. */
export function acknowledgeFirst(store: Store): void {
  const alarm = store.alarms
    .shown(performance.now())
    .find(({ state, local }) => state !== 'acknowledged' && !local);
  if (alarm && store.isLive && store.mayOrder('acknowledge_alarm')) acknowledge(store, alarm);
}

function row(store: Store, alarm: Shown, isFull: boolean): HTMLElement {
  const { priority, state, first, local, ids } = alarm;
  const sign = h(
    'span',
    { class: `priority p${priority}`, role: 'img', 'aria-label': t.priority(priority) },
    String(priority),
  );
  const name = h('span', { class: 'alarm-name' }, t.alarmName(alarm));
  const text = h('span', { class: 'alarm-text' }, name);
  if (alarm.description) text.append(' ', h('span', { class: 'detail' }, alarm.description));
  if (isReported(alarm.alarm_id)) text.append(' ', h('span', { class: 'tag' }, t.unlisted));
  if (first) text.append(' ', h('span', { class: 'tag' }, t.first));
  const count = ids.length > 1 ? ids.length : alarm.count;
  if (count > 1) text.append(' ', h('span', { class: 'tag' }, `×${count}`));
  if (isFull) {
    const advice = t.advice[alarm.code];
    if (advice) text.append(h('p', { class: 'advice' }, advice));
  }
  const time = h('time', { title: t.format.utc(alarm.since) }, t.format.time(alarm.since));
  const words =
    state === 'gone'
      ? t.gone(t.format.time(alarm.gone ?? undefined))
      : state === 'acknowledged'
        ? t.acknowledgedBy(alarm.acknowledged_by ?? '')
        : t.unacknowledged;
  const actions = h('span', { class: 'buttons' });
  if (!local) {
    const dead = !store.isLive;
    if (state !== 'acknowledged' && store.mayOrder('acknowledge_alarm')) {
      const label = `${t.acknowledge}: ${t.alarmName(alarm)}`;
      const properties = { 'aria-label': label, disabled: dead, class: 'small' };
      actions.append(button(t.acknowledge, () => acknowledge(store, alarm), properties));
    }
    if (isFull && priority !== 1 && store.mayOrder('acknowledge_alarm')) {
      const properties = { 'aria-label': `${t.shelve}: ${t.alarmName(alarm)}`, class: 'small' };
      actions.append(button(t.shelve, () => shelve(store, alarm), properties));
    }
  }
  return h(
    'li',
    { class: 'alarm', 'data-state': state, 'data-blinks': alarm.blinks ? 'yes' : undefined },
    sign,
    text,
    h('span', { class: 'alarm-state' }, time, ' ', words),
    actions,
  );
}

/** The alarms that stand, by priority; on the overview as many as have room. */
function mountList(element: HTMLElement, store: Store, isFull: boolean): () => void {
  const list = h('ul', { class: 'alarms' });
  const none = h('p', {});
  const more = h('p', {});
  const old = h('p', { class: 'note' });
  const box = panel(t.alarms, none, list, more, old);
  element.replaceChildren(box);
  const most = isFull ? 64 : 6;
  return store.watch(() => {
    const now = performance.now();
    const alarms = store.alarms.shown(now);
    const key = JSON.stringify([
      alarms.slice(0, most),
      store.isLive,
      store.mayOrder('acknowledge_alarm'),
    ]);
    // What somebody is about to press is not taken away under the finger.
    refill(list, key, () => alarms.slice(0, most).map((alarm) => row(store, alarm, isFull)));
    show(none, alarms.length === 0);
    setText(none, store.alarms.begun ? t.noAlarms : t.noDataYet);
    const others = Math.max(0, alarms.length - most) + store.alarms.more;
    const shelved = store.alarms.shelf(now).length;
    const texts = [
      others > 0 ? t.moreAlarms(others) : '',
      shelved > 0 && !isFull ? t.shelvedCount(shelved) : '',
    ].filter((text) => text !== '');
    show(more, texts.length > 0);
    setText(more, texts.join('. '));
    show(old, !store.isLive && store.alarmsTime !== undefined);
    setText(old, t.asOf(t.format.time(store.alarmsTime)));
    setAttribute(box, 'data-fresh', store.isLive ? 'live' : 'stale');
  });
}

/** The alarms of the overview. */
export function mountAlarms(element: HTMLElement, store: Store): () => void {
  return mountList(element, store, false);
}

function mountShelf(element: HTMLElement, store: Store): () => void {
  const list = h('ul', { class: 'alarms' });
  const box = panel(t.shelf, h('p', {}, t.shelfHelp), list);
  element.replaceChildren(box);
  return store.watch(() => {
    const now = performance.now();
    const shelf = store.alarms.shelf(now);
    show(box, shelf.length > 0);
    const key = shelf.map(({ code, until }) => code + until).join();
    refill(list, `${key}${Math.floor(now / 60_000)}`, () =>
      shelf.map((each) =>
        h(
          'li',
          { class: 'alarm' },
          h('span', { class: 'alarm-text' }, `${t.alarmName(each)}: ${each.reason}`),
          h('span', { class: 'alarm-state' }, t.comesBackIn(t.format.age(each.until - now))),
          button(t.unshelve, () => {
            store.alarms.unshelve(each);
            store.changed();
          }),
        ),
      ),
    );
  });
}

/** The level of alarms: the list, the shelf, the reset of a latched stop, and the locks. */
export function mountAlarmsPage(element: HTMLElement, store: Store): () => void {
  const parts: readonly Mount[] = [
    (place) => mountList(place, store, true),
    mountReset,
    mountMaintenance,
    mountShelf,
  ];
  const places = parts.map((mount) => [h('div'), mount] as const);
  element.replaceChildren(...places.map(([place]) => place));
  const offs = places.map(([place, mount]) => mount(place, store));
  return () => {
    for (const off of offs) off();
  };
}

/** The title and the icon of the tab say what is abnormal, also while it is hidden. */
export function mountTitle(store: Store): () => void {
  return store.watch(() => {
    const alarms = store.alarms
      .shown(performance.now())
      .filter(({ severity, state }) => priorityOf(severity) > 0 && state === 'new');
    const name = store.vehicle?.name ?? 'OHT-50';
    const { link } = store;
    const word = store.latch.latched ? t.states.stopped : link.name === 'live' ? '' : '✕';
    const count = alarms.length > 0 ? `(${alarms.length})` : '';
    const title = [count, word, `${name} OHT-50`].filter((part) => part !== '').join(' ');
    if (document.title !== title) document.title = title;
    const worst = Math.min(4, ...alarms.map(({ priority }) => priority));
    const color =
      store.latch.latched || worst === 1
        ? '%23c00'
        : link.name !== 'live'
          ? '%23777'
          : worst === 2
            ? '%23c80'
            : '%23456';
    const icon = document.querySelector('link[rel=icon]')!;
    const shape =
      worst === 1 || store.latch.latched
        ? `<path d='M0 0h32v32H0z' fill='${color}'/>`
        : `<circle cx='16' cy='16' r='16' fill='${color}'/>`;
    const line =
      "<path d='M4 11h24M16 11v8M10 19h12v6H10z' stroke='white' stroke-width='3' fill='none'/>";
    const image = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>${shape}${line}</svg>`;
    setAttribute(icon, 'href', `data:image/svg+xml,${image}`);
  });
}
