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
import type { Curve } from './trends.js';

/** What of a curve falls into one column of pixels; null: a gap. */
export type Column = {
  readonly first: number;
  readonly least: number;
  readonly most: number;
  readonly last: number;
} | null;

/**
 * A curve as columns of pixels: of the many samples of a column its first, least, most and last,
 * which draw the same picture as all of them.
 *
 * @param from left end, on the axis of x
 * @param to right end
 * @param width number of columns
 * @returns by the number of the column; columns without a sample are not in it
 */
export function columnsOf(
  { x, y }: Curve,
  from: number,
  to: number,
  width: number,
): Map<number, Column> {
  const columns = new Map<number, Column>();
  const scale = width / (to - from);
  for (let i = firstAtLeast(x, from); i < x.length && x[i]! <= to; i++) {
    const column = Math.min(width - 1, Math.floor((x[i]! - from) * scale));
    const value = y[i] ?? null;
    const before = columns.get(column);
    if (value === null) columns.set(column, before ?? null);
    else if (!before)
      columns.set(column, { first: value, least: value, most: value, last: value });
    else {
      const { first, least, most } = before;
      columns.set(column, {
        first,
        least: Math.min(least, value),
        most: Math.max(most, value),
        last: value,
      });
    }
  }
  return columns;
}

/** The first index whose value is not less; x rises. */
function firstAtLeast(x: readonly number[], value: number): number {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
