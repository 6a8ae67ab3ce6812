"""What passes between a browser and an app, header by header. Pure functions, the same for HTTP and WebSockets.

The app sees itself addressed as `localhost:{port}`, which is what dev servers accept with no setting; in its answers
that name becomes the preview's again. Nothing of the IDE goes to the app, and nothing of the app's reaches beyond the
preview's own host.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from server.routes.headers import Origin, RawHeaders, parse_origin
from server.services.previews import Target

_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_NOT_SENT: Final = frozenset(
    # Host, Expect and the handshake's own headers are made anew; what a client says of proxies is never believed.
    {b"host", b"expect", b"forwarded", b"x-real-ip", b"x-hutch-authorization", b"http2-settings"}
)
_NOT_ANSWERED: Final = frozenset(
    # The server dates its answers itself. The others would bind the browser beyond this connection or this port.
    {b"date", b"alt-svc", b"origin-agent-cluster", b"strict-transport-security", b"public-key-pins", b"expect-ct"}
)
_NOT_ON_OUR_ORIGIN: Final = frozenset(
    {
        b"accept-ch",
        b"activate-storage-access",
        b"clear-site-data",
        b"critical-ch",
        b"nel",
        b"report-to",
        b"reporting-endpoints",
        b"service-worker-allowed",
        b"set-login",
        b"use-as-dictionary",
    }
)
_OUR_COOKIE: Final = re.compile(rb"(?:__(?:host|secure)-)?hutch_", re.IGNORECASE)
_LOOPBACK: Final = re.compile(
    r"(?:https?:)?//(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\])(?::(\d{1,5}))?(?=[/?#]|$)", re.IGNORECASE
)
_CLEARABLE: Final = ('"cache"', '"storage"', '"executionContexts"', '"clientHints"')
"""What a host may clear of its own. Cookies are cleared for all previews at once, so that is left out."""
PARTITIONED: Final = b"SameSite=None; Secure; Partitioned"
"""What a cookie says that browsers are to keep in a frame of another site, and for that site alone."""
ORIGIN_KEYED: Final = (b"origin-agent-cluster", b"?1")
"""Every host for itself: no page can give up its origin for the domain that other projects are in too."""
SANDBOX: Final = b"sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"


@dataclass(frozen=True)
class Road:
    """How a request came: to which target, on which origin, under which path, from where.

    `prefix` is the part of the path that is ours, empty on a preview's host. `siblings` gives the preview origin of
    another port of the same project, None where previews have no origins of their own. `granted` says that by path
    every origin may ask, as no cookie gave leave. `credential` is what let
    the request pass as `Authorization`, and so must go no further. `partitioned` says that the page is in a frame of
    the IDE, where its cookies need to be said so.
    """

    target: Target
    origin: Origin
    client: str
    prefix: str = ""
    sibling: Callable[[int], str] | None = None
    granted: bool = False
    credential: bool = False
    partitioned: bool = False
    keeps_cookies: bool = True
    ide: str | None = None

    @property
    def by_path(self) -> bool:
        return self.sibling is None

    @property
    def local(self) -> str:
        """The origin under which the app knows itself."""
        return f"http://localhost:{self.target.port}"


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers without those meant for the next hop alone, the ones that Connection names included."""
    pairs = [(name.lower(), value) for name, value in headers]
    named = {token.strip().lower() for name, value in pairs if name == b"connection" for token in value.split(b",")}
    return [(name, value) for name, value in pairs if name not in _HOP_BY_HOP and name not in named]


def to_app(headers: RawHeaders, road: Road) -> list[tuple[bytes, bytes]]:
    """What the app gets to see of a request's headers."""
    sent: list[tuple[bytes, bytes]] = [(b"host", f"localhost:{road.target.port}".encode())]
    # Where both are sent, the length is a lie that the app might believe.
    chunked = b"transfer-encoding" in {name.lower() for name, _ in headers}
    for name, value in end_to_end(headers):
        if name == b"content-length" and chunked:
            continue
        if name in _NOT_SENT or name.startswith((b"x-forwarded-", b"sec-websocket-")):
            continue
        if name == b"authorization" and road.credential:
            continue
        kept = _REQUEST_VALUES[name](value, road) if name in _REQUEST_VALUES else value
        if kept:
            sent.append((name, kept))
        elif not value:
            sent.append((name, b""))
    sent += [
        (b"x-forwarded-for", road.client.encode()),
        (b"x-forwarded-host", (road.origin.host + road.origin.suffix).encode()),
        (b"x-forwarded-proto", road.origin.scheme.encode()),
    ]
    return sent


def to_browser(
    headers: Iterable[tuple[bytes, bytes]], road: Road, *, framed: bool = False
) -> list[tuple[bytes, bytes]]:
    """What the browser gets to see of an answer's headers. `framed` says that it is shown inside another page."""
    answered = []
    for name, value in end_to_end(headers):
        if name in _NOT_ANSWERED or name.startswith(b"sec-websocket-"):
            continue
        if road.by_path and name in _NOT_ON_OUR_ORIGIN:
            continue
        kept = _RESPONSE_VALUES[name](value, road) if name in _RESPONSE_VALUES else value
        if kept is not None:
            answered.append((name, kept))
    if framed:
        answered = _allow_framing(answered, road)
    return answered + _confinement(answered, road)


def without_our_cookies(value: bytes, road: Road) -> bytes:
    """A Cookie header's value without the cookies of the IDE and of previews."""
    pairs = (pair.strip() for pair in value.split(b";"))
    return b"; ".join(pair for pair in pairs if pair and not _OUR_COOKIE.match(pair))


def confined_cookie(value: bytes, road: Road) -> bytes | None:
    """A Set-Cookie header's value, for this host alone; None for a cookie under a name of ours, or on our origin."""
    if not road.keeps_cookies or _OUR_COOKIE.match(value.lstrip()):
        return None
    name, *attributes = value.split(b";")
    dropped = (b"domain", b"samesite", b"secure", b"partitioned") if road.partitioned else (b"domain",)
    kept = [item for item in attributes if item.partition(b"=")[0].strip().lower() not in dropped]
    return b";".join([name, *kept, b" " + PARTITIONED] if road.partitioned else [name, *kept])


def local_origin(value: bytes, road: Road) -> bytes:
    """An Origin as the app should see it: its own, and those of the project's other ports, are on localhost."""
    text = value.decode("latin-1")
    if road.by_path:
        # A sandboxed page has the origin null; it is the app's own page all the same.
        return road.local.encode() if text in ("null", str(road.origin)) else value
    origin = parse_origin(text)
    port = None if origin is None else _sibling_port(origin, road)
    return value if port is None else f"http://localhost:{port}".encode()


def local_referer(value: bytes, road: Road) -> bytes:
    """A Referer as the app should see it; empty for one that shows an address of the IDE."""
    text = value.decode("latin-1")
    parts = urlsplit(text) if _is_url(text) else None
    origin = parse_origin(f"{parts.scheme}://{parts.netloc}") if parts else None
    if origin is None:
        return value
    rest = text.split("://", 1)[1].partition("/")
    path = rest[1] + rest[2]
    if road.by_path:
        if origin != road.origin:
            return value
        own = path.startswith(road.prefix + "/")
        return (road.local + path[len(road.prefix) :]).encode("latin-1") if own else b""
    port = _sibling_port(origin, road)
    return value if port is None else f"http://localhost:{port}{path}".encode("latin-1")


def public_location(value: bytes, road: Road) -> bytes:
    """A redirect's target as the browser should see it: the app's own name becomes the preview's."""
    text = value.decode("latin-1")
    match = _LOOPBACK.match(text)
    if match:
        port = int(match[1] or 80)
        rest = text[match.end() :]
        if port == road.target.port:
            return (f"{road.origin}{road.prefix}" + (rest if rest.startswith("/") else "/" + rest)).encode("latin-1")
        if road.sibling and 0 < port <= 65535:
            return (road.sibling(port) + rest).encode("latin-1")
    elif road.prefix and text.startswith("/") and not text.startswith(("//", "/\\")):
        return (road.prefix + text).encode("latin-1")
    return value


def public_origin(value: bytes, road: Road) -> bytes:
    """The origin to which an app opens its answer, as the browser knows it."""
    text = value.decode("latin-1").strip()
    match = _LOOPBACK.fullmatch(text)
    if match is None or not text.lower().startswith("http"):
        return value
    if road.by_path:
        return b"null" if int(match[1] or 80) == road.target.port else value
    assert road.sibling is not None
    return road.sibling(int(match[1] or 80)).encode()


def clearable_data(value: bytes, road: Road) -> bytes | None:
    """What of a Clear-Site-Data header stays within the preview's own host."""
    asked = {item.strip() for item in value.decode("latin-1").split(",")}
    kept = [item for item in _CLEARABLE if item in asked or '"*"' in asked]
    return ", ".join(kept).encode() or None


_REQUEST_VALUES: Final[Mapping[bytes, Callable[[bytes, Road], bytes]]] = {
    b"cookie": without_our_cookies,
    b"origin": local_origin,
    b"referer": local_referer,
}
_RESPONSE_VALUES: Final[Mapping[bytes, Callable[[bytes, Road], bytes | None]]] = {
    b"set-cookie": confined_cookie,
    b"location": public_location,
    b"content-location": public_location,
    b"access-control-allow-origin": public_origin,
    b"clear-site-data": clearable_data,
}


def _confinement(answered: list[tuple[bytes, bytes]], road: Road) -> list[tuple[bytes, bytes]]:
    if not road.by_path:
        return [ORIGIN_KEYED]
    added = [(b"content-security-policy", SANDBOX)]
    if road.granted and all(name != b"access-control-allow-origin" for name, _ in answered):
        added.append((b"access-control-allow-origin", b"*"))
    return added


def _allow_framing(answered: list[tuple[bytes, bytes]], road: Road) -> list[tuple[bytes, bytes]]:
    """The IDE shows apps in a frame, which many frameworks forbid everyone: an exception for the IDE alone."""
    if road.ide is None:
        return answered
    directive = f"frame-ancestors 'self' {road.ide}".encode()
    kept, restricted = [], False
    for name, value in answered:
        if name == b"x-frame-options":
            restricted = True
            continue
        if name == b"content-security-policy" and re.search(rb"(?:^|;)\s*frame-ancestors\s", value, re.IGNORECASE):
            value = re.sub(rb"(^|;\s*)frame-ancestors\s[^;]*", rb"\1" + directive, value, flags=re.IGNORECASE)
        kept.append((name, value))
    return [*kept, (b"content-security-policy", directive)] if restricted else kept


def _sibling_port(origin: Origin, road: Road) -> int | None:
    """The port whose preview is at `origin`, when it is one of the same project."""
    label, _, _ = origin.host.partition(".")
    port = label.partition("-")[0]
    if road.sibling is None or not port.isdecimal() or len(port) > 5:
        return None
    return int(port) if parse_origin(road.sibling(int(port))) == origin else None


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://")) and "[" not in text
