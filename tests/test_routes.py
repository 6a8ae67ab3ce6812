"""Deny by default: what the built application serves is guarded, or stands here."""

from starlette.routing import Route, WebSocketRoute

from server.app import routes
from server.middleware import unknown_sockets
from server.routes.guard import Guarded, Public
from server.routes.preview import PathPreviews

OPEN = {
    "GET /healthz",
    "GET /readyz",
    "GET /api/openapi.json",
    "GET /static/dist/{path:path}",
    "GET /login",
    "POST /login",
}


def names(route: Route | WebSocketRoute) -> set[str]:
    methods = (route.methods or {"*"}) - {"HEAD"} if isinstance(route, Route) else {"SOCKET"}
    return {f"{method} {route.path}" for method in methods}


def test_every_route_is_guarded_or_known_to_be_open() -> None:
    found: set[str] = set()
    for route in routes:
        assert isinstance(route, Route | WebSocketRoute), f"{route} hides routes from this test"
        if isinstance(route.app, Public):
            found |= names(route)
        elif route is not unknown_sockets:
            # A preview by path does its own asking: the session, the token, or the grant in its address.
            assert isinstance(route.app, Guarded | PathPreviews), f"{route} is not guarded"
    assert found == OPEN


def test_sockets_to_nowhere_come_last() -> None:
    assert routes[-1] is unknown_sockets
