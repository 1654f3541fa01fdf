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
/** How a value stands: never known, as it is now, known late, too old, or too old to be shown. */
export type Freshness = 'never' | 'live' | 'delayed' | 'stale' | 'lost';

/** After so long a value is no longer shown as a value, ms. */
export const LOST_AFTER = 30_000;
/** A message that comes so much later than the quickest of the last minute is delayed, ms. */
export const DELAYED_BY = 500;
/** For so long the quickest message counts, ms. */
const LEAST_KEPT = 60_000;
/** When the date runs so far ahead of the steady clock, the machine slept, ms. */
const SLEPT = 2000;

/** The limit of telemetry.realtime: three of its periods, a second at least, ms. */
export function telemetryLimit(rate: number): number {
  return Math.max(1000, rate > 0 ? 3000 / rate : 30_000);
}

/** Limits of the other values, ms. */
export const LIMITS = {
  'system.status': 3000,
  'telemetry.status': 3000,
  'mission.progress': 2000,
  modules: 3000,
} as const;

/**
 * How old the last value of a type was when the bridge sent it to a new connection, ms.
 *
 * @param timestamp of the value
 * @param established when the connection was established; both by the vehicle's clock
 */
export function ageOnArrival(timestamp: string, established: string | undefined): number {
  return Math.max(0, Date.parse(established ?? '') - Date.parse(timestamp)) || 0;
}

interface Arrival {
  readonly at: number;
  readonly delay: number;
  /** The machine slept since. */
  void: boolean;
}

/**
 * When values came, on a steady clock. Nothing here compares a clock with that of the vehicle but
 * the delay, which is a difference to the quickest message. What was old when it came is set back
 * by times of the vehicle alone.
 */
export class Arrivals {
  readonly #last = new Map<string, Arrival>();
  #least: { readonly at: number; readonly lag: number }[] = [];
  #skew: number | undefined;
  #quickPongs = 0;

  /**
   * Note that a value came.
   *
   * @param timestamp of the vehicle, ms; NaN or undefined: its delay is not judged
   * @param now on the steady clock, ms
   * @param wall the date, ms
   * @param old how old it was when it was sent, ms
   */
  note(type: string, timestamp: number | undefined, now: number, wall: number, old = 0): void {
    let delay = 0;
    if (timestamp !== undefined && !Number.isNaN(timestamp)) {
      const lag = wall - timestamp - old;
      // Of two that are as quick, the later one counts for longer.
      this.#least = this.#least.filter(({ at, lag: l }) => now - at <= LEAST_KEPT && l < lag);
      this.#least.push({ at: now, lag });
      delay = lag - this.#least[0]!.lag;
      if (delay <= DELAYED_BY) this.#quickPongs = 0;
    }
    this.#last.set(type, { at: now - old, delay, void: false });
  }

  /**
   * Note the round trip of a ping, ms. Messages that stay late although pongs come at once are not
   * held up: the clock of the vehicle was set.
   */
  pong(roundTrip: number): void {
    this.#quickPongs = roundTrip < DELAYED_BY / 2 ? this.#quickPongs + 1 : 0;
    if (this.#quickPongs < 2) return;
    this.#quickPongs = 0;
    this.#least = this.#least.slice(-1);
    for (const [type, { at, void: old }] of this.#last) {
      this.#last.set(type, { at, delay: 0, void: old });
    }
  }

  /** Compare the clocks: when the machine slept, everything is stale until it comes again. */
  check(now: number, wall: number): boolean {
    const skew = wall - now;
    const slept = this.#skew !== undefined && skew - this.#skew > SLEPT;
    this.#skew = skew;
    if (slept) {
      for (const arrival of this.#last.values()) arrival.void = true;
      this.#least = [];
    }
    return slept;
  }

  /** The age of a value, ms; undefined: it never came. */
  age(type: string, now: number): number | undefined {
    const arrival = this.#last.get(type);
    return arrival && Math.max(0, now - arrival.at);
  }

  /** How late the last message of a type was, ms. */
  delay(type: string): number {
    return this.#last.get(type)?.delay ?? 0;
  }

  /** How a value stands. */
  state(type: string, limit: number, now: number): Freshness {
    const arrival = this.#last.get(type);
    if (arrival === undefined) return 'never';
    const age = now - arrival.at;
    if (age > LOST_AFTER && age > limit) return 'lost';
    if (age > limit || arrival.void) return 'stale';
    return arrival.delay > DELAYED_BY ? 'delayed' : 'live';
  }

  /** The least of date minus timestamp: the difference of the clocks plus the shortest way, ms. */
  get leastLag(): number | undefined {
    return this.#least[0]?.lag;
  }
}
