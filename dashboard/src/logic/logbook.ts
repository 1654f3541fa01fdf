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
/** A line of the log. */
export interface Row {
  readonly id: number;
  /** The vehicle's time; of the page's own lines the page's. */
  readonly time: string;
  readonly type: string;
  readonly severity: 'alarm' | 'warning' | 'info';
  readonly text: string;
  /** What is copied. */
  readonly source: unknown;
}

/** What is shown of the log. */
export interface Filter {
  readonly family: string;
  readonly text: string;
  readonly severity: '' | Row['severity'];
}

/** Rows that are kept. */
export const KEPT = 2000;
/** Rows in the page at once. */
export const DRAWN = 60;

/** The newest events, commands and changes of the link. */
export class Logbook {
  #rows: Row[] = [];
  #next = 1;
  #pausedAt: number | undefined;

  /** Add a row, and forget the oldest beyond the limit. */
  add(row: Omit<Row, 'id'>): void {
    this.#rows.push({ id: this.#next++, ...row });
    if (this.#rows.length > KEPT + 200) this.#rows = this.#rows.slice(-KEPT);
  }

  /** Stop showing new rows; they are kept. */
  setPaused(paused: boolean): void {
    this.#pausedAt = paused ? this.#next : undefined;
  }

  get isPaused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** How many rows came while it is paused. */
  get waiting(): number {
    return this.#pausedAt === undefined ? 0 : this.#next - this.#pausedAt;
  }

  /** The number of the newest row. */
  get newest(): number {
    return this.#next - 1;
  }

  /** The rows that a filter chooses, the newest first. */
  find({ family, text, severity }: Filter): Row[] {
    const wanted = text.trim().toLowerCase();
    const limit = this.#pausedAt ?? Infinity;
    return this.#rows
      .slice(-KEPT)
      .filter(
        (row) =>
          row.id < limit &&
          (family === '' || row.type.startsWith(family)) &&
          (severity === '' || row.severity === severity) &&
          (wanted === '' || `${row.type} ${row.text}`.toLowerCase().includes(wanted)),
      )
      .reverse();
  }
}

/** Rows as JSON lines, the oldest first. */
export function jsonLines(rows: readonly Row[]): string {
  return [...rows]
    .reverse()
    .map(({ time, type, text, source }) => JSON.stringify(source ?? { time, type, text }))
    .join('\n');
}
