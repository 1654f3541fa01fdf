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
/** A zone of the rail, in mm. */
export interface Zone {
  readonly name: string;
  readonly type: string;
  readonly action: string;
  readonly from: number;
  readonly to: number;
}

/** The zones that a configuration names; `get_config` has them in m, an array a field. */
export function zonesOf(config: Readonly<Record<string, unknown>> | undefined): Zone[] {
  const list = (name: string): readonly unknown[] => {
    const value = config?.[name];
    return Array.isArray(value) ? value : [];
  };
  const [types, actions] = [list('safety_zone_types'), list('safety_zone_actions')];
  const [starts, ends] = [list('safety_zone_starts'), list('safety_zone_ends')];
  return list('safety_zones').flatMap((name, i) => {
    const from = Number(starts[i]) * 1000;
    const to = Number(ends[i]) * 1000;
    if (!Number.isFinite(from) || !Number.isFinite(to)) return [];
    const [type, action] = [String(types[i] ?? ''), String(actions[i] ?? '')];
    return [{ name: String(name), type, action, from, to }];
  });
}

/** The zones that the vehicle is in, with its length in mm. */
export function zonesAt(zones: readonly Zone[], x: number, length = 0): Zone[] {
  return zones.filter(({ from, to }) => x + length / 2 >= from && x - length / 2 <= to);
}

/** The part of the rail that is drawn: all of it, or what positions were seen on. */
export class Span {
  #least = Infinity;
  #most = -Infinity;

  /** Note a position, mm. */
  see(x: number): void {
    this.#least = Math.min(this.#least, x);
    this.#most = Math.max(this.#most, x);
  }

  /** From and to, mm. */
  of(length: number | null | undefined): [number, number] {
    if (length != null && length > 0) return [0, length];
    if (this.#least > this.#most) return [0, 1000];
    const room = Math.max(500, (this.#most - this.#least) / 10);
    return [this.#least - room, this.#most + room];
  }
}

/** Where along the drawing something is, %, with a margin at both ends. */
export function percentOf(x: number, [from, to]: readonly [number, number]): number {
  const part = to > from ? (x - from) / (to - from) : 0;
  return 3 + 94 * Math.min(1, Math.max(0, part));
}

/** The positions of the last seconds. */
export class Tail {
  #points: { readonly at: number; readonly x: number }[] = [];
  readonly #kept: number;

  /** @param kept for how long, ms */
  constructor(kept = 3000) {
    this.#kept = kept;
  }

  add(at: number, x: number): void {
    this.#points = [...this.#points.filter((point) => at - point.at <= this.#kept), { at, x }];
  }

  /** Least and most position of the time before `now`. */
  range(now: number): [number, number] | undefined {
    const xs = this.#points.filter(({ at }) => now - at <= this.#kept).map(({ x }) => x);
    return xs.length > 0 ? [Math.min(...xs), Math.max(...xs)] : undefined;
  }
}
