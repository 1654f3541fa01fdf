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
import type { May } from './logic/access.js';

/** What `get_vehicle` says. */
export interface Vehicle {
  readonly name: string;
  readonly mode: 'live' | 'simulation' | 'replay';
  readonly rail_length: number | null;
  readonly vehicle_length: number | null;
  readonly stations: readonly { readonly name: string; x: number; dock: boolean }[] | null;
  readonly hoist: boolean | null;
  readonly may: May;
}

/** What `list_modules` says of a board; times in s. */
export interface Module {
  readonly module_id: string;
  readonly kind: string;
  readonly address: string;
  readonly status: string;
  readonly firmware_version: string;
  readonly last_seen: string | null;
  readonly requests: number;
  readonly replies: number;
  readonly timeouts: number;
  readonly crc_errors: number;
  readonly response_time_mean: number | null;
  readonly response_time_max: number | null;
  readonly error_code: string;
  readonly error_description: string;
}

/** How the link stands, as the badge shows it. */
export type Link =
  | { readonly name: 'live'; readonly roundTrip: number | undefined }
  | { readonly name: 'delayed'; readonly by: number }
  | { readonly name: 'silent' | 'connecting' | 'offline' | 'signed-out' }
  | { readonly name: 'waiting'; readonly left: number };

/** A line that is shown for a while. */
export interface Notice {
  readonly text: string;
  readonly urgent: boolean;
  readonly at: number;
}
