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
"""The enumerations of .msg constants, of the WebSocket protocol and of the vehicle agree.

Each of the three is written down, since each is read by itself: the interfaces by ROS tools, the
models by pydantic, the vehicle's rules by people. What belongs together derives from the comment
of a field, `one of [Message.]PREFIX_*`, and from the docstring of an enumeration, `the values are
those of Message.PREFIX_*` (or `among those of`).
"""

import importlib
import inspect
import pkgutil
import re
import types
from pathlib import Path
from typing import Annotated
from typing import Literal
from typing import Union
from typing import get_args
from typing import get_origin

import pytest

from oht50_bridge import vehicle
from oht50_bridge.enums import StrEnum
from oht50_bridge.protocol import commands
from oht50_bridge.protocol import events
from oht50_bridge.protocol import states

ROOT = Path(__file__).resolve().parents[2]
CONSTANT = re.compile(r'^string ([A-Z][A-Z0-9_]*)=(\S+)', re.MULTILINE)
FIELD = re.compile(r'^string (\w+) .*\bone of (?:(\w+)\.)?([A-Z_]+_)\*', re.MULTILINE)
DOCSTRING = re.compile(r'values\s+are\s+(among\s+)?those\s+of\s+(\w+)\.([A-Z_]+_)\*')
#: Enumerations of the vehicle that are on no topic.
INTERNAL = {'PositionOrigin', 'VehicleState'}


def interfaces():
    return [*sorted((ROOT / 'msg').glob('*.msg')), *sorted((ROOT / 'srv').glob('*.srv'))]


def constants(message, prefix):
    """Return the constants of a message that begin with a prefix, by the rest of their name."""
    found = CONSTANT.findall((ROOT / 'msg' / f'{message}.msg').read_text())
    return {name.removeprefix(prefix): value for name, value in found if name.startswith(prefix)}


def fields():
    """Yield interface, field, and message and prefix of its constants."""
    for path in interfaces():
        for name, message, prefix in FIELD.findall(path.read_text()):
            yield path.stem, name, message or path.stem, prefix


def model_of(interface):
    """Return the model of the protocol that a message or service becomes, if there is one."""
    name = {'SystemError': 'SystemErrorEvent'}.get(interface, interface)
    event = getattr(events, name, getattr(states, name, None))
    if event is None:
        return getattr(commands, name, None)
    data = event.model_fields.get('data')  # a part of events has none
    return data and data.annotation


def literals(annotation):
    """Return the values of the Literal in an annotation, if there is one."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    if get_origin(annotation) in (Annotated, Union, types.UnionType):
        return set().union(*map(literals, get_args(annotation)))
    return set()


def enumerations():
    """Return the enumerations of strings outside of the protocol that messages may carry."""
    modules = pkgutil.iter_modules(vehicle.__path__, 'oht50_bridge.vehicle.')
    names = ['oht50_bridge.stop_reason', *(module.name for module in modules)]
    return sorted(
        {
            value
            for name in names
            for value in vars(importlib.import_module(name)).values()
            if inspect.isclass(value) and issubclass(value, StrEnum) and value is not StrEnum
        },
        key=lambda value: value.__name__,
    )


@pytest.mark.parametrize(('interface', 'field', 'message', 'prefix'), list(fields()))
def test_a_field_of_the_protocol_has_the_values_of_its_constants(
    interface, field, message, prefix
):
    values = set(constants(message, prefix).values())
    assert values, f'{message}.msg has no constants {prefix}*'
    model = model_of(interface)
    if model is not None and field in model.model_fields:
        assert literals(model.model_fields[field].annotation) == values


@pytest.mark.parametrize('enumeration', enumerations())
def test_an_enumeration_of_the_vehicle_has_the_names_and_values_of_its_constants(enumeration):
    belongs = DOCSTRING.search(inspect.getdoc(enumeration) or '')
    if enumeration.__name__ in INTERNAL:
        assert not belongs
        return
    assert belongs, 'name the constants in the docstring, or add the enumeration to INTERNAL'
    among, message, prefix = belongs.groups()
    members = {member.name: member.value for member in enumeration}
    expected = constants(message, prefix)
    assert members.items() <= expected.items() if among else members == expected


def test_all_constants_belong_to_a_field():
    used = {(message, prefix) for _, _, message, prefix in fields()}
    for path in interfaces():
        for name, value in CONSTANT.findall(path.read_text()):
            prefix = next((p for m, p in used if m == path.stem and name.startswith(p)), None)
            assert prefix, f'{path.name}: no field is "one of" the group of {name}'
            if prefix != 'SEVERITY_':
                assert name.removeprefix(prefix).lower() == value


def test_all_literals_of_events_have_constants():
    covered = {
        (model_of(interface), field) for interface, field, _, _ in fields() if model_of(interface)
    }
    classes = [value for module in (events, states) for value in vars(module).values()]
    for data in filter(inspect.isclass, classes):
        if data.__name__.endswith('Data'):
            for name, field in data.model_fields.items():
                if literals(field.annotation):
                    assert (data, name) in covered, f'{data.__name__}.{name}'


def test_a_difference_is_found():
    assert constants('MissionState', 'PHASE_')['HELD'] == 'held'
    assert literals(Literal['a', 'b'] | None) == {'a', 'b'}
    assert literals(Annotated[Literal['a'], 1]) == {'a'}
    assert literals(str) == set()
    assert ('SafetyClear', 'next_action', 'SafetyClear', 'NEXT_') in fields()
    assert ('ClearEstop', 'next_action', 'SafetyClear', 'NEXT_') in fields()
    assert len(list(fields())) > 20
    assert {'MissionPhase', 'StopReason'} <= {each.__name__ for each in enumerations()}
