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
"""Checks the parameter files of a vehicle as a whole, before any of its processes starts.

The declarations are those of the nodes themselves (`declared`). What the check has converted is
what the nodes are given, so nothing is judged twice in different ways.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oht50_bridge.bringup.declared import DeclaredNode
from oht50_bridge.bringup.declared import declare_all
from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.errors import ParameterError
from oht50_bridge.bringup.limits import check_limits
from oht50_bridge.bringup.parameter_reader import Given
from oht50_bridge.bringup.parameter_reader import ParameterFileError
from oht50_bridge.bringup.parameter_reader import applies_to
from oht50_bridge.bringup.parameter_reader import read_parameter_file
from oht50_bridge.bringup.parameter_reader import shortened
from oht50_bridge.bringup.parameters import VehicleParameters
from oht50_bridge.bringup.parameters import check_lines
from oht50_bridge.bringup.parameters import parameter_files
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.hardware import Hardware
from oht50_bridge.nodes import NAMESPACE
from oht50_bridge.nodes import NODES
from oht50_bridge.nodes.hardware_settings import hardware_config
from oht50_bridge.settings import Setting
from oht50_bridge.text import shown

# Names below these are declared as lists say; a vehicle may have fewer than its file describes.
_GROUPS = ('line', 'module', 'item')

#: What the start of a vehicle sets, whatever a file says, and who determines it.
SET_AT_START = {
    'host': 'give --host, or host:= to a launch file',
    'port': 'give --port, or port:= to a launch file',
    'state_dir': 'give --state-dir, or state_dir:= to a launch file',
    'latch_dir': 'it follows from the serial port of the travel motor',
    'simulated': 'give --sim, or sim:=true to a launch file',
    'replay': 'oht50 replay sets it',
}


@dataclass(frozen=True)
class _Placed:
    """A value and the file that gives it."""

    file: Path
    given: Given

    @property
    def line(self) -> int:
        return self.given.value.line

    @property
    def node(self) -> str:
        """The node it is for, the section where it is for several."""
        name = self.given.section.rpartition('/')[2]
        return name if name in NODES else shortened(self.given.section)

    def fault(self, text: str) -> _Fault:
        where = f'{self.node}: {shortened(self.given.name)}'
        return _Fault(self.file, self.line, f'{where}: {text}')


@dataclass(frozen=True)
class _Fault:
    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        place = shown(str(self.file)) + (f':{self.line}' if self.line else '')
        return f'{place}: {self.text}'


def read_parameters(
    params: Path | None,
    *,
    namespace: str = NAMESPACE,
    simulated: bool = False,
    serial_port: str = '',
    use_sim_time: bool = False,
) -> VehicleParameters:
    """Return the parameters of a vehicle, read from its files and found to be right.

    Args:
        params: parameter file whose values override those of config/vehicle.yaml.
        namespace: namespace of the vehicle.
        simulated: whether its boards are simulated, so that lines need no device.
        serial_port: port of all boards; empty: the serial lines of the parameters.
        use_sim_time: whether the nodes take their time from /clock.

    Raises:
        ParameterError: what is wrong, a line for each fault.

    """
    try:
        files = parameter_files(params)
    except FileNotFoundError as error:  # the folder of the configuration
        raise ParameterError([str(error)]) from error
    placed = list(_read(files))
    nodes = {
        node: declare_all(
            node,
            {
                each.given.name: each.given
                for each in placed
                if applies_to(each.given.section, f'{namespace}/{node}')
            },
        )
        for node in NODES
    }
    faults = [
        *_misplaced(placed, namespace),
        *_repeated(placed),
        *_wrong(placed, nodes),
        *_unknown(placed, nodes, namespace, files[0]),
        *_clock(placed, use_sim_time=use_sim_time),
        *_without_effect(placed),
    ]
    # A fault of a value would show again in what contradicts its default.
    contradictions = [
        _contradiction(text, placed, params)
        for declared in nodes.values()
        if not declared.faults
        for text in declared.contradictions
    ]
    parameters = VehicleParameters({node: each.values for node, each in nodes.items()})
    if not faults and not contradictions:
        try:
            check_lines(parameters, serial_port)
            check_modules(parameters, simulated=simulated, serial_port=serial_port)
            check_limits(parameters)
        except BringUpError as error:
            contradictions.append(_contradiction(str(error), placed, params))
    if faults or contradictions:
        # Those of one file together, in its order.
        faults.sort(key=lambda each: (files.index(each.file), each.line))
        lines = [*map(str, faults), *contradictions]
        raise ParameterError(list(dict.fromkeys(lines)))
    return parameters


def _read(files: list[Path]) -> Iterator[_Placed]:
    faults = []
    for file in files:
        try:
            yield from [_Placed(file, given) for given in read_parameter_file(file)]
        except ParameterFileError as error:
            faults.append(str(_Fault(file, error.line, str(error))))
    if faults:
        raise ParameterError(faults)


def _contradiction(text: str, placed: list[_Placed], params: Path | None) -> str:
    """Return a fault of several values, with the place of one of them if a file was given."""
    if params is None:
        return text
    names = set(re.findall(r'[\w.]+', text))
    lines = [each.line for each in placed if each.file == params and each.given.name in names]
    return str(_Fault(params, lines[-1] if lines else 0, text))


def _misplaced(placed: list[_Placed], namespace: str) -> Iterator[_Fault]:
    """Yield a fault for each section that is for no node of the vehicle: it would do nothing."""
    vehicle = shortened(namespace)
    seen = set()
    for each in placed:
        section = each.given.section
        if (each.file, section) in seen:
            continue
        seen.add((each.file, section))
        if not any(applies_to(section, f'{namespace}/{node}') for node in NODES):
            name = section.rpartition('/')[2]
            (close,) = difflib.get_close_matches(name, NODES, 1, 0.6) or ('NODE',)
            yield _Fault(
                each.file,
                each.line,
                f'{shortened(section)}: the vehicle {vehicle} has no such node; write '
                f'/**/{close}, where NODE is one of {", ".join(NODES)}'
                if close == 'NODE'
                else f'{shortened(section)}: the vehicle {vehicle} has no such node; write '
                f'/**/{close}, or put what is for others into a file of its own',
            )


def _repeated(placed: list[_Placed]) -> Iterator[_Fault]:
    first: dict[tuple[Path, str, str], _Placed] = {}
    for each in placed:
        key = each.file, each.given.section, each.given.name
        if key in first:
            yield each.fault(f'is given in line {first[key].line} already; remove one of the two')
        first.setdefault(key, each)


def _wrong(placed: list[_Placed], nodes: Mapping[str, DeclaredNode]) -> Iterator[_Fault]:
    """Yield a fault for each value that counts and is of another type or out of range."""
    for each in placed:
        for declared in nodes.values():
            name = each.given.name
            if declared.given.get(name) is each.given and name in declared.faults:
                yield each.fault(f'found {each.given.value}; write {declared.faults[name]}')
                break


def _unknown(
    placed: list[_Placed], nodes: Mapping[str, DeclaredNode], namespace: str, base: Path
) -> Iterator[_Fault]:
    """Yield a fault for each parameter that none of its nodes has."""
    groups = {_group(each.given.name) for each in placed if each.file == base}
    for each in placed:
        name = each.given.name
        owners = [
            declared
            for node, declared in nodes.items()
            if applies_to(each.given.section, f'{namespace}/{node}')
        ]
        if not owners or any(name in declared.types for declared in owners):
            continue
        group = _group(name)
        listed = any(_group(known) == group for owner in owners for known in owner.types)
        if group[0] and not listed:
            if group in groups:
                continue  # described by the vehicle's own file, and not in use
            yield each.fault(
                f'{group[0]}s does not list {shortened(group[1])}; write the name there, or '
                'remove this'
            )
            continue
        known = [each_name for declared in owners for each_name in declared.types]
        close = difflib.get_close_matches(name[:100], known, 1, 0.8)
        remedy = f'write {close[0]}, or remove it' if close else 'remove it'
        yield each.fault(f'there is no such parameter; {remedy}')


def _group(name: str) -> tuple[str, str]:
    """Return line, module or item and the name of the one that a parameter is of."""
    kind, _, rest = name.partition('.')
    return (kind, rest.rpartition('.')[0]) if kind in _GROUPS else ('', '')


def _clock(placed: list[_Placed], *, use_sim_time: bool) -> Iterator[_Fault]:
    for each in placed:
        value = getattr(each.given.value, 'value', None)
        if each.given.name == 'use_sim_time' and value is True and not use_sim_time:
            yield each.fault(
                'found true; write false: a publisher of /clock would decide which commands are '
                'too old. With simulated boards, give use_sim_time:=true to the launch file'
            )


def _without_effect(placed: list[_Placed]) -> Iterator[_Fault]:
    for each in placed:
        instead = SET_AT_START.get(each.given.name)
        if instead:
            yield each.fault(f'has no effect in a file; remove it: {instead}')


def check_modules(
    vehicle: VehicleParameters, *, simulated: bool = False, serial_port: str = ''
) -> None:
    """Refuse lines and modules that hardware_node would refuse.

    Args:
        vehicle: its parameters.
        simulated: whether the boards are simulated, so that lines need no device.
        serial_port: port of all boards; empty: the serial lines of the parameters.

    Raises:
        BringUpError: naming parameter and remedy.

    """
    config = hardware_config(_Checked(vehicle.given('hardware_node'), serial_port))
    if simulated:
        for name, line in config['lines'].items():
            line['device'] = f'/simulated/{name}'
    try:
        Hardware(config)  # opens nothing
    except HardwareConfigError as error:
        # The lists of the hardware are parameters with the names of their entries.
        text = re.sub(r'^(line|module)s\.', r'\1.', str(error))
        raise BringUpError(f'hardware_node: {text}') from error


@dataclass(frozen=True)
class _Checked:
    """Declares values that are known to be right."""

    values: Mapping[str, Any]
    serial_port: str
    node: str = 'hardware_node'

    def declare(self, name: str, default: Any, setting: Setting) -> Any:
        if name == 'serial_port' and self.serial_port:
            return self.serial_port
        return self.values.get(name, default)

    def refuse(self, error: ValueError) -> None:
        raise BringUpError(f'{self.node}: {error}') from error


def answer(request: Sequence[Any]) -> str:
    """Answer `checked_parameters` in another process: values or faults, as JSON.

    Args:
        request: the parameter file or None, and the options of `read_parameters`.

    """
    params, options = request
    try:
        vehicle = read_parameters(None if params is None else Path(params), **options)
    except ParameterError as error:
        return json.dumps({'faults': error.faults})
    return json.dumps({'values': {node: vehicle.given(node) for node in NODES}})


def main() -> None:
    """Print the answer to the request that the command line has."""
    sys.stdout.write(answer(json.loads(sys.argv[1])))


if __name__ == '__main__':
    main()
