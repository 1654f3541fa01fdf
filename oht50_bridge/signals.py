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
"""How a process begins that others start: no signal meets it before it can heed it.

Python takes a while until its first line, and longer until a node is made. Whoever starts such a
process has SIGINT and SIGTERM wait until then.
"""

import os
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Before a command line: what waits is heard of in `end_quietly`.
SIGNALS_WAIT = ('env', '--block-signal=INT', '--block-signal=TERM')


def end_quietly() -> None:
    """Have a signal end this process with 0 and without a word, until it has something to end."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: os._exit(os.EX_OK))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
