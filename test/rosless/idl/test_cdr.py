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
"""Encoders and decoders, beside the independent ones of rosbags."""

from __future__ import annotations

from itertools import product

import pytest
from contract import rosless_only

pytest.importorskip('rosbags', reason='modules are generated with rosbags')
from rosless.idl.cdr import BEGIN
from rosless.idl.cdr import UNKNOWN
from rosless.idl.cdr import Alignment

pytestmark = rosless_only


def encode(message):
    out = bytearray(b'\0\1\0\0')
    message._write(out)
    return bytes(out)


def decoded_by_rosbags(sample, data, name):
    """Return the fields that an independent implementation finds."""
    from rosbags.typesys import Stores
    from rosbags.typesys import get_types_from_msg
    from rosbags.typesys import get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for path in (sample.root / 'msg').iterdir():
        types.update(get_types_from_msg(path.read_text(), f'sample_pkg/msg/{path.stem}'))
    store.register(types)
    return vars(store.deserialize_cdr(data, f'sample_pkg/msg/{name}'))


def test_round_trip_at_every_alignment(sample):
    msg = sample.msg
    for size in range(9):
        outer = msg.Outer(
            label='x' * size,
            short='y' * (size % 6),
            bytes=list(range(size)),
            few=[0.5] * (size % 3),
            names=['n' * n for n in range(size)],
            many=[msg.Inner(small=n, large=n / 3, text='t' * n) for n in range(size)],
            octet=b'z',
        )
        data = encode(outer)
        assert msg.Outer._read(data) == outer
        other = decoded_by_rosbags(sample, data, 'Outer')
        assert other['label'] == outer.label
        assert [m.text for m in other['many']] == [m.text for m in outer.many]
        assert other['octet'] == ord('z')


@pytest.mark.parametrize('a', [[], [0.5], [0.5, 1.5]])
@pytest.mark.parametrize('c', [[], [1], [1, 2], [1, 2, 3]])
def test_what_follows_a_sequence_is_aligned_even_if_that_is_empty(sample, a, c):
    message = sample.msg.Sequences(a=a, b=2.5, c=c, d=7)
    data = encode(message)
    assert sample.msg.Sequences._read(data) == message
    other = decoded_by_rosbags(sample, data, 'Sequences')
    assert (list(other['a']), other['b'], list(other['c']), other['d']) == (a, 2.5, c, 7)


def test_empty_messages_have_one_octet(sample):
    assert encode(sample.msg.Empty()) == b'\0\1\0\0\0'
    assert sample.msg.Empty._read(b'\0\1\0\0\0') == sample.msg.Empty()


def test_cut_messages_are_refused(sample):
    msg = sample.msg
    data = encode(msg.Outer(names=['abc'], many=[msg.Inner(text='t')], bytes=[1, 2]))
    for size in range(4, len(data)):
        with pytest.raises(Exception):  # noqa: B017 (struct.error, ValueError)
            msg.Outer._read(data[:size])


ALIGNMENTS = [Alignment(modulus, rest) for modulus in (1, 2, 4, 8) for rest in range(modulus)]


def offsets(alignment):
    """Return the offsets at which this is known."""
    return {n for n in range(64) if n % alignment.modulus == alignment.rest}


def test_what_is_common_to_two_alignments_is_the_most_that_is_known_of_both():
    for one, two in product(ALIGNMENTS, ALIGNMENTS):
        common = one.common(two)
        both = offsets(one) | offsets(two)
        assert both <= offsets(common)
        assert not any(both <= offsets(a) and a.modulus > common.modulus for a in ALIGNMENTS)


@pytest.mark.parametrize('size', [1, 2, 4, 8])
def test_padding_is_stated_only_where_it_is_the_same_at_every_offset(size):
    for alignment in ALIGNMENTS:
        paddings = {-n % size for n in offsets(alignment)}
        assert alignment.padding(size) == (paddings.pop() if len(paddings) == 1 else None)


def test_alignment_moves_on():
    assert BEGIN.plus(12) == Alignment(8, 4)
    assert UNKNOWN.plus(3) == UNKNOWN
