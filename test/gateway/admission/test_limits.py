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
"""Addresses of peers and what is counted by them."""

import pytest

from oht50_bridge.gateway.admission.limits import NAMED
from oht50_bridge.gateway.admission.limits import RECORDS
from oht50_bridge.gateway.admission.limits import Addresses
from oht50_bridge.gateway.admission.limits import RecordLimit
from oht50_bridge.gateway.admission.limits import address_of
from oht50_bridge.gateway.admission.limits import forwarded
from oht50_bridge.gateway.admission.limits import networks
from oht50_bridge.gateway.config import GatewayConfig


@pytest.mark.parametrize(
    ('host', 'address'),
    [
        ('10.1.2.3', '10.1.2.3'),
        ('::ffff:10.1.2.3', '10.1.2.3'),
        ('::1', '::1'),
        ('2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'),
        ('fe80::1%eth0', 'fe80::/64'),
    ],
)
def test_a_peer_is_counted_by_its_ipv4_address_or_its_ipv6_network(host, address):
    assert address_of(host) == address


@pytest.mark.parametrize(
    ('chain', 'address'),
    [
        ([], '10.0.0.1'),  # a proxy that says nothing
        (['192.0.2.7'], '192.0.2.7'),
        (['1.1.1.1, 192.0.2.7'], '192.0.2.7'),  # the first was said by the peer
        (['1.1.1.1', '192.0.2.7'], '192.0.2.7'),
        (['192.0.2.7, 10.0.0.2'], '192.0.2.7'),  # two proxies
        (['nonsense, 192.0.2.7'], '192.0.2.7'),
        (['[2001:db8::1]'], '2001:db8::1'),
        (['1.2.3.4:51008'], '1.2.3.4'),
        (['[2001:db8::1]:443'], '2001:db8::1'),
        (['"[2001:db8::1]:443"'], '2001:db8::1'),
        (['fe80::1%eth0'], 'fe80::1'),
        (['192.0.2.7,'], '192.0.2.7'),
        (['192.0.2.7, , '], '192.0.2.7'),
        ([''], '10.0.0.1'),
        (['unknown'], '10.0.0.1'),
        (['1.1.1.1, Unknown'], '10.0.0.1'),
        (['192.0.2.7, unknown, 10.0.0.2'], '10.0.0.2'),
        (['_hidden'], '10.0.0.1'),
        (['unix:'], '10.0.0.1'),
    ],
)
def test_a_trusted_proxy_reports_the_address_of_the_client(chain, address):
    assert forwarded('10.0.0.1', chain, networks(['10.0.0.0/24'])) == address


def test_the_header_of_an_untrusted_peer_is_ignored():
    assert forwarded('192.0.2.1', ['10.9.9.9'], networks(['10.0.0.0/24'])) == '192.0.2.1'
    with pytest.raises(ValueError, match='nonsense'):
        forwarded('10.0.0.1', ['nonsense'], networks(['10.0.0.0/24']))
    for wrong in ('10.0.0.300', '10.0.0.1/8', '::ffff:10.0.0.1/100', 'localhost', ''):
        with pytest.raises(ValueError):
            networks([wrong])


def test_networks_of_proxies_are_normalised():
    assert [str(each) for each in networks([' 10.0.0.1 ', '::ffff:10.0.0.0/104', '::1'])] == [
        '10.0.0.1/32',
        '10.0.0.0/8',
        '::1/128',
    ]
    assert forwarded('10.0.0.1', ['192.0.2.7'], networks(['::ffff:10.0.0.1'])) == '192.0.2.7'


def test_the_delay_after_failed_authentications_doubles_and_decays():
    addresses = Addresses(GatewayConfig())
    delays = [addresses.failed('a', 1000.0) for _ in range(20)]
    assert delays[:6] == [0, 0, 0, 0.1, 0.2, 0.4]
    assert delays == sorted(delays) and delays[-1] == 10
    assert addresses.failed('b', 1000.0) == 0
    assert addresses.failed('a', 1000.0 + 600) == 0


def test_records_beyond_the_limit_are_counted_in_a_summary():
    limit = RecordLimit()
    written = sum(limit.allow('a', 'origin', 1000.0) for _ in range(RECORDS + 500))
    assert written == RECORDS
    assert limit.allow('b', 'origin', 1000.0)
    for number in range(10_000):
        limit.allow(f'n{number}', 'tls', 1000.0)
    summary = limit.summary()
    assert summary['addresses']['a'] == {'origin': 500}
    assert len(summary['addresses']) == NAMED
    counted = sum(sum(each.values()) for each in summary['addresses'].values())
    assert counted + summary['others'] > 9000
    assert limit.summary() is None
