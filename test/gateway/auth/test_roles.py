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
from pathlib import Path

import pytest

from oht50_bridge.gateway.auth.roles import RolesError
from oht50_bridge.gateway.auth.roles import load_roles
from oht50_bridge.gateway.auth.roles import parse_roles
from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.catalogue import EVENTS

FILE = Path(__file__).resolve().parents[3] / 'config' / 'roles.yaml'


def test_the_table_of_the_package():
    roles = load_roles(FILE)
    assert roles.names == ('viewer', 'operator', 'system', 'admin')
    read = {name: {EVENTS[kind].family for kind in roles[name].events} for name in roles.names}
    assert read['viewer'] == {'telemetry', 'system', 'mission', 'safety'}
    assert read['operator'] == read['admin'] == read['viewer'] | {'module', 'config'}
    assert roles['system'] == roles['operator']
    admins = {'clear_estop', 'set_maintenance', 'update_config', 'rollback_config', 'scan_modules'}
    assert roles['admin'].commands - roles['operator'].commands == admins
    assert roles['admin'].commands == {n for n, c in COMMANDS.items() if c.level is not None}
    viewers = {'get_system_status', 'get_vehicle', 'get_config', 'list_modules'}
    assert roles['viewer'].commands == viewers
    assert not roles['nobody'].events and not roles['nobody'].commands


def test_the_rights_of_a_role_are_whole_families_where_it_has_all_of_one():
    entry = {'level': 'viewer', 'allow': ['emergency_stop', 'module.*'], 'deny': ['get_config']}
    may = parse_roles({'roles': {'wall': entry | {'deny': ['get_config', 'safety.clear']}}})[
        'wall'
    ].may
    assert may['order'] == ['get_system_status', 'emergency_stop', 'get_vehicle', 'list_modules']
    assert may['read'][:3] == ['system.*', 'telemetry.*', 'mission.*']
    assert may['read'][-1] == 'module.*'
    assert {'safety.estop', 'safety.zone_entered'} <= set(may['read'])
    assert not {'safety.*', 'safety.clear', 'config.*'} & set(may['read'])
    assert load_roles(FILE)['nobody'].may == {'order': [], 'read': []}


@pytest.mark.parametrize(
    ('document', 'words'),
    [
        (None, 'roles'),
        ({'roles': {}}, 'roles'),
        ({'roles': {'a': None}}, 'roles.a'),
        ({'roles': {'a': {'allow': []}}}, 'roles.a: needs a level'),
        ({'roles': {'a': {'level': 'root'}}}, 'roles.a.level: root'),
        ({'roles': {'a': {'level': 'viewer', 'alow': []}}}, 'roles.a: alow'),
        ({'roles': {'a': {'level': 'viewer', 'allow': ['safty.*']}}}, r'roles.a.allow: safty\.\*'),
        ({'roles': {'a': {'level': 'viewer', 'deny': ['ping']}}}, r'roles.a.deny: ping'),
        ({'roles': {'a': {'level': 'viewer', 'deny': 'safety.*'}}}, 'list'),
        ({'roles': {1: {'level': 'viewer'}}}, 'string'),
    ],
)
def test_a_wrong_table_is_refused_by_place(document, words):
    with pytest.raises(RolesError, match=words):
        parse_roles(document)


def test_a_role_may_differ_from_its_level_by_name():
    roles = parse_roles(
        {
            'roles': {
                'panel': {
                    'level': 'viewer',
                    'allow': ['emergency_stop', 'module.*'],
                    'deny': ['system.error', 'get_config', 'module.discovered'],
                },
                'viewer': {'level': 'viewer'},
            }
        }
    )
    panel, viewer = roles['panel'], roles['viewer']
    assert panel.events - viewer.events == {'module.status_change'}
    assert viewer.events - panel.events == {'system.error'}
    assert panel.commands - viewer.commands == {'emergency_stop'}
    assert viewer.commands - panel.commands == {'get_config'}


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ('roles: [', 'not YAML'),
        ('roles: {a: {deny: [x], deny: []}}', "line 1: 'deny' is there twice"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_table_is_named(tmp_path, content, words):
    path = tmp_path / 'roles.yaml'
    path.write_text(content)
    with pytest.raises(RolesError, match=rf'roles\.yaml: {words}'):
        load_roles(path)
