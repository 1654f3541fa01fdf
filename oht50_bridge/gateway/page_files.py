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
"""The files of a page: which of a directory are served, and how."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from oht50_bridge.paths import PAGE_INDEX
from oht50_bridge.regular_file import read_regular
from oht50_bridge.text import shown

TEXT = 'text/plain; charset=utf-8'
THIRD_PARTY, ASSETS = 'third-party.txt', 'assets'
#: Bytes of a file, and of all files of a page. What a peer does not read is kept for it, so the
#: first bounds the memory that unauthenticated connections use. More is for a web server.
MAX_FILE = 512 * 1024
MAX_BYTES = 4 * 1024 * 1024
MAX_FILES = 256

#: Browsers ask again at each visit, and get 304 where nothing has changed.
REVALIDATED = 'no-cache'
#: The name of a file changes with its content.
IMMUTABLE = 'public, max-age=31536000, immutable'
NOT_STORED = 'no-store'
DAY = 'public, max-age=86400'

_TYPES = {'js': 'text/javascript; charset=utf-8', 'css': 'text/css; charset=utf-8'}
#: As Vite names its files: the hash of the content comes last.
_ASSET = re.compile(r'[A-Za-z0-9_.-]+-[A-Za-z0-9_-]{8,}\.(js|css)')


class PageError(Exception):
    """The files of a page cannot be served; the message holds the remedy."""


@dataclass(frozen=True)
class Document:
    """A content, and how it is served.

    Attributes:
        body: the content.
        content_type: its media type.
        cache_control: who may keep it, and for how long.
        status: of the answer.

    """

    body: bytes
    content_type: str = TEXT
    cache_control: str = NOT_STORED
    status: HTTPStatus = HTTPStatus.OK

    @cached_property
    def compressed(self) -> bytes | None:
        """The content in gzip; None where that is not shorter."""
        compressed = gzip.compress(self.body, mtime=0)
        return compressed if len(compressed) < len(self.body) else None


class PageFiles(NamedTuple):
    """The files of a page.

    Attributes:
        served: by the path of their URL; none of a page without `index.html`.
        others: names of files that are not served.

    """

    served: dict[str, Document]
    others: list[str]


def read_page(directory: Path) -> PageFiles:
    """Return the files of a page.

    Served are `index.html` at `/`, `third-party.txt`, and scripts and style sheets in `assets`
    whose names end in a hash of their content.

    Raises:
        PageError: a file cannot be read, or they are too many or too large.

    """
    served: dict[str, Document] = {}
    others: list[str] = []
    room = MAX_BYTES
    for file in _files(directory):
        name = file.relative_to(directory).as_posix()
        asset = _ASSET.fullmatch(file.name) if name == f'{ASSETS}/{file.name}' else None
        if name == PAGE_INDEX:
            path, media, caching = '/', 'text/html; charset=utf-8', REVALIDATED
        elif name == THIRD_PARTY:
            path, media, caching = f'/{name}', TEXT, REVALIDATED
        elif asset is not None:
            path, media, caching = f'/{name}', _TYPES[asset[1]], IMMUTABLE
        else:
            others.append(name)
            continue
        body = _content(file)
        room -= len(body)
        if room < 0 or len(body) > MAX_FILE or len(served) == MAX_FILES:
            raise PageError(
                f'{shown(str(directory))}: more than {MAX_FILES} files, {MAX_BYTES >> 10} KiB, or '
                f'{MAX_FILE >> 10} KiB in one file; serve such a page by a web server'
            )
        served[path] = Document(body, media, caching)
    return PageFiles(served if '/' in served else {}, others)


def _files(directory: Path) -> Iterator[Path]:
    """Yield the files of a directory and of its `assets`, without hidden ones.

    Raises:
        PageError: it cannot be read.

    """
    try:
        for file in sorted(directory.iterdir()):
            if file.name == ASSETS and file.is_dir():
                yield from (each for each in sorted(file.iterdir()) if each.name[0] != '.')
            elif file.name[0] != '.':
                yield file
    except FileNotFoundError:
        return
    except ValueError as error:
        raise PageError(f'{shown(str(directory))}: {error}; name a directory') from error
    except OSError as error:
        raise PageError(
            f'{shown(str(error.filename))}: {error.strerror}; let the user of the bridge read it'
        ) from error


def _content(file: Path) -> bytes:
    try:
        return read_regular(file) or b''
    except OSError as error:
        raise PageError(
            f'{shown(str(file))}: {error.strerror}; let the user of the bridge read it'
        ) from error
    except ValueError as error:
        raise PageError(f'{shown(str(file))}: {error}; build the page again') from error
