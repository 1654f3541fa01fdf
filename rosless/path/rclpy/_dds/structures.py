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
"""Structures of the C library."""

from __future__ import annotations

import ctypes as ct


class Sample(ct.Structure):
    """Private: the wheel's ddspy_sample_container_t."""

    _fields_ = [('data', ct.c_char_p), ('size', ct.c_size_t)]


class EndpointSample(ct.Structure):
    """A sample of the topics of publications and subscriptions."""

    _fields_ = [
        ('key', ct.c_ubyte * 16),
        ('participant', ct.c_ubyte * 16),
        ('participant_handle', ct.c_uint64),
        ('topic_name', ct.c_char_p),
        ('type_name', ct.c_char_p),
        ('qos', ct.c_void_p),
    ]


class ParticipantSample(ct.Structure):
    """A sample of the topic of participants."""

    _fields_ = [('key', ct.c_ubyte * 16), ('qos', ct.c_void_p)]


class SampleInfo(ct.Structure):
    """What DDS says of a sample."""

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
