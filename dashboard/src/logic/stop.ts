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
/** What the stop control shows; the page itself never says stopped, the vehicle does. */
export type StopDisplay =
  | { readonly name: 'absent' }
  | { readonly name: 'ready'; readonly roundTrip: number | undefined }
  | { readonly name: 'sending'; readonly date: number }
  | { readonly name: 'unconfirmed'; readonly date: number }
  | { readonly name: 'stopped' }
  /** `confirmed`: the vehicle confirmed the last press all the same, on a connection of its own. */
  | { readonly name: 'offline'; readonly confirmed: boolean };

/** Without a confirmation after so long the page says so, ms. */
export const UNCONFIRMED_AFTER = 2000;
/** For so long the outcome of a stop that failed stays, ms. */
const OUTCOME_KEPT = 60_000;

/** No event of a type whose events keep their order is older by so much than the one before, ms. */
const SET_BACK = 1000;

/** What became of a press. */
export interface Outcome {
  readonly at: number;
  readonly confirmed: boolean;
  /** Whether it was sent at all; a refusal was. */
  readonly sent: boolean;
  /** What the bridge said, if it refused. */
  readonly message: string;
}

/** What is known when the control is drawn. */
export interface StopFacts {
  readonly allowed: boolean;
  readonly live: boolean;
  /** The vehicle said that it is stopped, and has not taken it back. */
  readonly latched: boolean;
  readonly roundTrip: number | undefined;
  readonly now: number;
}

/** The presses of the stop control that are not answered yet, and the outcome of the last. */
export class StopPresses {
  #pending = 0;
  #since = 0;
  /** The date of the first press that is not answered, ms: the steady clock may have stood still. */
  #date = 0;
  #alarmed = false;
  #outcome: Outcome | undefined;

  /** Somebody pressed; times in ms, `now` on a steady clock. */
  pressed(now: number, date: number): void {
    if (this.#pending === 0) {
      this.#since = now;
      this.#date = date;
      this.#alarmed = false;
    }
    this.#pending += 1;
    this.#outcome = undefined;
  }

  /** A press has its outcome. */
  settled(outcome: Outcome): void {
    this.#pending = Math.max(0, this.#pending - 1);
    // One confirmation is enough, whatever became of the other presses.
    if (this.#outcome?.confirmed !== true) this.#outcome = outcome;
  }

  /** Whether a press waits for the vehicle. */
  get isPending(): boolean {
    return this.#pending > 0 && this.#outcome?.confirmed !== true;
  }

  /** The outcome of the last press, while it is worth a line. */
  outcome(now: number): Outcome | undefined {
    if (this.#outcome && now - this.#outcome.at > OUTCOME_KEPT) this.#outcome = undefined;
    return this.#outcome;
  }

  /** Whether to alarm now: nothing confirmed the press in time. True once for each press. */
  alarm(now: number): boolean {
    if (!this.isPending || this.#alarmed || now - this.#since < UNCONFIRMED_AFTER) return false;
    this.#alarmed = true;
    return true;
  }

  /** What the control shows. */
  display({ allowed, live, latched, roundTrip, now }: StopFacts): StopDisplay {
    if (!allowed) return { name: 'absent' };
    if (this.isPending && !(latched && live)) {
      const name = now - this.#since < UNCONFIRMED_AFTER ? 'sending' : 'unconfirmed';
      return { name, date: this.#date };
    }
    if (!live) {
      return { name: 'offline', confirmed: latched && this.outcome(now)?.confirmed === true };
    }
    return latched ? { name: 'stopped' } : { name: 'ready', roundTrip };
  }
}

/** A stop that is latched, as far as the vehicle reported it. */
export interface Latch {
  readonly latched: boolean;
  readonly trigger?: 'hardware' | 'software' | 'remote' | undefined;
  /** Of the newest stop, by the vehicle's clock. */
  readonly time?: string | undefined;
  readonly estopId?: string | undefined;
}

/**
 * Whether the vehicle is stopped, from several events that may overtake one another: what is older
 * than the last word counts no more.
 */
export class LatchBook {
  latch: Latch = { latched: false };
  #time = -Infinity;
  /** That it is stopped was said by a status alone, after a clear of which that may not have known. */
  #doubtful = false;
  #clearedAt = -Infinity;
  readonly #heard = new Map<string, number>();

  /**
   * The vehicle sent an event of a type whose events never overtake one another. If its time goes
   * back, so did the date of the vehicle, and what was said before it is older than what follows.
   */
  heard(type: string, time: string): void {
    const at = Date.parse(time);
    if (at < (this.#heard.get(type) ?? -Infinity) - SET_BACK) {
      this.#time = this.#clearedAt = -Infinity;
    }
    if (!Number.isNaN(at)) this.#heard.set(type, at);
  }

  /**
   * The vehicle reported that it is stopped.
   *
   * @param time of the report
   * @returns whether that is new
   */
  stopped(time: string, more: Omit<Latch, 'latched'> = {}): boolean {
    if (!this.#counts(time)) {
      // It comes after a status that is newer, of the same stop.
      if (Date.parse(time) > this.#clearedAt) this.#doubtful = false;
      return false;
    }
    this.#doubtful = false;
    const before = this.latch.latched;
    this.latch = before ? { ...this.latch, ...more } : { time, ...more, latched: true };
    return !before;
  }

  /**
   * A status of the vehicle came, which its sender may have written before it heard of a clear: the
   * next one takes it back.
   *
   * @param stopped whether it says that the vehicle is stopped
   * @returns whether something about that is new
   */
  status(time: string, stopped: boolean): boolean {
    if (!stopped) return this.#doubtful && this.cleared(time);
    const doubtful = this.#doubtful || (this.#clearedAt > -Infinity && !this.latch.latched);
    const isNew = this.stopped(time);
    this.#doubtful = doubtful && this.latch.latched;
    return isNew;
  }

  /** The vehicle reported that it is not stopped; whether that is new. */
  cleared(time: string): boolean {
    if (!this.#counts(time)) return false;
    this.#doubtful = false;
    this.#clearedAt = this.#time;
    const before = this.latch.latched;
    this.latch = { latched: false };
    return before;
  }

  #counts(time: string): boolean {
    const at = Date.parse(time);
    if (at < this.#time) return false;
    if (!Number.isNaN(at)) this.#time = at;
    return true;
  }
}
