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
import type { AnyEvent, SystemAlarm } from 'oht50-client';

/** For so long an alarm of an event waits for the list of the vehicle, ms. */
export const GRACE = 2000;
/** A list so much younger than an event that does not have its alarm knows better, ms. */
const OVERRULED = 3000;
/** Begins the names of alarms that the page made of an event. */
const PREFIX = 'event:';

/** Whether an alarm was made of an event by this page. */
export const isReported = (id: string): boolean => id.startsWith(PREFIX);

interface Entry {
  readonly alarm: SystemAlarm;
  /** When it came, on the steady clock, ms. */
  readonly at: number;
  announced: boolean;
}

type Facts = Pick<SystemAlarm, 'code' | 'name' | 'severity' | 'description' | 'source'> & {
  /** It is over at once. */
  readonly over?: boolean;
};

const BOARD = { name: 'Board', severity: 'P1' } as const;

/** What an event says that needs a person; undefined: it does not. */
function factsOf(event: AnyEvent): Facts | undefined {
  switch (event.type) {
    case 'safety.estop': {
      const { trigger_type: source, estop_id: description } = event.data;
      return { code: 'ESTOP', name: 'Emergency stop', severity: 'P0', description, source };
    }
    case 'safety.zone_entered': {
      const { zone_id: source, action } = event.data;
      if (action !== 'stop') return undefined;
      return { code: 'ZONE_STOP', name: 'Stop zone', severity: 'P2', description: '', source };
    }
    case 'mission.completed': {
      const { mission_id: source, status } = event.data;
      if (status !== 'failed') return undefined;
      const facts = { code: 'MISSION_FAILED', name: 'Mission failed', severity: 'P2' } as const;
      return { ...facts, description: '', source, over: true };
    }
    case 'module.status_change': {
      const { module_id: source, new_status: status, error_description: text } = event.data;
      if (status === 'online') return undefined;
      const code = status === 'offline' ? 'NET-002' : 'INT-002';
      return { ...BOARD, code, description: text, source };
    }
    case 'system.error': {
      const { error_code: code, error_name: name, severity, description } = event.data;
      if (severity === 'P4') return undefined;
      return { code, name, severity, description, source: event.data.affected_services.join() };
    }
    default:
      return undefined;
  }
}

/**
 * Alarms of events, for as long as the vehicle does not list them: the node that makes the list may
 * be away when it is needed most.
 */
export class Reported {
  #entries: Entry[] = [];
  #listed: readonly SystemAlarm[] = [];
  #listTime = -Infinity;
  #count = 0;

  /**
   * Take an event.
   *
   * @param now on the steady clock, ms
   */
  take(event: AnyEvent, now: number): void {
    const { timestamp } = event;
    if (event.type === 'safety.clear') this.#end((alarm) => alarm.code === 'ESTOP', timestamp);
    if (event.type === 'module.status_change' && event.data.new_status === 'online')
      this.#end(({ source }) => source === event.data.module_id, timestamp);
    const facts = factsOf(event);
    // What the list has seen, it has, or somebody has acknowledged it.
    if (facts === undefined || Date.parse(timestamp) <= this.#listTime) return;
    const { over = false, ...rest } = facts;
    const alarm = {
      ...rest,
      alarm_id: `${PREFIX}${++this.#count}`,
      since: timestamp,
      gone: over ? timestamp : null,
      count: 1,
      acknowledged_by: null,
      acknowledged_at: null,
    };
    if (this.#isListed(alarm)) return;
    this.#entries = this.#entries.filter(
      ({ alarm: { code, source } }) => code !== alarm.code || source !== alarm.source,
    );
    this.#entries.push({ alarm, at: now, announced: false });
  }

  /** The vehicle lists its alarms: those of the events that it names, or has overruled, end. */
  list(alarms: readonly SystemAlarm[], timestamp: string): void {
    this.#listed = alarms;
    this.#listTime = Date.parse(timestamp);
    this.#entries = this.#entries.filter(
      ({ alarm }) =>
        !this.#isListed(alarm) && Date.parse(alarm.since) + OVERRULED > this.#listTime,
    );
  }

  /** Those for which the list was waited for in vain. */
  standing(now: number): readonly SystemAlarm[] {
    return this.#entries.filter(({ at }) => now - at >= GRACE).map(({ alarm }) => alarm);
  }

  /** Those that stand since the last time; each once. */
  fresh(now: number): readonly SystemAlarm[] {
    const found = this.#entries.filter(({ at, announced }) => !announced && now - at >= GRACE);
    for (const each of found) each.announced = true;
    return found.map(({ alarm }) => alarm);
  }

  /** A person has seen it; it is of this page alone. */
  dismiss(id: string): void {
    this.#entries = this.#entries.filter(({ alarm }) => alarm.alarm_id !== id);
  }

  #isListed({ code, source, since }: SystemAlarm): boolean {
    return this.#listed.some(
      (each) =>
        (each.code === code || each.source === source) &&
        (each.gone === null || Date.parse(each.gone) + OVERRULED > Date.parse(since)),
    );
  }

  #end(ends: (alarm: SystemAlarm) => boolean, timestamp: string): void {
    this.#entries = this.#entries.map((entry) =>
      ends(entry.alarm) && entry.alarm.gone === null
        ? { ...entry, alarm: { ...entry.alarm, gone: timestamp } }
        : entry,
    );
  }
}
