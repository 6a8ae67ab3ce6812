"""What a person sees where a page can't be had: the words of the problem, and the way back."""

import secrets
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from server.errors import AppError
from server.routes import headers

_PAGES: Final = Environment(loader=FileSystemLoader(Path(__file__).parents[2] / "templates" / "pages"), autoescape=True)


def wants_page(scope: Scope) -> bool:
    """Whether a person opened this address in a browser; programs get the problem document."""
    return headers.is_navigation(scope) and not scope["path"].startswith("/api/")


def sentence(error: AppError) -> str:
    """What an error says, as it stands on a page by itself."""
    return error.detail[:1].upper() + error.detail[1:].rstrip(".") + "."


def error_page(error: AppError) -> Response:
    return status_page(error.status, error.title, sentence(error))


def status_page(status: int, title: str, text: str) -> Response:
    nonce = secrets.token_urlsafe(16)
    body = _PAGES.get_template("error.html").render(title=title, text=text, back=True, nonce=nonce)
    policy = f"default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(body, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})
