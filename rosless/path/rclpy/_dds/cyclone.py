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
"""The C library: loading, the signatures of its functions, its errors."""

from __future__ import annotations

import ctypes as ct
import sys
from importlib.util import find_spec
from importlib.util import module_from_spec
from typing import Any

from rclpy._dds.structures import EndpointSample
from rclpy._dds.structures import Sample
from rclpy._dds.structures import SampleInfo


def _load() -> tuple[Any, ct.CDLL]:
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
        # Registered, but not executed: execution would import everything.
        sys.modules['cyclonedds'] = module_from_spec(spec)
    import cyclonedds._clayer as clayer
    from cyclonedds.__library__ import library_path

    # A handle of our own: argtypes set on the wheel's handle would be shared with it.
    return clayer, ct.CDLL(str(library_path))


clayer, lib = _load()


class Error(Exception):
    """A call into Cyclone DDS failed."""

    def __init__(self, call: str, code: int) -> None:
        self.code = code
        text = lib.dds_strretcode(code).decode()
        super().__init__(f'Cyclone DDS: {call} failed: {text} ({code})')


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
    ('dds_write', _I, [_E, ct.POINTER(Sample)]),
    ('dds_delete', _I, [_E]),
    ('dds_get_instance_handle', _I, [_E, ct.POINTER(_U64)]),
    ('dds_get_guid', _I, [_E, ct.c_char_p]),
    ('dds_get_matched_subscriptions', _I, [_E, ct.POINTER(_U64), ct.c_size_t]),
    ('dds_get_matched_publications', _I, [_E, ct.POINTER(_U64), ct.c_size_t]),
    ('dds_get_matched_subscription_data', ct.POINTER(EndpointSample), [_E, _U64]),
    ('dds_get_matched_publication_data', ct.POINTER(EndpointSample), [_E, _U64]),
    ('dds_builtintopic_free_endpoint', None, [ct.POINTER(EndpointSample)]),
    ('dds_read', _I, [_E, ct.POINTER(_P), ct.POINTER(SampleInfo), ct.c_size_t, ct.c_uint32]),
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
    _function = getattr(lib, _name)
    _function.restype, _function.argtypes = _result, _arguments


def checked(call: str, *args: Any) -> int:
    """Call a function of the library, and return its result.

    Raises:
        Error: the result is negative.

    """
    result: int = getattr(lib, call)(*args)
    if result < 0:
        raise Error(call, result)
    return result
