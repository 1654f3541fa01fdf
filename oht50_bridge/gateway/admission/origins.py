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
"""Origins of web pages, as browsers send them and as people write them into parameters."""

from __future__ import annotations

import re

DEFAULT_PORTS = {'http': '80', 'https': '443'}
ANY = '*'
OPAQUE = 'null'  # of a page in a file or a sandbox

_ORIGIN = re.compile(
    r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9._~%!$&'()*+,;=-]*)(?::([0-9]{1,5}))?",
    re.IGNORECASE | re.ASCII,
)
_HOST = re.compile(r'(\[[0-9a-f:.]+\]|[^:@/\[\]]+)(?::[0-9]*)?', re.IGNORECASE | re.ASCII)


def parts(origin: str) -> tuple[str, str, str] | None:
    """Return scheme, host and port of an origin in lower case; None if it is none.

    The port is empty where it is the default one of the scheme.
    """
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return None
    scheme, host, port = match[1].lower(), match[2].lower(), (match[3] or '').lstrip('0')
    return scheme, host, '' if port == DEFAULT_PORTS.get(scheme) else port


def host_of(header: str) -> str | None:
    """Return the host of the header Host in lower case, without its port; None if it has none."""
    match = _HOST.fullmatch(header)
    return None if match is None else match[1].lower()


def normalised(text: str) -> str:
    """Return an origin as a browser sends it: lower case, no default port, no slash at the end.

    Args:
        text: an origin, `*` for all, or `null` for pages without one.

    Raises:
        ValueError: it is something else.

    """
    text = text.strip()
    if text in (ANY, OPAQUE):
        return text
    scheme, mark, rest = text.partition('://')
    try:
        host = rest.removesuffix('/')
        found = parts(f'{scheme}{mark}{host if host.isascii() else host.encode("idna").decode()}')
    except UnicodeError:
        found = None
    if found is None or (not found[1] and found[0] != 'file'):
        raise ValueError(f'{text!r} is not an origin such as https://panel.example:8443')
    scheme, host, port = found
    return f'{scheme}://{host}:{port}' if port else f'{scheme}://{host}'
