# Copyright 2026 The oht50_bridge Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""An example of every message. Those of the specification are its own."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from oht50_bridge.protocol.errors import ErrorCode

# Of several alternatives of an enumeration, the specification's first.
_EVENTS: tuple[dict[str, Any], ...] = (
    {
        'type': 'system.status', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'status': 'idle', 'state': 'ready', 'uptime': 86400, 'version': '1.2.3',
            'health': {'cpu': 45.2, 'memory': 67.8, 'disk': 23.1, 'temperature': 42.5}}},
    {
        'type': 'system.error', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'error_code': 'SYS-001', 'error_name': 'Database Connection Failed', 'severity': 'P0',
            'description': 'Cannot connect to database',
            'affected_services': ['api', 'telemetry']}},
    {
        'type': 'telemetry.realtime', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'position': {'x': 1250.5, 'y': 0.0, 'z': 0.0},
            'velocity': {'linear': 0.8, 'angular': 0.0},
            'acceleration': {'linear': 0.2, 'angular': 0.0},
            'orientation': {'roll': 0.0, 'pitch': 0.0, 'yaw': 0.0},
            'sensors': {'battery': 85.2, 'temperature': 42.5, 'humidity': 45.8}}},
    {
        'type': 'telemetry.status', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'streaming': True, 'rate': 10, 'connected_clients': 3,
            'last_update': '2024-12-19T10:29:59Z'}},
    {
        'type': 'mission.started', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'mission_id': 'mission-123', 'mission_type': 'transport',
            'start_position': {'x': 0.0, 'y': 0.0, 'z': 0.0},
            'target_position': {'x': 1250.5, 'y': 0.0, 'z': 0.0}, 'estimated_duration': 180}},
    {
        'type': 'mission.progress', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'mission_id': 'mission-123', 'progress': 65.5,
            'current_position': {'x': 820.3, 'y': 0.0, 'z': 0.0}, 'remaining_distance': 430.2,
            'estimated_completion': '2024-12-19T10:33:00Z'}},
    {
        'type': 'mission.completed', 'timestamp': '2024-12-19T10:33:00Z',
        'data': {
            'mission_id': 'mission-123', 'status': 'success', 'completion_time': 180,
            'final_position': {'x': 1250.5, 'y': 0.0, 'z': 0.0},
            'summary': {
                'distance_traveled': 1250.5, 'energy_consumed': 2.3, 'errors_encountered': 0}}},
    {
        'type': 'safety.zone_entered', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'zone_id': 'zone-001', 'zone_type': 'restricted',
            'position': {'x': 820.3, 'y': 0.0, 'z': 0.0}, 'action': 'slow_down'}},
    {
        'type': 'safety.estop', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'estop_id': 'estop-001', 'trigger_type': 'hardware',
            'position': {'x': 820.3, 'y': 0.0, 'z': 0.0}, 'emergency_level': 'critical',
            'auto_recovery': False}},
    {
        'type': 'safety.clear', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'cleared_by': 'operator', 'position': {'x': 820.3, 'y': 0.0, 'z': 0.0},
            'next_action': 'resume'}},
    {
        'type': 'config.updated', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'config_id': 'config-123', 'version': '1.2.3', 'updated_by': 'operator@example.com',
            'changes': {'max_velocity': '1.5 -> 2.0', 'safety_zones': 'added zone-001'},
            'status': 'applied'}},
    {
        'type': 'config.rollback', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'from_version': '1.2.3', 'to_version': '1.2.2', 'reason': 'performance_issue',
            'rolled_back_by': 'system', 'status': 'completed'}},
    {
        'type': 'module.discovered', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'module_id': 'module-001', 'module_type': 'motor', 'address': '192.168.1.100',
            'firmware_version': '2.1.0', 'status': 'online'}},
    {
        'type': 'module.status_change', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'module_id': 'module-001', 'old_status': 'online', 'new_status': 'error',
            'error_code': 'MOD-001', 'error_description': 'Communication timeout'}},
)

_COMMANDS: tuple[dict[str, Any], ...] = (
    {'type': 'auth', 'token': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...'},
    {
        'type': 'refresh_token', 'refresh_token': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...',
        'request_id': 'req-101'},
    {'type': 'ping', 'request_id': 'req-102'},
    {
        'type': 'subscribe', 'events': ['telemetry.realtime', 'system.status', 'mission.*'],
        'rate': 10},
    {'type': 'unsubscribe', 'events': ['telemetry.realtime']},
    {'type': 'resume', 'epoch': '3vQpZ0aXw1Yb', 'after': 41, 'request_id': 'req-103'},
    {'type': 'set_telemetry_rate', 'rate': 5},
    {'type': 'get_system_status', 'request_id': 'req-123'},
    {'type': 'emergency_stop', 'reason': 'manual_trigger', 'request_id': 'req-124'},
    {'type': 'clear_estop', 'next_action': 'manual_control', 'request_id': 'req-125'},
    {
        'type': 'start_mission', 'mission_type': 'transport',
        'target_position': {'x': 1250.5, 'y': 0.0, 'z': 0.0}, 'payload_kg': 12.5,
        'request_id': 'req-126'},
    {'type': 'pause_mission', 'mission_id': 'mission-123', 'request_id': 'req-127'},
    {'type': 'resume_mission', 'mission_id': 'mission-123', 'request_id': 'req-128'},
    {'type': 'cancel_mission', 'mission_id': 'mission-123', 'request_id': 'req-129'},
    {'type': 'update_config', 'changes': {'max_velocity': 2.0}, 'request_id': 'req-130'},
    {
        'type': 'rollback_config', 'to_version': '1.2.2', 'reason': 'performance_issue',
        'request_id': 'req-131'},
    {'type': 'get_config', 'request_id': 'req-132'},
    {'type': 'list_modules', 'request_id': 'req-133'},
    {'type': 'scan_modules', 'request_id': 'req-134'},
)

_REPLIES: tuple[dict[str, Any], ...] = (
    {
        'type': 'connection.established', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'client_id': 'panel-1', 'session_id': 'Zk3nQ0v1b7uXh2Lw', 'role': 'operator',
            'expires_at': '2024-12-19T10:45:00Z', 'protocol_version': '1.0',
            'server_version': '1.0.0',
            'limits': {
                'max_connections': 100, 'max_events_per_second': 1000.0,
                'max_payload_bytes': 16384, 'commands_per_second': 20.0, 'command_burst': 40,
                'idle_timeout': 300.0, 'ping_interval': 30.0},
            'epoch': '3vQpZ0aXw1Yb'}},
    {
        'type': 'auth.expiring', 'timestamp': '2024-12-19T10:44:00Z',
        'data': {'expires_at': '2024-12-19T10:45:00Z'}},
    {
        'type': 'auth.refreshed', 'timestamp': '2024-12-19T10:44:01Z',
        'data': {
            'role': 'operator', 'expires_at': '2024-12-19T10:59:01Z',
            'token': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...',
            'refresh_token': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...'},
        'request_id': 'req-101'},
    {
        'type': 'subscription.confirmed', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'events': ['telemetry.realtime', 'safety.*'],
            'rates': {
                'telemetry.realtime': 10.0, 'safety.zone_entered': 1.0, 'safety.estop': 1.0,
                'safety.clear': 1.0},
            'denied': ['config.*']}},
    {
        'type': 'subscription.removed', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {'events': ['telemetry.realtime']}},
    {
        'type': 'resume.result', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {'recovered': True, 'replayed': 2, 'epoch': '3vQpZ0aXw1Yb', 'seq': 43},
        'request_id': 'req-103'},
    {'type': 'pong', 'timestamp': '2024-12-19T10:30:00Z', 'data': {}, 'request_id': 'req-102'},
    {
        'type': 'command.result', 'timestamp': '2024-12-19T10:30:00Z',
        'data': {'command': 'emergency_stop', 'accepted': True, 'message': 'stopped and latched'},
        'request_id': 'req-124'},
)

#: What an error's description says, as in section 7 of the specification for the first three.
DESCRIPTIONS = MappingProxyType({
    ErrorCode.AUTHENTICATION_FAILED: 'Invalid or expired token',
    ErrorCode.INVALID_EVENT_TYPE: 'Unknown event type: invalid.event',
    ErrorCode.RATE_LIMIT_EXCEEDED: 'Too many events per second',
    ErrorCode.INVALID_MESSAGE: 'rate: Input should be greater than 0',
    ErrorCode.PAYLOAD_TOO_LARGE: 'message above 16384 bytes',
    ErrorCode.PERMISSION_DENIED: 'role viewer may not emergency_stop',
    ErrorCode.CONNECTION_LIMIT_REACHED: '100 connections are open',
    ErrorCode.AUTHENTICATION_REQUIRED: 'send auth first',
    ErrorCode.COMMAND_FAILED: 'start_mission: no answer from the vehicle within 2 s',
    ErrorCode.SLOW_CONSUMER:
        'a message waited 10 s for the connection; read faster or subscribe to less',
})

#: One error of each code, in the order of the codes.
ERRORS = tuple({
    'type': 'error', 'error_code': error.code, 'error_name': error.title,
    'description': description, 'timestamp': '2024-12-19T10:30:00Z',
    'temporary': error.temporary} for error, description in DESCRIPTIONS.items())

#: One message of every type but `error`, by type.
EXAMPLES = MappingProxyType({
    message['type']: message for message in (*_EVENTS, *_COMMANDS, *_REPLIES)})
