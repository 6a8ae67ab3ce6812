"""The HTML pages: projects, one project's IDE, sign-in. Their policy lets no script run but the bundle's."""

import secrets
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.templating import Jinja2Templates

from server.errors import AppError, BadRequest, NotSignedIn, TooMany
from server.models import ProjectId
from server.routes import bundle, headers
from server.routes.api import origin_of, project_json
from server.routes.context import services_of
from server.routes.error_page import sentence
from server.routes.guard import (
    actor_of,
    clear_session_cookie,
    identify,
    public,
    secured,
    session_cookies,
    set_session_cookie,
)
from server.routes.problems import read_body
from server.routes.sockets import terminal_name
from server.routes.visits import see_other

MOST_FORM: Final = 16 * 1024

_templates: Final = Jinja2Templates(Path(__file__).parents[2] / "templates" / "pages")
_bundle: Final = bundle.Bundle()


async def projects(request: Request) -> Response:
    return await _app_page(request, "projects", None)


async def ide(request: Request) -> Response:
    project = await services_of(request).projects.get(ProjectId(request.path_params["project"]))
    return await _app_page(request, "ide", project_json(request, project))


async def onlooker(request: Request) -> Response:
    """One terminal, for somebody who only looks."""
    name = terminal_name(request.path_params["name"])
    project = await services_of(request).projects.get(ProjectId(request.path_params["project"]))
    return await _app_page(request, "onlooker", project_json(request, project), name)


async def login(request: Request) -> Response:
    """The form; with the token in the address, as in the link that the server prints, it signs in at once."""
    following = headers.safe_path(request.query_params.get("next"))
    token = request.query_params.get("token")
    if token is not None:
        return await _sign_in(request, token, following)
    if await identify(request) is not None:
        return see_other(following)
    return _login_page(request, following)


async def submit_login(request: Request) -> Response:
    form = await _form(request)
    return await _sign_in(request, form.get("token", ""), headers.safe_path(form.get("next")))


async def logout(request: Request) -> Response:
    await services_of(request).accounts.sign_out(actor_of(request))
    response = see_other("/login")
    clear_session_cookie(response, request)
    # The browser's copies of files and terminals go too.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def _sign_in(request: Request, token: str, following: str) -> Response:
    presented = session_cookies(request)
    source = request.client.host if request.client else "unknown"
    try:
        session = await services_of(request).accounts.sign_in(
            token.strip(), source=source, replacing=presented[0] if presented else None
        )
    except (NotSignedIn, TooMany) as error:
        return _login_page(request, following, error)
    response = see_other(following)
    set_session_cookie(response, request, session)
    return response


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise BadRequest("send the form as application/x-www-form-urlencoded")
    body = await read_body(request, MOST_FORM)
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise BadRequest("the form can't be read") from None
    return {name: values[0] for name, values in fields.items()}


def _login_page(request: Request, following: str, error: AppError | None = None) -> Response:
    response = _page(request, "login.html", {"next": following, "problem": sentence(error) if error else None})
    if error:
        response.status_code = error.status
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _app_page(
    request: Request, page: str, project: dict[str, Any] | None, terminal: str | None = None
) -> Response:
    manifest = await _bundle.manifest()
    if manifest is None:
        response = _page(request, "error.html", _NOT_BUILT)
        response.status_code = 503
        return response
    services, nonce = services_of(request), secrets.token_urlsafe(16)
    config = {
        "project": project,
        "terminal": terminal,
        "folder": services.workspaces.layout(ProjectId(project["id"])).workspace if project else "",
        "runtime": services.workspaces.runtime,
        "previewDomain": services.settings.preview_domain,
        "remembered": {
            "everywhere": await services.remembered.get(None),
            "project": await services.remembered.get(ProjectId(project["id"])) if project else {},
        },
        "nonce": nonce,
    }
    context = {"page": page, "config": config, "preload": manifest.get(page, []), "project": project}
    return _page(request, f"{page}.html", context, nonce)


def _page(request: Request, template: str, context: dict[str, Any], nonce: str | None = None) -> Response:
    nonce = nonce or secrets.token_urlsafe(16)
    response = _templates.TemplateResponse(request, template, {"nonce": nonce, **context})
    response.headers["Content-Security-Policy"] = policy(request, nonce)
    response.headers["Cache-Control"] = "no-store"
    # Under the stricter no-referrer browsers send forms with `Origin: null`, like those of a stranger's page.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def policy(request: Request, nonce: str) -> str:
    """The Content-Security-Policy of the IDE's pages. Raises BadRequest where the Host header is none."""
    origin, domain = origin_of(request), services_of(request).settings.preview_domain
    socket = "wss" if origin.scheme == "https" else "ws"
    previews = f"{origin.scheme}://*.{domain}{origin.suffix}"
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        # xterm.js and CodeMirror make style elements, which the nonce lets through.
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": "'self' data: blob:",
        "media-src": "'self'",
        "font-src": "'self'",
        # Browsers before 2022 did not count sockets of the same host as 'self'.
        "connect-src": f"'self' {socket}://{origin.host}{origin.suffix}",
        "frame-src": f"'self' {previews}",
        # Sent on to the preview that someone wanted to see before they signed in, the form's request goes there too.
        "form-action": f"'self' {previews}",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


_NOT_BUILT: Final = {
    "title": "The browser's part of Hutch was not built",
    "text": "Run this in the folder of Hutch, then load the page again:",
    "command": "make bundle",
}

routes: list[BaseRoute] = [
    secured("/", projects, action="projects.list"),
    secured("/projects/{project}", ide, action="project.read"),
    secured("/projects/{project}/terminals/{name}", onlooker, action="project.terminal"),
    public("/login", login),
    public("/login", submit_login, methods=["POST"]),
    secured("/logout", logout, action="session.end", methods=["POST"]),
    *bundle.routes,
]
