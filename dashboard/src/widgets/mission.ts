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
import { button, enable, h, refill, setAttribute, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import { duration } from '../logic/format.js';
import type { Store } from '../store.js';
import { closeDialog, openDialog } from './dialog.js';
import { Bar, panel } from './widget.js';

type MissionType = 'transport' | 'inspection' | 'maintenance';

interface Goal {
  readonly type: MissionType;
  readonly station?: string;
  /** mm */
  readonly x: number;
  readonly payload?: number;
}

/** Why no mission can be started; empty: one can. */
export function whyNoStart(store: Store): string {
  if (!store.isLive) return t.notWhileNotLive;
  if (store.latch.latched) return t.stoppedFirst;
  const phase = store.mission?.phase;
  if (store.mission?.mission_id || (phase && phase !== 'none')) return t.missionRuns;
  const fresh = store.freshness('system.status');
  if (fresh === 'stale' || fresh === 'lost') return t.notWhileStale;
  if (store.status?.state === 'maintenance') return t.underMaintenance;
  return '';
}

/** Name the target and ask once more; starting is an act of its own. */
function confirmStart(store: Store, goal: Goal): void {
  const { type, station, x, payload } = goal;
  const close = openDialog(t.startMission, []);
  const start = button(
    t.start,
    () => {
      close();
      void store.order('start_mission', {
        mission_type: type,
        ...(station === undefined ? { target_position: { x, y: 0, z: 0 } } : { station }),
        ...(payload === undefined ? {} : { payload_kg: payload }),
      });
    },
    { class: 'primary' },
  );
  const reason = h('p', { class: 'reason' });
  const place = station ?? t.position;
  document.querySelector('#dialogs .dialog')!.append(
    h(
      'p',
      { class: 'question' },
      t.startQuestion(t.missionTypes[type], place, t.format.metres(x)),
    ),
    h('p', {}, payload === undefined ? t.noPayload : t.payload(t.format.number(payload, 1))),
    reason,
    h(
      'div',
      { class: 'buttons' },
      start,
      button(t.back, () => close()),
    ),
  );
  const off = store.watch(() => {
    if (!start.isConnected) return off?.();
    const why = whyNoStart(store);
    enable(start, why);
    setText(reason, why);
  });
  start.focus();
}

/** Any mission: type, station or position, payload. */
function chooseMission(store: Store): void {
  const stations = store.vehicle?.stations ?? [];
  const length = store.vehicle?.rail_length ?? undefined;
  const type = h('select', { id: 'mission-type' });
  for (const each of ['transport', 'inspection', 'maintenance'] as const) {
    type.append(h('option', { value: each }, t.missionTypes[each]));
  }
  const target = h('select', { id: 'mission-target' });
  for (const { name, x } of stations) {
    target.append(h('option', { value: name }, `${name} (${t.format.metres(x)})`));
  }
  target.append(h('option', { value: '' }, t.aPosition));
  const numeric = (id: string, most: number | undefined): HTMLInputElement =>
    h('input', { id, type: 'number', min: 0, max: most, step: 'any', inputmode: 'decimal' });
  const x = numeric('mission-x', length === undefined ? undefined : length / 1000);
  const payload = numeric('mission-payload', undefined);
  const line = (label: string, field: HTMLElement): HTMLElement =>
    h('div', { class: 'field' }, h('label', { for: field.id }, label), field);
  const position = line(t.positionInMetres, x);
  const sync = (): void => {
    show(position, target.value === '');
    x.required = target.value === '';
  };
  target.addEventListener('change', sync);
  sync();
  const form = h(
    'form',
    {
      onsubmit: (event: SubmitEvent) => {
        event.preventDefault();
        const station = stations.find(({ name }) => name === target.value);
        const mass = payload.valueAsNumber;
        confirmStart(store, {
          type: type.value as MissionType,
          ...(station ? { station: station.name } : {}),
          x: station?.x ?? x.valueAsNumber * 1000,
          ...(Number.isNaN(mass) ? {} : { payload: mass }),
        });
      },
    },
    line(t.missionType, type),
    line(t.target, target),
    position,
    line(t.payloadInKilograms, payload),
    h(
      'div',
      { class: 'buttons' },
      h('button', { type: 'submit', class: 'primary' }, t.next),
      button(t.back, () => closeDialog()),
    ),
  );
  openDialog(t.startMission, [form]);
}

/** The mission: what it does, how far it is, and what can be done with it. */
export function mountMission(element: HTMLElement, store: Store): () => void {
  const title = h('p', { class: 'mission-title' });
  const phase = h('span', { class: 'badge' });
  const bar = new Bar();
  const progress = h('p', { class: 'mission-progress' });
  const reason = h('p', { class: 'detail' });
  const ended = h('p', { class: 'detail' });
  const pause = button(t.pause, () => void store.order('pause_mission', named()));
  const resume = button(t.resume, () => void store.order('resume_mission', named()));
  const cancel = button(t.cancelMission, () => void store.order('cancel_mission', named()));
  const goals = h('span', { class: 'goals' });
  const other = button(t.otherTarget, () => chooseMission(store));
  const startLabel = h('span', { class: 'label' }, t.startTo);
  const start = h('div', { class: 'buttons start' }, startLabel, goals, other);
  const control = h('div', { class: 'buttons' }, pause, resume, cancel);
  const why = h('p', { class: 'reason' });
  const box = panel(t.mission, title, phase, bar.element, progress, reason, ended);
  box.append(control, start, why);
  element.replaceChildren(box);

  const named = (): { mission_id?: string } => {
    const id = store.mission?.mission_id;
    return id ? { mission_id: id } : {};
  };

  return store.watch(() => {
    const { mission, progress: last } = store;
    const id = mission?.mission_id ?? undefined;
    const known = store.isLive ? 'live' : mission ? 'stale' : 'never';
    setAttribute(box, 'data-fresh', known);
    const goal = mission?.target_position.x;
    const station = store.vehicle?.stations?.find(
      ({ x }) => goal != null && Math.abs(x - goal) < 1,
    );
    const place = station?.name ?? (goal == null ? t.unknownTarget : t.format.metres(goal));
    const type = mission?.mission_type ? t.missionTypes[mission.mission_type] : '';
    setText(title, id ? `${id}: ${type} → ${place}` : mission ? t.noMission : t.noDataYet);
    show(phase, id !== undefined);
    setText(phase, mission ? t.phases[mission.phase] : '');
    setAttribute(phase, 'data-mark', mission?.phase === 'held' ? 'attention' : undefined);
    const mine = id !== undefined && last?.data.mission_id === id ? last : undefined;
    show(bar.element, mine !== undefined);
    show(progress, mine !== undefined);
    if (mine) {
      const percent = mine.data.progress;
      const age = store.age('mission.progress') ?? 0;
      const { estimated_completion: end } = mine.data;
      const left = end === null ? NaN : Date.parse(end) - Date.parse(mine.timestamp) - age;
      bar.update((percent ?? 0) / 100, '0', '100 %');
      const done = percent === null ? '--' : `${t.format.number(percent, 0)} %`;
      const fresh = store.freshness('mission.progress');
      const isKnown = !Number.isNaN(left) && fresh !== 'lost';
      const rest = isKnown ? t.timeLeft(duration(left / 1000)) : t.timeUnknown;
      const old = fresh === 'live' || mission?.phase === 'paused' || mission?.phase === 'held';
      setText(progress, `${done}, ${rest}${old ? '' : `, ${t.ageOf(t.format.age(age))}`}`);
    }
    setText(reason, mission?.reason ?? '');
    show(ended, !!mission?.ended && !id);
    if (mission?.ended) {
      const { mission_id: name, status, reason: text } = mission.ended;
      setText(ended, `${t.lastMission} ${name}: ${t.missionEnds[status]}${text && `. ${text}`}`);
    }

    show(pause, store.mayOrder('pause_mission'));
    show(resume, store.mayOrder('resume_mission'));
    show(cancel, store.mayOrder('cancel_mission'));
    const mayStart = store.mayOrder('start_mission');
    show(start, mayStart);
    const dead = store.isLive ? '' : t.notWhileNotLive;
    const idle = id ? '' : t.noMission;
    const paused = mission?.phase === 'paused';
    show(control, id !== undefined);
    enable(pause, dead || idle || (paused ? t.isPaused : ''));
    enable(resume, dead || idle || (paused ? '' : t.isNotPaused));
    enable(cancel, dead || idle);
    const no = whyNoStart(store);
    show(start, mayStart && id === undefined);
    enable(other, no);
    const names = (store.vehicle?.stations ?? []).map(({ name }) => name);
    refill(goals, names.join('|'), () =>
      (store.vehicle?.stations ?? []).map(({ name, x }) =>
        button(name, () => confirmStart(store, { type: 'transport', station: name, x }), {
          class: 'goal',
        }),
      ),
    );
    for (const each of goals.children) enable(each as HTMLButtonElement, no);
    setText(why, mayStart && !id ? no : id && dead ? dead : '');
  });
}
