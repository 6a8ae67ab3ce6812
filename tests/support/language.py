"""A program's client of a language server."""

import asyncio
import itertools
import json
from typing import Any, Self

from websockets.asyncio.client import ClientConnection

from tests.support.server import Server


class LanguageClient:
    """One socket; `first` is the first message, `heard` are the notifications that came."""

    def __init__(self, server: Server, project: str, language: str) -> None:
        self._address = server, f"{project}/lsp/{language}"
        self._ids = itertools.count(1)
        self.heard: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        server, path = self._address
        self.socket: ClientConnection = await server.socket(path)
        self.first = await self.read()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def read(self, seconds: float = 30) -> dict[str, Any]:
        """The next message. A request of the server's is refused, as CodeMirror's client does."""
        async with asyncio.timeout(seconds):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        if "id" in message and "method" in message:
            await self.send(id=message["id"], error={"code": -32601, "message": "not implemented"})
        elif "method" in message:
            self.heard.append(message)
        return message

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps({"jsonrpc": "2.0", **message}))

    async def ask(self, method: str, **params: Any) -> Any:
        """The result of a request."""
        id = next(self._ids)
        await self.send(id=id, method=method, params=params)
        while (message := await self.read()).get("id") != id or "method" in message:
            pass
        assert "result" in message, message
        return message["result"]

    async def tell(self, method: str, **params: Any) -> None:
        await self.send(method=method, params=params)

    async def initialize(self) -> dict[str, Any]:
        """Say what CodeMirror's client says. Returns the server's capabilities."""
        capabilities = {
            "textDocument": {
                "diagnostic": {},
                "publishDiagnostics": {"versionSupport": True},
                "completion": {"completionItem": {"snippetSupport": True}},
            }
        }
        root = self.first["params"]["rootUri"]
        result = await self.ask("initialize", processId=None, rootUri=root, capabilities=capabilities)
        await self.tell("initialized")
        capable: dict[str, Any] = result["capabilities"]
        return capable

    def uri(self, path: str) -> str:
        return f"{self.first['params']['rootUri']}/{path}"

    async def open(self, path: str, language: str, text: str) -> None:
        document = {"uri": self.uri(path), "languageId": language, "version": 1, "text": text}
        await self.tell("textDocument/didOpen", textDocument=document)

    async def diagnostics(self, path: str, version: int | None = None) -> list[str]:
        """The messages that are next told of a document."""
        while True:
            for message in self.heard:
                params = message.get("params", {})
                if message["method"] != "textDocument/publishDiagnostics" or params["uri"] != self.uri(path):
                    continue
                if version is None or params.get("version") == version:
                    self.heard.remove(message)
                    return [item["message"] for item in params["diagnostics"]]
            await self.read()

    def at(self, path: str, line: int, character: int) -> dict[str, Any]:
        return {"textDocument": {"uri": self.uri(path)}, "position": {"line": line, "character": character}}
