#!/usr/bin/env python3
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
"""Runs a node: `python -m oht50_bridge.nodes NAME`, or an executable of the node's name."""

from oht50_bridge.signals import exit_on_signal
from oht50_bridge.standard_streams import open_standard_streams

open_standard_streams()
exit_on_signal()

import importlib  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from oht50_bridge.heap import end_threads_without_memory  # noqa: E402
from oht50_bridge.heap import end_without_memory  # noqa: E402
from oht50_bridge.heap import keep_heap_whole  # noqa: E402

name = Path(sys.argv[0]).name
if name == '__main__.py':
    name = sys.argv.pop(1)
keep_heap_whole()
end_threads_without_memory()
try:
    importlib.import_module(f'oht50_bridge.nodes.{name}').main()
except Exception as error:
    end_without_memory(error)
    raise
