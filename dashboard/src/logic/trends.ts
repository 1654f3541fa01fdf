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
/** A curve over time: x in s on a steady clock, y the value; null: a gap. */
export interface Curve {
  readonly x: number[];
  readonly y: (number | null)[];
}

/** A silence longer than this is a gap in a curve, s. */
const GAP = 2;

/** A bounded curve. What is too old goes in large steps, so that little is copied. */
class History implements Curve {
  x: number[] = [];
  y: (number | null)[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  push(x: number, y: number | null): void {
    this.x.push(x);
    this.y.push(y);
    if (this.x.length < 2 * this.#most) return;
    this.x = this.x.slice(-this.#most);
    this.y = this.y.slice(-this.#most);
  }

  setLast(y: number | null): void {
    this.y[this.y.length - 1] = y;
  }
}

/** The past of one value: each sample of ten minutes, the extremes of each second of an hour. */
export class Trend {
  readonly #fine = new History(6000);
  readonly #coarse = new History(7200);
  #last = -Infinity;
  #second = -Infinity;
  #least: number | null = null;
  #most: number | null = null;

  /** Add a sample; x in s, never less than the last. */
  add(x: number, y: number | null): void {
    if (x - this.#last > GAP && this.#last > -Infinity) {
      this.#fine.push(this.#last + 0.001, null);
      this.#coarse.push(this.#second + 0.999, null);
    }
    this.#last = x;
    this.#fine.push(x, y);
    const second = Math.floor(x);
    if (second !== this.#second) {
      this.#second = second;
      this.#least = this.#most = y;
      this.#coarse.push(second, y);
      this.#coarse.push(second + 0.5, y);
      return;
    }
    if (y === null) return;
    this.#least = this.#least === null ? y : Math.min(this.#least, y);
    this.#most = this.#most === null ? y : Math.max(this.#most, y);
    this.#coarse.y[this.#coarse.y.length - 2] = this.#least;
    this.#coarse.setLast(this.#most);
  }

  /** The curve to draw for a window of so many minutes. */
  curve(minutes: number): Curve {
    return minutes > 10 ? this.#coarse : this.#fine;
  }

  /** When the last sample came, s; undefined: none did. */
  get last(): number | undefined {
    return this.#last === -Infinity ? undefined : this.#last;
  }

  /** Least, most and last value since x; undefined without a value. */
  range(minutes: number, now: number): { least: number; most: number; last: number } | undefined {
    const { x, y } = this.curve(minutes);
    let least = Infinity;
    let most = -Infinity;
    let last: number | undefined;
    for (let i = x.length - 1; i >= 0 && x[i]! >= now - minutes * 60; i--) {
      const value = y[i];
      if (value === null || value === undefined) continue;
      last ??= value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    return last === undefined ? undefined : { least, most, last };
  }

  /** Every so many seconds a value, the newest first, for the table. */
  table(minutes: number, now: number, rows = 10): { ago: number; value: number | null }[] {
    const { x, y } = this.curve(minutes);
    const step = (minutes * 60) / rows;
    const found: { ago: number; value: number | null }[] = [];
    let i = x.length - 1;
    for (let row = 0; row < rows; row++) {
      const at = now - row * step;
      while (i >= 0 && x[i]! > at) i--;
      if (i < 0) break;
      found.push({ ago: row * step, value: at - x[i]! > GAP ? null : (y[i] ?? null) });
    }
    return found;
  }
}
