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
"""Print an access token.

The token alone goes to standard output, so that it can be put into a variable:

  TOKEN=$(oht50 token --role viewer)
"""

from __future__ import annotations

import argparse

from oht50_bridge.cli.credentials import issue_token
from oht50_bridge.cli.options import add_state_dir
from oht50_bridge.cli.options import duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        '--role', required=True, metavar='R', help='viewer, operator, admin or system')
    parser.add_argument(
        '--subject', default='local', metavar='S', help='who the token is for (%(default)s)')
    parser.add_argument(
        '--ttl', type=duration, default='15m', metavar='TIME',
        help='life such as 900s, 15m or 0.5h; at most 30m (%(default)s)')
    add_state_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the token."""
    print(issue_token(
        arguments.state_dir, arguments.role, subject=arguments.subject, ttl=arguments.ttl))
    return 0
