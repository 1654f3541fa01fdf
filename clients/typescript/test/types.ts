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
// What the types allow and refuse; compiled, not run. Each line below `@ts-expect-error` must not
// compile.
import { WebSocket as WsWebSocket } from 'ws';

import type { EventOf, Gap, Oht50Client, Options, State } from '../dist/index.js';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

export async function allowed(vehicle: Oht50Client): Promise<void> {
  vehicle.on('telemetry.realtime', ({ data }) =>
    same<typeof data.position.x, number | null>(true),
  );
  vehicle.on('safety.*', (event) => {
    const type: `safety.${string}` = event.type;
    void type;
    if (event.type === 'safety.estop') same<typeof event.data.estop_id, string>(true);
  });
  vehicle.on('*', (event) => same<typeof event, EventOf<'*'>>(true));
  vehicle.on('state', (state) => same<typeof state, State>(true));
  vehicle.on('gap', ({ since }) => same<typeof since, string>(true));
  for await (const item of vehicle.events(['mission.started', 'mission.completed'])) {
    same<typeof item, EventOf<'mission.started'> | EventOf<'mission.completed'> | Gap>(true);
  }
  const status = await vehicle.call('get_system_status');
  same<typeof status.health.cpu, number | null>(true);
  const { accepted } = await vehicle.call('start_mission', {
    mission_type: 'transport',
    station: 'a',
  });
  same<typeof accepted, boolean>(true);
  await vehicle.call('pause_mission', {}, { timeout: 100, signal: AbortSignal.timeout(100) });
}

export const classes: Pick<Options, 'WebSocket'>[] = [
  { WebSocket: WsWebSocket },
  { WebSocket: globalThis.WebSocket },
];

export function refused(vehicle: Oht50Client): void {
  // @ts-expect-error no such type
  vehicle.on('telemetry.real', () => {});
  // @ts-expect-error no such family
  vehicle.events('weather.*');
  // @ts-expect-error the text is a number or null
  vehicle.on('telemetry.realtime', ({ data }) => data.position.x.toFixed());
  // @ts-expect-error no such command
  void vehicle.call('jump');
  // @ts-expect-error the session is the client's affair
  void vehicle.call('auth', { token: 'T' });
  // @ts-expect-error the type of the mission is missing
  void vehicle.call('start_mission', { station: 'a' });
  // @ts-expect-error so are all fields
  void vehicle.call('start_mission');
  // @ts-expect-error no such field
  void vehicle.call('set_telemetry_rate', { rate: 1, speed: 2 });
}
