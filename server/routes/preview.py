"""Previews by path, where there are no names for hosts of their own, and the way from the IDE into those that have one.

By path an app is on the IDE's origin. A sandbox gives its pages an origin that is nobody's, and a grant in the path
stands in for the cookies that such a page can't send.
"""

from typing import Final

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from server.errors import AppError, BadRequest, Forbidden, NotFound, NotSignedIn
from server.models import ProjectId
from server.routes import guard, headers
from server.routes.context import services_of
from server.routes.error_page import error_page, wants_page
from server.routes.forwarding import SANDBOX, Road
from server.routes.headers import Origin
from server.routes.problems import problem
from server.routes.visits import OURS, PANE, Admission, Visit, answer, client_address, see_other, suffix
from server.services.previews import TICKET_PATH, Kind, Target, is_grant, parse_target

WATCHED: Final = "+"
"""After a grant in a path: the IDE's pane wants its script in the pages."""


class PathPreviews:
    """Serves `/preview/{id}/{port}/…`, with the grant as the next part where there is one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = guard.requested_path(scope).partition("?")[0].encode("latin-1").split(b"/", 4)
        names = [part.decode("latin-1") for part in parts[2:4]]
        target = parse_target(f"{names[1]}-{names[0]}") if len(names) == 2 else None
        origin = headers.addressed(scope)
        if target is None or origin is None:
            unknown = NotFound("there is no preview of that name")
            await answer(error_page(unknown) if wants_page(scope) else problem(unknown), scope, receive, send)
        elif len(parts) < 5:
            await answer(_to_folder(scope), scope, receive, send)
        else:
            await _path_visit(scope, target, origin, parts[4]).serve(receive, send)


class _PathVisit(Visit):
    """Under the IDE's own origin, with the session or the token."""

    def __init__(self, scope: Scope, target: Target, origin: Origin, rest: bytes) -> None:
        super().__init__(scope, services_of(HTTPConnection(scope)), target, origin, b"/" + rest)

    @property
    def prefix(self) -> str:
        return f"/preview/{self.target.project}/{self.target.port}"

    @property
    def is_watched(self) -> bool:
        return False

    async def admit(self) -> Admission:
        self.scope["path_params"] = {"project": self.target.project}
        actor = await guard.admit(self.connection, "preview.open")
        return self.known(actor, credential=headers.bearer(self.scope["headers"]) is not None)

    async def admitted(self) -> Admission:
        # Nobody may, not even where the port is public.
        if headers.values(self.scope["headers"], b"service-worker"):
            raise Forbidden("a service worker would rule the IDE's origin; use the preview's own host for it")
        return await super().admitted()

    def asks_no_cookie(self, admission: Admission) -> bool:
        """Whether whoever asks is let in, by the address or because the port is public. So every origin may read."""
        return admission.is_public

    async def serve_ours(self, admission: Admission, receive: Receive) -> Response | None:
        onward = headers.safe_path(self.query("next")) if self.path == PANE else None
        response = see_other(self.prefix + onward) if onward else await super().serve_ours(admission, receive)
        if self.asks_no_cookie(admission):
            response = response or self._preflight()
            if response is not None:
                response.headers["Access-Control-Allow-Origin"] = "*"
            return response
        if response is not None and onward is None:
            return response
        actor = admission.actor
        explicit = headers.single(self.scope["headers"], b"sec-fetch-mode") == "navigate"
        if actor is None or actor.session is None or not explicit or not headers.is_navigation(self.scope):
            return response
        # The page that this opens can send no cookie, so whatever it loads must be let in by its address.
        grant = self.services.previews.grant(actor, self.target, Kind.PATH)
        watched = WATCHED if onward and self.query("watch") == "1" else ""
        return see_other(f"{self.prefix}/~{grant}{watched}{onward or suffix(self.path, self.scope)}")

    def road(self, admission: Admission) -> Road:
        return Road(
            target=self.target,
            origin=self.origin,
            client=client_address(self.scope),
            prefix=self.prefix,
            granted=self.asks_no_cookie(admission),
            credential=admission.credential,
            # A browser would keep them for the IDE's own host. A program with a token is not led astray by them.
            keeps_cookies=admission.credential,
            ide=str(self.origin),
        )

    def refusal(self, error: AppError) -> Response:
        if isinstance(error, NotSignedIn) and headers.is_navigation(self.scope):
            return see_other(guard.sign_in_url(self.scope))
        return _sandboxed(self.failure(error, f"{self.prefix}{OURS.decode()}ready"))

    def _preflight(self) -> Response | None:
        asked = headers.single(self.scope["headers"], b"access-control-request-headers")
        method = headers.single(self.scope["headers"], b"access-control-request-method")
        if self.scope["method"] != "OPTIONS" or method is None:
            return None
        # The page and its app are one; that a sandbox parts them is not the app's to answer for.
        allowed = {"Access-Control-Allow-Methods": method, "Access-Control-Allow-Headers": asked or "*"}
        return Response(status_code=204, headers=allowed)


class _GrantedVisit(_PathVisit):
    """The same with a grant in the path, which alone counts: no cookie, and whatever Origin."""

    def __init__(self, scope: Scope, target: Target, origin: Origin, rest: bytes, grant: str, *, watched: bool) -> None:
        super().__init__(scope, target, origin, rest)
        self._grant = grant
        self._watched = watched

    @property
    def prefix(self) -> str:
        return f"{super().prefix}/~{self._grant}{WATCHED if self._watched else ''}"

    @property
    def is_watched(self) -> bool:
        return self._watched

    async def admit(self) -> Admission:
        grant = await self.services.previews.examine(self._grant, self.target, Kind.PATH)
        if grant is None:
            raise NotSignedIn("the address of this preview is too old; open it again from the IDE")
        return self.granted(grant, credential=await self.bears_token())

    def asks_no_cookie(self, admission: Admission) -> bool:
        return True

    def refusal(self, error: AppError) -> Response:
        if isinstance(error, NotSignedIn) and headers.is_navigation(self.scope):
            return see_other(super().prefix + suffix(self.path, self.scope))
        response = super().refusal(error)
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response


async def preview_ticket(request: Request) -> Response:
    """Let a person who is signed in into a preview: on to its host, with a ticket that is good once."""
    project = ProjectId(request.path_params["project"])
    target = parse_target(f"{request.path_params['port']}-{project}")
    if target is None:
        raise NotFound("there is no preview of that name")
    if headers.single(request.scope["headers"], b"sec-fetch-mode") not in (None, "navigate"):
        raise Forbidden("a ticket is given to pages that are opened, not to scripts")
    near = headers.addressed(request.scope)
    if near is None:
        raise BadRequest("the Host header is missing")
    previews = services_of(request).previews
    path = headers.safe_path(request.query_params.get("next"))
    secret = previews.issue_ticket(guard.actor_of(request), target, path)
    return see_other(f"{previews.origin(target, str(near))}{TICKET_PATH}?ticket={secret}")


def _path_visit(scope: Scope, target: Target, origin: Origin, rest: bytes) -> _PathVisit:
    first, slash, inner = rest.partition(b"/")
    part = first[1:].decode("latin-1") if first.startswith(b"~") else ""
    grant = part.removesuffix(WATCHED)
    if slash and is_grant(grant):
        return _GrantedVisit(scope, target, origin, inner, grant, watched=grant != part)
    return _PathVisit(scope, target, origin, rest)


def _to_folder(scope: Scope) -> Response:
    """With the slash at the end, without which the page's relative addresses would lead elsewhere."""
    path, question, query = guard.requested_path(scope).partition("?")
    return RedirectResponse(f"{path}/{question}{query}", 307)


def _sandboxed(response: Response) -> Response:
    response.headers.append("Content-Security-Policy", SANDBOX.decode())
    return response


_by_path: Final = PathPreviews()

routes: list[BaseRoute] = [
    guard.secured("/preview-ticket/{project}/{port}", preview_ticket, action="preview.open"),
    Route("/preview/{path:path}", _by_path, methods=None, name="preview"),
    WebSocketRoute("/preview/{path:path}", _by_path, name="preview_socket"),
]
