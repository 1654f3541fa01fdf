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
import type { SystemAlarm } from 'oht50-client';

/** What a person is shown: 1 acts at once, 3 when there is time; 0 is for the log alone. */
export type Priority = 0 | 1 | 2 | 3;

export function priorityOf(severity: string): Priority {
  if (severity === 'P0' || severity === 'P1') return 1;
  return severity === 'P2' ? 2 : severity === 'P3' ? 3 : 0;
}

/** Longest time on the shelf, ms. */
export const SHELF_MOST = 8 * 3600_000;
/** More new alarms than this in `FLOOD_WINDOW` ms are a flood. */
export const FLOOD_MORE_THAN = 10;
export const FLOOD_WINDOW = 600_000;
/** A new alarm blinks for so long, ms. */
const BLINKS = 5000;
/** Between two tones in a flood, ms. */
const TONE_EACH = 60_000;

/** The code of the alarm that this page raises itself. */
export const NO_CONNECTION = 'NO_CONNECTION';

/** An alarm as it is shown. */
export interface Shown extends SystemAlarm {
  readonly priority: Priority;
  readonly state: 'new' | 'acknowledged' | 'gone';
  readonly blinks: boolean;
  /** The first of those that came within a few seconds. */
  readonly first: boolean;
  /** Raised by the page and not by the vehicle. */
  readonly local: boolean;
  /** All that this one stands for: those with the same code. */
  readonly ids: readonly string[];
}

/** An alarm that somebody put away for a while. */
export interface Shelved {
  readonly code: string;
  readonly source: string;
  readonly name: string;
  readonly until: number;
  readonly reason: string;
}

interface Known {
  readonly at: number;
  /** Whether it was there when this page first saw the list. */
  readonly before: boolean;
}

const keyOf = ({ code, source }: { code: string; source: string }): string => `${code}|${source}`;

/** Alarms within so long after the first are consequences of it, perhaps, ms. */
const GROUP = 10_000;

/** The books of the alarms, by ISA-18.2: which are new, shelved, first, and whether they flood. */
export class Alarms {
  #listed: readonly SystemAlarm[] = [];
  #more = 0;
  #known = new Map<string, Known>();
  #begun = false;
  #shelf: Shelved[] = [];
  #arrivals: { readonly at: number; readonly source: string }[] = [];
  #lastTone = -Infinity;
  #local: SystemAlarm | undefined;
  #reported: readonly SystemAlarm[] = [];

  /**
   * Take the list of the vehicle.
   *
   * @returns the alarms that are new to this page
   */
  list(alarms: readonly SystemAlarm[], more: number, now: number): SystemAlarm[] {
    const known = new Map<string, Known>();
    const fresh: SystemAlarm[] = [];
    for (const alarm of alarms) {
      const old = this.#known.get(alarm.alarm_id);
      known.set(alarm.alarm_id, old ?? { at: now, before: !this.#begun });
      if (old || !this.#begun) continue;
      if (priorityOf(alarm.severity) > 0 && !this.#isShelved(alarm, now)) fresh.push(alarm);
    }
    this.#listed = alarms;
    this.#more = more;
    for (const { alarm_id: id } of this.#reported) {
      const old = this.#known.get(id);
      if (old) known.set(id, old);
    }
    this.#known = known;
    this.#begun = true;
    for (const { source } of fresh) this.#arrivals.push({ at: now, source });
    return fresh;
  }

  /** Raise or end the alarm of this page: there is no connection. */
  setLocal(alarm: SystemAlarm | undefined, now: number): void {
    if (alarm && !this.#local) this.#known.set(alarm.alarm_id, { at: now, before: false });
    this.#local = alarm;
  }

  /** Take alarms that this page made of events, as the vehicle does not list them. */
  setReported(alarms: readonly SystemAlarm[], now: number): void {
    for (const { alarm_id: id } of alarms) {
      if (!this.#known.has(id)) this.#known.set(id, { at: now, before: false });
    }
    this.#reported = alarms;
  }

  /** Alarms that the vehicle has and did not list. */
  get more(): number {
    return this.#more;
  }

  /** Whether the vehicle ever listed its alarms. */
  get begun(): boolean {
    return this.#begun;
  }

  /** The alarms in the order in which they are to be dealt with; of the same kind one stands for all. */
  shown(now: number): Shown[] {
    const standing = [...this.#listed, ...this.#reported].filter(
      (alarm) => priorityOf(alarm.severity) > 0 && !this.#isShelved(alarm, now),
    );
    const groups = new Map<string, SystemAlarm[]>();
    for (const alarm of this.#local ? [this.#local, ...standing] : standing) {
      // Priority 1 is never grouped away.
      const own = priorityOf(alarm.severity) === 1 ? alarm.alarm_id : '';
      const state = stateOf(alarm);
      const key = `${alarm.code}|${own}|${state}`;
      groups.set(key, [...(groups.get(key) ?? []), alarm]);
    }
    const firsts = this.#firsts(standing);
    return [...groups.values()]
      .map((group) => {
        const alarm = group.reduce((one, other) => (other.since > one.since ? other : one));
        const known = this.#known.get(alarm.alarm_id);
        const state = stateOf(alarm);
        return {
          ...alarm,
          priority: priorityOf(alarm.severity),
          state,
          blinks: state === 'new' && !!known && !known.before && now - known.at < BLINKS,
          first: firsts.has(alarm.alarm_id),
          local: alarm === this.#local,
          ids: group.map(({ alarm_id }) => alarm_id),
        };
      })
      .sort((a, b) => a.priority - b.priority || rank(a) - rank(b) || compare(b.since, a.since));
  }

  /** Put an alarm away; false: it may not be. */
  shelve(alarm: SystemAlarm, duration: number, reason: string, now: number): boolean {
    if (priorityOf(alarm.severity) === 1 || reason.trim() === '') return false;
    const { code, source, name } = alarm;
    const until = now + Math.min(duration, SHELF_MOST);
    this.#shelf = this.#shelf.filter((each) => keyOf(each) !== keyOf(alarm));
    this.#shelf.push({ code, source, name, until, reason: reason.trim() });
    return true;
  }

  /** Take an alarm from the shelf. */
  unshelve(shelved: Shelved): void {
    this.#shelf = this.#shelf.filter((each) => each !== shelved);
  }

  /** What is on the shelf; what was there long enough has left it. */
  shelf(now: number): readonly Shelved[] {
    if (this.#shelf.some(({ until }) => until <= now)) {
      this.#shelf = this.#shelf.filter(({ until }) => until > now);
    }
    return this.#shelf;
  }

  /** Rate of new alarms in ten minutes, and by source, if they flood. */
  flood(now: number): { count: number; sources: [string, number][] } | undefined {
    this.#arrivals = this.#arrivals.filter(({ at }) => now - at < FLOOD_WINDOW);
    if (this.#arrivals.length <= FLOOD_MORE_THAN) return undefined;
    const sources = new Map<string, number>();
    for (const { source } of this.#arrivals) sources.set(source, (sources.get(source) ?? 0) + 1);
    return {
      count: this.#arrivals.length,
      sources: [...sources].sort((a, b) => b[1] - a[1]),
    };
  }

  /** Whether a tone may sound now for new alarms; in a flood one a minute. */
  mayTone(now: number): boolean {
    if (this.flood(now) && now - this.#lastTone < TONE_EACH) return false;
    this.#lastTone = now;
    return true;
  }

  #isShelved(alarm: SystemAlarm, now: number): boolean {
    return (
      priorityOf(alarm.severity) !== 1 &&
      this.shelf(now).some((each) => keyOf(each) === keyOf(alarm))
    );
  }

  /** The first of each group of alarms that stand. */
  #firsts(alarms: readonly SystemAlarm[]): Set<string> {
    const firsts = new Set<string>();
    const sorted = alarms
      .filter(({ gone }) => gone === null)
      .map((alarm) => ({ id: alarm.alarm_id, at: Date.parse(alarm.since) }))
      .sort((a, b) => a.at - b.at);
    for (let i = 0; i < sorted.length;) {
      let end = i + 1;
      while (end < sorted.length && sorted[end]!.at - sorted[i]!.at <= GROUP) end++;
      if (end - i > 1) firsts.add(sorted[i]!.id);
      i = end;
    }
    return firsts;
  }
}

function stateOf(alarm: SystemAlarm): Shown['state'] {
  if (alarm.gone !== null) return 'gone';
  return alarm.acknowledged_by === null ? 'new' : 'acknowledged';
}

const rank = ({ state }: Shown): number => (state === 'gone' ? 1 : 0);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
