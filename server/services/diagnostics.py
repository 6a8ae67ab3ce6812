"""Diagnostics for clients that wait to be told, from servers that wait to be asked.

A server may offer to answer `textDocument/diagnostic` instead of sending `textDocument/publishDiagnostics`, as that of
TypeScript 7 does. CodeMirror's client says that it asks, but never does. So this asks for it, after each change, and
tells the answer as if the server had published it. A client that asks itself is left to do so.
"""

import json
from collections.abc import Callable
from typing import Any, Final

_ID: Final = "hutch-diagnostics-"
_CHANGES: Final = (
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didSave",
    "textDocument/didClose",
    "workspace/didChangeWatchedFiles",
)
MOST_OPEN: Final = 200
"""Documents that are asked about; the rest go without."""
MOST_PARSED: Final = 1024 * 1024
"""Characters of a server's message that is looked into: parsing a longer one would hold up everyone's."""


class Diagnostics:
    """Sees every message of a conversation. `ask` sends a request; one is on its way at any time.

    What an open document holds may change another's diagnostics, so after any change all are asked for.
    """

    def __init__(self, ask: Callable[[dict[str, Any]], None]) -> None:
        self._ask = ask
        self._initialize: object = None
        self._pulls: bool | None = None
        self._open: dict[str, object] = {}
        self._due: list[str] = []
        self._asked: tuple[str, str, object] | None = None
        self._count = 0

    def sent(self, message: dict[str, Any]) -> None:
        """Note what the client has sent."""
        method, params = message.get("method"), message.get("params")
        if method == "initialize":
            self._initialize = message.get("id")
        elif method == "textDocument/diagnostic":
            self._pulls = False
        elif method in _CHANGES and isinstance(params, dict):
            self._changed(method, params.get("textDocument"))

    def received(self, text: str) -> str | None:
        """What to tell the client in place of the server's message `text`; None for nothing."""
        if self._pulls is None and self._initialize is not None:
            self._look_for_offer(text)
        if self._asked is None or self._asked[0] not in text:
            return text
        message = parsed(text)
        # One that is too long to be looked into is taken for the answer.
        if len(text) <= MOST_PARSED and (message.get("id") != self._asked[0] or "method" in message):
            return text
        _, uri, version = self._asked
        self._asked = None
        self._ask_next()
        report = message.get("result")
        # Closed meanwhile, an error, no news, or more than anyone reads.
        if uri not in self._open or not isinstance(report, dict) or not isinstance(report.get("items"), list):
            return None
        params = {"uri": uri, "version": version, "diagnostics": report["items"]}
        return json.dumps({"jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": params})

    def _look_for_offer(self, text: str) -> None:
        message = parsed(text)
        if message.get("id") == self._initialize and isinstance(message.get("result"), dict):
            capabilities = message["result"].get("capabilities")
            self._pulls = isinstance(capabilities, dict) and bool(capabilities.get("diagnosticProvider"))

    def _changed(self, method: str, document: object) -> None:
        first = []
        if isinstance(document, dict) and isinstance(uri := document.get("uri"), str):
            if method == "textDocument/didClose":
                self._open.pop(uri, None)
            elif method != "textDocument/didSave" and (uri in self._open or len(self._open) < MOST_OPEN):
                self._open[uri] = document.get("version")
                first = [uri]
        self._due = [*first, *(uri for uri in self._open if uri not in first)]
        self._ask_next()

    def _ask_next(self) -> None:
        if not self._pulls or self._asked or not self._due:
            return
        uri = self._due.pop(0)
        self._count += 1
        self._asked = f"{_ID}{self._count}", uri, self._open.get(uri)
        request = {"method": "textDocument/diagnostic", "params": {"textDocument": {"uri": uri}}}
        self._ask({"jsonrpc": "2.0", "id": self._asked[0], **request})


def parsed(text: str) -> dict[str, Any]:
    """The message; an empty one for what is none, or is too long."""
    try:
        value = json.loads(text) if len(text) <= MOST_PARSED else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
