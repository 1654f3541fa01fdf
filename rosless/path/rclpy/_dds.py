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

"""The calls into Cyclone DDS, and nothing of ROS.

Entities are the C library's integer handles. Everything goes through ctypes, which gives up the
GIL for the call, except `take`: the wheel's own write keeps the GIL, so that one frozen peer
would freeze the whole process. There are no listeners anywhere: those call into Python from
Cyclone's threads, and deadlock with writers that block.

The calls marked "private" are no public interface of the `cyclonedds` wheel, whose version is
therefore pinned; test/rosless/test_guards.py fails when one of them changes.
"""

from __future__ import annotations

import ctypes as ct
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from importlib.util import module_from_spec
from typing import Any
from typing import ClassVar
from typing import NamedTuple

ANY_STATE, ALIVE = 0x7F, 16
TOPIC_PARTICIPANT, TOPIC_PUBLICATION, TOPIC_SUBSCRIPTION = 0x7FFF0001, 0x7FFF0003, 0x7FFF0004
BAD_PARAMETER = -3
TOPIC_TRIES, TOPIC_PAUSE = 10, 0.005  # pause in s
MAX_BLOCKING_NS = 100_000_000
"""How long a write may wait for a slow reader (rmw's is infinite)."""


def _load() -> Any:
    """Import the wheel's C layer, private, without the rest of the wheel.

    `import cyclonedds` takes 0.1 s for the IDL compiler and type objects, which the generated
    messages make superfluous. Its other submodules stay importable.
    """
    if 'cyclonedds' not in sys.modules:
        spec = find_spec('cyclonedds')
        if spec is None:
            raise ImportError(
                'rosless needs the cyclonedds wheel: pip install cyclonedds==11.0.1 '
                '(Linux x86_64, CPython 3.10-3.13), or install ROS 2 instead'
            )
        # Registered, but not executed: that is what would import everything.
        sys.modules['cyclonedds'] = module_from_spec(spec)
    import cyclonedds._clayer as clayer
    from cyclonedds.__library__ import library_path

    # A handle of our own: argtypes set on the wheel's handle would be shared with it.
    return clayer, ct.CDLL(str(library_path))


_clayer, _lib = _load()


class Error(Exception):
    """A call into Cyclone DDS failed."""

    def __init__(self, call: str, code: int) -> None:
        self.code = code
        text = _lib.dds_strretcode(code).decode()
        super().__init__(f'Cyclone DDS: {call} failed: {text} ({code})')


class _Sample(ct.Structure):
    """Private: the wheel's ddspy_sample_container_t."""

    _fields_ = [('data', ct.c_char_p), ('size', ct.c_size_t)]


class _Endpoint(ct.Structure):
    _fields_ = [
        ('key', ct.c_ubyte * 16),
        ('participant', ct.c_ubyte * 16),
        ('participant_handle', ct.c_uint64),
        ('topic_name', ct.c_char_p),
        ('type_name', ct.c_char_p),
        ('qos', ct.c_void_p),
    ]


class _Participant(ct.Structure):
    _fields_ = [('key', ct.c_ubyte * 16), ('qos', ct.c_void_p)]


class _SampleInfo(ct.Structure):
    _fields_ = [
        ('sample_state', ct.c_uint),
        ('view_state', ct.c_uint),
        ('instance_state', ct.c_uint),
        ('valid_data', ct.c_bool),
        ('source_timestamp', ct.c_int64),
        ('instance_handle', ct.c_uint64),
        ('publication_handle', ct.c_uint64),
        ('counters', ct.c_uint32 * 5),
    ]


_E, _P, _I, _D, _U64 = ct.c_int32, ct.c_void_p, ct.c_int32, ct.c_int64, ct.c_uint64
for _name, _result, _arguments in (
    ('dds_strretcode', ct.c_char_p, [_I]),
    ('dds_create_domain', _E, [ct.c_uint32, ct.c_char_p]),
    ('dds_create_participant', _E, [ct.c_uint32, _P, _P]),
    ('dds_create_writer', _E, [_E, _E, _P, _P]),
    ('dds_create_reader', _E, [_E, _E, _P, _P]),
    ('dds_create_readcondition', _E, [_E, ct.c_uint32]),
    ('dds_create_waitset', _E, [_E]),
    ('dds_create_guardcondition', _E, [_E]),
    ('dds_set_guardcondition', _I, [_E, ct.c_bool]),
    ('dds_take_guardcondition', _I, [_E, ct.POINTER(ct.c_bool)]),
    ('dds_waitset_attach', _I, [_E, _E, ct.c_ssize_t]),
    ('dds_waitset_detach', _I, [_E, _E]),
    ('dds_waitset_wait', _I, [_E, ct.POINTER(ct.c_ssize_t), ct.c_size_t, _D]),
    ('dds_write', _I, [_E, ct.POINTER(_Sample)]),
    ('dds_delete', _I, [_E]),
    ('dds_get_instance_handle', _I, [_E, ct.POINTER(_U64)]),
    ('dds_get_guid', _I, [_E, ct.c_char_p]),
    ('dds_get_matched_subscriptions', _I, [_E, ct.POINTER(_U64), ct.c_size_t]),
    ('dds_get_matched_publications', _I, [_E, ct.POINTER(_U64), ct.c_size_t]),
    ('dds_get_matched_subscription_data', ct.POINTER(_Endpoint), [_E, _U64]),
    ('dds_get_matched_publication_data', ct.POINTER(_Endpoint), [_E, _U64]),
    ('dds_builtintopic_free_endpoint', None, [ct.POINTER(_Endpoint)]),
    ('dds_read', _I, [_E, ct.POINTER(_P), ct.POINTER(_SampleInfo), ct.c_size_t, ct.c_uint32]),
    ('dds_return_loan', _I, [_E, ct.POINTER(_P), ct.c_int32]),
    ('dds_free', None, [_P]),
    ('dds_create_qos', _P, []),
    ('dds_delete_qos', None, [_P]),
    ('dds_qget_userdata', ct.c_bool, [_P, ct.POINTER(_P), ct.POINTER(ct.c_size_t)]),
    ('dds_qset_userdata', None, [_P, ct.c_char_p, ct.c_size_t]),
    ('dds_qset_history', None, [_P, ct.c_int, _I]),
    ('dds_qset_reliability', None, [_P, ct.c_int, _D]),
    ('dds_qset_durability', None, [_P, ct.c_int]),
    ('dds_qset_durability_service', None, [_P, _D, ct.c_int, _I, _I, _I, _I]),
    ('dds_qset_lifespan', None, [_P, _D]),
    ('dds_qset_deadline', None, [_P, _D]),
    ('dds_qset_writer_data_lifecycle', None, [_P, ct.c_bool]),
    ('dds_qset_data_representation', None, [_P, ct.c_uint32, ct.POINTER(ct.c_int16)]),
):
    _function = getattr(_lib, _name)
    _function.restype, _function.argtypes = _result, _arguments


def _checked(call: str, *args: Any) -> int:
    result = getattr(_lib, call)(*args)
    if result < 0:
        raise Error(call, result)
    return result


class Qos(NamedTuple):
    """The policies of a reader or writer. Durations are nanoseconds, 0 where unspecified."""

    depth: int | None
    """KEEP_LAST depth; None: KEEP_ALL."""
    reliable: bool
    transient_local: bool
    user_data: bytes = b''
    lifespan: int = 0
    deadline: int = 0


def _fill(handle: int, qos: Qos) -> None:
    kind, depth = (1, -1) if qos.depth is None else (0, qos.depth)
    _lib.dds_qset_history(handle, kind, depth)
    _lib.dds_qset_reliability(handle, int(qos.reliable), MAX_BLOCKING_NS if qos.reliable else 0)
    _lib.dds_qset_durability(handle, int(qos.transient_local))
    if qos.transient_local:
        # What Cyclone keeps for late joiners.
        _lib.dds_qset_durability_service(handle, 0, kind, depth, -1, -1, -1)
    if qos.lifespan:
        _lib.dds_qset_lifespan(handle, qos.lifespan)
    if qos.deadline:
        _lib.dds_qset_deadline(handle, qos.deadline)
    _lib.dds_qset_writer_data_lifecycle(handle, False)
    # XCDR1, the encoding of every ROS 2 middleware.
    _lib.dds_qset_data_representation(handle, 1, (ct.c_int16 * 1)(0))


def _create(call: str, *owners: int, user_data: bytes = b'', qos: Qos | None = None) -> int:
    """Create an entity with a QoS, which Cyclone copies."""
    handle = _lib.dds_create_qos()
    try:
        _lib.dds_qset_userdata(handle, user_data, len(user_data))
        if qos is not None:
            _fill(handle, qos)
        return _checked(call, *owners, handle, None)
    finally:
        _lib.dds_delete_qos(handle)


def create_domain(domain: int, configuration: str) -> int:
    """Configure a domain for this process; errors in CYCLONEDDS_URI show here."""
    return _checked('dds_create_domain', domain, configuration.encode())


def create_participant(domain: int, user_data: bytes) -> int:
    """Join a domain."""
    return _create('dds_create_participant', domain, user_data=user_data)


class _Idl:
    """Private: what ddspy_topic_create reads of a type's `__idl__`."""

    def __init__(self, message: Any) -> None:
        self.idl_transformed_typename = message._type_name
        self.data_type_props, self.supported_versions = 0, 5
        self._xt_bytedata = message._xtypes


class _DataType:
    """Private: stands for the wheel's IdlStruct class.

    One object for each type name and for good: Cyclone compares them by identity first, and takes
    the GIL, from whatever thread it is in, if they differ.
    """

    _known: ClassVar[dict[tuple[str, bytes], _DataType]] = {}

    def __new__(cls, message: Any) -> _DataType:
        key = message._type_name, message._xtypes[0]
        if key not in cls._known:
            cls._known[key] = super().__new__(cls)
            cls._known[key].__idl__ = _Idl(message)
        return cls._known[key]


def create_topic(participant: int, name: str, message: Any) -> int:
    """Create a topic for a generated message class.

    Cyclone 11.0.1 looks through its library of types without the lock when a topic is made
    (ddsi_topic_descriptor_from_type). If discovery changes the library at that moment the type
    may seem incomplete, and the topic is deleted again as a bad parameter: it is worth a retry.
    """
    for _ in range(TOPIC_TRIES):
        topic = _clayer.ddspy_topic_create(participant, name, _DataType(message), None, None)
        if topic != BAD_PARAMETER:
            break
        time.sleep(TOPIC_PAUSE)
    if topic < 0:
        raise Error('dds_create_topic', topic)
    return topic


def create_writer(participant: int, topic: int, qos: Qos) -> int:
    """Create a writer."""
    return _create('dds_create_writer', participant, topic, user_data=qos.user_data, qos=qos)


def create_reader(participant: int, topic: int, qos: Qos | None = None) -> int:
    """Create a reader; without QoS for a topic of the discovery itself."""
    if qos is None:
        return _checked('dds_create_reader', participant, topic, None, None)
    return _create('dds_create_reader', participant, topic, user_data=qos.user_data, qos=qos)


def create_read_condition(reader: int) -> int:
    """Create what a wait set waits for: it stays on as long as the reader holds samples."""
    return _checked('dds_create_readcondition', reader, ANY_STATE)


def delete(entity: int) -> None:
    """Delete an entity and all that belongs to it. Deleting twice is no error."""
    _lib.dds_delete(entity)


_byref = ct.byref


def write(writer: int, data: bytes | bytearray) -> None:
    """Write encoded data, which start with the encapsulation header."""
    result = _lib.dds_write(writer, _byref(_Sample(bytes(data), len(data))))
    if result < 0:
        raise Error('dds_write', result)


def take(reader: int, limit: int = 1) -> list[tuple[bytes, Any]]:
    """Take at most `limit` samples as (data with encapsulation header, sample info). Private.

    Only whole samples of the type arrive: Cyclone has checked them and made them little-endian.
    A deleted reader has none.
    """
    samples = _clayer.ddspy_take(reader, ANY_STATE, limit)
    if isinstance(samples, int):
        return []
    return [sample for sample in samples if sample[1].valid_data]


def instance_handle(entity: int) -> int:
    """Return the 64-bit handle under which this entity is known in its own process."""
    handle = _U64()
    _checked('dds_get_instance_handle', entity, _byref(handle))
    return handle.value


def guid(entity: int) -> bytes:
    """Return the 16 bytes by which the whole domain knows an entity."""
    buffer = ct.create_string_buffer(16)
    _checked('dds_get_guid', entity, buffer)
    return buffer.raw


def matched(entity: int, *, writer: bool) -> list[int]:
    """Return the handles of the remote endpoints a writer (or reader) is connected to."""
    call = _lib.dds_get_matched_subscriptions if writer else _lib.dds_get_matched_publications
    handles: Any = []
    while (count := call(entity, handles or None, len(handles))) > len(handles):
        handles = (_U64 * count)()
    return list(handles[: max(count, 0)])


def matched_user_data(entity: int, handle: int, *, writer: bool) -> bytes | None:
    """Return the user data of one matched endpoint; None when it is gone."""
    call = (
        _lib.dds_get_matched_subscription_data if writer else _lib.dds_get_matched_publication_data
    )
    endpoint = call(entity, handle)
    if not endpoint:
        return None
    value, size = _P(), ct.c_size_t()
    try:
        _lib.dds_qget_userdata(endpoint.contents.qos, _byref(value), _byref(size))
        return ct.string_at(value.value, size.value) if value.value else b''
    finally:
        _lib.dds_free(value)
        _lib.dds_builtintopic_free_endpoint(endpoint)


class Endpoint(NamedTuple):
    """A reader or writer anywhere in the domain."""

    guid: bytes
    participant: bytes
    topic: str
    type_name: str


def _read_all(reader: int, kind: Any, copy: Callable[[Any], Any]) -> list[Any]:
    """Read what lives now; the values are copied before their loan is returned."""
    count = size = 1024
    while count == size:
        size *= 2
        samples = (_P * size)()
        infos = (_SampleInfo * size)()
        count = _lib.dds_read(reader, samples, infos, size, size)
        try:
            found = [
                copy(kind.from_address(samples[n]))
                for n in range(max(count, 0))
                if infos[n].valid_data and infos[n].instance_state == ALIVE
            ]
        finally:
            _lib.dds_return_loan(reader, samples, max(count, 0))
    return found


def read_participants(reader: int) -> list[bytes]:
    """Return the guids of all live participants; `reader` reads TOPIC_PARTICIPANT."""
    return _read_all(reader, _Participant, lambda sample: bytes(sample.key))


def read_endpoints(reader: int) -> list[Endpoint]:
    """Return all live endpoints; `reader` reads TOPIC_PUBLICATION or TOPIC_SUBSCRIPTION."""
    return _read_all(
        reader,
        _Endpoint,
        lambda sample: Endpoint(
            bytes(sample.key),
            bytes(sample.participant),
            (sample.topic_name or b'').decode('utf-8', 'replace'),
            (sample.type_name or b'').decode('utf-8', 'replace'),
        ),
    )


class GuardCondition:
    """Wakes a wait set from any thread."""

    def __init__(self, participant: int) -> None:
        self.entity = _checked('dds_create_guardcondition', participant)
        self._taken = ct.c_bool()

    def trigger(self) -> None:
        _lib.dds_set_guardcondition(self.entity, True)

    def reset(self) -> None:
        _lib.dds_take_guardcondition(self.entity, _byref(self._taken))


class WaitSet:
    """Waits for many conditions; the numbers given at `attach` tell which ones fired."""

    def __init__(self, participant: int) -> None:
        self.entity = _checked('dds_create_waitset', participant)
        self._fired = (ct.c_ssize_t * 256)()

    def attach(self, condition: int, number: int) -> None:
        _checked('dds_waitset_attach', self.entity, condition, number)

    def detach(self, condition: int) -> None:
        # A condition that was deleted meanwhile has left by itself.
        _lib.dds_waitset_detach(self.entity, condition)

    def wait(self, timeout_ns: int) -> list[int]:
        """Return the numbers of the conditions that are on, [] after the timeout."""
        count = _lib.dds_waitset_wait(self.entity, self._fired, 256, timeout_ns)
        if count < 0:
            raise Error('dds_waitset_wait', count)
        return self._fired[: min(count, 256)]
