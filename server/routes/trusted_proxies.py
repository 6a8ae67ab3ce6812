"""What reverse proxies say of their clients, believed from those that the operator named and from nobody else."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from server.routes import headers

Networks = Sequence[IPv4Network | IPv6Network]


class TrustedProxies:
    """Puts scheme, host and client that a trusted proxy tells of in the place of its own.

    Where several values came, the last is the proxy's own word; those before it may be anybody's.
    """

    def __init__(self, app: ASGIApp, networks: Networks) -> None:
        self._app = app
        self._networks = networks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope.get("client") and self._trusts(scope["client"][0]):
            self._believe(scope)
        await self._app(scope, receive, send)

    def _believe(self, scope: Scope) -> None:
        sent = scope["headers"]
        scheme = (_listed(sent, b"x-forwarded-proto") or [""])[-1].lower()
        if scheme in ("http", "https"):
            scope["scheme"] = scheme.replace("http", "ws") if scope["type"] == "websocket" else scheme
        if hosts := _listed(sent, b"x-forwarded-host"):
            scope["headers"] = [pair for pair in sent if pair[0] != b"host"] + [(b"host", hosts[-1].encode("latin-1"))]
        for hop in reversed(_listed(sent, b"x-forwarded-for")):
            if _address(hop) is None:
                break
            scope["client"] = (hop, 0)
            if not self._trusts(hop):
                break

    def _trusts(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _listed(sent: headers.RawHeaders, name: bytes) -> list[str]:
    """The values of a header that may be a list, in order."""
    return [item.strip() for value in headers.values(sent, name) for item in value.split(",")]
