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
"""Signals as in a terminal, messages that check their fields, and patience with a busy machine."""

import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest
from file_order import order
from hypothesis import HealthCheck
from hypothesis import is_hypothesis_test
from hypothesis import settings

pytest_plugins = ['host_watch', 'processes', 'shared_vehicle']

# A shell without job control starts background commands with SIGINT ignored, and children inherit
# that; tests that press Ctrl-C need it as it is in a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)

# rclpy checks fields only on request, and looks for it when the first message is imported; rosless
# always does.
os.environ['ROS_PYTHON_CHECK_FIELDS'] = '1'

# How long an example takes is the affair of the machine, which may be busy.
settings.register_profile('busy', deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile('busy')


COVERAGE = 'COVERAGE_PROCESS_CONFIG'  # has a process measure its coverage
MARKER = 'cover_processes'
LONG = 'long'
SLOW = 'slow'


def pytest_configure(config):
    """Register the markers."""
    config.addinivalue_line('markers', f'{LONG}: takes long; `make test-page` runs it')
    config.addinivalue_line(
        'markers', f'{SLOW}: no time for it in `make test`; `make test-slow` and .ci/run run it'
    )
    config.addinivalue_line('markers', 'no_cover: no coverage is measured (pytest-cov)')
    config.addinivalue_line(
        'markers', f'{MARKER}: coverage of the processes that it starts counts'
    )


# What pytest-xdist starts a worker with makes coverage start there by COVERAGE, and pytest-cov by
# its options, before it starts for the worker. With all three each line costs thrice, and
# `no_cover` stops only one of them.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    """Start workers that measure no coverage by themselves."""
    os.environ.pop(COVERAGE, None)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session):
    """End in a worker what has measured its start."""
    cov = session.config.pluginmanager.getplugin('_cov')
    if hasattr(session.config, 'workerinput') and cov is not None and cov.cov_controller:
        from coverage import CoverageException

        cov.cov_controller.cov.stop()
        # A worker that starts erases what others wrote; they have imported the same.
        with contextlib.suppress(CoverageException):
            cov.cov_controller.cov.save()


def file_of(item):
    """Return the file of a test, below test/."""
    return item.path.relative_to(Path(__file__).parent).as_posix()


def pytest_collection_modifyitems(config, items):
    """Measure no coverage of arbitrary inputs: they run the same lines again and again.

    Tests that take long or are slow run where a marker is asked for.
    """
    place = {name: at for at, name in enumerate(order({file_of(item): None for item in items}))}
    items.sort(key=lambda item: place[file_of(item)])
    if not config.getoption('markexpr'):
        apart = {item for item in items for mark in (LONG, SLOW) if item.get_closest_marker(mark)}
        config.hook.pytest_deselected(items=[item for item in items if item in apart])
        items[:] = [item for item in items if item not in apart]
    for item in items:
        if is_hypothesis_test(getattr(item, 'obj', None)):
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    """Measure no imports: all workers import the same, and test_structure.py measures it once."""
    cov = session.config.pluginmanager.getplugin('_cov')
    if not hasattr(session.config, 'workerinput') or cov is None or not cov.cov_controller:
        return (yield)
    cov.cov_controller.pause()
    try:
        return (yield)
    finally:
        cov.cov_controller.resume()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Measure the coverage of processes only where nothing else runs what they run: it is slow."""
    measured = os.environ.get(COVERAGE)
    if item.get_closest_marker(MARKER) is None:
        os.environ.pop(COVERAGE, None)
    try:
        return (yield)
    finally:
        if measured is not None:
            os.environ[COVERAGE] = measured
        # What runs a command in the process of the tests may leave a handler of its own behind.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=['no reader', 'full disk'])
def no_stderr(request):
    """Return a context in which the standard error cannot be written."""

    # The capture of pytest puts its own in place again before the test begins.
    @contextlib.contextmanager
    def unwritable():
        if request.param == 'full disk':
            descriptor = os.open('/dev/full', os.O_WRONLY)
        else:
            reader, descriptor = os.pipe()
            os.close(reader)
        with os.fdopen(descriptor, 'w', buffering=1) as stream, pytest.MonkeyPatch.context() as m:
            m.setattr(sys, 'stderr', stream)
            yield

    return unwritable
