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
// What scenarios expect, compared with what came.
import type { Json } from './controller.js';

/** Whether a value is what a pattern asks for. */
export function matches(pattern: unknown, value: unknown): boolean {
  if (Array.isArray(pattern)) {
    return (
      Array.isArray(value) &&
      value.length === pattern.length &&
      pattern.every((each, index) => matches(each, value[index]))
    );
  }
  if (typeof pattern !== 'object' || pattern === null) return pattern === value;
  const { $any, $at_least: least, $at_most: most, ...rest } = pattern as Json;
  if ($any === true) return value !== undefined && value !== null;
  if (least !== undefined && !(Number(value) >= Number(least))) return false;
  if (most !== undefined && !(Number(value) <= Number(most))) return false;
  const keys = Object.keys(rest);
  if (keys.length === 0) return typeof value === 'object' || Object.keys(pattern).length > 0;
  return keys.every((key) => matches(rest[key], (value as Json | undefined)?.[key]));
}

/** The list that `equals` means. */
export function listOf(equals: unknown): readonly unknown[] {
  if (Array.isArray(equals)) return equals;
  const [format, first, last] = (equals as { $numbers: [string, number, number] }).$numbers;
  return Array.from({ length: last - first + 1 }, (_, n) => format.replace('{n}', `${first + n}`));
}

/** The value at a path of keys with dots. */
export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key], value);
}

/** The fields of a command, with long texts written out. */
export function written(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== 'object' || value === null) return value;
  const { $repeat } = value as { $repeat?: [string, number] };
  if ($repeat !== undefined) return $repeat[0].repeat($repeat[1]);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, written(inner)]));
}
