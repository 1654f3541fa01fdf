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
"""Write the types of the events for the Python client, from the models of the protocol.

usage: write_client_types.py

It writes oht50_bridge/client/typed.py.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Literal
from typing import Union
from typing import get_args
from typing import get_origin

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from oht50_bridge.protocol.base import Message  # noqa: E402
from oht50_bridge.protocol.base import Model  # noqa: E402
from oht50_bridge.protocol.catalogue import EVENTS  # noqa: E402

TARGET = ROOT / 'oht50_bridge' / 'client' / 'typed.py'
WIDTH = 99
HEADER = '''"""The types of the events, as they come: dictionaries.

Made from oht50_bridge/protocol by tools/write_client_types.py; change nothing here.
"""

from __future__ import annotations

from typing import Literal
from typing import TypedDict


class SomeEvent(TypedDict, total=False):
    """What only some events have: the number of one that can be resumed."""

    seq: int
'''


def name_of(model: type[Model]) -> str:
    """Return the name of the type of a model."""
    return f'{model.__name__}Dict'


def text_of(annotation: Any) -> str:
    """Return an annotation as source."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return text_of(arguments[0])
    if origin is Literal:
        return f'Literal[{", ".join(map(repr, arguments))}]'
    if origin in (Union, types.UnionType):
        return ' | '.join(text_of(each) for each in arguments)
    if origin in (list, dict):
        return f'{origin.__name__}[{", ".join(text_of(each) for each in arguments)}]'
    if annotation is type(None):
        return 'None'
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return name_of(annotation)
    if annotation in (str, int, float, bool):
        return str(annotation.__name__)
    raise TypeError(f'no type for {annotation}')


def models_in(annotation: Any) -> list[type[Model]]:
    """Return the models in an annotation, those that others need first."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        inner = [
            model
            for field in annotation.model_fields.values()
            for model in models_in(field.annotation)
        ]
        return [*inner, annotation]
    return [model for each in get_args(annotation) for model in models_in(each)]


def line_of(name: str, annotation: Any) -> str:
    """Return the declaration of a field, in several lines where it is long."""
    line = f'    {name}: {text_of(annotation)}'
    if len(line) <= WIDTH:
        return line
    raise ValueError(f'{line.strip()}: too long')


def class_of(model: type[Model]) -> str:
    """Return the class of a model."""
    base = 'SomeEvent' if issubclass(model, Message) else 'TypedDict'
    summary = (model.__doc__ or '').strip().splitlines()[0]
    fields = [
        line_of(name, field.annotation)
        for name, field in model.model_fields.items()
        if name not in ('request_id', 'seq')
    ]
    order = sorted(fields, key=lambda line: not line.startswith('    type:'))
    return '\n'.join([f'class {name_of(model)}({base}):', f'    """{summary}"""', '', *order])


def source() -> str:
    """Return the module."""
    licence = Path(__file__).read_text().split('"""', 1)[0]
    events = [entry.model for entry in EVENTS.values()]
    models = dict.fromkeys(model for event in events for model in models_in(event))
    union = '\n    | '.join(name_of(event) for event in events)
    parts = [licence + HEADER.rstrip(), *map(class_of, models)]
    return '\n\n\n'.join(parts) + f'\n\n\nEvent = (\n    {union}\n)\n'


if __name__ == '__main__':
    TARGET.write_text(source())
