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
"""Installation without ROS 2; with ROS 2, colcon builds from CMakeLists.txt."""

import re
import shutil
import sys
from pathlib import Path

from setuptools import find_packages
from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / 'tools')]

PACKAGE = 'oht50_bridge'


def version():
    """Return the version without importing the package, whose dependencies may be missing yet."""
    source = (HERE / PACKAGE / 'version.py').read_text()
    return re.search(r"VERSION = '(.*)'", source).group(1)


def requirements(path):
    """Return the libraries that a file asks for."""
    lines = (HERE / path).read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def build_page():
    """Build the page, unless it is there; without Node and without a network there is none."""
    from build_page import build_if_possible

    build_if_possible()


class SourcesWithPage(sdist):
    """Take the page along, so that who installs from it needs no Node."""

    def run(self):
        """Build the page, then collect the files."""
        build_page()
        super().run()


class BuildWithInterfaces(build_py):
    """Make the message modules that rosidl would make, and take the page and the data along."""

    def run(self):
        """Build the package, then generate into it; an editable one gets its page from make."""
        from rosless.idl import generate

        if not self.editable_mode:
            build_page()
        super().run()
        root = HERE if self.editable_mode else Path(self.build_lib)
        generate.generate_standard(root / 'rosless' / 'path')
        generate.generate(PACKAGE, HERE / 'msg', HERE / 'srv', root / PACKAGE)
        if not self.editable_mode:
            for folder in ('config', 'msg'):
                shutil.copytree(HERE / folder, root / PACKAGE / folder, dirs_exist_ok=True)


setup(
    name=PACKAGE,
    version=version(),
    description='OHT-50 vehicle: boards on RS-485 to ROS 2 topics to WebSocket clients',
    license='Apache-2.0',
    # Without ROS 2: there are no later wheels of cyclonedds.
    python_requires='>=3.10,<3.14',
    packages=find_packages(include=['oht50_bridge', 'oht50_bridge.*', 'rosless', 'rosless.*']),
    package_data={
        PACKAGE: ['py.typed', 'page/*', 'page/assets/*'],
        'rosless': ['py.typed', 'path/**/*.py', 'path/**/*.pyi'],
    },
    install_requires=[
        'cyclonedds==11.0.1',
        'setproctitle>=1.3,<2',
        *requirements('requirements.txt'),
    ],
    extras_require={
        'gpio': ['gpiod>=2,<3'],
        'test': [
            *requirements('test/requirements.txt'),
            'pip-audit>=2.7,<3',
            'ruff>=0.12,<1',
            # A package is built without a network.
            'setuptools>=77,<83',
            'mypy>=1.18,<3',
            'types-PyYAML>=6.0.12,<7',
            'types-psutil>=7,<8',
            'types-pyserial>=3.5,<4',
        ],
    },
    entry_points={'console_scripts': ['oht50 = oht50_bridge.cli.main:main']},
    cmdclass={'build_py': BuildWithInterfaces, 'sdist': SourcesWithPage},
)
