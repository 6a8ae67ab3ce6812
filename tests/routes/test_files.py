import asyncio
import io
import os
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from server.errors import BadRequest
from server.models import ProjectId
from server.routes import files as module
from tests.routes.asking import assert_problem
from tests.support.app import App

# ---- writing and reading


async def test_a_file_is_written_and_read_back(client: httpx.AsyncClient, base: str) -> None:
    content = os.urandom(1_500_000)
    written = await client.put(f"{base}/files/new/folder/file.bin", content=content)
    assert written.status_code == 201
    entry = written.json()
    assert entry["path"] == "new/folder/file.bin" and entry["size"] == len(content) and entry["type"] == "file"
    assert entry["etag"] == written.headers["etag"] and re.fullmatch(r'"[^"]+"', entry["etag"])
    read = await client.get(f"{base}/files/new/folder/file.bin")
    assert read.content == content
    assert read.headers["etag"] == entry["etag"]
    assert read.headers["content-length"] == str(len(content))
    assert read.headers["accept-ranges"] == "bytes"
    assert read.headers["last-modified"].endswith(" GMT")
    again = await client.put(f"{base}/files/new/folder/file.bin", content=b"")
    assert again.status_code == 200 and again.headers["etag"] != entry["etag"]
    assert (await client.get(f"{base}/files/new/folder/file.bin")).content == b""


async def test_head_is_get_without_content(client: httpx.AsyncClient, base: str) -> None:
    await client.put(f"{base}/files/file.txt", content=b"hello")
    got, head = await client.get(f"{base}/files/file.txt"), await client.head(f"{base}/files/file.txt")
    assert head.content == b"" and head.status_code == 200
    ours = {"content-length", "content-type", "etag", "last-modified", "content-disposition", "content-security-policy"}
    assert {name: head.headers[name] for name in ours} == {name: got.headers[name] for name in ours}
    assert (await client.head(f"{base}/files/nothing")).status_code == 404
    assert (await client.head(f"{base}/archive")).headers["content-type"] == "application/zip"


async def test_the_server_keeps_the_bytes(client: httpx.AsyncClient, base: str) -> None:
    for content in (b"\xef\xbb\xbfbom\r\nno newline", b"\r\r\n\n", b"\xff\xfe\x00", b"\0" * 100):
        await client.put(f"{base}/files/file", content=content)
        assert (await client.get(f"{base}/files/file")).content == content


async def test_versions_decide_over_writes(client: httpx.AsyncClient, base: str) -> None:
    url = f"{base}/files/file"
    first = (await client.put(url, content=b"1", headers={"If-None-Match": "*"})).headers["etag"]
    for headers in ({"If-None-Match": "*"}, {"If-Match": '"other"'}, {"If-None-Match": first}):
        refused = await client.put(url, content=b"2", headers=headers)
        assert assert_problem(refused, 412, "has changed")["etag"] == first
        assert refused.headers["etag"] == first
    second = await client.put(url, content=b"3", headers={"If-Match": first})
    assert second.status_code == 200
    assert_problem(await client.put(url, content=b"4", headers={"If-Match": first}), 412)
    assert (await client.get(url)).content == b"3"
    missing = await client.put(f"{base}/files/missing", content=b"", headers={"If-Match": first})
    assert assert_problem(missing, 412, "does not exist")["etag"] is None
    assert "etag" not in missing.headers
    assert_problem(await client.put(url, content=b"5", headers={"If-Match": "no version"}), 400, "If-Match")


async def test_versions_decide_over_deletions(client: httpx.AsyncClient, base: str) -> None:
    url = f"{base}/files/file"
    etag = (await client.put(url, content=b"1")).headers["etag"]
    refused = await client.delete(url, headers={"If-Match": '"other"'})
    assert_problem(refused, 412)
    assert refused.headers["etag"] == etag
    assert (await client.delete(url, headers={"If-Match": etag})).status_code == 204
    assert_problem(await client.delete(url), 404)
    await client.put(f"{base}/files/folder/deep/file", content=b"")
    assert (await client.delete(f"{base}/files/folder")).status_code == 204
    assert_problem(await client.get(f"{base}/files/folder/deep/file"), 404)


async def test_versions_spare_readers_what_they_have(client: httpx.AsyncClient, base: str) -> None:
    url = f"{base}/files/file"
    etag = (await client.put(url, content=b"content")).headers["etag"]
    unchanged = await client.get(url, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", etag)
    assert (await client.get(url, headers={"If-None-Match": '"other"'})).content == b"content"
    refused = await client.get(url, headers={"If-Match": '"other"'})
    assert_problem(refused, 412)
    assert refused.headers["etag"] == etag


@pytest.mark.parametrize(
    ("asked", "content", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=8-", b"89", "bytes 8-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=5-500", b"56789", "bytes 5-9/10"),
    ],
)
async def test_a_part_is_read(client: httpx.AsyncClient, base: str, asked: str, content: bytes, told: str) -> None:
    await client.put(f"{base}/files/file", content=b"0123456789")
    part = await client.get(f"{base}/files/file", headers={"Range": asked})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, content, told)
    assert part.headers["content-length"] == str(len(content))
    assert (await client.head(f"{base}/files/file", headers={"Range": asked})).status_code == 206


async def test_other_ranges(client: httpx.AsyncClient, base: str) -> None:
    url = f"{base}/files/file"
    etag = (await client.put(url, content=b"0123456789")).headers["etag"]
    beyond = await client.get(url, headers={"Range": "bytes=10-"})
    assert_problem(beyond, 416, "10 bytes")
    assert beyond.headers["content-range"] == "bytes */10"
    for headers in ({"Range": "bytes=0-1,3-4"}, {"Range": "bytes=x"}, {"Range": "bytes=0-1", "If-Range": '"old"'}):
        whole = await client.get(url, headers=headers)
        assert (whole.status_code, whole.content) == (200, b"0123456789")
    same = await client.get(url, headers={"Range": "bytes=0-1", "If-Range": etag})
    assert same.content == b"01"


async def test_a_length_over_the_limit_is_refused(client: httpx.AsyncClient, base: str, folder: Path) -> None:
    before = os.listdir(folder)
    lying = {"Content-Length": str(2 * 1024**3)}
    for url, method in ((f"{base}/files/file", "PUT"), (f"{base}/import", "POST")):
        assert_problem(await client.request(method, url, content=b"x", headers=lying), 413)
        assert_problem(await client.request(method, url, content=b"x", headers={"Content-Length": "9" * 30}), 413)
    assert os.listdir(folder) == before


async def test_a_body_that_grows_over_the_limit_is_refused(
    client: httpx.AsyncClient, base: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 1_000_000
    monkeypatch.setattr(module, "MOST_UPLOAD", limit)
    before = os.listdir(folder)
    taken = 0

    async def growing(size: int) -> AsyncIterator[bytes]:
        nonlocal taken
        for start in range(0, size, 100_000):
            taken += 100_000
            yield b"x" * min(100_000, size - start)

    for url, method in ((f"{base}/files/file", "PUT"), (f"{base}/import", "POST")):
        taken = 0
        assert_problem(await client.request(method, url, content=growing(100 * limit)), 413, f"{limit} bytes")
        assert taken <= 2 * limit
        assert_problem(await client.request(method, url, content=growing(limit + 1)), 413)
    assert os.listdir(folder) == before
    assert (await client.put(f"{base}/files/file", content=growing(limit))).status_code == 201


async def test_a_part_or_a_packed_body_is_no_file(client: httpx.AsyncClient, base: str) -> None:
    for headers in ({"Content-Range": "bytes 0-1/2"}, {"Content-Encoding": "gzip"}):
        assert_problem(await client.put(f"{base}/files/file", content=b"x", headers=headers), 400)
    assert_problem(await client.get(f"{base}/files/file"), 404)


async def test_a_connection_that_ends_early_changes_nothing(app: App, project: str, folder: Path) -> None:
    messages = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]
    before = os.listdir(folder)

    async def ending() -> AsyncIterator[bytes]:
        request = Request({"type": "http", "headers": []}, receive=receive)
        async for piece in module.body_of(request):
            yield piece

    async def receive() -> Any:
        return messages.pop(0)

    with pytest.raises(BadRequest, match="ended before the file did"):
        await app.services.documents.save(ProjectId(project), "file", ending())
    assert os.listdir(folder) == before


async def test_what_is_no_file_is_told(client: httpx.AsyncClient, base: str, folder: Path) -> None:
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    os.symlink("/etc/passwd", folder / "out")
    async with asyncio.timeout(10):
        for name, words in (("folder", "is a folder"), ("pipe", "no regular file"), ("out", "out of the project")):
            assert_problem(await client.get(f"{base}/files/{name}"), 409, words)
        for name in ("folder", "pipe", "out", "out/below", "package.json/below"):
            assert_problem(await client.put(f"{base}/files/{name}", content=b""), 409)


async def test_a_save_in_place_is_told(client: httpx.AsyncClient, base: str, folder: Path) -> None:
    await client.put(f"{base}/files/file", content=b"1")
    os.link(folder / "file", folder / "again")
    assert "hard links" in (await client.put(f"{base}/files/file", content=b"2")).json()["warning"]
    assert (await client.get(f"{base}/files/again")).content == b"2"


# ---- what is served never runs


@pytest.mark.parametrize(
    ("name", "content", "kind", "shown"),
    [
        ("page.html", b"<script>alert(1)</script>", "text/plain; charset=utf-8", "inline"),
        ("page.xhtml", b"<html/>", "text/plain; charset=utf-8", "inline"),
        ("script.js", b"alert(1)", "text/plain; charset=utf-8", "inline"),
        ("picture.svg", b"<svg onload='alert(1)'/>", "image/svg+xml", "inline"),
        ("picture.png", b"<script>alert(1)</script>", "image/png", "inline"),
        ("file.pdf", b"%PDF-1.7\xff\xff", "application/octet-stream", "attachment"),
        ("film.MP4", b"<script>alert(1)</script>\0", "video/mp4", "attachment"),
        ("film.webm", b"<script>alert(1)</script>", "text/plain; charset=utf-8", "inline"),
        ("data", b"a\0b", "application/octet-stream", "attachment"),
        ("latin", b"caf\xe9", "application/octet-stream", "attachment"),
        ("Makefile", "é".encode() * 3000, "text/plain; charset=utf-8", "inline"),
        ("cut", b"x" + "é".encode() * 3000, "text/plain; charset=utf-8", "inline"),
        ("empty", b"", "text/plain; charset=utf-8", "inline"),
    ],
)
async def test_content_is_kept_off_the_origin(
    client: httpx.AsyncClient, base: str, name: str, content: bytes, kind: str, shown: str
) -> None:
    await client.put(f"{base}/files/{name}", content=content, headers={"Content-Type": "text/html"})
    answer = await client.get(f"{base}/files/{name}")
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"].startswith(f"{shown}; ")
    assert answer.headers.get_list("content-security-policy") == ["sandbox; default-src 'none'"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert (await client.get(f"{base}/files/{name}?download")).headers["content-disposition"].startswith("attachment")


# ---- lists, operations, archives


async def test_a_tree_is_listed(client: httpx.AsyncClient, base: str, folder: Path) -> None:
    await client.put(f"{base}/files/a/b/c.txt", content=b"four")
    os.symlink("b/c.txt", folder / "a" / "link")
    os.symlink("/etc", folder / "a" / "out")
    entries = (await client.get(f"{base}/tree", params={"path": "a", "depth": "2"})).json()
    assert [(entry["path"], entry["type"], entry["size"]) for entry in entries] == [
        ("a/b", "directory", 0),
        ("a/link", "symlink", 0),
        ("a/out", "symlink", 0),
        ("a/b/c.txt", "file", 4),
    ]
    assert entries[1]["target"] == "file" and entries[2]["target"] is None and "target" not in entries[0]
    assert entries[0]["etag"] is None
    assert entries[3]["etag"] == (await client.get(f"{base}/files/a/b/c.txt")).headers["etag"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entries[3]["modified"])
    assert_problem(await client.get(f"{base}/tree", params={"path": "nothing"}), 404)
    assert_problem(await client.get(f"{base}/tree", params={"path": "a/out"}), 409)


@pytest.mark.parametrize("query", ["depth=0", "depth=-1", "depth=65", "depth=1e9", "depth=", "depth=1&depth=2"])
async def test_a_depth_is_a_small_number(client: httpx.AsyncClient, base: str, query: str) -> None:
    assert_problem(await client.get(f"{base}/tree?{query}"), 400)


async def test_many_entries_are_one_list(client: httpx.AsyncClient, base: str, folder: Path) -> None:
    count = 2 * module._LISTED_AT_ONCE + 1
    (folder / "many").mkdir()
    for number in range(count):
        (folder / "many" / f"{number:05}").touch()
    entries = (await client.get(f"{base}/tree?path=many")).json()
    assert [entry["path"] for entry in entries] == [f"many/{number:05}" for number in range(count)]
    (folder / "none").mkdir()
    assert (await client.get(f"{base}/tree?path=none")).json() == []


async def test_files_are_moved_copied_and_made(client: httpx.AsyncClient, base: str) -> None:
    await client.put(f"{base}/files/a.txt", content=b"1")
    url = f"{base}/files-op"
    made = await client.post(url, json={"op": "mkdir", "to": "x/y"})
    assert (made.status_code, made.json()["type"], made.json()["path"]) == (201, "directory", "x/y")
    copied = await client.post(url, json={"op": "copy", "from": "a.txt", "to": "x/y/b.txt"})
    assert copied.json()["path"] == "x/y/b.txt" and copied.json()["size"] == 1
    moved = await client.post(url, json={"op": "move", "from": "x", "to": "z"})
    assert moved.json()["path"] == "z"
    assert (await client.get(f"{base}/files/z/y/b.txt")).content == b"1"
    for op in ({"op": "mkdir"}, {"op": "copy", "from": "a.txt"}, {"op": "move", "from": "a.txt"}):
        assert_problem(await client.post(url, json={**op, "to": "z"}), 409, "z exists already")
    assert_problem(await client.post(url, json={"op": "move", "from": "nothing", "to": "new"}), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"op": "link", "from": "a", "to": "b"}, "op"),
        ({"from": "a", "to": "b"}, "op"),
        ({"op": "move", "to": "b"}, "from"),
        ({"op": "copy", "from": 1, "to": "b"}, "from"),
        ({"op": "mkdir"}, "to"),
        ({"op": "mkdir", "to": ["a"]}, "to"),
    ],
)
async def test_an_operation_names_what_it_lacks(
    client: httpx.AsyncClient, base: str, body: dict[str, object], field: str
) -> None:
    assert assert_problem(await client.post(f"{base}/files-op", json=body), 422)["field"] == field


async def test_a_project_goes_out_and_in(client: httpx.AsyncClient, project: str, base: str) -> None:
    await client.put(f"{base}/files/src/app.js", content=b"1" * 500_000)
    archive = await client.get(f"{base}/archive")
    assert archive.headers["content-type"] == "application/zip"
    assert f'attachment; filename="{project}.zip"' in archive.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(archive.content)) as unpacked:
        assert unpacked.read("src/app.js") == b"1" * 500_000
    done = await client.post(f"{base}/import?path=copy", content=archive.content)
    assert done.status_code == 200 and done.json()["replaced"] == [] and done.json()["files"] > 1
    assert (await client.get(f"{base}/files/copy/src/app.js")).content == b"1" * 500_000
    again = await client.post(f"{base}/import", content=archive.content)
    assert "src/app.js" in again.json()["replaced"]
    refused = await client.post(f"{base}/import?existing=refuse", content=archive.content)
    assert_problem(refused, 409, "exists already")
    part = await client.get(f"{base}/archive?path=src")
    assert part.headers["content-disposition"].startswith('attachment; filename="src.zip"')
    assert zipfile.ZipFile(io.BytesIO(part.content)).namelist() == ["app.js"]


async def test_a_bad_archive_is_told(client: httpx.AsyncClient, base: str) -> None:
    assert_problem(await client.post(f"{base}/import", content=b"no archive"), 422, "no zip archive")
    assert_problem(await client.post(f"{base}/import?existing=maybe", content=b""), 400)
    assert_problem(await client.get(f"{base}/archive?path=nothing"), 404)


async def test_every_change_is_told(app: App, client: httpx.AsyncClient, project: str, base: str) -> None:
    archive = (await client.get(f"{base}/archive")).content
    workspaces, id = app.services.workspaces, ProjectId(project)
    url = f"{base}/files-op"
    async with workspaces.subscribe(id) as events, asyncio.timeout(10):
        for change, paths in (
            (client.put(f"{base}/files/a/b", content=b""), {"a/b"}),
            (client.post(url, json={"op": "move", "from": "a/b", "to": "c"}), {"a/b", "c"}),
            (client.post(url, json={"op": "copy", "from": "c", "to": "d"}), {"d"}),
            (client.post(url, json={"op": "mkdir", "to": "e"}), {"e"}),
            (client.delete(f"{base}/files/c"), {"c"}),
        ):
            before = workspaces.active_at(id)
            assert (await change).is_success
            while (event := await events.next())["type"] != "tree":
                pass
            assert set(event["paths"]) == paths
            assert workspaces.active_at(id) >= before
        await client.post(f"{base}/import?path=in", content=archive)
        while (event := await events.next())["type"] != "tree":
            pass
        assert "in/package.json" in event["paths"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "tree"),
        ("GET", "files/package.json"),
        ("PUT", "files/package.json"),
        ("DELETE", "files/package.json"),
        ("POST", "files-op"),
        ("GET", "archive"),
        ("POST", "import"),
    ],
)
async def test_strangers_and_other_projects_get_nothing(app: App, base: str, method: str, path: str) -> None:
    async with app.client(token=None) as stranger, app.client() as owner:
        assert_problem(await stranger.request(method, f"{base}/{path}"), 401)
        assert_problem(await owner.request(method, f"/api/projects/nosuchproject/{path}"), 404)
        assert (await owner.get(f"{base}/files/package.json")).status_code == 200
