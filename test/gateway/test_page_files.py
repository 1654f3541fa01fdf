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
"""The files of a page."""

import errno
import gzip
import os

import pytest
from gateway.serving import CSS
from gateway.serving import HTML
from gateway.serving import JS
from gateway.serving import NOTICES
from gateway.serving import SCRIPT
from gateway.serving import STYLE

from oht50_bridge.gateway import page_files
from oht50_bridge.gateway.page_files import Document
from oht50_bridge.gateway.page_files import PageError
from oht50_bridge.gateway.page_files import read_page


def test_what_is_no_part_of_a_page_is_not_served(page):
    for name in ('robots.txt', 'assets/plain.js', 'assets/font-12345678.woff2', '.hidden'):
        (page / name).write_text('x')
    (page / 'more').mkdir()
    files = read_page(page)
    assert set(files.served) == {'/', JS, CSS, '/third-party.txt'}
    assert sorted(files.others) == [
        'assets/font-12345678.woff2',
        'assets/plain.js',
        'more',
        'robots.txt',
    ]


@pytest.mark.parametrize('missing', ['index.html', ''])
def test_without_its_first_file_there_is_no_page(page, missing):
    if missing:
        (page / missing).unlink()
    assert not read_page(page if missing else page / 'elsewhere').served


def test_content_is_compressed_where_that_makes_it_shorter():
    assert gzip.decompress(Document(HTML).compressed) == HTML
    assert Document(NOTICES).compressed is None


def test_a_page_has_its_limits(page, monkeypatch):
    monkeypatch.setattr(page_files, 'MAX_FILES', 3)
    with pytest.raises(PageError, match='more than 3 files'):
        read_page(page)
    monkeypatch.setattr(page_files, 'MAX_FILES', 4)
    most = len(HTML) + len(SCRIPT) + len(STYLE) + len(NOTICES)
    monkeypatch.setattr(page_files, 'MAX_BYTES', most)
    monkeypatch.setattr(page_files, 'MAX_FILE', max(len(SCRIPT), len(STYLE)))
    assert len(read_page(page).served) == 4
    for name in ('MAX_BYTES', 'MAX_FILE'):
        monkeypatch.setattr(page_files, name, getattr(page_files, name) - 1)
        with pytest.raises(PageError, match='web server'):
            read_page(page)
        monkeypatch.setattr(page_files, name, getattr(page_files, name) + 1)


def test_a_file_that_cannot_be_read_is_named_with_the_remedy(page, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(page_files, 'read_regular', refuse)
    with pytest.raises(PageError, match=r'-B3x_9-aQ\.js: Permission denied; let the user'):
        read_page(page)
    with pytest.raises(PageError, match=r'index\.html: Not a directory'):
        read_page(page / 'index.html')
