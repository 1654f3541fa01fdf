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
"""The coverage of each package is compared with its floor."""

import importlib.util
import json

import pytest
from support import ROOT

SPEC = importlib.util.spec_from_file_location(
    'check_coverage', ROOT / 'tools' / 'check_coverage.py'
)
check_coverage = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(check_coverage)


def file(lines, covered_lines, branches=0, covered_branches=0):
    return {
        'summary': {
            'num_statements': lines,
            'covered_lines': covered_lines,
            'num_branches': branches,
            'covered_branches': covered_branches,
        }
    }


REPORT = {
    'files': {
        'oht50_bridge/gateway/server.py': file(60, 50, 10, 5),
        'oht50_bridge/gateway/auth/keys.py': file(20, 20, 10, 10),
        'oht50_bridge/bag.py': file(10, 5),
        'rosless/idl/cdr.py': file(40, 40),
        'oht50_bridge/protocol/__init__.py': file(0, 0),
    }
}
MEASURED = {'gateway': 85.0, 'oht50_bridge': 50.0, 'rosless': 100.0, 'total': 130 / 1.5}


def test_lines_and_branches_count_for_the_package():
    assert check_coverage.percentages(REPORT) == pytest.approx(MEASURED)


@pytest.mark.parametrize(
    ('floors', 'code', 'note'),
    [
        ({}, 0, None),
        ({'gateway': 85.1}, 1, 'gateway       85.0 %  BELOW ITS FLOOR of 85.1'),
        ({'total': 86.7}, 1, 'total         86.7 %  BELOW ITS FLOOR of 86.7'),
        ({'gateway': 84.0}, 0, None),
        ({'gateway': 83.9}, 0, 'gateway       85.0 %  raise the floor from 83.9 to 85.0'),
        ({'nodes': 10.0}, 1, 'nodes          0.0 %  BELOW ITS FLOOR of 10.0'),
        ({'rosless': None}, 1, 'rosless      100.0 %  HAS NO FLOOR: add 100.0'),
    ],
)
def test_floors(tmp_path, capsys, floors, code, note):
    all_floors = {**MEASURED, 'total': 86.6, **floors}
    report, kept = tmp_path / 'report.json', tmp_path / 'floors.json'
    report.write_text(json.dumps(REPORT))
    kept.write_text(json.dumps({name: f for name, f in all_floors.items() if f is not None}))
    assert check_coverage.main([str(report), str(kept)]) == code
    output = capsys.readouterr().out
    if note is None:
        assert 'floor' not in output.lower()
    else:
        assert note in output.splitlines()


def test_every_package_has_a_floor():
    """Packages in which coverage was measured at least once."""
    floors = json.loads((ROOT / 'test' / 'coverage_floors.json').read_text())
    packages = {path.parent.name for path in (ROOT / 'oht50_bridge').glob('*/__init__.py')}
    assert packages - set(floors) <= {'msg', 'srv'}
    assert all(floors[name] >= 85 for name in ('protocol', 'gateway', 'vehicle'))
