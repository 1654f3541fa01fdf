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
"""Settings of the bridge, and the gateway's configuration made from them."""

import os
from pathlib import Path

import pytest

from oht50_bridge.gateway.config import GatewaySettings
from oht50_bridge.nodes.bridge_settings import BridgeNodeSettings
from oht50_bridge.nodes.bridge_settings import gateway_config
from oht50_bridge.nodes.process import StartError
from oht50_bridge.paths import page_dir
from oht50_bridge.version import VERSION


def test_every_setting_reaches_the_gateway():
    settings = GatewaySettings(
        port=8001, origins=('', 'https://panel.example'), trusted_proxies=('10.0.0.0/8', '')
    )
    config = gateway_config(settings, BridgeNodeSettings(tls_certificate='c', tls_key='k'))
    assert (config.port, config.server_version) == (8001, VERSION)
    assert config.origins == ('https://panel.example',)
    assert [str(network) for network in config.proxies] == ['10.0.0.0/8']
    assert [str(path) for path in config.tls.paths] == ['c', 'k']


def test_the_page_is_the_one_that_came_with_the_bridge_or_another_or_none(tmp_path):
    def page(text):
        return gateway_config(GatewaySettings(), BridgeNodeSettings(page=text)).page

    (tmp_path / 'index.html').write_text('<!doctype html>')
    assert page('') == page_dir()
    assert page(str(tmp_path)) == tmp_path
    assert page('off') is None


@pytest.mark.parametrize(
    ('name', 'fault'),
    [
        ('missing', 'there is no such directory'),
        ('empty', 'it has no index.html'),
        ('file', 'index.html in it: Not a directory'),
        ('folder', 'index.html in it is no file'),
        ('pipe', 'third-party.txt: not a regular file'),
        ('x' * 300, 'index.html in it: File name too long'),
        ('\0', 'index.html in it: embedded null'),
    ],
)
def test_a_directory_without_a_page_is_refused_with_the_remedy(tmp_path, name, fault):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'file').write_text('')
    (tmp_path / 'folder' / 'index.html').mkdir(parents=True)
    (tmp_path / 'pipe').mkdir()
    (tmp_path / 'pipe' / 'index.html').touch()
    os.mkfifo(tmp_path / 'pipe' / 'third-party.txt')
    settings = BridgeNodeSettings(page=f'{tmp_path}/{name}')
    with pytest.raises(StartError, match=f'^bridge_node: page: .*{fault}.*; (name|build) the '):
        settings.check_page()
    # One that runs is restarted without it.
    assert gateway_config(GatewaySettings(), settings).page == Path(settings.page)


def test_the_page_that_came_with_the_bridge_may_be_missing():
    for page in ('', 'off'):
        BridgeNodeSettings(page=page).check_page()


def test_no_tls_without_files():
    assert gateway_config(GatewaySettings(), BridgeNodeSettings()).tls is None


@pytest.mark.parametrize(
    'files', [{'tls_key': 'k'}, {'tls_certificate': 'c'}, {'tls_client_ca': 'a'}]
)
def test_a_file_of_tls_alone_is_an_error(files):
    with pytest.raises(StartError, match='TLS needs both'):
        BridgeNodeSettings(**files).tls_files()
