"""Errors as RFC 9457 problem documents, and JSON bodies read within a limit."""

import json
import re
from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler
from starlette.websockets import WebSocket, WebSocketState

from server import wire
from server.errors import AppError, BadRequest, NotSignedIn, TooLarge, TooMany
from server.routes.error_page import error_page, status_page, wants_page

MEDIA_TYPE: Final = "application/problem+json"
MOST_JSON: Final = 1024 * 1024
_SNIFF: Final = {"X-Content-Type-Options": "nosniff"}


def problem(error: AppError) -> Response:
    """The response that tells of `error`."""
    headers = dict(_SNIFF)
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = 'Bearer realm="Hutch"'
    document = {
        **error.extra,
        "type": "urn:hutch:" + _kebab(type(error).__name__),
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    return JSONResponse(document, error.status, headers, MEDIA_TYPE)


def status_problem(status: int, detail: str | None = None, *, headers: dict[str, str] | None = None) -> Response:
    """A problem of which the status says it all."""
    title = HTTPStatus(status).phrase
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail or title}
    return JSONResponse(document, status, {**_SNIFF, **(headers or {})}, MEDIA_TYPE)


async def refuse_socket(websocket: WebSocket, error: AppError) -> None:
    """Accept, say what is wrong and close: a browser's page can't read the status of a refused handshake."""
    if websocket.application_state is WebSocketState.CONNECTING:
        await websocket.accept()
    if websocket.application_state is WebSocketState.CONNECTED:
        await websocket.send_text(json.dumps(wire.error(error)))
        await websocket.close(error.close_code)


async def read_json(request: Request, limit: int = MOST_JSON) -> dict[str, Any]:
    """The request's JSON object. Raises TooLarge, or BadRequest saying what was expected."""
    # A form can be sent from any site without asking; the content type is what it can't choose.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequest("send JSON, with Content-Type: application/json")
    try:
        value = json.loads(await read_body(request, limit))
    except (ValueError, RecursionError):
        raise BadRequest("the body is not valid JSON") from None
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object")
    return value


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to have more than `limit` bytes."""
    too_large = TooLarge(f"the body may have at most {limit} bytes")
    length = request.headers.get("content-length", "")
    # Bounded before it is parsed: int() takes long for a number of a million digits.
    if len(length) > 19 or (length.isascii() and length.isdigit() and int(length) > limit):
        raise too_large
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise too_large
    except ClientDisconnect:
        raise BadRequest("the connection ended before the body did") from None
    return bytes(body)


async def _on_app_error(connection: Any, error: Exception) -> Any:
    assert isinstance(error, AppError)
    if isinstance(connection, WebSocket):
        await refuse_socket(connection, error)
        return None
    return error_page(error) if wants_page(connection.scope) else problem(error)


async def _on_http_exception(connection: Any, error: Exception) -> Any:
    assert isinstance(error, HTTPException)
    if isinstance(connection, WebSocket):
        await connection.close()
        return None
    headers = dict(error.headers) if error.headers else None
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=headers)
    if error.status_code == 404 and wants_page(connection.scope):
        return status_page(404, "Not found", "There is no such page.")
    return status_problem(error.status_code, error.detail, headers=headers)


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


# For Starlette(exception_handlers=…). What nobody expected is the middleware's: it logs it, and keeps its words back.
exception_handlers: Final[dict[Any, ExceptionHandler]] = {
    AppError: _on_app_error,
    HTTPException: _on_http_exception,
}
