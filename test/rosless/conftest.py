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

"""
Contract tests of rosless: they run unchanged on a real rclpy, when one is sourced.

Everything is real: DDS on the loopback interface, in a domain of this test run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# The tests import `contract` by its name, in any import mode of pytest.
sys.path.insert(0, str(Path(__file__).parent))

from contract import DEADLINE_SEC  # isort: skip (it makes rclpy importable)
from contract import ROOT  # isort: skip
import rclpy
from rclpy.executors import SingleThreadedExecutor


@pytest.fixture(params=[[]], ids=[''])
def ros(request: pytest.FixtureRequest) -> Iterator[None]:
    """rclpy between init and shutdown; the parameter is the command line."""
    rclpy.init(args=['test', *request.param])
    yield
    rclpy.try_shutdown()


class Spinner:
    """Nodes in one executor, spun until something is true."""

    def __init__(self) -> None:
        self.executor = SingleThreadedExecutor()
        self.nodes: list[Any] = []

    def node(self, name: str = 'node', **kwargs: Any) -> Any:
        node = rclpy.create_node(name, **kwargs)
        self.nodes.append(node)
        self.executor.add_node(node)
        return node

    def until(self, condition: Callable[[], Any], timeout_sec: float = DEADLINE_SEC) -> Any:
        """Spin until the condition is true, and return its value; fail after the timeout."""
        end = time.monotonic() + timeout_sec
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                pytest.fail('the condition was not reached in time')
            self.executor.spin_once(timeout_sec=0.05)

    def result(self, future: Any, timeout_sec: float = DEADLINE_SEC) -> Any:
        self.until(future.done, timeout_sec)
        return future.result()

    def close(self) -> None:
        for node in self.nodes:
            node.destroy_node()
        self.executor.shutdown()


@pytest.fixture
def spinner(ros: None) -> Iterator[Spinner]:
    """Make nodes and spin them."""
    spinner = Spinner()
    yield spinner
    spinner.close()


class Process:
    """A Python process with rclpy, whose output is read when it has ended."""

    def __init__(self, code: str, *args: str) -> None:
        prefix = (
            f'import sys; sys.path.insert(0, {str(ROOT)!r})\n'
            'import rosless; rosless.install()\nimport rclpy\n'
        )
        self.process = subprocess.Popen(
            [sys.executable, '-u', '-c', prefix + code, *args],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def read_line(self) -> str:
        """Return the next line of its output; it may say when it is ready."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def wait(self, timeout_sec: float = DEADLINE_SEC) -> tuple[int, str, str]:
        """Return (exit status, stdout, stderr)."""
        out, err = self.process.communicate(timeout=timeout_sec)
        return self.process.returncode, out, err


@pytest.fixture
def process() -> Iterator[Callable[..., Process]]:
    """Start processes that do not outlive the test."""
    started: list[Process] = []

    def start(code: str, *args: str) -> Process:
        started.append(Process(code, *args))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()
