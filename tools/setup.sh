#!/bin/sh
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
# Make a virtual environment with the package in it, on a machine that may have no more than python3.
set -eu
venv=$1

# There are wheels of cyclonedds for these.
fits() {
  "$1" -c 'import platform, sys
sys.exit(not (3, 10) <= sys.version_info < (3, 14) or platform.machine() != "x86_64")' 2> /dev/null
}

for python in "$venv/bin/python" python3 python3.13 python3.12 python3.11 python3.10; do
  if fits "$python"; then break; fi
  python=
done
if [ -z "$python" ]; then
  echo "Without ROS 2 this needs Python 3.10 to 3.13 on x86-64; here is $(python3 --version) on $(uname -m)." >&2
  echo "Make a virtual environment with one of them: uv venv --seed --python 3.13 $venv" >&2
  echo 'Or use ROS 2: docs/ros2.md' >&2
  exit 1
fi

# Debian and Ubuntu keep venv apart from python3.
if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
  as_root=
  [ "$(id -u)" = 0 ] || as_root=sudo
  echo 'Installing python3-venv …'
  $as_root apt-get update -qq && $as_root apt-get install -y -qq python3-venv > /dev/null || {
    echo "The venv module of $python is missing: apt-get install python3-venv" >&2
    exit 1
  }
fi

echo "Setting up $venv (once; about a minute) …"
fits "$venv/bin/python" || "$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[test]'
