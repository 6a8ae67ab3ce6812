"""Paths inside a project as the server takes and tells them.

A path is what follows the project's folder, its parts joined by single slashes; "" is the folder itself. As text it
holds bytes that are no UTF-8 as lone surrogates (Python's surrogateescape), so that every name makes the round trip.
"""

import os
import re
import secrets
from typing import Final

from server.errors import BadRequest

MOST_NAME: Final = 255
MOST_PATH: Final = 4096 - 1
"""Bytes; the kernel's own limits."""
_TEMPORARY: Final = re.compile(rb"\.hutch-tmp-[0-9a-f]{16}")


def parse(text: str) -> bytes:
    """The path of `text`, "" for the project's folder. Raises BadRequest for what can't be a path inside it."""
    try:
        path = os.fsencode(text)
    except UnicodeEncodeError:
        raise BadRequest("a path must be text or bytes that a file system can hold") from None
    if not path:
        return path
    if len(path) > MOST_PATH:
        raise BadRequest(f"a path has at most {MOST_PATH} bytes, got {len(path)}")
    for name in path.split(b"/"):
        _check_name(name)
    return path


def parse_entry(text: str) -> bytes:
    """The path of something in the project's folder: as `parse`, but the folder itself is refused."""
    path = parse(text)
    if not path:
        raise BadRequest("expected the path of a file or folder in the project, got an empty one")
    return path


def split(path: bytes) -> tuple[bytes, bytes]:
    """The folder and the name in it."""
    folder, _, name = path.rpartition(b"/")
    return folder, name


def join(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


def shown(path: bytes) -> str:
    """The path for a sentence: nothing in it that breaks a line or an encoding, and no longer than a line."""
    text = path.decode(errors="backslashreplace")
    if len(text) > 200:
        text = "…" + text[-199:]
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text) or "the project's folder"


def temporary_name() -> bytes:
    """A name for something half made, which lists leave out and the next look at the folder cleans up."""
    return b".hutch-tmp-" + secrets.token_hex(8).encode()


def is_temporary(name: bytes) -> bool:
    return _TEMPORARY.fullmatch(name) is not None


def _check_name(name: bytes) -> None:
    if name in (b"", b".", b".."):
        raise BadRequest("a path must not begin or end with a slash, nor have an empty part, '.' or '..' in it")
    if b"\0" in name:
        raise BadRequest("a path must not have a NUL character in it")
    if len(name) > MOST_NAME:
        raise BadRequest(f"a name has at most {MOST_NAME} bytes, got {len(name)}")
    if is_temporary(name):
        raise BadRequest("names of this form are for files that are being saved")
