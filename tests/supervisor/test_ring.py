import random

import pytest

from server.supervisor.ring import Ring


def test_what_was_written_is_read_at_its_offset() -> None:
    ring = Ring(8)
    ring.append(b"abc")
    ring.append(b"def")
    assert (ring.start, ring.end) == (0, 6)
    assert ring.read(2, 3) == b"cde"


def test_the_oldest_is_forgotten() -> None:
    ring = Ring(4)
    ring.append(b"abcdef")
    assert (ring.start, ring.end) == (2, 6)
    assert ring.read(2, 99) == b"cdef"
    with pytest.raises(ValueError, match="outside"):
        ring.read(1, 1)
    with pytest.raises(ValueError, match="outside"):
        ring.read(7, 1)


def test_it_may_begin_anywhere() -> None:
    ring = Ring(4, start=10)
    assert (ring.start, ring.end) == (10, 10)
    ring.append(b"xyz")
    assert ring.read(11, 9) == b"yz"


def test_it_agrees_with_a_plain_string() -> None:
    dice = random.Random(5)
    ring, whole = Ring(64), b""
    for _ in range(2000):
        data = dice.randbytes(dice.randrange(100))
        ring.append(data)
        whole += data
        assert ring.end == len(whole)
        assert ring.start == max(0, len(whole) - 64)
        offset = dice.randint(ring.start, ring.end)
        limit = dice.randrange(80)
        assert ring.read(offset, limit) == whole[offset : offset + limit]
