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
/** Delays between attempts, ms. */
export interface Backoff {
  readonly first: number;
  readonly max: number;
}

const AT_ONCE = new Set([4408]);
const CROWDED = new Set([1013, 4429]);

/**
 * The delay before the next attempt, ms.
 *
 * @param failures attempts that failed in a row, from 1
 * @param code close code of the last
 * @param random from 0 to 1
 */
export function delayAfter(
  { first, max }: Backoff,
  failures: number,
  code: number,
  random: number,
): number {
  if (failures === 1 && AT_ONCE.has(code)) return 0;
  // Each with a random part, so that not all clients come back at the same moment.
  const least = first * (CROWDED.has(code) ? 5 : 1) * (1 + random / 2);
  const grown = Math.min(max, first * 2 ** (failures - 1)) * ((1 + random) / 2);
  return Math.max(least, grown);
}
