"""Previews on hosts of their own.

A preview's host is told from the IDE's before anything else looks at the request, so that no page of the IDE is ever on
an app's origin, and no app on the IDE's.
"""

import re
from typing import Final
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from server.errors import AppError, BadRequest, Forbidden, NotFound, NotSignedIn
from server.routes import guard, headers
from server.routes.context import services_of
from server.routes.forwarding import PARTITIONED, Road
from server.routes.headers import Origin
from server.routes.preview_pages import page
from server.routes.problems import problem
from server.routes.proxy import Pairs
from server.routes.visits import OURS, PANE, Admission, Visit, answer, client_address, see_other
from server.services.accounts import Actor
from server.services.domains import domain_conflict
from server.services.previews import GRANT_LIFETIME, TICKET_PATH, Kind, Target

COOKIE: Final = "hutch_preview"
PANE_COOKIE: Final = "hutch_pane"
"""Says that the IDE's pane shows this host, and whether `watched`."""
_CREDENTIAL: Final = b"x-hutch-authorization"
_NO_COOKIE: Final = "Its settings forbid it, at least inside another page. Open the preview in a tab of its own."
_OLD_TICKET: Final = "A way into a preview is good once, and for half a minute. Open the preview again from the IDE."


class PreviewHosts:
    """Serves the previews' hosts, and passes on everything else to the IDE."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        services = services_of(HTTPConnection(scope))
        visit = None
        try:
            origin = _addressed(scope)
            target = None if origin is None else services.previews.parse_host(origin.host)
            if origin is not None and target is not None:
                path = guard.requested_path(scope).partition("?")[0].encode("latin-1")
                visit = _HostVisit(scope, services, target, origin, path)
            elif origin is not None and (conflict := domain_conflict(origin.host, services.previews.domain)):
                raise Forbidden(conflict)
        except AppError as error:
            await answer(_plain_refusal(error, scope), scope, receive, send)
            return
        if visit is None:
            await self._app(scope, receive, send)
        else:
            await visit.serve(receive, send)


class _HostVisit(Visit):
    """On the preview's own host."""

    @property
    def is_watched(self) -> bool:
        return headers.cookies(self.scope["headers"], PANE_COOKIE)[:1] == ["watched"]

    async def admit(self) -> Admission:
        sent = self.scope["headers"]
        credential = await self.bears_token()
        if credential or await self.bears_token(_CREDENTIAL):
            actor = Actor()
            await self.services.previews.require(actor, self.target)
            return self.known(actor, credential=credential)
        if headers.values(sent, _CREDENTIAL):
            raise NotSignedIn("the token in X-Hutch-Authorization is not valid")
        for cookie in headers.cookies(sent, self._cookie_name)[: guard.MOST_COOKIES]:
            kind = Kind.FRAME if cookie.startswith(Kind.FRAME) else Kind.HOST
            grant = await self.services.previews.examine(cookie, self.target, kind)
            if grant is not None:
                self._check_meant()
                return self.granted(grant)
        raise NotSignedIn("open the preview from the IDE first, or send the token as X-Hutch-Authorization")

    async def serve_ours(self, admission: Admission, receive: Receive) -> Response | None:
        if self.path == OURS + b"arrived":
            return see_other(headers.safe_path(self.query("next")))
        if self.path == PANE:
            return self._enter_pane()
        return await super().serve_ours(admission, receive) or self._detour(admission)

    async def serve(self, receive: Receive, send: Send) -> None:
        if not self.is_socket and self.path == TICKET_PATH.encode():
            await answer(self._enter(), self.scope, receive, send)
        elif not self.is_socket and self.path == OURS + b"share":
            await answer(await self._enter_by_link(), self.scope, receive, send)
        else:
            await super().serve(receive, send)

    def road(self, admission: Admission) -> Road:
        previews = self.services.previews
        near, project = str(self.origin), self.target.project
        return Road(
            target=self.target,
            origin=self.origin,
            client=client_address(self.scope),
            sibling=lambda port: previews.origin(Target(project, port), near),
            credential=admission.credential,
            partitioned=admission.grant is not None and admission.grant.kind is Kind.FRAME,
            ide=previews.ide,
        )

    def renewal(self, admission: Admission) -> Pairs:
        actor = admission.actor
        if actor is None or admission.grant is None or not self.services.previews.is_due(admission.grant):
            return []
        grant = self.services.previews.grant(actor, self.target, self._kind)
        return [(b"set-cookie", self._cookie(grant).encode())] if headers.is_navigation(self.scope) else []

    def refusal(self, error: AppError) -> Response:
        if not isinstance(error, NotSignedIn) or not headers.is_navigation(self.scope):
            return self.failure(error, (OURS + b"ready").decode())
        if self.path == OURS + b"arrived":
            # Sent away again it would come back without end.
            return page(403, "This browser kept no cookie for the preview", _NO_COOKIE, ide=self.ide)
        path = guard.requested_path(self.scope)
        return see_other(
            f"{self.ide}/preview-ticket/{self.target.project}/{self.target.port}"
            f"?next={quote(headers.safe_path(path), safe='/')}"
        )

    def _detour(self, admission: Admission) -> Response | None:
        """To ports that began to listen after the browser came here. Addresses that might not come back whole stay."""
        path, actor = guard.requested_path(self.scope), admission.actor
        if actor is None or admission.grant is None or not headers.is_navigation(self.scope):
            return None
        way = self._introduce(actor, path) if headers.safe_path(path) == path else path
        return None if way == path else see_other(way)

    def _introduce(self, actor: Actor, path: str) -> str:
        previews, near = self.services.previews, str(self.origin)
        way = previews.introduce(actor, self.target, near, near + path, framed=headers.is_framed(self.scope))
        return path if way == near + path else way

    def _enter(self) -> Response:
        previews = self.services.previews
        try:
            ticket = previews.redeem_ticket(self.query("ticket"), self.target)
        except NotSignedIn as error:
            if not headers.is_navigation(self.scope):
                return problem(error)
            return page(401, "This link was used already", _OLD_TICKET, ide=self.ide)
        way = ticket.onward
        if way.startswith("/"):
            way = self._introduce(ticket.actor, (OURS + b"arrived").decode() + "?next=" + quote(way, safe="/"))
        response = see_other(way)
        response.headers.append("Set-Cookie", self._cookie(previews.grant(ticket.actor, self.target, self._kind)))
        return response

    async def _enter_by_link(self) -> Response:
        source, target = client_address(self.scope), self.target
        try:
            link = await self.services.links.redeem(self.query("token"), target.project, target.port, source=source)
        except AppError as error:
            if not headers.is_navigation(self.scope):
                return problem(error)
            return page(error.status, "This link can't be opened", error.detail)
        response = see_other((OURS + b"arrived").decode() + "?next=/")
        response.headers.append("Set-Cookie", self._cookie(*self.services.previews.grant_by(link, self._kind)))
        return response

    @property
    def _cookie_name(self) -> str:
        # Under TLS the prefix keeps another project's page from planting one for the domain that both are in.
        return f"__Host-{COOKIE}" if self.origin.scheme == "https" else COOKIE

    @property
    def _kind(self) -> Kind:
        # In a frame of the IDE, which is another site, a browser keeps only cookies that say they are for that; they
        # need a name that it trusts. In a tab of its own the preview gets along without, as do programs.
        trusted = self.origin.scheme == "https" or self.origin.host.endswith(".localhost")
        return Kind.FRAME if trusted and headers.is_framed(self.scope) else Kind.HOST

    def _enter_pane(self) -> Response:
        response = see_other(headers.safe_path(self.query("next")))
        watched = "watched" if self.query("watch") == "1" else "unwatched"
        response.headers.append("Set-Cookie", f"{PANE_COOKIE}={watched}{self._attributes}")
        return response

    def _cookie(self, grant: str, seconds: int = GRANT_LIFETIME) -> str:
        return f"{self._cookie_name}={grant}; Max-Age={seconds}{self._attributes}"

    @property
    def _attributes(self) -> str:
        framed = self._kind is Kind.FRAME
        place = PARTITIONED.decode() if framed else "SameSite=Lax"
        secure = "; Secure" if self.origin.scheme == "https" and not framed else ""
        return f"; Path=/; HttpOnly; {place}{secure}"

    def _check_meant(self) -> None:
        """With a cookie: whether a page of this preview, or of another port of its project, sent this.

        Another project's app lies on the same site, so the browser sends the cookie along for it too.
        """
        sent = headers.values(self.scope["headers"], b"origin")
        origin = headers.parse_origin(sent[0]) if len(sent) == 1 else None
        if origin is not None and self._is_own(origin):
            return
        site = headers.single(self.scope["headers"], b"sec-fetch-site")
        if self.is_socket or (sent and site != "same-origin") or len(sent) > 1:
            raise Forbidden("another site than this preview sent this")
        if site in (None, "same-origin", "none") or headers.is_navigation(self.scope):
            return
        referer = re.match(r"https?://[^/?#]+", headers.single(self.scope["headers"], b"referer") or "")
        origin = headers.parse_origin(referer[0]) if referer else None
        if origin is None or not self._is_own(origin):
            raise Forbidden("another site than this preview sent this")

    def _is_own(self, origin: Origin) -> bool:
        try:
            target = self.services.previews.parse_host(origin.host)
        except NotFound:
            return False
        same_server = (origin.scheme, origin.port) == (self.origin.scheme, self.origin.port)
        return target is not None and target.project == self.target.project and same_server


def _addressed(scope: Scope) -> Origin | None:
    """The origin addressed; None for the old protocol, which needs no Host. Raises BadRequest."""
    origin = headers.addressed(scope)
    if origin is None and (scope.get("http_version") != "1.0" or headers.values(scope["headers"], b"host")):
        raise BadRequest("the Host header must name one host, and at most a port")
    return origin


def _plain_refusal(error: AppError, scope: Scope) -> Response:
    if headers.is_navigation(scope):
        return page(error.status, error.title, error.detail)
    return problem(error)
