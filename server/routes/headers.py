"""Pure functions on headers: whose origin it is, which cookies are ours, what a proxy passes on and what not."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from starlette.types import Scope

RawHeaders = Sequence[tuple[bytes, bytes]]

_NAME = r"[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_.])?"
_AUTHORITY: Final = re.compile(rf"(?P<host>{_NAME}|\[[0-9a-f:.]{{2,45}}\])(?::(?P<port>[1-9][0-9]{{0,4}}))?", re.ASCII)
_LONGEST: Final = 262
"""Characters of a host with its port."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port, as they compare: lower case, the port always there, IPv6 in its one short form."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.suffix}"

    @property
    def suffix(self) -> str:
        """The port as it is written in a URL, nothing for the scheme's own."""
        return "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"


def parse_authority(scheme: str, text: str) -> Origin | None:
    """The origin that a Host header names, None where it is not strictly a host with at most a port."""
    return _parse_authority(scheme, text) if len(text) <= _LONGEST else None


@lru_cache
def _parse_authority(scheme: str, text: str) -> Origin | None:
    match = _AUTHORITY.fullmatch(text.lower())
    if match is None:
        return None
    host, port = match["host"], int(match["port"] or _DEFAULT_PORTS[scheme])
    if port > 65535:
        return None
    if host.startswith("["):
        try:
            host = f"[{IPv6Address(host[1:-1]).compressed}]"
        except AddressValueError:
            return None
    return Origin(scheme, host, port)


def parse_origin(text: str) -> Origin | None:
    """An Origin header's value, None for `null` and whatever is no plain scheme, host and port."""
    scheme, separator, authority = text.partition("://")
    if not separator or scheme not in _DEFAULT_PORTS:
        return None
    return parse_authority(scheme, authority)


def values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """Every value of a header; `name` in lower case, as ASGI has them."""
    return [value.decode("latin-1") for key, value in headers if key == name]


def single(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The header's value, None when it is absent or there more than once."""
    found = None
    for key, value in headers:
        if key == name:
            if found is not None:
                return None
            found = value
    return None if found is None else found.decode("latin-1")


def is_secure(scope: Scope) -> bool:
    """Whether the client came by TLS."""
    return scope.get("scheme") in ("https", "wss")


def addressed(scope: Scope) -> Origin | None:
    """The origin that the client addressed, None when its Host is missing, doubled or no host at all."""
    host = single(scope["headers"], b"host")
    return None if host is None else parse_authority("https" if is_secure(scope) else "http", host)


def has_body(scope: Scope) -> bool:
    """Whether the request announces a body."""
    length = single(scope["headers"], b"content-length")
    return length not in (None, "0") or bool(values(scope["headers"], b"transfer-encoding"))


def bearer(headers: RawHeaders, name: bytes = b"authorization") -> str | None:
    """The bearer token. Two such headers are none that is valid: the empty string."""
    found = [value for value in values(headers, name) if value[:7].lower() == "bearer "]
    if not found:
        return None
    return found[0][7:].strip() if len(found) == 1 else ""


def cookies(headers: RawHeaders, name: str) -> list[str]:
    """Every value of the cookie `name`, in the order in which the browser sent them."""
    pairs = (pair.strip() for line in values(headers, b"cookie") for pair in line.split(";"))
    return [value for key, separator, value in (pair.partition("=") for pair in pairs) if separator and key == name]


def is_navigation(scope: Scope) -> bool:
    """Whether a person's browser asks for a page, as against a script, an image or a program that asks for data."""
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    mode = single(scope["headers"], b"sec-fetch-mode")
    if mode is not None:
        return mode == "navigate"
    return any("text/html" in value.lower() for value in values(scope["headers"], b"accept"))


def is_framed(scope: Scope) -> bool:
    """Whether a page is asked for to be shown inside another one."""
    return single(scope["headers"], b"sec-fetch-dest") in ("iframe", "frame")


def safe_path(text: str | None) -> str:
    """`text` where it is a path on this very origin, `/` for anything that a browser could take for another place.

    One function for every redirect: backslashes and controls are read as slashes or skipped by browsers, and two
    slashes begin another host's name.
    """
    if text is None or len(text) > 4096 or not text.isascii():
        return "/"
    if not text.startswith("/") or text.startswith("//") or re.search(r"[\x00-\x20\x7f\\]", text):
        return "/"
    return text
