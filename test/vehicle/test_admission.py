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
"""Which missions are refused, and why."""

import math
from dataclasses import replace

import pytest

from oht50_bridge.vehicle.admission import MissionRequest
from oht50_bridge.vehicle.admission import MissionRules
from oht50_bridge.vehicle.admission import Readiness
from oht50_bridge.vehicle.admission import check_duration
from oht50_bridge.vehicle.admission import check_request
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction

TRACK = TrackSettings(50.0, vehicle_length=0.8)
RULES = MissionRules()
REQUEST = MissionRequest('transport', (20.0, 0.0, 0.0), 10.0)
READY = Readiness(not_ready='', position=5.0, battery=0.8, zones=())


def zone(start, end, action=ZoneAction.STOP):
    return Zone('z', 'restricted', action, start, end, 0.2)


def check(request, readiness):
    check_request(request, readiness, RULES, TRACK)


def test_good_request_is_not_refused():
    check(REQUEST, READY)
    check(replace(REQUEST, target=(49.55, 0.0, 0.0), payload=50.0), replace(READY, battery=0.3))
    check(replace(REQUEST, to_charger=True), replace(READY, battery=0.01))


@pytest.mark.parametrize(
    ('request_', 'readiness', 'reason'),
    [
        (replace(REQUEST, mission_type='fun'), READY, 'mission_type'),
        (replace(REQUEST, target=(-0.1, 0.0, 0.0)), READY, 'target x'),
        (replace(REQUEST, target=(49.56, 0.0, 0.0)), READY, 'target x'),
        (replace(REQUEST, target=(math.nan, 0.0, 0.0)), READY, 'target x'),
        (replace(REQUEST, target=(20.0, 0.1, 0.0)), READY, 'target y'),
        (replace(REQUEST, target=(20.0, 0.0, math.nan)), READY, 'target y'),
        (replace(REQUEST, payload=50.1), READY, 'payload'),
        (replace(REQUEST, payload=-1.0), READY, 'payload'),
        (replace(REQUEST, payload=math.nan), READY, 'payload'),
        (REQUEST, replace(READY, not_ready='emergency stop'), 'emergency stop'),
        (REQUEST, replace(READY, position=math.nan), 'position'),
        (REQUEST, replace(READY, battery=math.nan), 'battery'),
        (REQUEST, replace(READY, battery=0.299), 'battery at 30%'),
        (REQUEST, replace(READY, zones=None), 'zones are not known'),
        (REQUEST, replace(READY, zones=(zone(19.0, 21.0),)), 'in zone z'),
        (REQUEST, replace(READY, zones=(zone(10.0, 11.0),)), 'on the way'),
        # The vehicle is 0.8 m long.
        (REQUEST, replace(READY, zones=(zone(20.39, 21.0),)), 'in zone z'),
        (REQUEST, replace(READY, zones=(zone(18.0, 19.61),)), 'in zone z'),
        (REQUEST, replace(READY, zones=(zone(20.0, 20.001),)), 'in zone z'),
    ],
)
def test_refusal_names_its_reason(request_, readiness, reason):
    with pytest.raises(RefusedError, match=reason):
        check(request_, readiness)


@pytest.mark.parametrize(
    'zones',
    [
        (zone(19.0, 21.0, ZoneAction.ALERT),),  # not a zone to stop in
        (zone(21.0, 22.0),),  # beyond the target
        (zone(1.0, 4.0),),  # behind
        (zone(4.0, 6.0),),  # the vehicle stands in it and leaves it
        (zone(5.39, 6.0),),  # its nose does
        (zone(4.0, 4.61),),  # its tail does
        (zone(20.41, 22.0),),  # beyond its nose at the target
    ],
)
def test_zone_that_does_not_hinder_is_no_reason(zones):
    check(REQUEST, replace(READY, zones=zones))


def test_too_long_names_both_durations():
    check_duration(3600.0, RULES)
    with pytest.raises(RefusedError, match='3601 s: must not exceed 3600 s'):
        check_duration(3601.0, RULES)
