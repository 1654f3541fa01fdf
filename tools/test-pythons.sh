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
# Run the tests that start no process, and a whole vehicle, with each other Python that the package
# is for and that is here: on PATH, or of pyenv.
#
# usage: tools/test-pythons.sh VENV
set -eu
cd "$(dirname "$0")/.."
own=$("$1/bin/python" -c 'import sys; print("3.%d" % sys.version_info[1])')
tried=
for version in 3.10 3.11 3.12 3.13; do
  [ "$version" != "$own" ] || continue
  for python in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python3; do
    if "$python" -c 'import ensurepip, venv' 2> /dev/null; then
      venv=build/pythons/$version
      [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
      make --no-print-directory test-unit VENV="$venv"
      "$venv/bin/python" -m pytest -n 2 --dist loadfile test/system/test_emergency_stop.py test/system/test_missions.py
      tried="$tried $version"
      break
    fi
  done
done
echo "Other Pythons that were tried:${tried:- none is here}"
