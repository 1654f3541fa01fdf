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
import argparse

import jwt
import pytest

from oht50_bridge.cli import credentials
from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import add_client


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    """The options of a client whose keys are in a directory of its own."""
    for name in ('OHT50_TOKEN', 'OHT50_KEYS', 'OHT50_JWT_SECRET_FILE'):
        monkeypatch.delenv(name, raising=False)
    parser = argparse.ArgumentParser()
    add_client(parser, role='viewer')
    return parser.parse_args(['--state-dir', str(tmp_path)])


def claims(token, tmp_path, **options):
    return jwt.decode(token, (tmp_path / 'jwt_secret').read_bytes(), ['HS256'], **options)


def test_a_client_signs_a_token_of_its_role(arguments, tmp_path):
    content = claims(credentials.client_token(arguments), tmp_path)
    assert (content['sub'], content['role']) == ('local', 'viewer')
    assert content['exp'] - content['iat'] == pytest.approx(credentials.LOCAL_TTL)


def test_a_token_in_the_environment_is_used_as_it_is(arguments, tmp_path, monkeypatch):
    monkeypatch.setenv('OHT50_TOKEN', 'eyJgiven')
    assert credentials.client_token(arguments) == 'eyJgiven'
    assert list(tmp_path.iterdir()) == []


def test_issuer_and_audience_come_from_the_option_else_from_the_environment(
    arguments, tmp_path, monkeypatch
):
    monkeypatch.setenv('OHT50_TOKEN_ISSUER', 'fleet')
    monkeypatch.setenv('OHT50_TOKEN_AUDIENCE', 'oht50-7')
    token = credentials.client_token(arguments)
    assert claims(token, tmp_path, issuer='fleet', audience='oht50-7')['role'] == 'viewer'
    arguments.issuer, arguments.audience = 'other', 'oht50-8'
    token = credentials.client_token(arguments)
    assert claims(token, tmp_path, issuer='other', audience='oht50-8')['role'] == 'viewer'


def test_keys_that_cannot_be_read_are_reported_with_the_remedy(arguments, tmp_path):
    arguments.keys = str(tmp_path / 'missing')
    with pytest.raises(CommandError, match=r'missing: No such file.*--keys'):
        credentials.client_token(arguments)
    arguments.keys = str(tmp_path)
    with pytest.raises(CommandError, match='holds no key'):
        credentials.client_token(arguments)
