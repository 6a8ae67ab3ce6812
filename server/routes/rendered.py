"""The frame in which the IDE shows Markdown, SVG and notebooks: a page that holds nothing and may do nothing.

Whoever wrote the text, it has no origin there, so neither the IDE's cookies nor its storage; one script and one style
sheet may load, by their addresses, and nothing else may be asked for, not even by a look-up of a name.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

from server.routes.api import origin_of
from server.routes.guard import secured

_SCRIPT: Final = "/static/dist/rendered.js"
_STYLE: Final = "/static/dist/rendered.css"
_PAGE: Final = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Rendered view</title>
<link rel="stylesheet" href="{_STYLE}">
<script src="{_SCRIPT}" defer></script>
</head>
<body></body>
</html>
"""


async def rendered(request: Request) -> Response:
    headers = {
        "Content-Security-Policy": policy(str(origin_of(request))),
        "X-Frame-Options": "SAMEORIGIN",
        "X-DNS-Prefetch-Control": "off",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(_PAGE, headers=headers)


def policy(origin: str) -> str:
    """What the frame may do: load its script and its looks, by their addresses, for it has no 'self'. That is all."""
    directives = {
        "sandbox": "allow-scripts",
        "default-src": "'none'",
        "script-src": origin + _SCRIPT,
        "style-src": origin + _STYLE,
        "img-src": "blob: data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


routes: list[BaseRoute] = [secured("/rendered", rendered, action="projects.list")]
