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
/** Writes numbers and times as a language has them. */
export class Format {
  readonly #locale: string;
  readonly #numbers = new Map<number, Intl.NumberFormat>();
  readonly #time: Intl.DateTimeFormat;
  readonly #utc: Intl.DateTimeFormat;

  constructor(locale: string, zone?: string) {
    this.#locale = locale;
    const clock = {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hour12: false,
    } as const;
    const timeZone = zone === undefined ? {} : { timeZone: zone };
    this.#time = new Intl.DateTimeFormat(locale, { ...clock, ...timeZone });
    const date = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
    this.#utc = new Intl.DateTimeFormat(locale, { ...date, ...clock, timeZone: 'UTC' });
  }

  /** A number with so many digits after the point. */
  number(value: number, digits: number): string {
    let format = this.#numbers.get(digits);
    if (!format) {
      const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      format = new Intl.NumberFormat(this.#locale, fraction);
      this.#numbers.set(digits, format);
    }
    // No minus before a number that is written as 0.
    return format.format(Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value);
  }

  /** Millimetres, in m. */
  metres(mm: number): string {
    return `${this.number(mm / 1000, 2)} m`;
  }

  /** An age in ms: 0.4 s, 12 s, 3:20, 2:10:00. */
  age(ms: number): string {
    const s = Math.max(0, ms) / 1000;
    if (s < 10) return `${this.number(Math.floor(s * 10) / 10, 1)} s`;
    return s < 60 ? `${this.number(Math.floor(s), 0)} s` : duration(s);
  }

  /** The time of day of a timestamp, in the zone of the one who looks. */
  time(timestamp: string | number | undefined): string {
    const date = new Date(timestamp ?? NaN);
    return Number.isNaN(date.getTime()) ? '--' : this.#time.format(date);
  }

  /** Date and time in UTC, as the vehicle has them. */
  utc(timestamp: string | number | undefined): string {
    const date = new Date(timestamp ?? NaN);
    return Number.isNaN(date.getTime()) ? '--' : `${this.#utc.format(date)} UTC`;
  }
}

/** A duration in s as 0:41 or 1:05:00. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

/** How far along a bar a value is, 0 to 1. */
export function portion(value: number, least: number, most: number): number {
  return most > least ? Math.min(1, Math.max(0, (value - least) / (most - least))) : 0;
}
