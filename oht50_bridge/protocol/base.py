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
"""The base of all message models: strict validation, timestamps, numbers that may be missing."""

from __future__ import annotations

from datetime import datetime
from datetime import timezone
from typing import Annotated
from typing import Any
from typing import ClassVar

from pydantic import AfterValidator
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field

from oht50_bridge.text import MAX_NAME
from oht50_bridge.text import check_name

#: UTC, RFC 3339, `Z` suffix. The server writes milliseconds and accepts up to nine digits.
Timestamp = Annotated[str, Field(pattern=r'^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$')]

#: A measured quantity. None: no board measures it. NaN and infinities are sent as null.
Measured = float | None

#: A number that is always known.
Known = Annotated[float, Field(allow_inf_nan=False)]


def in_unit(unit: str) -> Any:
    """Return the annotation that puts the unit of a field into the schema, as `x-unit`."""
    return Field(json_schema_extra={'x-unit': unit})


#: The name of something, from the vehicle.
Identifier = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]

#: The name of something, from a client: without control characters.
Name = Annotated[
    Identifier,
    AfterValidator(check_name),
    Field(json_schema_extra={'pattern': '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$'}),
]


class Model(BaseModel):
    """A strict and immutable model: unknown keys and values of another type are errors."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra='forbid', ser_json_inf_nan='constants'
    )


class Message(Model):
    """A message from the server to a client.

    Attributes:
        type: name of the type on the wire.
        timestamp: time of the message or of what it reports.
        request_id: that of the command which this message replies to; sent only if it has one.
        seq: sequence number, sent only with event-class events to clients that can resume.
        example: an example of the message without its type.

    """

    type: str
    timestamp: Timestamp
    request_id: str | None = None
    seq: int | None = None
    example: ClassVar[dict[str, Any]]


def timestamp_from_seconds(seconds: float) -> str:
    """Return the wire timestamp (UTC, milliseconds) of `seconds` since the Unix epoch."""
    return timestamp_from_nanoseconds(round(seconds * 1000) * 1_000_000)


def timestamp_from_nanoseconds(nanoseconds: int) -> str:
    """Return the wire timestamp (UTC, milliseconds) of nanoseconds since the Unix epoch.

    Digits below a millisecond are cut off, not rounded: no timestamp lies in the future.
    """
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f'{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z'
