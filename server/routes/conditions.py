"""The parts of HTTP that ask for a version or a piece of a file: conditions (RFC 9110, 13) and ranges (14)."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from starlette.datastructures import Headers

from server.errors import BadRequest
from server.services.documents import Entry, Require

_TAG: Final = r'(?:W/)?"[!#-~\x80-\xff]*"'
_TAGS: Final = re.compile(rf"\s*{_TAG}(?:\s*,\s*{_TAG})*\s*")
_OF_WRITES: Final = ("if-match", "if-none-match", "if-unmodified-since")
_RANGE: Final = re.compile(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", re.ASCII)


class Unsatisfiable(Exception):
    """The range begins beyond the end of the file."""


def requirement(headers: Headers) -> Require:
    """What a write requires of the file that is there, by its headers. Raises BadRequest for what is no condition."""
    match, none_match = _tags(headers, "If-Match"), _tags(headers, "If-None-Match")
    since = None if match is not None else _date(headers, "If-Unmodified-Since")

    def holds(current: Entry | None) -> bool:
        if match is not None and (current is None or not ("*" in match or current.etag in match)):
            return False
        if since is not None and current is not None and _seconds(current) > since:
            return False
        return none_match is None or current is None or not ("*" in none_match or current.etag in _weakly(none_match))

    return holds


def kept(headers: Headers) -> Headers:
    """Those that `requirement` judges by."""
    return Headers({name: ", ".join(headers.getlist(name)) for name in _OF_WRITES if name in headers})


def is_unchanged(headers: Headers, entry: Entry) -> bool:
    """Whether a reader has this version already, so that 304 says enough."""
    known = _tags(headers, "If-None-Match")
    if known is not None:
        return "*" in known or entry.etag in _weakly(known)
    since = _date(headers, "If-Modified-Since")
    return since is not None and _seconds(entry) <= since


def may_read(headers: Headers, entry: Entry) -> bool:
    """Whether the file is the version that a reader requires."""
    match = _tags(headers, "If-Match")
    if match is not None:
        return "*" in match or entry.etag in match
    since = _date(headers, "If-Unmodified-Since")
    return since is None or _seconds(entry) <= since


def wanted_range(headers: Headers, entry: Entry) -> tuple[int, int] | None:
    """First byte and the one after the last, None for the whole file. Raises Unsatisfiable.

    As the standard has it, what is no single range of bytes is passed over, and so is one of another version.
    """
    found = _RANGE.fullmatch(headers.get("Range", ""))
    if found is None or found[1] == found[2] == "" or not _is_of_version(headers.get("If-Range"), entry):
        return None
    if not found[1]:
        start, end = max(entry.size - int(found[2]), 0), entry.size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1, entry.size) if found[2] else entry.size
        if found[2] and int(found[2]) < start:
            return None
    if start >= end:
        raise Unsatisfiable
    return start, end


def version_headers(entry: Entry) -> Mapping[str, str]:
    """ETag and Last-Modified of a file."""
    return {"ETag": entry.etag or "", "Last-Modified": format_datetime(entry.modified, usegmt=True)}


def _is_of_version(required: str | None, entry: Entry) -> bool:
    # A date is never enough here: a file may change twice in its second.
    return required is None or required.strip() == entry.etag


def _tags(headers: Headers, name: str) -> frozenset[str] | None:
    if name not in headers:
        return None
    value = ", ".join(headers.getlist(name))
    if value.strip() == "*":
        return frozenset("*")
    if not _TAGS.fullmatch(value):
        raise BadRequest(f'{name} must be * or a list of ETags in double quotes, such as "1a-2b-3c"')
    return frozenset(re.findall(_TAG, value))


def _weakly(tags: frozenset[str]) -> frozenset[str]:
    return frozenset(tag.removeprefix("W/") for tag in tags)


def _date(headers: Headers, name: str) -> int | None:
    """Whole seconds since 1970. None for what is no date, which the standard says to pass over."""
    try:
        date = parsedate_to_datetime(headers[name])
    except (KeyError, ValueError):
        return None
    return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())


def _seconds(entry: Entry) -> int:
    return int(entry.modified.timestamp())
