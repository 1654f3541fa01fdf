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
import pytest
from client.scenario import Controller
from gateway.serving import pytest_pyfunc_call  # noqa: F401 - a hook


@pytest.fixture(scope='module')
def controller():
    """Run a bridge and a proxy before it."""
    running = Controller()
    yield running
    running.close()
