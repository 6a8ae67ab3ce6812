"""Serves the browser's bundle, and tells the pages what is in it.

Chunks have a hash of their content in their names and are kept for ever. The entries are asked for anew each time,
which their ETag answers with 304. What was compressed when the bundle was built is not compressed again.
"""

import asyncio
import json
import mimetypes
import posixpath
from pathlib import Path
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from server.errors import NotFound
from server.routes.guard import public

DIST: Final = Path(__file__).parents[2] / "static" / "dist"
ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
"""The smaller first."""
KEEP: Final = "public, max-age=31536000, immutable"
ASK: Final = "no-cache"


class Bundle:
    """The files that `make bundle` built in `folder`."""

    def __init__(self, folder: Path = DIST) -> None:
        self._folder = folder
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def manifest(self) -> dict[str, list[str]] | None:
        """For each page the modules that it needs at once; None where the bundle was not built."""
        try:
            text = await asyncio.to_thread((self._folder / "manifest.json").read_text, "utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        manifest: dict[str, list[str]] = json.loads(text)
        return manifest

    async def serve(self, request: Request) -> Response:
        path = posixpath.normpath(request.path_params["path"])
        for encoding, suffix in ENCODINGS:
            if encoding in _accepted(request):
                try:
                    response = await self._files.get_response(path + suffix, request.scope)
                except HTTPException:
                    continue
                response.headers["Content-Encoding"] = encoding
                return _labelled(response, path)
        return _labelled(await self._files.get_response(path, request.scope), path)


def _accepted(request: Request) -> set[str]:
    """The encodings that the browser takes. One that is refused by q=0 is not among them."""
    parts = [part.replace(" ", "").lower().split(";") for part in request.headers.get("accept-encoding", "").split(",")]
    return {name for name, *rest in parts if not any(item in ("q=0", "q=0.0", "q=0.00", "q=0.000") for item in rest)}


def _labelled(response: Response, path: str) -> Response:
    if response.status_code != 304:
        response.headers["Content-Type"] = _media_type(path)
    response.headers["Cache-Control"] = KEEP if path.startswith("chunks/") else ASK
    response.headers.add_vary_header("Accept-Encoding")
    return response


def _media_type(path: str) -> str:
    # Not from the machine's own table, which may know scripts as plain text: browsers would refuse to run them.
    known: dict[str, Any] = {".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
    name = known.get(Path(path).suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return f"{name}; charset=utf-8" if name.startswith("text/") else str(name)


_bundle: Final = Bundle()


async def bundled(name: str) -> Response:
    """One file of the bundle, for a page that is not the IDE's. Raises NotFound where the bundle was not built."""
    try:
        content = await asyncio.to_thread((DIST / name).read_bytes)
    except FileNotFoundError:
        raise NotFound(f"{name} was not built: `make bundle` does") from None
    # Pages that keep out what does not offer itself may load it too.
    offered = {"Cache-Control": ASK, "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(content, headers={"Content-Type": _media_type(name), **offered})


routes: list[BaseRoute] = [public("/static/dist/{path:path}", _bundle.serve)]
