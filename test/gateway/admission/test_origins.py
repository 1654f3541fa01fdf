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
"""Origins of web pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.gateway.admission.origins import host_of
from oht50_bridge.gateway.admission.origins import normalised
from oht50_bridge.gateway.admission.origins import parts


@pytest.mark.parametrize(
    ('written', 'sent'),
    [
        ('https://panel.example:8443', 'https://panel.example:8443'),
        (' HTTPS://Panel.Example/ ', 'https://panel.example'),
        ('https://panel.example:443', 'https://panel.example'),
        ('http://panel.example:080', 'http://panel.example'),
        ('http://[2001:DB8::1]:8000', 'http://[2001:db8::1]:8000'),
        ('https://bücher.example', 'https://xn--bcher-kva.example'),
        ('app://dashboard', 'app://dashboard'),
        ('file://', 'file://'),
        ('*', '*'),
        ('null', 'null'),
    ],
)
def test_a_parameter_is_normalised_to_what_browsers_send(written, sent):
    assert normalised(written) == sent
    assert normalised(sent) == sent


@pytest.mark.parametrize(
    'written',
    [
        '',
        'panel.example',
        'https://',
        'https://a/b',
        'http://[',
        'https://a b',
        'https://a@b',
        '*.x',
        'http://a:b',
        'http://a\x1b',
        f'http://{"ä" * 300}',
    ],
)
def test_what_is_no_origin_is_refused(written):
    with pytest.raises(ValueError, match='is not an origin'):
        normalised(written)


@pytest.mark.parametrize(
    ('origin', 'found'),
    [
        ('http://a', ('http', 'a', '')),
        ('HTTPS://A:443', ('https', 'a', '')),
        ('http://a:8080', ('http', 'a', '8080')),
        ('null', None),
        ('http://[', None),
        ('http://a/', None),
        ('http://x@evil.example', None),
    ],
)
def test_an_origin_has_three_parts(origin, found):
    assert parts(origin) == found


@pytest.mark.parametrize(
    ('header', 'host'),
    [
        ('Vehicle:8000', 'vehicle'),
        ('[::1]:8000', '[::1]'),
        ('a', 'a'),
        ('', None),
        ('[', None),
        ('x@evil', None),
        ('a:b', None),
    ],
)
def test_the_host_of_a_header_is_without_its_port(header, host):
    assert host_of(header) == host


@given(st.text())
def test_no_text_raises(text):
    parts(text)
    host_of(text)
    try:
        assert normalised(text) == normalised(normalised(text))
    except ValueError as error:
        assert str(error).isprintable()
