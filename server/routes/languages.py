"""The socket of a language server: each text frame is one JSON-RPC message, as the Language Server Protocol has them.

Two notifications are ours. `hutch/started` comes first, with the `rootUri` that the server's paths begin with and the
`command` that was found. `hutch/failed` comes last, before the close, with the `reason` of the end, an `advice` for the
person or null, and `retryAfter`: the seconds after which to connect again, or null where that waits for the next use.
"""

import json
from typing import Any

from starlette.routing import BaseRoute
from starlette.websockets import WebSocket

from server.errors import AppError, BadRequest, LinkLost, TooMany
from server.models import ProjectId
from server.routes.context import services_of
from server.routes.guard import secured_socket
from server.routes.sockets import answering, until_either
from server.services.conversation import Conversation


async def language_server(websocket: WebSocket) -> None:
    id, language = ProjectId(websocket.path_params["project"]), websocket.path_params["language"]
    async with answering(websocket, _failed), services_of(websocket).languages.conversation(id, language) as server:
        started = {"rootUri": server.root, "command": server.command}
        await websocket.send_text(json.dumps(_notification("hutch/started", started)))
        await until_either(_carry_output(websocket, server), _carry_input(websocket, server))


async def _carry_output(websocket: WebSocket, server: Conversation) -> None:
    while (text := await server.receive()) is not None:
        await websocket.send_text(text)


async def _carry_input(websocket: WebSocket, server: Conversation) -> None:
    while (frame := await websocket.receive())["type"] != "websocket.disconnect":
        text = frame.get("text")
        if text is None:
            raise BadRequest("a message to a language server must be one JSON-RPC object in a text frame")
        await server.send(text)


def _failed(error: AppError) -> dict[str, Any]:
    retry = error.extra.get("retryAfter")
    if isinstance(error, TooMany):
        retry = error.retry_after
    elif isinstance(error, LinkLost):
        retry = 1
    params = {"reason": error.detail, "advice": error.extra.get("advice"), "retryAfter": retry}
    return _notification("hutch/failed", params)


def _notification(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


routes: list[BaseRoute] = [
    secured_socket("/api/projects/{project}/lsp/{language}", language_server, action="project.terminal"),
]
