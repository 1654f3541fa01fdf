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
"""What the bridge serves over HTTP: the page, its files, the contract, health and metrics.

All answers but health and metrics are made at the start. A request only looks up its path as it
is: no path is joined or decoded, and no file is opened. What needs more than this belongs to a web
server in front of the bridge.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path

from websockets.datastructures import Headers

from oht50_bridge.gateway.admission.answers import Answers
from oht50_bridge.gateway.admission.answers import Prepared
from oht50_bridge.gateway.admission.request_head import GET
from oht50_bridge.gateway.admission.request_head import HEAD
from oht50_bridge.gateway.page_files import DAY
from oht50_bridge.gateway.page_files import REVALIDATED
from oht50_bridge.gateway.page_files import Document
from oht50_bridge.gateway.page_files import PageError
from oht50_bridge.gateway.page_files import read_page
from oht50_bridge.paths import PAGE_INDEX
from oht50_bridge.paths import page_dir
from oht50_bridge.protocol import asyncapi
from oht50_bridge.text import shown

#: Files that are not served and that the log names.
NAMED = 10
NOT_BUILT = (
    b'The page was not built: run `make setup` with Node 20.19 or later, then start the vehicle '
    b'again.\n'
)
NOT_SERVED = (
    b'The page cannot be served: the log of the bridge says why. Everything else works; '
    b'`oht50 doctor` names the remedy. Then start the bridge again.\n'
)
NO_ICON = b'There is no icon: the page brings its own.\n'
#: What browsers ask for without being asked to. Sizes in pixels.
ICON_SIZES = (57, 60, 72, 76, 114, 120, 144, 152, 167, 180)
ICONS = (
    '/favicon.ico',
    *(
        f'/apple-touch-icon{size}{kind}.png'
        for size in ('', *(f'-{each}x{each}' for each in ICON_SIZES))
        for kind in ('', '-precomposed')
    ),
)

_CODING = re.compile(
    r'([!#$%&\'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=([01](?:\.[0-9]{0,3})?))?', re.IGNORECASE
)
_TAG = re.compile(r'"[\x21\x23-\x7e]*"')

_log = logging.getLogger(__name__)


def documents(directory: Path | None) -> dict[str, Document]:
    """Return what is served by its path; the log names files of the page that are not.

    Whatever is wrong with a page, clients are served: vehicle and stop do not depend on it.

    Args:
        directory: of the page; without an `index.html` in it, or if a file of it cannot be served,
            its path says so. None: no page is served.

    """
    icon = Document(NO_ICON, cache_control=DAY, status=HTTPStatus.NOT_FOUND)
    served = {**dict.fromkeys(ICONS, icon), '/asyncapi.yaml': contract()}
    if directory is not None:
        served.update(_page(directory))
    return served


def _page(directory: Path) -> dict[str, Document]:
    """Return the files of a page, or why there are none at its path."""
    name = shown(str(directory))
    try:
        page = read_page(directory)
    except PageError as error:
        _log.error('there is no page: %s', error)
        return {'/': Document(NOT_SERVED, status=HTTPStatus.SERVICE_UNAVAILABLE)}
    if not page.served:
        _log.warning('there is no page: %s: it has no %s', name, PAGE_INDEX)
        text = NOT_BUILT if directory == page_dir() else NOT_SERVED
        return {'/': Document(text, status=HTTPStatus.SERVICE_UNAVAILABLE)}
    if page.others:
        _log.warning(
            'page %s: %d files are not served, as no part of a page is named so: %s',
            name,
            len(page.others),
            ', '.join(shown(each, 80) for each in page.others[:NAMED]),
        )
    return page.served


@cache
def contract() -> Document:
    """Return the AsyncAPI document of the protocol."""
    return Document(asyncapi.text().encode(), 'application/yaml', REVALIDATED)


class Pages:
    """The answers of all paths but that of the events.

    Args:
        answers: makes them.
        served: what never changes, by path.
        reports: makes what does, by path.

    """

    def __init__(
        self,
        answers: Answers,
        served: Mapping[str, Document],
        reports: Mapping[str, Callable[[], Document]],
    ) -> None:
        self._answers = answers
        # Paths with the same content share its answers.
        entries = {id(document): _Entry(answers, document) for document in served.values()}
        self._entries = {path: entries[id(document)] for path, document in served.items()}
        self._reports = reports

    def answer(self, path: str, method: str, headers: Headers) -> Prepared | None:
        """Return the answer to a request, None for a path that there is not.

        Args:
            path: of the request, without its query.
            method: GET or HEAD.
            headers: of the request.

        """
        entry = self._entries.get(path)
        if entry is not None:
            return entry.answer(method, headers)
        report = self._reports.get(path)
        if report is None:
            return None
        document = report()
        return _prepared(self._answers, document, document.body, {}, method)


class _Entry:
    """The answers of a document: in each coding, to each method."""

    def __init__(self, answers: Answers, document: Document) -> None:
        if document.status is HTTPStatus.OK:
            tag = hashlib.sha256(document.body).hexdigest()[:32]
            compressed = document.compressed
            self._plain = _Representation(answers, document, document.body, tag)
            self._gzip = (
                self._plain
                if compressed is None
                else _Representation(answers, document, compressed, f'{tag}-gzip', 'gzip')
            )
        else:
            self._plain = self._gzip = _Representation(answers, document, document.body)

    def answer(self, method: str, headers: Headers) -> Prepared:
        accepted = self._gzip is not self._plain and accepts_gzip(
            headers.get_all('Accept-Encoding')
        )
        chosen = self._gzip if accepted else self._plain
        if chosen.unchanged is not None and matches(chosen.tag, headers.get_all('If-None-Match')):
            return chosen.unchanged
        return chosen.of[method]


class _Representation:
    """The answers of a document in one coding.

    Attributes:
        tag: its entity tag, in quotes; empty for none.
        of: by method.
        unchanged: to a peer that has it already; None for a document without a tag.

    """

    def __init__(
        self, answers: Answers, document: Document, body: bytes, tag: str = '', coding: str = ''
    ) -> None:
        self.tag = f'"{tag}"' if tag else ''
        more = {'ETag': self.tag, 'Vary': 'Accept-Encoding'} if tag else {}
        coded = {'Content-Encoding': coding} if coding else {}
        self.of = {
            method: _prepared(answers, document, body, {**coded, **more}, method)
            for method in (GET, HEAD)
        }
        self.unchanged: Prepared | None = None
        if tag:
            status = HTTPStatus.NOT_MODIFIED
            caching = ('Cache-Control', document.cache_control)
            self.unchanged = Prepared(
                status, answers.serialized(status, [caching, *more.items()], None)
            )


def _prepared(
    answers: Answers, document: Document, body: bytes, more: Mapping[str, str], method: str
) -> Prepared:
    headers = [
        ('Content-Type', document.content_type),
        ('Cache-Control', document.cache_control),
        *more.items(),
    ]
    return Prepared(document.status, answers.serialized(document.status, headers, body, method))


def accepts_gzip(values: Iterable[str]) -> bool:
    """Return whether a peer reads gzip (RFC 9110, section 12.5.3).

    Args:
        values: of its headers `Accept-Encoding`; what is malformed in them accepts nothing.

    """
    codings = {}
    for value in values:
        for text in value.split(','):
            match = _CODING.fullmatch(text.strip(' \t'))
            if match is not None:
                codings[match[1].lower()] = float(match[2] or 1)
    for coding in ('gzip', 'x-gzip', '*'):
        if coding in codings:
            return codings[coding] > 0
    return False


def matches(tag: str, values: Iterable[str]) -> bool:
    """Return whether a peer has what a tag is of (RFC 9110, section 13.1.2).

    Args:
        tag: in quotes.
        values: of its headers `If-None-Match`.

    """
    return any(value.strip(' \t') == '*' or tag in _TAG.findall(value) for value in values)
