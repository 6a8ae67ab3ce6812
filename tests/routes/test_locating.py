"""Places in large files: what a page that shows a file in pieces asks for."""

import random
from pathlib import Path

import httpx
import pytest

from server.services import locating
from tests.routes.asking import assert_problem


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small file has many pieces, and what is looked for lies across their borders."""
    monkeypatch.setattr(locating, "_STEP", 7)


async def locate(client: httpx.AsyncClient, base: str, **query: str | int | bool) -> dict[str, int | None]:
    response = await client.get(f"{base}/locate", params={"path": "file", **query})
    found: dict[str, int | None] = response.raise_for_status().json()
    assert response.headers["etag"]
    return found


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"one", b"one\n", b"\n\n\na\n" * 9, b"longer than a step\r\nx\n\n" * 5]
)
async def test_every_line_is_found_and_known(
    client: httpx.AsyncClient, base: str, folder: Path, content: bytes
) -> None:
    (folder / "file").write_bytes(content)
    lines = content.split(b"\n")
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    for number, start in enumerate(starts, 1):
        assert await locate(client, base, line=number) == {"offset": start, "line": number}
        assert await locate(client, base, offset=start) == {"offset": start, "line": number}
    assert await locate(client, base, line=10**12) == {"offset": starts[-1], "line": len(lines)}
    assert (await locate(client, base, offset=10**12))["line"] == len(lines)


async def test_text_is_found_from_anywhere_in_both_directions(
    client: httpx.AsyncClient, base: str, folder: Path
) -> None:
    chance = random.Random(1)
    content = bytes(chance.choices(b"abAB\n", k=120))
    (folder / "file").write_bytes(content)
    for start in range(len(content) + 2):
        for case in (True, False):
            text, whole = ("abB", content) if case else ("abb", content.lower())
            after, before = whole.find(text.encode(), start), whole.rfind(text.encode(), 0, start)
            query: dict[str, str | int | bool] = {"text": "abB", "offset": start, "case": case}
            assert (await locate(client, base, **query))["offset"] == (None if after < 0 else after)
            assert (await locate(client, base, **query, backwards=True))["offset"] == (None if before < 0 else before)


async def test_text_is_looked_for_in_the_encoding_of_the_file(
    client: httpx.AsyncClient, base: str, folder: Path
) -> None:
    for encoding, codec in (("utf-8", "utf-8"), ("utf-16le", "utf-16-le"), ("windows-1252", "cp1252")):
        (folder / "file").write_bytes("wo ist das Öl?".encode(codec))
        found = await locate(client, base, text="Öl", encoding=encoding)
        assert found["offset"] == len("wo ist das ".encode(codec))
    (folder / "file").write_bytes(bytes(range(256)))
    assert (await locate(client, base, text="de df", encoding="hex", case=True))["offset"] == 0xDE


async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, base: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").write_bytes(b"x" * 100)
    for query in ("", "line=1&offset=1", "line=1&text=x", "line=-1", "offset=x", "text=", "text=x&encoding=utf-7"):
        assert_problem(await client.get(f"{base}/locate?path=file&{query}"), 400)
    for query in ("text=zz&encoding=hex", "text=%20&encoding=hex", "text=%E2%86%92&encoding=windows-1252"):
        assert_problem(await client.get(f"{base}/locate?path=file&{query}"), 400)
    assert_problem(await client.get(f"{base}/locate?path=missing&line=1"), 404)
    assert_problem(await client.get(f"{base}/locate?path=../file&line=1"), 400)
    monkeypatch.setattr(locating, "SECONDS", -1.0)
    assert_problem(await client.get(f"{base}/locate?path=file&offset=99"), 504, "too large to be looked through")
