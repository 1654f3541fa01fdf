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
import type {
  AnyEvent,
  MissionProgress,
  MissionStateData,
  SafetyStateData,
  SystemAlarm,
  SystemStatusData,
  TelemetryRealtimeData,
  TelemetryStatusData,
} from 'oht50-client';

import { t } from './i18n/index.js';
import { lineOf } from './lines.js';
import { Alarms } from './logic/alarms.js';
import { Arrivals } from './logic/freshness.js';
import { Logbook } from './logic/logbook.js';
import { Reported } from './logic/reported.js';
import { Span, Tail, zonesOf } from './logic/rail.js';
import type { Zone } from './logic/rail.js';
import { LatchBook, StopPresses } from './logic/stop.js';
import type { Latch } from './logic/stop.js';
import { Trend } from './logic/trends.js';
import { readSettings } from './settings.js';
import { tone } from './tones.js';
import type { Module, Vehicle } from './types.js';

export const TRENDS = ['speed', 'acceleration', 'battery', 'temperature'] as const;
export type TrendName = (typeof TRENDS)[number];

/** What was older when it came is no sample of that moment, ms. */
const SAMPLED = 1000;

/** All that the vehicle reported, and when. */
export abstract class Facts {
  readonly settings = readSettings();
  readonly arrivals = new Arrivals();
  readonly alarms = new Alarms();
  readonly reported = new Reported();
  readonly log = new Logbook();
  readonly presses = new StopPresses();
  readonly span = new Span();
  readonly tail = new Tail();
  readonly trends: Readonly<Record<TrendName, Trend>> = {
    speed: new Trend(),
    acceleration: new Trend(),
    battery: new Trend(),
    temperature: new Trend(),
  };
  telemetry: TelemetryRealtimeData | undefined;
  /** The last telemetry by the vehicle's clock. */
  telemetryTime: string | undefined;
  status: SystemStatusData | undefined;
  stream: TelemetryStatusData | undefined;
  progress: MissionProgress | undefined;
  mission: MissionStateData | undefined;
  safety: SafetyStateData | undefined;
  alarmsTime: string | undefined;
  vehicle: Vehicle | undefined;
  config: Record<string, unknown> | undefined;
  configVersion = '';
  configNote = '';
  readonly versions = new Set<string>();
  modules: readonly Module[] | undefined;
  /** When they were reported: by the steady clock, and by that of the vehicle, ms. */
  modulesReported = { at: 0, time: 0 };
  readonly #latchBook = new LatchBook();

  /** Draw in the next frame. */
  abstract changed(): void;

  /** Have a text read out that is shown elsewhere. */
  abstract announce(text: string, urgent?: boolean): void;

  /** Ask for the configuration. */
  abstract readConfig(): Promise<void>;

  /** Whether the vehicle is stopped, by its last word. */
  get latch(): Latch {
    return this.#latchBook.latch;
  }

  get zones(): Zone[] {
    return zonesOf(this.config);
  }

  /** Add a line of the page's own to the log. */
  note(type: string, text: string, severity: 'alarm' | 'warning' | 'info' = 'info'): void {
    const time = new Date().toISOString();
    this.log.add({ time, type: `page.${type}`, severity, text, source: undefined });
    this.changed();
  }

  /**
   * Take an event.
   *
   * @param old how old it was when it was sent, ms
   */
  protected take(event: AnyEvent, old = 0): void {
    const [now, wall] = [performance.now(), Date.now()];
    const time = Date.parse(event.timestamp);
    switch (event.type) {
      case 'telemetry.realtime':
        this.arrivals.note(event.type, time, now, wall, old);
        this.telemetry = event.data;
        this.telemetryTime = event.timestamp;
        this.#latchBook.heard(event.type, event.timestamp);
        // What is not of now has no place in the curves of now.
        if (old < SAMPLED) this.#sample(event.data, now);
        break;
      case 'system.status':
        this.arrivals.note(event.type, time, now, wall, old);
        this.status = event.data;
        this.#latchBook.heard(event.type, event.timestamp);
        this.#status(event.timestamp, event.data.status === 'estop', old);
        break;
      case 'telemetry.status':
        this.arrivals.note(event.type, time, now, wall, old);
        this.stream = event.data;
        break;
      case 'mission.progress':
        this.arrivals.note(event.type, undefined, now, wall, old);
        this.progress = event;
        break;
      case 'mission.state':
        this.mission = event.data;
        break;
      case 'safety.state':
        this.#latchBook.heard(event.type, event.timestamp);
        this.#safety(event.timestamp, event.data);
        break;
      case 'system.alarms': {
        this.alarmsTime = event.timestamp;
        const { alarms, more_alarms: more } = event.data;
        this.reported.list(alarms, event.timestamp);
        this.#alarm(this.alarms.list(alarms, more, now), now);
        break;
      }
      case 'safety.estop':
        this.#latched(event.timestamp, {
          trigger: event.data.trigger_type,
          time: event.timestamp,
          estopId: event.data.estop_id,
        });
        break;
      case 'safety.clear':
        this.#cleared(event.timestamp);
        break;
      case 'config.updated':
      case 'config.rollback':
        void this.readConfig();
        break;
      default:
    }
    this.reported.take(event, now);
    const line = lineOf(event);
    if (line) this.log.add({ time: event.timestamp, type: event.type, ...line, source: event });
    this.changed();
  }

  /** The vehicle answered that it is stopped: by a stop of its own number, at a time of its clock. */
  protected stopAccepted(time: string, estopId: string | undefined): void {
    // What an event said of it already is more exact.
    if (this.latch.latched) return;
    this.#latched(time, { trigger: 'remote', time, estopId });
  }

  /** Look which alarms of events the vehicle does not list. */
  protected lookForUnlisted(now: number): void {
    this.alarms.setReported(this.reported.standing(now), now);
    this.#alarm(this.reported.fresh(now), now);
  }

  /** Say that there are new alarms. */
  #alarm(fresh: readonly SystemAlarm[], now: number): void {
    const urgent = fresh.find(({ severity }) => severity === 'P0' || severity === 'P1');
    if (urgent) this.announce(t.newAlarm(t.alarmName(urgent)), true);
    if (fresh.length > 0 && this.settings.sound && this.alarms.mayTone(now)) tone(urgent ? 3 : 1);
  }

  #sample(telemetry: TelemetryRealtimeData, now: number): void {
    const { position, velocity, acceleration, sensors } = telemetry;
    if (position.x !== null) {
      this.span.see(position.x);
      this.tail.add(now, position.x);
    }
    const { linear } = velocity;
    this.trends.speed.add(now / 1000, linear === null ? null : Math.abs(linear));
    this.trends.acceleration.add(now / 1000, acceleration.linear);
    this.trends.battery.add(now / 1000, sensors.battery);
    this.trends.temperature.add(now / 1000, sensors.temperature);
  }

  #latched(time: string, more: Omit<Latch, 'latched'> = {}): void {
    this.#isStopped(this.#latchBook.stopped(time, more), 0);
  }

  #status(time: string, stopped: boolean, old: number): void {
    const isNew = this.#latchBook.status(time, stopped);
    if (stopped) this.#isStopped(isNew, old);
    else if (isNew) this.announce(t.stopCleared);
  }

  #isStopped(isNew: boolean, old: number): void {
    const [now, wall] = [performance.now(), Date.now()];
    // What the bridge had kept for long makes nothing older that was heard since.
    if (this.latch.latched && (isNew || (this.arrivals.age('latch', now) ?? old) >= old)) {
      this.arrivals.note('latch', undefined, now, wall, old);
    }
    if (!isNew) return;
    const { trigger, time: since } = this.latch;
    this.announce(t.stoppedBy(trigger, t.format.time(since)), true);
    if (this.settings.sound) tone(1);
  }

  #cleared(time: string): void {
    if (this.#latchBook.cleared(time)) this.announce(t.stopCleared);
  }

  #safety(time: string, data: SafetyStateData): void {
    this.safety = data;
    const newest = data.stops.at(-1);
    if (!data.latched) return this.#cleared(time);
    const { trigger_type: trigger, time: since, estop_id: estopId } = newest ?? {};
    this.#latched(time, newest ? { trigger, time: since, estopId } : {});
  }
}
