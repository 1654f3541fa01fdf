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
/** What a role may do, as `get_vehicle` says. */
export interface May {
  readonly order: readonly string[];
  readonly read: readonly string[];
}

const VIEWER = ['get_system_status', 'get_vehicle', 'get_config', 'list_modules'];
const OPERATOR = [
  ...VIEWER,
  'set_telemetry_rate',
  'emergency_stop',
  'acknowledge_alarm',
  'start_mission',
  'pause_mission',
  'resume_mission',
  'cancel_mission',
];
const ADMIN = [
  ...OPERATOR,
  'clear_estop',
  'set_maintenance',
  'update_config',
  'rollback_config',
  'scan_modules',
];
const READ = ['system.*', 'telemetry.*', 'mission.*', 'safety.*'];

/** What the built-in roles may, for bridges that do not say; a role that is not known: nothing. */
export function builtIn(role: string): May {
  const order = role === 'admin' ? ADMIN : role === 'viewer' ? VIEWER : OPERATOR;
  if (!['viewer', 'operator', 'system', 'admin'].includes(role)) return { order: [], read: [] };
  return { order, read: role === 'viewer' ? READ : [...READ, 'config.*', 'module.*'] };
}

/** Whether a role may read an event type. */
export function mayRead({ read }: May, type: string): boolean {
  return read.some(
    (pattern) =>
      pattern === '*' ||
      pattern === type ||
      (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
  );
}
