#!/usr/bin/env python3
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
"""The `oht50` command."""

from __future__ import annotations

import argparse
import sys
from typing import Protocol

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.parameter_reader import printable
from oht50_bridge.cli import asyncapi
from oht50_bridge.cli import audit
from oht50_bridge.cli import call
from oht50_bridge.cli import doctor
from oht50_bridge.cli import params
from oht50_bridge.cli import record
from oht50_bridge.cli import replay
from oht50_bridge.cli import token
from oht50_bridge.cli import up
from oht50_bridge.cli import watch
from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import Options
from oht50_bridge.paths import NoStateDirError
from oht50_bridge.version import VERSION


class CommandModule(Protocol):
    """A module of a command; its docstring is the text of `--help`."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments and options of the command."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the command and return its exit code."""


COMMANDS: dict[str, CommandModule] = {
    'up': up,
    'token': token,
    'watch': watch,
    'call': call,
    'record': record,
    'replay': replay,
    'audit': audit,
    'doctor': doctor,
    'params': params,
    'asyncapi': asyncapi,
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(
        prog='oht50', description='Run and watch an OHT-50 overhead hoist transport vehicle.'
    )
    parser.add_argument('--version', action='version', version=VERSION)
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name, command in COMMANDS.items():
        description = command.__doc__ or ''
        summary = description.partition('\n')[0].rstrip('.')
        command.add_arguments(
            commands.add_parser(
                name,
                help=summary[:1].lower() + summary[1:],
                description=description,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    arguments = parser.parse_args(argv, Options())
    try:
        return COMMANDS[arguments.command].run(arguments)
    except (CommandError, BringUpError, NoStateDirError) as error:
        for line in str(error).splitlines():
            print(f'oht50 {arguments.command}: {printable(line)}', file=sys.stderr)
        return error.exit_code if isinstance(error, BringUpError) else 1
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # The reader of the output, such as `head`, has ended.
        sys.stderr.close()
        return 0


if __name__ == '__main__':
    sys.exit(main())
