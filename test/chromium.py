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
"""Where Chromium is, and what to say where it is not."""

import os
import shutil

CHROMIUM = os.environ.get('CHROMIUM', '/usr/bin/chromium')


def missing() -> str:
    """Return what the machine lacks for tests of the page, '' for nothing."""
    if shutil.which(CHROMIUM) is None:
        return f'THE PAGE WAS NOT TESTED: there is no {CHROMIUM}: apt-get install chromium'
    return ''
