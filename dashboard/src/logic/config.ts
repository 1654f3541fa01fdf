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
/** A value that was changed and not applied yet. */
export interface Difference {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** How a value is written in a field: an array as its entries with commas between. */
export function writeValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(', ');
  return value === null || value === undefined ? '' : String(value);
}

/**
 * Read a field by the kind of the value that it had.
 *
 * @returns undefined if it is no such value
 */
export function readValue(text: string, before: unknown): unknown {
  const one = (entry: string, like: unknown): unknown => {
    if (typeof like === 'number') {
      const number = entry.trim() === '' ? NaN : Number(entry);
      return Number.isFinite(number) ? number : undefined;
    }
    if (typeof like === 'boolean') {
      return entry === 'true' ? true : entry === 'false' ? false : undefined;
    }
    return entry.trim();
  };
  if (!Array.isArray(before)) {
    if (before !== null && before !== undefined) return one(text, before);
    const number = text.trim() === '' ? NaN : Number(text);
    return Number.isFinite(number) ? number : text.trim() || undefined;
  }
  if (text.trim() === '') return [];
  const entries = text.split(',').map((entry) => one(entry, before[0]));
  return entries.includes(undefined) ? undefined : entries;
}

/** What differs between the configuration in force and the fields; `faults` cannot be read. */
export function differences(
  before: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, string>>,
): { differences: Difference[]; faults: string[] } {
  const found: Difference[] = [];
  const faults: string[] = [];
  for (const [name, text] of Object.entries(fields)) {
    if (text === writeValue(before[name])) continue;
    const after = readValue(text, before[name]);
    if (after === undefined) faults.push(name);
    else if (writeValue(after) !== writeValue(before[name])) {
      found.push({ name, before: before[name], after });
    }
  }
  return { differences: found, faults };
}
