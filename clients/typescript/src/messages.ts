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
/** A message of the bridge, before its type is known. */
export interface Message {
  readonly type: string;
  readonly timestamp: string;
  readonly request_id?: string;
  readonly seq?: number;
  readonly data?: unknown;
}

/** The most that a message may have, bytes. */
const MOST = 16_384;

/** Read a frame; undefined if it is no message. */
export function parse(data: unknown): Message | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const value = JSON.parse(data) as unknown;
    return typeof (value as { type?: unknown } | null)?.type === 'string'
      ? (value as Message)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Write a command. */
export function encode(type: string, fields: object, requestId: string): string {
  return JSON.stringify({ ...fields, type, request_id: requestId });
}

/** Whether the bridge would refuse a text for its length. */
export function tooLong(text: string): boolean {
  // A character has at most 3 bytes for each of its UTF-16 units.
  return text.length * 3 > MOST && new TextEncoder().encode(text).length > MOST;
}
