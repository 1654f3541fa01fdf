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
"""The directory of the page goes away while the vehicle runs, and the bridge is killed."""

import os
import shutil
import signal
import urllib.error
import urllib.request

from support import running
from support import wait_for

PARAMETERS = '/**/bridge_node: {{ros__parameters: {{page: {}}}}}\n'


def status(vehicle, path):
    """Return the status of the answer to GET; None where nobody answers."""
    try:
        address = f'http://127.0.0.1:{vehicle.port}{path}'
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None


def test_a_bridge_starts_again_without_the_page_that_it_had(tmp_path):
    page = tmp_path / 'page'
    page.mkdir()
    (page / 'index.html').write_text('<!doctype html><title>x</title>')
    with running(tmp_path, PARAMETERS.format(page)) as vehicle:
        assert status(vehicle, '/') == 200
        shutil.rmtree(page)
        pid = vehicle.node_pid('bridge_node')
        os.kill(pid, signal.SIGKILL)
        vehicle.wait_for_new('bridge_node', pid)
        wait_for(lambda: status(vehicle, '/healthz') == 200, 30, 'the bridge serves again')
        assert status(vehicle, '/') == 503
        with vehicle.client('operator') as client:
            assert client.call('emergency_stop', reason='drill')['accepted']
        with vehicle.client('admin') as client:
            client.clear_estop()
        assert f'there is no page: {page}: it has no index.html' in vehicle.log.read_text()
