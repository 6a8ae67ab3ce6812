"""A visit to a preview, from leave to answer: what previews on hosts and by path have in common."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from server.errors import AppError, Conflict, GatewayTimeout, NotFound, Unavailable
from server.routes import guard, headers
from server.routes.bundle import bundled
from server.routes.context import Services
from server.routes.downloads import unless_gone
from server.routes.error_page import sentence
from server.routes.forwarding import Road
from server.routes.headers import Origin
from server.routes.injection import Injection, plainly
from server.routes.preview_pages import page
from server.routes.problems import problem
from server.routes.proxy import OF_PREVIEW, Pairs, Passage
from server.services.accounts import Actor, Ending
from server.services.dialing import NotListening
from server.services.previews import Grant, Target

OURS: Final = b"/.hutch/"
"""On a preview, paths below this are Hutch's."""
PAGE_SCRIPT: Final = OURS + b"page.js"
PANE: Final = OURS + b"pane"
"""Where the IDE's pane enters, with `next`, and with `watch=1` for the script in its pages."""
NOT_KEPT: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Admission:
    """Who was let pass, nobody known where the port is public. `ending` tells when that leave ends.

    A preflight has neither. `credential` says that `Authorization` has the IDE's token, which is not for the app.
    """

    actor: Actor | None = None
    ending: Ending | None = None
    grant: Grant | None = None
    credential: bool = False

    @property
    def is_public(self) -> bool:
        return self.actor is None and self.grant is None and self.ending is not None


class Visit:
    """One request or WebSocket to a preview, from leave to answer. What differs by road is in the subclasses.

    `path` is as the app knows it, and as it was sent.
    """

    def __init__(self, scope: Scope, services: Services, target: Target, origin: Origin, path: bytes) -> None:
        self.scope = scope
        self.services = services
        self.target = target
        self.origin = origin
        self.path = path
        self.connection = HTTPConnection(scope)

    @property
    def is_socket(self) -> bool:
        return bool(self.scope["type"] == "websocket")

    @property
    def ide(self) -> str:
        """Where the IDE is: as it was last found by someone signed in, or else by the address that was reached."""
        if self.services.previews.ide:
            return self.services.previews.ide
        host = (self.scope.get("server") or ("localhost", None))[0]
        return f"{self.origin.scheme}://{f'[{host}]' if ':' in host else host}{self.origin.suffix}"

    @property
    def is_watched(self) -> bool:
        """Whether this is a page in the IDE's pane, which wants to be told what goes on in it."""
        raise NotImplementedError

    async def admit(self) -> Admission:
        """Raises NotSignedIn, Forbidden or NotFound."""
        raise NotImplementedError

    def query(self, name: str) -> str:
        query: bytes = self.scope["query_string"]
        return parse_qs(query.decode("latin-1")).get(name, [""])[0]

    async def serve_ours(self, admission: Admission, receive: Receive) -> Response | None:
        """An answer of Hutch's own, None when it is the app's turn."""
        if not self.path.startswith(OURS):
            return None
        if self.path == PAGE_SCRIPT:
            return await bundled("page.js")
        if self.path != OURS + b"ready" or admission.ending is None:
            raise NotFound("there is nothing here; paths below /.hutch/ are Hutch's own")
        waiting = self.services.previews.wait_until_ready(self.target)
        ready = await unless_gone(Request(self.scope, receive), waiting)
        return JSONResponse({"ready": ready}, headers=NOT_KEPT)

    def road(self, admission: Admission) -> Road:
        raise NotImplementedError

    def refusal(self, error: AppError) -> Response:
        raise NotImplementedError

    async def serve(self, receive: Receive, send: Send) -> None:
        self.scope[OF_PREVIEW] = True
        try:
            admission = await self.admitted()
            response = None if self.is_socket else await self.serve_ours(admission, receive)
            if response is None:
                await self._forward(admission, receive, send)
                return
        except AppError as error:
            response = self.refusal(error)
        except ClientDisconnect:
            return
        await answer(response, self.scope, receive, send)

    async def admitted(self) -> Admission:
        """Leave for this visit: a person's, or everyone's where the port is public. Raises what `admit` does."""
        try:
            return await self.admit()
        except AppError:
            sharing, target = self.services.sharing, self.target
            if await sharing.is_public(target.project, target.port):
                return Admission(ending=sharing.ending(target.project, target.port))
            # A preflight never has cookies, and only the app knows whom it wants to be asked by.
            asks = not self.is_socket and self.scope["method"] == "OPTIONS"
            if not asks or not await self.services.accounts.exists(self.target.project):
                raise
            return Admission()

    def known(self, actor: Actor, *, credential: bool = False) -> Admission:
        """Leave for someone signed in, for as long as they are."""
        return Admission(actor, self.services.accounts.ending(actor), credential=credential)

    def granted(self, grant: Grant, *, credential: bool = False) -> Admission:
        """Leave by a grant, for as long as the session or the share link that it stands for."""
        if isinstance(grant.holder, Actor):
            return replace(self.known(grant.holder, credential=credential), grant=grant)
        return Admission(None, self.services.links.ending(grant.holder), grant, credential)

    async def bears_token(self, name: bytes = b"authorization") -> bool:
        """Whether the header has the IDE's own token."""
        token = headers.bearer(self.scope["headers"], name)
        return token is not None and await self.services.accounts.authenticate(bearer=token) is not None

    @property
    def _needs_script(self) -> bool:
        if headers.is_framed(self.scope):
            return self.is_watched
        tab = headers.single(self.scope["headers"], b"sec-fetch-dest") == "document"
        return tab and self.services.previews.asks_for_its_port(self.target)

    async def _forward(self, admission: Admission, receive: Receive, send: Send) -> None:
        ending = admission.ending
        road, scope = self.road(admission), self.scope
        passage = Passage(self.services, road, self.path, ending, self.renewal(admission))
        if not self.is_socket:
            if road.ide and scope["method"] == "GET" and self._needs_script:
                send = Injection(send, road.prefix + PAGE_SCRIPT.decode(), road.ide).send
                scope = plainly(scope)
            await passage.carry(scope, receive, send)
        elif ending is not None:
            await guard.until_ended(passage.carry_socket, ending, told=False)(self.scope, receive, send)

    def renewal(self, admission: Admission) -> Pairs:
        return []

    def failure(self, error: AppError, ready: str) -> Response:
        """What is shown in place of an app that can't be reached."""
        if not headers.is_navigation(self.scope):
            return problem(Unavailable(error.detail) if isinstance(error, Conflict) else error)
        shown = _explained(error, self.target.port)
        status, title, text, waits = shown or (error.status, error.title, sentence(error), False)
        project = f"{self.ide}/projects/{self.target.project}"
        return page(status, title, text, ready=ready if waits else None, ide=project if shown else None)


def see_other(location: str) -> Response:
    """A redirect to an address made of checked parts; Starlette's own would quote it a second time."""
    return Response(status_code=303, headers={"Location": location, "Referrer-Policy": "no-referrer", **NOT_KEPT})


async def answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def client_address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


def suffix(path: bytes, scope: Scope) -> str:
    query: bytes = scope["query_string"]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


def _explained(error: AppError, port: int) -> tuple[int, str, str, bool] | None:
    """Status, title and text for people, and whether to wait for the port. None where the problem says it all."""
    match error:
        case NotListening():
            text = "This page loads by itself as soon as the app opens the port."
            return 502, f"Nothing listens on port {port} yet", text, True
        case Conflict():
            text = "Start it with Run. This page loads by itself as soon as the app is there."
            return 503, "The project is not running", text, True
        case Unavailable():
            return 503, "The project can't be reached just now", "This page tries again by itself.", True
        case GatewayTimeout():
            return 504, "The app took too long to answer", "It accepted the request and then said nothing.", False
    if error.status == 502:
        text = "What listens there ended the connection, or does not speak HTTP."
        return 502, f"Port {port} gave no usable answer", text, False
    return None
