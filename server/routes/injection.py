"""Puts one script tag into the pages that an app answers, where the IDE's pane asked for it.

The script tells the pane where the page is and what goes wrong in it. Everything but the head of an HTML page passes
unchanged, and an app's content security policy decides: where it would refuse the script, nothing is put in.
"""

import re
from html import escape
from typing import Final

from starlette.types import Message, Scope, Send

from server.routes import headers

Pairs = list[tuple[bytes, bytes]]

MOST_HELD: Final = 4096
"""Bytes of an unfinished tag that are held back at most until its end comes."""
_NOT_ASKED: Final = frozenset(
    # A page that changes on its way can't be compressed, in part, or compared with an earlier one.
    {b"accept-encoding", b"range", b"if-range", b"if-none-match", b"if-modified-since"}
)
_NOT_TRUE: Final = frozenset(
    {
        b"etag",
        b"last-modified",
        b"accept-ranges",
        b"content-md5",
        b"content-digest",
        b"digest",
        b"repr-digest",
        b"cache-control",
        b"expires",
    }
)
# One that only reports would complain to the app's makers of what they did not write.
_POLICIES: Final = (b"content-security-policy", b"content-security-policy-report-only")
_TAG_END: Final = rb"""(?:\s(?:[^>"']|"[^"]*"|'[^']*')*)?>"""
_BEFORE: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<!--.*?-->|<!doctype" + _TAG_END + rb")*"
    rb"(?:<html" + _TAG_END + rb")?(?:\s|<!--.*?-->)*(?P<head><head" + _TAG_END + rb")?",
    re.IGNORECASE | re.DOTALL,
)
"""What a page may begin with before the first element of its head."""
_UNFINISHED: Final = re.compile(
    rb"(?:\xef\xbb?|<(?:!-?|!--.*|!?[a-z]*|(?:!doctype|html|head)\s"
    rb"""(?:[^>"']|"[^"]*"|'[^']*')*(?:"[^"]*|'[^']*)?))?\Z""",
    re.IGNORECASE | re.DOTALL,
)
"""What follows that, when it may go on to be more of it."""
_NONCE: Final = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")


def plainly(scope: Scope) -> Scope:
    """The request such that its answer is a whole page that can be changed."""
    kept = [pair for pair in scope["headers"] if pair[0].lower() not in _NOT_ASKED]
    return {**scope, "headers": [*kept, (b"accept-encoding", b"identity")]}


class Injection:
    """Wraps the `send` of one answer: `source` is the script's URL, `ide` the origin to which it may talk."""

    def __init__(self, send: Send, source: str, ide: str) -> None:
        self._send = send
        self._source = source
        self._ide = ide
        self._tag: bytes | None = None
        self._held = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = self._start(message)
        elif message["type"] == "http.response.body" and self._tag is not None:
            body = self._held + message.get("body", b"")
            end, known = _place(body)
            if not known and message.get("more_body") and len(body) < MOST_HELD:
                self._held = body
                return
            # An answer without a single byte stays so.
            message = {**message, "body": body[:end] + self._tag + body[end:] if body else b""}
            self._tag, self._held = (None, b"") if body else (self._tag, b"")
        await self._send(message)

    def _start(self, message: Message) -> Message:
        answered: Pairs = list(message["headers"])
        nonce = _allowance(answered)
        if nonce is None or message["status"] in (204, 206, 304) or not _is_plain_page(answered):
            return message
        attribute = f' nonce="{nonce}"' if nonce else ""
        tag = f'<script src="{escape(self._source)}" data-ide="{escape(self._ide)}"{attribute}></script>'
        self._tag = tag.encode()
        kept = [pair for pair in answered if pair[0] not in _NOT_TRUE]
        changed = [
            (name, str(int(value) + len(self._tag)).encode() if name == b"content-length" else value)
            for name, value in kept
        ]
        unkept = any("no-store" in value.lower() for value in headers.values(answered, b"cache-control"))
        return {**message, "headers": [*changed, (b"cache-control", b"no-store" if unkept else b"no-cache")]}


def _place(body: bytes) -> tuple[int, bool]:
    """Where the tag goes, and whether that is known: not while the end of a tag or comment has not come."""
    match = _BEFORE.match(body)
    assert match, "the pattern matches nothing too"
    return match.end(), bool(match["head"]) or not _UNFINISHED.match(body, match.end())


def _is_plain_page(answered: Pairs) -> bool:
    kind = (headers.single(answered, b"content-type") or "").lower()
    charset = kind.partition("charset=")[2].strip(" \"'")
    length = headers.single(answered, b"content-length") or "1"
    return (
        kind.partition(";")[0].strip() == "text/html"
        and not charset.startswith(("utf-16", "utf-32", "utf-7"))
        and not [value for value in headers.values(answered, b"content-encoding") if value.lower() != "identity"]
        and length.isdecimal()
        and int(length) > 0
    )


def _allowance(answered: Pairs) -> str | None:
    """The nonce with which every policy of the page lets a script of its own host run, empty for none that is needed.

    None where a policy would refuse the script.
    """
    nonce = ""
    lines = [value for name in _POLICIES for value in headers.values(answered, name)]
    for line in lines:
        for policy in line.split(","):
            directives: dict[str, list[str]] = {}
            for directive in policy.split(";"):
                name, *sources = directive.split() or [""]
                directives.setdefault(name.lower(), sources)
            if "sandbox" in directives and "allow-scripts" not in directives["sandbox"]:
                return None
            allowed = next(
                (directives[name] for name in ("script-src-elem", "script-src", "default-src") if name in directives),
                None,
            )
            if allowed is None or ("'self'" in allowed and "'strict-dynamic'" not in allowed):
                continue
            found = _NONCE.search(" ".join(allowed))
            if found is None or nonce not in ("", found[1]):
                return None
            nonce = found[1]
    return nonce
