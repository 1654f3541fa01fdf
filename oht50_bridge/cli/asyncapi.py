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
"""Print the AsyncAPI document of the WebSocket protocol.

With --write, write it to DIR/asyncapi.yaml, and a JSON Schema of each message to DIR/schemas.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from oht50_bridge.cli.options import CommandError
from oht50_bridge.protocol import asyncapi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        '--write',
        type=Path,
        metavar='DIR',
        help='directory for the document and the schemas, such as docs',
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the document, or write the files.

    Raises:
        CommandError: the files cannot be written.

    """
    if arguments.write is None:
        sys.stdout.write(asyncapi.text())
        return 0
    try:
        write(arguments.write)
    except OSError as error:
        raise CommandError(
            f'{error.filename}: {error.strerror}; give --write a directory that can be written'
        ) from error
    return 0


def files() -> dict[str, str]:
    """Return the contents of the files by their paths below the directory."""
    return {
        'asyncapi.yaml': asyncapi.text(),
        **{
            f'schemas/{name}.json': json.dumps(schema, indent=2, ensure_ascii=False) + '\n'
            for name, schema in asyncapi.schemas().items()
        },
    }


def write(directory: Path) -> None:
    """Write the files, and remove the schemas of messages that no longer exist.

    Raises:
        OSError: a file cannot be written.

    """
    (directory / 'schemas').mkdir(parents=True, exist_ok=True)
    contents = files()
    for path in (directory / 'schemas').glob('*.json'):
        if f'schemas/{path.name}' not in contents:
            path.unlink()
    for name, text in contents.items():
        (directory / name).write_text(text, encoding='utf-8')
