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
// Made from docs/asyncapi.yaml by tools/generate.mjs: npm run generate.

/**
 * Acknowledge an alarm of `system.alarms`; it changes nothing on the vehicle.
 */
export interface AcknowledgeAlarm {
  request_id?: string | null;
  type: 'acknowledge_alarm';
  alarm_id: string;
}
/**
 * Authenticate as the first message, or extend the session with a new token.
 */
export interface Auth {
  request_id?: string | null;
  type: 'auth';
  token: string;
  client_id?: string | null;
  subscription?: string[] | null;
  refresh_token?: string | null;
  resume?: boolean;
}
/**
 * The token expires soon.
 */
export interface AuthExpiring {
  type: 'auth.expiring';
  timestamp: string;
  data: AuthExpiringData;
}
/**
 * Time at which the session ends unless it is extended.
 */
export interface AuthExpiringData {
  expires_at: string;
}
/**
 * The session was extended without losing subscriptions or events.
 */
export interface AuthRefreshed {
  type: 'auth.refreshed';
  timestamp: string;
  request_id?: string;
  data: AuthRefreshedData;
}
/**
 * Data of `auth.refreshed`; the tokens are null if the client sent its own.
 */
export interface AuthRefreshedData {
  role: string;
  expires_at: string;
  token: string | null;
  refresh_token: string | null;
}
/**
 * Cancel a mission.
 */
export interface CancelMission {
  request_id?: string | null;
  type: 'cancel_mission';
  mission_id?: string | null;
}
/**
 * Clear the emergency stop `estop_id`, the newest; `next_action` is for information only.
 */
export interface ClearEstop {
  request_id?: string | null;
  type: 'clear_estop';
  estop_id?: string | null;
  next_action?: ('resume' | 'return_home' | 'manual_control') | null;
}
/**
 * Reply to a command to the vehicle.
 */
export interface CommandResult {
  type: 'command.result';
  timestamp: string;
  request_id?: string;
  data: CommandResultData;
}
/**
 * Outcome of a command; further keys depend on the command.
 */
export interface CommandResultData {
  command: string;
  accepted: boolean;
  message: string;
  [k: string]: unknown;
}
/**
 * An earlier version of the configuration was restored.
 */
export interface ConfigRollback {
  type: 'config.rollback';
  timestamp: string;
  seq?: number;
  data: ConfigRollbackData;
}
/**
 * Data of `config.rollback`.
 */
export interface ConfigRollbackData {
  from_version: string;
  to_version: string;
  reason: 'performance_issue' | 'safety_concern';
  rolled_back_by: 'system' | 'operator';
  status: 'completed' | 'failed';
}
/**
 * The configuration changed.
 */
export interface ConfigUpdated {
  type: 'config.updated';
  timestamp: string;
  seq?: number;
  data: ConfigUpdatedData;
}
/**
 * Data of `config.updated`; `changes` maps a name to a description of its change.
 */
export interface ConfigUpdatedData {
  config_id: string;
  version: string;
  updated_by: string;
  changes: {
    [k: string]: string;
  };
  status: 'applied' | 'pending' | 'failed';
}
/**
 * The token was accepted.
 */
export interface ConnectionEstablished {
  type: 'connection.established';
  timestamp: string;
  request_id?: string;
  data: ConnectionEstablishedData;
}
/**
 * Data of `connection.established`.
 */
export interface ConnectionEstablishedData {
  client_id: string;
  session_id: string;
  role: string;
  expires_at: string;
  protocol_version: string;
  server_version: string;
  limits: Limits;
  epoch: string;
}
/**
 * Limits that apply to a client; 0 events per second: no limit.
 */
export interface Limits {
  max_connections: number;
  max_events_per_second: number;
  max_payload_bytes: number;
  commands_per_second: number;
  command_burst: number;
  idle_timeout: number;
  ping_interval: number;
}
/**
 * Stop the vehicle and latch it; other faults of the message than `type` are ignored.
 */
export interface EmergencyStop {
  request_id?: string | null;
  type: 'emergency_stop';
  reason?: string;
}
/**
 * No data.
 */
export interface Empty {}
/**
 * How the last mission ended; `reason` is empty for a success.
 */
export interface EndedMission {
  mission_id: string;
  status: 'success' | 'failed' | 'cancelled';
  reason: string;
}
/**
 * An error; `temporary` states whether the client may try again later.
 */
export interface ErrorMessage {
  type: 'error';
  timestamp: string;
  request_id?: string;
  seq?: number;
  error_code: string;
  error_name: string;
  description: string;
  temporary: boolean;
}
/**
 * Request the configuration in force.
 */
export interface GetConfig {
  request_id?: string | null;
  type: 'get_config';
}
/**
 * Request a `system.status`.
 */
export interface GetSystemStatus {
  request_id?: string | null;
  type: 'get_system_status';
}
/**
 * Request what the vehicle is, its rail and stations, and what the sender may do.
 */
export interface GetVehicle {
  request_id?: string | null;
  type: 'get_vehicle';
}
/**
 * Load of the vehicle's computer.
 */
export interface Health {
  cpu: number | null;
  memory: number | null;
  disk: number | null;
  temperature: number | null;
}
/**
 * An emergency stop that is latched, why and by whom.
 */
export interface LatchedStop {
  estop_id: string;
  trigger_type: 'hardware' | 'software' | 'remote';
  reason: string;
  source: string;
  time: string;
}
/**
 * Request the list of known modules.
 */
export interface ListModules {
  request_id?: string | null;
  type: 'list_modules';
}
/**
 * A mission ended.
 */
export interface MissionCompleted {
  type: 'mission.completed';
  timestamp: string;
  seq?: number;
  data: MissionCompletedData;
}
/**
 * Data of `mission.completed`.
 */
export interface MissionCompletedData {
  mission_id: string;
  status: 'success' | 'failed' | 'cancelled';
  completion_time: number | null;
  final_position: Position;
  summary: MissionSummary;
}
/**
 * A position in the frame of the rail.
 */
export interface Position {
  x: number | null;
  y: number | null;
  z: number | null;
}
/**
 * Distance, energy and errors of a mission.
 */
export interface MissionSummary {
  distance_traveled: number | null;
  energy_consumed: number | null;
  errors_encountered: number;
}
/**
 * Progress of the active mission.
 */
export interface MissionProgress {
  type: 'mission.progress';
  timestamp: string;
  data: MissionProgressData;
}
/**
 * Data of `mission.progress`; `estimated_completion` is null where it is unknown.
 */
export interface MissionProgressData {
  mission_id: string;
  progress: number | null;
  current_position: Position;
  remaining_distance: number | null;
  estimated_completion: string | null;
}
/**
 * A mission started.
 */
export interface MissionStarted {
  type: 'mission.started';
  timestamp: string;
  seq?: number;
  data: MissionStartedData;
}
/**
 * Data of `mission.started`.
 */
export interface MissionStartedData {
  mission_id: string;
  mission_type: 'transport' | 'inspection' | 'maintenance';
  start_position: Position;
  target_position: Position;
  estimated_duration: number | null;
}
/**
 * What the mission does, and how the last one ended.
 */
export interface MissionState {
  type: 'mission.state';
  timestamp: string;
  data: MissionStateData;
}
/**
 * Data of `mission.state`.
 *
 * `phase` is none without a mission, and while the vehicle comes to rest after the end of
 * one. `reason` is why a mission does not go on; empty where it does. `ended` is null where no
 * mission ended since the start of the vehicle's software.
 */
export interface MissionStateData {
  phase: 'none' | 'executing' | 'paused' | 'held' | 'docking';
  mission_id: string | null;
  mission_type: ('transport' | 'inspection' | 'maintenance') | null;
  target_position: Position;
  reason: string;
  ended: EndedMission | null;
}
/**
 * A board responded for the first time.
 */
export interface ModuleDiscovered {
  type: 'module.discovered';
  timestamp: string;
  seq?: number;
  data: ModuleDiscoveredData;
}
/**
 * Data of `module.discovered`.
 */
export interface ModuleDiscoveredData {
  module_id: string;
  module_type: 'motor' | 'sensor' | 'actuator';
  address: string;
  firmware_version: string;
  status: 'online' | 'offline' | 'error';
}
/**
 * The status of a board changed.
 */
export interface ModuleStatusChange {
  type: 'module.status_change';
  timestamp: string;
  seq?: number;
  data: ModuleStatusChangeData;
}
/**
 * Data of `module.status_change`; the error fields are empty without an error.
 */
export interface ModuleStatusChangeData {
  module_id: string;
  old_status: 'online' | 'offline' | 'error';
  new_status: 'online' | 'offline' | 'error';
  error_code: string;
  error_description: string;
}
/**
 * A linear and an angular rate, in the units of the field that holds it.
 */
export interface Motion {
  linear: number | null;
  angular: number | null;
}
/**
 * Attitude.
 */
export interface Orientation {
  roll: number | null;
  pitch: number | null;
  yaw: number | null;
}
/**
 * Pause a mission; without `mission_id`, the active one.
 */
export interface PauseMission {
  request_id?: string | null;
  type: 'pause_mission';
  mission_id?: string | null;
}
/**
 * Request a `pong`.
 */
export interface Ping {
  request_id?: string | null;
  type: 'ping';
}
/**
 * Reply to `ping`.
 */
export interface Pong {
  type: 'pong';
  timestamp: string;
  request_id?: string;
  data: Empty;
}
/**
 * Exchange a refresh token for a new pair of tokens.
 */
export interface RefreshToken {
  request_id?: string | null;
  type: 'refresh_token';
  refresh_token: string;
}
/**
 * Request the event-class events after sequence number `after` of the server's `epoch`.
 */
export interface Resume {
  request_id?: string | null;
  type: 'resume';
  epoch: string;
  after: number;
}
/**
 * Resume a paused mission.
 */
export interface ResumeMission {
  request_id?: string | null;
  type: 'resume_mission';
  mission_id?: string | null;
}
/**
 * Reply to `resume`, sent after the replayed events.
 */
export interface ResumeResult {
  type: 'resume.result';
  timestamp: string;
  request_id?: string;
  data: ResumeResultData;
}
/**
 * Whether all missed events were sent; `seq` is the newest sequence number of this epoch.
 */
export interface ResumeResultData {
  recovered: boolean;
  replayed: number;
  epoch: string;
  seq?: number;
}
/**
 * Restore an earlier version of the configuration.
 */
export interface RollbackConfig {
  request_id?: string | null;
  type: 'rollback_config';
  to_version: string;
  reason: 'performance_issue' | 'safety_concern';
}
/**
 * The emergency stop was cleared.
 */
export interface SafetyClear {
  type: 'safety.clear';
  timestamp: string;
  seq?: number;
  data: SafetyClearData;
}
/**
 * Data of `safety.clear`.
 */
export interface SafetyClearData {
  cleared_by: 'operator' | 'system' | 'auto';
  position: Position;
  next_action: 'resume' | 'return_home' | 'manual_control';
}
/**
 * The emergency stop was triggered.
 */
export interface SafetyEstop {
  type: 'safety.estop';
  timestamp: string;
  seq?: number;
  data: SafetyEstopData;
}
/**
 * Data of `safety.estop`.
 */
export interface SafetyEstopData {
  estop_id: string;
  trigger_type: 'hardware' | 'software' | 'remote';
  position: Position;
  emergency_level: 'critical' | 'warning';
  auto_recovery: boolean;
}
/**
 * Whether the vehicle is stopped, and what forbids a reset and motion.
 */
export interface SafetyState {
  type: 'safety.state';
  timestamp: string;
  data: SafetyStateData;
}
/**
 * Data of `safety.state`.
 *
 * `stops` has the oldest stop first; of many the first and the newest, and `more_stops` is the
 * number of the others. `reset_hindrances` are what forbids to clear now. The other three
 * are empty where nothing forbids motion in that direction, or of the motor.
 */
export interface SafetyStateData {
  latched: boolean;
  stops: LatchedStop[];
  more_stops: number;
  reset_hindrances: string[];
  forward_hindrance: string;
  backward_hindrance: string;
  motor_hindrance: string;
}
/**
 * The vehicle entered a zone.
 */
export interface SafetyZoneEntered {
  type: 'safety.zone_entered';
  timestamp: string;
  seq?: number;
  data: SafetyZoneEnteredData;
}
/**
 * Data of `safety.zone_entered`.
 */
export interface SafetyZoneEnteredData {
  zone_id: string;
  zone_type: 'restricted' | 'warning' | 'safe';
  position: Position;
  action: 'slow_down' | 'stop' | 'alert';
}
/**
 * Search for modules at addresses 1 to 16, not beside a safety board nor while driving.
 */
export interface ScanModules {
  request_id?: string | null;
  type: 'scan_modules';
}
/**
 * Measurements other than those of motion.
 */
export interface Sensors {
  battery: number | null;
  temperature: number | null;
  humidity: number | null;
}
/**
 * Lock while the sender is at work, or release; `override` releases the others' locks too.
 */
export interface SetMaintenance {
  request_id?: string | null;
  type: 'set_maintenance';
  active: boolean;
  override?: boolean;
}
/**
 * Set the vehicle's publishing rate, Hz.
 */
export interface SetTelemetryRate {
  request_id?: string | null;
  type: 'set_telemetry_rate';
  rate: number;
}
/**
 * Start a mission to either a position or a station.
 */
export interface StartMission {
  request_id?: string | null;
  type: 'start_mission';
  mission_type: 'transport' | 'inspection' | 'maintenance';
  target_position?: Target | null;
  station?: string | null;
  payload_kg?: number | null;
  mission_id?: string | null;
}
/**
 * A target position in the frame of the rail.
 */
export interface Target {
  x: number;
  y: number;
  z: number;
}
/**
 * Subscribe to events by type, `family.*` or `*`; `rate` limits state-class events, Hz.
 */
export interface Subscribe {
  request_id?: string | null;
  type: 'subscribe';
  /**
   * @minItems 1
   * @maxItems 64
   */
  events: string[];
  rate?: number | null;
}
/**
 * Reply to `subscribe`.
 */
export interface SubscriptionConfirmed {
  type: 'subscription.confirmed';
  timestamp: string;
  request_id?: string;
  data: SubscriptionConfirmedData;
}
/**
 * Patterns in force, granted rate of each type (Hz), patterns denied to the role.
 */
export interface SubscriptionConfirmedData {
  events: string[];
  rates: {
    [k: string]: number;
  };
  denied: string[];
}
/**
 * Reply to `unsubscribe`.
 */
export interface SubscriptionRemoved {
  type: 'subscription.removed';
  timestamp: string;
  request_id?: string;
  data: SubscriptionRemovedData;
}
/**
 * Patterns that were removed.
 */
export interface SubscriptionRemovedData {
  events: string[];
}
/**
 * Something that needs a person.
 *
 * `gone` is null while it stands. `acknowledged_by` and `acknowledged_at` are null until somebody
 * acknowledges it.
 */
export interface SystemAlarm {
  alarm_id: string;
  code: string;
  name: string;
  severity: 'P0' | 'P1' | 'P2' | 'P3' | 'P4';
  description: string;
  source: string;
  since: string;
  gone: string | null;
  count: number;
  acknowledged_by: string | null;
  acknowledged_at: string | null;
}
/**
 * The alarms that stand, and those that are gone and not acknowledged.
 */
export interface SystemAlarms {
  type: 'system.alarms';
  timestamp: string;
  data: SystemAlarmsData;
}
/**
 * Data of `system.alarms`: the worst first, of equal ones the oldest first.
 *
 * `more_alarms` is the number of those that do not fit into the message.
 */
export interface SystemAlarmsData {
  alarms: SystemAlarm[];
  more_alarms: number;
}
/**
 * Data of `system.error`.
 */
export interface SystemErrorData {
  error_code: string;
  error_name: string;
  severity: 'P0' | 'P1' | 'P2' | 'P3' | 'P4';
  description: string;
  affected_services: string[];
}
/**
 * An error of the vehicle's software or hardware.
 */
export interface SystemErrorEvent {
  type: 'system.error';
  timestamp: string;
  seq?: number;
  data: SystemErrorData;
}
/**
 * Status of the vehicle.
 */
export interface SystemStatus {
  type: 'system.status';
  timestamp: string;
  request_id?: string;
  data: SystemStatusData;
}
/**
 * Data of `system.status`.
 */
export interface SystemStatusData {
  status: 'idle' | 'moving' | 'docking' | 'fault' | 'estop';
  state: 'ready' | 'busy' | 'error' | 'maintenance';
  uptime: number;
  version: string;
  health: Health;
}
/**
 * Real-time estimate of the vehicle's state.
 */
export interface TelemetryRealtime {
  type: 'telemetry.realtime';
  timestamp: string;
  data: TelemetryRealtimeData;
}
/**
 * Data of `telemetry.realtime`.
 */
export interface TelemetryRealtimeData {
  position: Position;
  velocity: Motion;
  acceleration: Motion;
  orientation: Orientation;
  sensors: Sensors;
}
/**
 * State of the telemetry stream.
 */
export interface TelemetryStatus {
  type: 'telemetry.status';
  timestamp: string;
  data: TelemetryStatusData;
}
/**
 * Data of `telemetry.status`; `last_update` is null before the first sample.
 */
export interface TelemetryStatusData {
  streaming: boolean;
  rate: number;
  connected_clients: number;
  last_update: string | null;
}
/**
 * End subscriptions.
 */
export interface Unsubscribe {
  request_id?: string | null;
  type: 'unsubscribe';
  /**
   * @minItems 1
   * @maxItems 64
   */
  events: string[];
}
/**
 * Change the configuration; `changes` maps names to new values.
 */
export interface UpdateConfig {
  request_id?: string | null;
  type: 'update_config';
  changes: {
    [k: string]: unknown;
  };
}

/** The events by type. */
export interface EventMap {
  'system.status': SystemStatus;
  'system.error': SystemErrorEvent;
  'system.alarms': SystemAlarms;
  'telemetry.realtime': TelemetryRealtime;
  'telemetry.status': TelemetryStatus;
  'mission.started': MissionStarted;
  'mission.progress': MissionProgress;
  'mission.completed': MissionCompleted;
  'mission.state': MissionState;
  'safety.zone_entered': SafetyZoneEntered;
  'safety.estop': SafetyEstop;
  'safety.clear': SafetyClear;
  'safety.state': SafetyState;
  'config.updated': ConfigUpdated;
  'config.rollback': ConfigRollback;
  'module.discovered': ModuleDiscovered;
  'module.status_change': ModuleStatusChange;
}

/** The commands by type. */
export interface CommandMap {
  'auth': Auth;
  'refresh_token': RefreshToken;
  'ping': Ping;
  'subscribe': Subscribe;
  'unsubscribe': Unsubscribe;
  'resume': Resume;
  'set_telemetry_rate': SetTelemetryRate;
  'get_system_status': GetSystemStatus;
  'emergency_stop': EmergencyStop;
  'clear_estop': ClearEstop;
  'set_maintenance': SetMaintenance;
  'acknowledge_alarm': AcknowledgeAlarm;
  'start_mission': StartMission;
  'pause_mission': PauseMission;
  'resume_mission': ResumeMission;
  'cancel_mission': CancelMission;
  'update_config': UpdateConfig;
  'rollback_config': RollbackConfig;
  'get_vehicle': GetVehicle;
  'get_config': GetConfig;
  'list_modules': ListModules;
  'scan_modules': ScanModules;
}

/** What answers a command, beside an error. */
export interface ReplyMap {
  'auth': ConnectionEstablished | AuthRefreshed;
  'refresh_token': AuthRefreshed;
  'ping': Pong;
  'subscribe': SubscriptionConfirmed;
  'unsubscribe': SubscriptionRemoved;
  'resume': ResumeResult;
  'set_telemetry_rate': CommandResult;
  'get_system_status': SystemStatus;
  'emergency_stop': CommandResult;
  'clear_estop': CommandResult;
  'set_maintenance': CommandResult;
  'acknowledge_alarm': CommandResult;
  'start_mission': CommandResult;
  'pause_mission': CommandResult;
  'resume_mission': CommandResult;
  'cancel_mission': CommandResult;
  'update_config': CommandResult;
  'rollback_config': CommandResult;
  'get_vehicle': CommandResult;
  'get_config': CommandResult;
  'list_modules': CommandResult;
  'scan_modules': CommandResult;
}

/** Of the events of a type only the newest counts (state), or each (event). */
export const DELIVERY: ReadonlyMap<string, 'state' | 'event'> = new Map([
  ['system.status', 'state'],
  ['system.error', 'event'],
  ['system.alarms', 'state'],
  ['telemetry.realtime', 'state'],
  ['telemetry.status', 'state'],
  ['mission.started', 'event'],
  ['mission.progress', 'state'],
  ['mission.completed', 'event'],
  ['mission.state', 'state'],
  ['safety.zone_entered', 'event'],
  ['safety.estop', 'event'],
  ['safety.clear', 'event'],
  ['safety.state', 'state'],
  ['config.updated', 'event'],
  ['config.rollback', 'event'],
  ['module.discovered', 'event'],
  ['module.status_change', 'event'],
]);
