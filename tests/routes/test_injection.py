"""The script tag that the pane wants in an app's page: where it goes, and when it stays out."""

import pytest
from starlette.types import Message

from server.routes.injection import MOST_HELD, Injection

TAG = b'<script src="/.hutch/page.js" data-ide="http://ide"></script>'
HTML = (b"content-type", b"text/html; charset=utf-8")


async def answered(pieces: list[bytes], *headers: tuple[bytes, bytes], status: int = 200) -> list[Message]:
    """What is sent on when an app answers with `pieces`."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    injection = Injection(send, "/.hutch/page.js", "http://ide")
    await injection.send({"type": "http.response.start", "status": status, "headers": list(headers or [HTML])})
    for number, piece in enumerate(pieces, 1):
        await injection.send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})
    return sent


def body_of(sent: list[Message]) -> bytes:
    return b"".join(message["body"] for message in sent[1:])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<!doctype html><html lang=en><head>", b"<title>x</title>"),
        (b"\xef\xbb\xbf<!DOCTYPE html>\n<!-- a > b --><HTML data-a='>'>\n<head data-b=\"</head>\">", b"<body>"),
        (b"<!doctype html>", b"<p>no head"),
        (b"<html>", b"<body>"),
        (b"", b"plain words"),
        (b"", b"<header>is no head</header>"),
        (b"  ", b"<h1>fragment"),
    ],
)
async def test_the_tag_goes_before_everything_of_the_app_that_runs(before: bytes, after: bytes) -> None:
    whole = before + after
    assert body_of(await answered([whole])) == before + TAG + after
    bytewise = [whole[at : at + 1] for at in range(len(whole))]
    assert body_of(await answered([*bytewise, b""])) == before + TAG + after


async def test_a_streamed_page_waits_for_nothing_but_the_end_of_a_tag() -> None:
    sent = await answered([b"<!doctype html><html><head>", b"<title>", b"</html>"])
    assert [message["body"] for message in sent[1:]] == [b"<!doctype html><html><head>" + TAG, b"<title>", b"</html>"]
    endless = b"<html " + b"a" * MOST_HELD
    sent = await answered([endless, b">", b""])
    assert sent[1]["body"] == TAG + endless, "not held back for ever"


async def test_the_head_tells_of_the_changed_page() -> None:
    sent = await answered(
        [b"<p>x"],
        HTML,
        (b"content-length", b"4"),
        (b"etag", b'"1"'),
        (b"cache-control", b"max-age=60"),
        (b"x-own", b"1"),
    )
    length = str(4 + len(TAG)).encode()
    assert sent[0]["headers"] == [HTML, (b"content-length", length), (b"x-own", b"1"), (b"cache-control", b"no-cache")]
    unkept = await answered([b"<p>x"], HTML, (b"cache-control", b"private, no-store"))
    assert unkept[0]["headers"][-1] == (b"cache-control", b"no-store")


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-type", b"application/json")],
        [(b"content-type", b"text/html; charset=utf-16le")],
        [HTML, (b"content-encoding", b"gzip")],
        [HTML, (b"content-length", b"0")],
        [HTML, (b"content-security-policy", b"default-src 'none'")],
        [HTML, (b"content-security-policy", b"script-src 'self' 'strict-dynamic'")],
        [HTML, (b"content-security-policy", b"script-src 'self'"), (b"content-security-policy", b"script-src https:")],
        [HTML, (b"content-security-policy-report-only", b"script-src 'sha256-abc'")],
        [HTML, (b"content-security-policy", b"sandbox; script-src 'self'")],
        [],
    ],
)
async def test_what_is_no_page_or_refuses_the_script_passes_byte_for_byte(headers: list[tuple[bytes, bytes]]) -> None:
    sent = await answered([b"<!doctype html>", b"<p>x"], *(headers or [(b"x-own", b"1")]))
    assert sent[0]["headers"] == (headers or [(b"x-own", b"1")])
    assert body_of(sent) == b"<!doctype html><p>x"


@pytest.mark.parametrize("status", [204, 206, 304])
async def test_answers_without_a_whole_page_pass_unchanged(status: int) -> None:
    sent = await answered([b""], HTML, (b"etag", b'"1"'), status=status)
    assert sent[0]["headers"] == [HTML, (b"etag", b'"1"')]
    assert body_of(sent) == b""


@pytest.mark.parametrize(
    "policy",
    [
        b"script-src 'nonce-Zm9v' 'strict-dynamic'",
        b"default-src 'self', script-src-elem 'nonce-Zm9v'; script-src 'none'",
    ],
)
async def test_a_nonce_of_the_page_is_used(policy: bytes) -> None:
    sent = await answered([b"<p>x"], HTML, (b"content-security-policy", policy))
    assert body_of(sent) == TAG.replace(b"></script>", b' nonce="Zm9v"></script>') + b"<p>x"
    assert (b"content-security-policy", policy) in sent[0]["headers"], "never weakened"


async def test_an_empty_answer_stays_empty() -> None:
    assert body_of(await answered([b""])) == b""
