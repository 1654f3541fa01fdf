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
import type { AnyEvent } from 'oht50-client';

import { t } from './i18n/index.js';
import type { Row } from './logic/logbook.js';

type Line = Pick<Row, 'severity' | 'text'>;

const info = (text: string): Line => ({ severity: 'info', text });

/** What the log says of an event; undefined for those of the state class, which it does not have. */
export function lineOf(event: AnyEvent): Line | undefined {
  switch (event.type) {
    case 'system.error': {
      const { error_code: code, severity, error_name: name, description } = event.data;
      const text = `${severity} ${code} ${name}: ${description}`;
      return { severity: severity === 'P0' || severity === 'P1' ? 'alarm' : 'warning', text };
    }
    case 'mission.started': {
      const { mission_id: id, mission_type: type, target_position: target } = event.data;
      const x = target.x === null ? '--' : t.format.metres(target.x);
      return info(`${id}: ${t.missionTypes[type]} -> ${x}`);
    }
    case 'mission.completed': {
      const { mission_id: id, status } = event.data;
      const text = `${id}: ${t.missionEnds[status]}`;
      return { severity: status === 'failed' ? 'warning' : 'info', text };
    }
    case 'safety.zone_entered': {
      const { zone_id: id, action } = event.data;
      return {
        severity: action === 'stop' ? 'warning' : 'info',
        text: `${id}: ${t.zoneActions[action]}`,
      };
    }
    case 'safety.estop': {
      const { trigger_type: trigger, estop_id: id } = event.data;
      const text = `${t.stoppedBy(trigger, t.format.time(event.timestamp))}, ${id}`;
      return { severity: 'alarm', text };
    }
    case 'safety.clear':
      return info(t.stopCleared);
    case 'config.updated': {
      const { version, updated_by: by, changes, status } = event.data;
      const text = Object.entries(changes).map(([name, change]) => `${name} ${change}`);
      return info(`${version} ${status}, ${by}: ${text.join('; ')}`);
    }
    case 'config.rollback': {
      const { from_version: from, to_version: to, status, reason } = event.data;
      return info(`${from} -> ${to} ${status}, ${reason}`);
    }
    case 'module.discovered':
      return info(`${event.data.module_id} ${event.data.address}: ${event.data.status}`);
    case 'module.status_change': {
      const {
        module_id: id,
        old_status: before,
        new_status: after,
        error_code: code,
      } = event.data;
      const text = `${id}: ${before} -> ${after} ${code} ${event.data.error_description}`;
      return { severity: after === 'online' ? 'info' : 'warning', text: text.trim() };
    }
    default:
      return undefined;
  }
}
