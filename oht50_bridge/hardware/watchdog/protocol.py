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
"""What hardware_node and the watchdog process agree on."""

# s without a pulse after which hardware_node counts as hung. It is longer than the limits of the
# motion guard (0.2 and 0.3 s), so that the commands of a process that was only slow are invalid
# already, and twice the longest interval between two pulses on a shared line (a round of 40 ms,
# one try of another module of 0.1 s, a try of its own of 65 ms).
PULSE_TIMEOUT = 0.400
TRUST = 1.0  # s after its last good reply for which a board counts as the same one

ANSWERED = b'+'  # pulse: the board whose layout is confirmed has answered
WAITING = b'.'  # pulse: at work, without an answer
LOST = b'?'  # pulse: at work; the board may be another one by now
