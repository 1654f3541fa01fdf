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
"""Forks the nodes from one process with their imports done: a start costs a fraction.

`python -m rosless oht50_bridge.nodes.preload SOCKET [FILLER]` imports the module of each node and
then answers the supervisor: each request is the command line of a node, what its environment has
more, and a socket, on which the node says its pid once it is a child of the supervisor, and waits
for leave to run. Where it cannot be forked, the reason is said there, or nothing.

A request can also be to check the parameters of the vehicle, for which nearly the same has to be
imported: the supervisor need not do that too.

FILLER makes its own command line as long as theirs, which are shown in its place.

No thread may run here, and no DDS entity may exist: neither survives a fork.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from setproctitle import setproctitle
from setproctitle import setthreadtitle

from oht50_bridge.nodes import NODES
from oht50_bridge.prctl import signal_at_parent_death
from oht50_bridge.standard_streams import flush_output

MODULE = 'oht50_bridge.nodes'
CHECK = 'oht50_bridge.bringup.parameter_check'
READY = b'ready'
LONGEST_REQUEST = 65536  # bytes
_ADOPTION_PERIOD = 0.001  # s, between two looks for the parent


def main() -> None:
    """Serve until the supervisor ends; in a node that was forked, run it."""
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        load()
        setthreadtitle('oht50-preload')
        channel.send(READY)
        command = serve(channel)
    if command is None:
        return
    gc.enable()
    # As `python -m rosless` does; what is left of the interpreter's life is that of the node.
    sys.argv[1:] = command[command.index(MODULE) + 1 :]
    runpy.run_module(MODULE, run_name='__main__', alter_sys=True)


def load() -> None:
    """Import the nodes, and leave their objects out of all further garbage collections.

    A collection would write to each of them, and each node then has a copy of its own.
    """
    gc.disable()
    for name in NODES:
        importlib.import_module(f'{MODULE}.{name}')
    gc.collect()
    gc.freeze()


def serve(channel: socket.socket) -> list[str] | None:
    """Fork what is asked for.

    Args:
        channel: the requests.

    Returns:
        None at the end of the supervisor; in each node its command line.

    """
    supervisor = os.getppid()
    while True:
        data, descriptors, _, _ = socket.recv_fds(channel, LONGEST_REQUEST, 1)
        if not data:
            return None
        request: dict[str, Any] = json.loads(data)
        with socket.socket(fileno=descriptors[0]) as answers:
            if 'check' in request:
                check(request['check'], answers)
            elif fork(answers):
                os.environ.update(request['environment'])
                become_node(request['command'], answers, supervisor)
                return list(request['command'])


def check(request: list[Any], answers: socket.socket) -> None:
    """Check the parameters of a vehicle, and leave what that has made to all nodes.

    Args:
        request: see `parameter_check.answer`.
        answers: takes the answer, and nothing where there is none.

    """
    # Not with the other imports: a process that is started again need not check anything.
    answer = importlib.import_module(CHECK).answer(request)
    with contextlib.suppress(OSError):  # the supervisor is gone, or waits no longer
        answers.sendall(answer.encode())
    gc.collect()
    gc.freeze()


def fork(answers: socket.socket) -> bool:
    """Fork a grandchild, whose parent ends at once; return True in it.

    Args:
        answers: takes the reason where there is none.

    """
    tasks = len(list(Path('/proc/self/task').iterdir()))
    if tasks != 1:
        answers.send(f'{tasks} threads run in it'.encode())
        return False
    flush_output()
    try:
        child = os.fork()
    except OSError as error:
        answers.send(str(error).encode())
        return False
    if child == 0:
        with contextlib.suppress(OSError):  # the supervisor sees the end of its socket
            if os.fork() == 0:
                return True
        os._exit(os.EX_OK)
    with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored
        os.waitpid(child, 0)
    return False


def become_node(command: list[str], answers: socket.socket, supervisor: int) -> None:
    """Be what the supervisor would have executed; end where it does not want that any more.

    Args:
        command: command line, for those who look at the processes of the machine.
        answers: takes the pid, gives leave to run.
        supervisor: the pid of the supervisor.

    """
    os.setsid()
    setproctitle(' '.join(command))
    setthreadtitle(command[command.index(MODULE) + 1])
    while os.getppid() != supervisor:
        if select.select([answers], [], [], _ADOPTION_PERIOD)[0]:
            os._exit(os.EX_OK)
    signal_at_parent_death(signal.SIGTERM)
    try:
        answers.send(str(os.getpid()).encode())
        if answers.recv(1):
            return
    except OSError:
        pass  # the supervisor is gone
    os._exit(os.EX_OK)


if __name__ == '__main__':
    main()
