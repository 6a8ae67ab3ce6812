"""Frames of the link between the server and a project's supervisor.

Both ends import this module and nothing of the server's, so it also runs inside the container: standard library only.
A frame is a nine-byte header (payload length, stream, kind) and a payload of at most `MAX_PAYLOAD` bytes. Stream 0
carries JSON calls, replies and events; every other stream is a viewer of a channel or a relayed TCP connection, with an
id chosen by the server. What comes from the container is never trusted: lengths are checked before anything is kept.
"""

import json
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final

VERSION: Final = 2
HEADER: Final = struct.Struct("!IIB")
OFFSET: Final = struct.Struct("!Q")
MAX_PAYLOAD: Final = 256 * 1024
"""No frame is larger. Data frames are kept to 64 KiB so that a small one never waits long behind them."""
MAX_DATA: Final = 64 * 1024
VIEWER_WINDOW: Final = 512 * 1024
"""Bytes sent to a viewer beyond its last ack."""
RELAY_WINDOW: Final = 512 * 1024
"""The same for each direction of a relayed connection."""


class Kind(IntEnum):
    """What a frame is. ACK's payload is an `OFFSET`: everything before it is consumed."""

    CONTROL = 0
    DATA = 1
    ACK = 2
    MESSAGE = 3
    CLOSE = 4


class ProtocolError(Exception):
    """The other end sent something that is no frame. The link can't go on and must be closed."""


def frame(kind: Kind, stream: int, payload: bytes = b"") -> bytes:
    """One frame as bytes. For bulk data send `header()` and the payload apart instead of copying it."""
    return HEADER.pack(len(payload), stream, kind) + payload


def header(kind: Kind, stream: int, length: int) -> bytes:
    return HEADER.pack(length, stream, kind)


def message(kind: Kind, stream: int, value: Any) -> bytes:
    """A frame whose payload is `value` as JSON."""
    return frame(kind, stream, json.dumps(value, separators=(",", ":")).encode())


def ack(stream: int, offset: int) -> bytes:
    return frame(Kind.ACK, stream, OFFSET.pack(offset))


def parse_offset(payload: bytes) -> int:
    if len(payload) != OFFSET.size:
        raise ProtocolError(f"an offset has {OFFSET.size} bytes, got {len(payload)}")
    offset: int = OFFSET.unpack(payload)[0]
    return offset


def parse_json(payload: bytes) -> dict[str, Any]:
    """The payload of a CONTROL or MESSAGE frame. Raises ProtocolError when it is no JSON object."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("expected JSON") from error
    if not isinstance(value, dict):
        raise ProtocolError("expected a JSON object")
    return value


class Decoder:
    """Cuts received bytes into frames. Holds at most one incomplete frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, int, bytes]]:
        """Yield each complete frame as (kind, stream, payload). Raises ProtocolError on a bad header."""
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= HEADER.size:
                length, stream, kind = HEADER.unpack_from(buffer, start)
                if length > MAX_PAYLOAD:
                    raise ProtocolError(f"a frame has at most {MAX_PAYLOAD} bytes, got {length}")
                end = start + HEADER.size + length
                if len(buffer) < end:
                    break
                payload = bytes(memoryview(buffer)[start + HEADER.size : end])
                start = end
                try:
                    parsed = Kind(kind)
                except ValueError:
                    raise ProtocolError(f"unknown kind of frame: {kind}") from None
                yield parsed, stream, payload
        finally:
            del buffer[:start]
