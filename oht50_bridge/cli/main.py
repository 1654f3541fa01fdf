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
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from typing import NoReturn
from typing import Protocol
from typing import cast

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import Options
from oht50_bridge.cli.screen import forget_absurd_size
from oht50_bridge.paths import NoStateDirError
from oht50_bridge.signals import exiting_on_interrupt
from oht50_bridge.standard_streams import flush_output
from oht50_bridge.standard_streams import forgive_output
from oht50_bridge.standard_streams import open_standard_streams
from oht50_bridge.standard_streams import say
from oht50_bridge.text import TextError
from oht50_bridge.text import decoded_argument
from oht50_bridge.text import escape_logs
from oht50_bridge.text import shown
from oht50_bridge.text import shown_lines
from oht50_bridge.version import VERSION

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


class CommandModule(Protocol):
    """A module of a command; its docstring is the text of `--help`."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments and options of the command."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the command and return its exit code."""


COMMANDS: tuple[str, ...] = (
    'up',
    'token',
    'watch',
    'call',
    'record',
    'replay',
    'audit',
    'doctor',
    'params',
    'asyncapi',
)
#: They run until Ctrl-C. Another one that it ends has not done what it was asked for.
ENDED_BY_INTERRUPT = ('up', 'watch', 'record', 'replay')
INTERRUPTED = 128 + signal.SIGINT  # exit code, as that of a shell


def wanted(argv: Sequence[str]) -> dict[str, CommandModule]:
    """Return the modules of the commands that a command line is about: one, if it names one.

    To import them all takes longer than most of them run.
    """
    words = [word for word in argv if not word.startswith('-')]
    names = COMMANDS
    if words and words[0] in COMMANDS:
        names = (words[0],)
    elif list(argv) == ['--version']:
        names = ()
    return {name: cast(CommandModule, import_module(f'oht50_bridge.cli.{name}')) for name in names}


class Parser(argparse.ArgumentParser):
    """A parser whose messages cannot control the terminal."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with 2."""
        super().error(shown(message))

    # argparse itself does so from Python 3.11.3 on.
    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Print a message; `exit` drops what could not be printed, and tells it."""
        with contextlib.suppress(OSError):
            super()._print_message(message, file)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Print the message and exit, with 1 where what was to be printed could not be."""
        if message:
            say(message.rstrip('\n'))
        fault = flush_output()
        if fault:
            say(f'{self.prog}: its output cannot be written: {fault}')
        sys.exit(status or int(bool(fault)))


def decode(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Replace the texts of the arguments by what they are in UTF-8, whatever the locale is.

    The fields of `call` are left to it: an emergency stop must not be refused for its reason.
    """
    for name, value in vars(arguments).items():
        if name == 'fields':
            continue
        try:
            if isinstance(value, str):
                setattr(arguments, name, decoded_argument(value))
            elif isinstance(value, list):
                setattr(arguments, name, [decoded_argument(each) for each in value])
            elif isinstance(value, Path):
                decoded_argument(str(value))
        except TextError as error:
            parser.error(f'{value!s}: {error}; write it in UTF-8')


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    open_standard_streams()
    forgive_output(sys.stdout)
    forget_absurd_size(os.environ)
    escape_logs()
    parser = Parser(
        prog='oht50', description='Run and watch an OHT-50 overhead hoist transport vehicle.'
    )
    parser.add_argument('--version', action='version', version=VERSION)
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    runs_until_interrupt = any(name in argv[:1] for name in ENDED_BY_INTERRUPT)
    with exiting_on_interrupt(os.EX_OK if runs_until_interrupt else INTERRUPTED):
        modules = wanted(argv)
    for name, command in modules.items():
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
    arguments, others = parser.parse_known_args(argv, Options())
    if 'fields' in arguments and not any(text.startswith('-') for text in others):
        # argparse leaves out the fields of `call` that follow an option.
        arguments.fields += others
    elif others:
        parser.error(f'unrecognized arguments: {" ".join(others)}')
    decode(arguments, parser)
    try:
        code = modules[arguments.command].run(arguments)
    except (CommandError, BringUpError, NoStateDirError) as error:
        for line in str(error).splitlines():
            say(shown(f'oht50 {arguments.command}: {line}'))
        code = error.exit_code if isinstance(error, BringUpError) else 1
    except KeyboardInterrupt:
        follows = getattr(arguments, 'follow', False)
        code = os.EX_OK if runs_until_interrupt or follows else INTERRUPTED
    except BrokenPipeError:  # the reader of the output has ended
        code = 0
    except OSError as error:
        # Commands handle the errors of their files and connections; this one is of the output.
        say(shown_lines(f'oht50 {arguments.command}: {error}'))
        code = 1
    fault = flush_output()
    if fault:
        say(f'oht50 {arguments.command}: its output cannot be written: {fault}')
        code = code or 1
    return code


if __name__ == '__main__':
    sys.exit(main())
