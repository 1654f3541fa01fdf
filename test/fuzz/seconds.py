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
"""How long each fuzz lasts, and where its chance begins.

OHT50_FUZZ_SECONDS sets the seconds (1), OHT50_FUZZ_SEED the seed; each fuzz prints its own.
"""

import os
import random

SECONDS = float(os.environ.get('OHT50_FUZZ_SECONDS', '1'))


def new_seed():
    """Return the seed of a fuzz, and print it."""
    seed = int(os.environ.get('OHT50_FUZZ_SEED') or random.SystemRandom().randrange(10**9))
    print(f'seed {seed}')
    return seed
