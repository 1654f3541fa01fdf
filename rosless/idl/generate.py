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
"""Write Python modules from ROS interface definitions, in the shape that rosidl gives them.

`rosbags` parses `.msg` and `.srv`; what it leaves out (default values, services, bytes, the type
hash where `char` occurs) is added here. Each interface becomes one module that holds the class,
its CDR encoder and decoder as plain source, its RIHS01 type hash, and the XTypes descriptor that
Cyclone DDS wants, so that neither rosbags nor numpy nor the IDL machinery is needed at run time.
Beside it goes a stub with its types.

    python -m rosless.idl.generate PACKAGE MSG_DIR SRV_DIR OUT_DIR
    python -m rosless.idl.generate --standard OUT_DIR
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rosless.idl.interface_library import STANDARD_PACKAGES
from rosless.idl.interface_library import Library
from rosless.idl.interfaces import Definition
from rosless.idl.interfaces import GenerationError
from rosless.idl.interfaces import module_name
from rosless.idl.interfaces import parse_message
from rosless.idl.interfaces import parse_service
from rosless.idl.modules import header
from rosless.idl.modules import module_source
from rosless.idl.modules import package_source
from rosless.idl.stubs import package_stub
from rosless.idl.stubs import stub_source


def generate(
    package: str, msg_dir: str | Path, srv_dir: str | Path, out_dir: str | Path
) -> list[Path]:
    """Write the modules of one package.

    Args:
        package: name of the ROS package.
        msg_dir: directory of `*.msg` files; may be missing.
        srv_dir: directory of `*.srv` files; may be missing.
        out_dir: directory of the Python package; `msg/` and `srv/` are made in it.

    Returns:
        the paths of all modules and stubs.

    Raises:
        GenerationError: a definition is wrong, or names an unknown type.

    """
    definitions = []
    for path in sorted(Path(msg_dir).glob('*.msg')):
        name = f'{package}/msg/{path.stem}'
        definitions.append(Definition(name, (parse_message(path.read_text('utf-8'), name),)))
    for path in sorted(Path(srv_dir).glob('*.srv')):
        name = f'{package}/srv/{path.stem}'
        definitions.append(parse_service(path.read_text('utf-8'), name))
    return _write_package(Library(), package, definitions, Path(out_dir))


def generate_standard(out_dir: str | Path) -> list[Path]:
    """Write the standard packages (`STANDARD_PACKAGES`) that nodes and rclpy itself need.

    Args:
        out_dir: the directory that holds the `rclpy` package.

    Returns:
        the paths of all modules and stubs.

    """
    library = Library()
    written: list[Path] = []
    for package in STANDARD_PACKAGES:
        directory = Path(out_dir) / package
        written += _write_package(library, package, library.standard(package), directory)
        init = directory / '__init__.py'
        init.write_text(header(package, f'Package {package}.'))
        written.append(init)
    return written


def _write_package(
    library: Library, package: str, definitions: list[Definition], directory: Path
) -> list[Path]:
    for definition in definitions:
        library.add(definition)
    written: list[Path] = []
    for kind, services in (('msg', False), ('srv', True)):
        wanted = [each for each in definitions if each.is_service == services]
        if wanted:
            written += _write_kind(library, f'{package}.{kind}', wanted, directory / kind)
    return written


def _write_kind(
    library: Library, package: str, definitions: list[Definition], directory: Path
) -> list[Path]:
    """Write one of `msg` and `srv`, and remove modules whose definition is gone."""
    modules = {name: module_name(name) for each in definitions for name in each.exports}
    texts = {
        '__init__.py': package_source(package, modules),
        '__init__.pyi': package_stub(package, modules),
    }
    for definition in definitions:
        module = module_name(definition.class_name)
        texts[f'{module}.py'] = module_source(library, definition)
        texts[f'{module}.pyi'] = stub_source(definition)
    directory.mkdir(parents=True, exist_ok=True)
    for stale in directory.glob('_*.py*'):
        if stale.name not in texts:
            stale.unlink()
    for name, text in texts.items():
        path = directory / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    return [directory / name for name in sorted(texts)]


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m rosless.idl.generate',
        description='Write Python modules from ROS interface definitions.',
    )
    parser.add_argument(
        '--standard', metavar='OUT_DIR', help='write the standard packages into this directory'
    )
    parser.add_argument('package', nargs='?', help='name of the ROS package')
    parser.add_argument('msg_dir', nargs='?', help='directory of *.msg')
    parser.add_argument('srv_dir', nargs='?', help='directory of *.srv')
    parser.add_argument('out_dir', nargs='?', help='directory of the Python package')
    args = parser.parse_args(argv)
    if not args.standard and not args.out_dir:
        parser.error('give PACKAGE MSG_DIR SRV_DIR OUT_DIR, or --standard OUT_DIR')
    try:
        written: list[Path] = []
        if args.standard:
            written += generate_standard(args.standard)
        if args.out_dir:
            written += generate(args.package, args.msg_dir, args.srv_dir, args.out_dir)
    except GenerationError as error:
        print(f'rosless.idl.generate: {error}', file=sys.stderr)
        return 1
    print(f'{len(written)} files written')
    return 0


if __name__ == '__main__':
    sys.exit(main())
