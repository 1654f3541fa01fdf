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
"""Names of hosts have addresses, or are refused with an error of the system."""

import socket

import pytest
from support import NO_HOSTS

from oht50_bridge.gateway.host_addresses import host_addresses
from oht50_bridge.gateway.tls import is_loopback


def test_the_addresses_of_a_name():
    assert [entry[4] for entry in host_addresses('127.0.0.1', 80)] == [('127.0.0.1', 80)]
    assert socket.AF_INET in {entry[0] for entry in host_addresses('', 80)}


@pytest.mark.parametrize('host', NO_HOSTS)
def test_what_cannot_be_a_name_is_an_error_of_the_system(host):
    with pytest.raises(OSError, match='no name of a host'):
        host_addresses(host)
    with pytest.raises(OSError, match='no name of a host'):
        is_loopback(host)
