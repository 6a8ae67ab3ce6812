import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from server.errors import BadRequest
from server.models import ProjectId
from server.services.documents import anything
from server.storage import unfinished
from server.storage.unfinished import MOST_AGE
from tests.routes.asking import assert_problem
from tests.support.app import App
from tests.support.memory import peak, reset_peak
from tests.support.server import Server

MB = 1024 * 1024


async def begin(client: httpx.AsyncClient, base: str, path: str, size: int, **headers: str) -> str:
    """The URL of a new upload."""
    begun = await client.post(f"{base}/uploads", json={"path": path, "size": size}, headers=headers)
    assert begun.status_code == 201, begun.text
    assert begun.json()["offset"] == 0
    return f"{base}/uploads/{begun.json()['id']}"


async def test_a_file_comes_in_pieces_and_is_seen_when_it_is_whole(client: httpx.AsyncClient, base: str) -> None:
    content = os.urandom(700_000)
    url = await begin(client, base, "folder/big.bin", len(content))
    first = await client.put(f"{url}?offset=0", content=content[:400_000])
    assert (first.status_code, first.json()["offset"]) == (202, 400_000)
    assert [entry["path"] for entry in (await client.get(f"{base}/tree?path=folder")).json()] == []
    assert (await client.get(url)).json()["offset"] == 400_000
    last = await client.put(f"{url}?offset=400000", content=content[400_000:])
    assert last.status_code == 201 and last.json()["size"] == len(content)
    read = await client.get(f"{base}/files/folder/big.bin")
    assert read.content == content and read.headers["etag"] == last.headers["etag"]
    assert (await client.get(url)).status_code == 404, "what has ended is forgotten"


async def test_an_empty_file_is_one_empty_piece(client: httpx.AsyncClient, base: str) -> None:
    url = await begin(client, base, "empty", 0)
    assert (await client.put(f"{url}?offset=0", content=b"")).status_code == 201


async def test_a_broken_connection_costs_what_was_not_yet_taken(app: App, client: httpx.AsyncClient, base: str) -> None:
    content = os.urandom(2 * MB)
    url = await begin(client, base, "big.bin", len(content))

    async def broken() -> AsyncIterator[bytes]:
        yield content[:MB]
        raise BadRequest("the connection ended")

    uploads, (_, project, _, upload) = app.services.uploads, url.removeprefix("/api/").split("/")
    with pytest.raises(BadRequest):
        await uploads.append(await uploads.find(ProjectId(project), upload), 0, broken(), anything)
    offset = (await client.get(url)).json()["offset"]
    assert 0 < offset <= MB
    assert (await client.put(f"{url}?offset={offset}", content=content[offset:])).status_code == 201
    assert (await client.get(f"{base}/files/big.bin")).content == content


async def test_whoever_comes_last_goes_on(client: httpx.AsyncClient, base: str) -> None:
    """A request that hangs on a dead network must not keep its successor out."""
    content = os.urandom(2 * MB)
    url = await begin(client, base, "big.bin", len(content))
    sent, go_on = asyncio.Event(), asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield content[:MB]
        sent.set()
        await go_on.wait()
        yield content[MB:]

    hung = asyncio.create_task(client.put(f"{url}?offset=0", content=hanging()))
    await sent.wait()
    offset = (await client.get(url)).json()["offset"]
    assert (await client.put(f"{url}?offset={offset}", content=content[offset:])).status_code == 201
    go_on.set()
    assert (await hung).status_code in (202, 409)
    assert (await client.get(f"{base}/files/big.bin")).content == content


async def test_what_does_not_fit_is_refused_and_the_upload_goes_on(client: httpx.AsyncClient, base: str) -> None:
    url = await begin(client, base, "file", 10)
    for offset, content, status in (("3", b"x", 409), ("0", b"x" * 11, 413), ("-1", b"", 400), ("", b"", 400)):
        assert_problem(await client.put(f"{url}?offset={offset}", content=content), status)
    assert (await client.put(f"{url}?offset=3", content=b"x")).json()["offset"] == 0, "the answer says where to go on"
    assert (await client.put(f"{url}?offset=0", content=b"0123456789")).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"path": "../out", "size": 1}, 400),
        ({"path": "", "size": 1}, 400),
        ({"path": "file", "size": -1}, 422),
        ({"path": "file", "size": True}, 422),
        ({"path": "file"}, 422),
        ({"path": "file", "size": 2**60}, 413),
    ],
)
async def test_what_can_not_be_sent_is_said_before_a_byte_is(
    client: httpx.AsyncClient, base: str, body: dict[str, object], status: int
) -> None:
    assert_problem(await client.post(f"{base}/uploads", json=body), status)


async def test_a_version_that_nobody_saw_is_not_replaced(client: httpx.AsyncClient, base: str) -> None:
    url = await begin(client, base, "file", 3, **{"If-None-Match": "*"})
    await client.put(f"{base}/files/file", content=b"meanwhile")
    assert (await client.put(f"{url}?offset=0", content=b"new")).status_code == 412
    refused = await client.post(f"{base}/uploads", json={"path": "file", "size": 3}, headers={"If-None-Match": "*"})
    assert refused.status_code == 412
    assert (await client.get(f"{base}/files/file")).content == b"meanwhile"


async def test_nothing_is_left_of_what_was_given_up_forgotten_or_deleted(
    app: App, client: httpx.AsyncClient, base: str
) -> None:
    def left() -> int:
        return len(list(folder.iterdir())) if folder.exists() else 0

    project, workspaces = base.rpartition("/")[2], app.settings.workspaces
    folder = workspaces / ".uploads" / project
    before = sorted(os.listdir(workspaces / project))
    url = await begin(client, base, "file", 3)
    assert left() == 2 and sorted(os.listdir(workspaces / project)) == before, "no project sees it"
    assert (await client.delete(url)).status_code == 204
    assert (await client.delete(url)).status_code == 404
    assert left() == 0
    urls = [await begin(client, base, "file", 3) for _ in range(2)]
    await client.put(f"{urls[0]}?offset=0", content=b"x")
    old = time.time() - MOST_AGE - 1
    for file in folder.iterdir():
        if file.stem in urls[1] or file.suffix:
            os.utime(file, (old, old))
    await app.services.documents.sweep()
    assert left() == 2, "what came lately counts, not when the upload began"
    assert (await client.get(urls[0])).json()["offset"] == 1
    assert (await client.get(urls[1])).status_code == 404
    await app.services.documents.remove(ProjectId(project))
    assert not folder.exists()


async def test_a_link_in_the_place_of_what_came_is_not_followed(
    app: App, client: httpx.AsyncClient, base: str, tmp_path: Path
) -> None:
    url = await begin(client, base, "file", 6)
    assert (await client.put(f"{url}?offset=0", content=b"one")).status_code == 202
    came = app.settings.workspaces / ".uploads" / base.rpartition("/")[2] / url.rpartition("/")[2]
    outside = tmp_path / "outside"
    outside.write_bytes(b"one")
    came.unlink()
    came.symlink_to(outside)
    assert_problem(await client.put(f"{url}?offset=3", content=b"two"), 404)
    assert outside.read_bytes() == b"one"
    assert (await client.get(f"{base}/files/file")).status_code == 404


async def test_what_came_whole_to_a_server_that_died_is_saved_by_an_empty_piece(
    app: App, client: httpx.AsyncClient, base: str
) -> None:
    url = await begin(client, base, "file", 3)
    came = app.settings.workspaces / ".uploads" / base.rpartition("/")[2] / url.rpartition("/")[2]
    came.write_bytes(b"all")
    assert (await client.put(f"{url}?offset=3", content=b"")).status_code == 201
    assert (await client.get(f"{base}/files/file")).content == b"all"


async def test_what_a_crash_of_the_machine_left_is_not_believed(
    client: httpx.AsyncClient, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await begin(client, base, "file", 6)
    monkeypatch.setattr(unfinished, "_boot", lambda: "another")
    assert_problem(await client.put(f"{url}?offset=0", content=b"one"), 404)


async def test_uploads_are_bounded(client: httpx.AsyncClient, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished, "MOST", 3)
    urls = [await begin(client, base, f"file{number}", 3) for number in range(3)]
    assert_problem(await client.post(f"{base}/uploads", json={"path": "file", "size": 1}), 429)
    await client.delete(urls[0])
    await begin(client, base, "file", 3)


LARGE = 200 * MB


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), "local") as server:
        yield server


def test_a_killed_server_is_gone_on_with_where_it_was(server: Server) -> None:
    content = os.urandom(24 * MB)
    with server.client() as client:
        project = client.post("/api/projects", json={"name": "killed"}).raise_for_status().json()["id"]
        about, absent = {"path": "a/big.bin", "size": len(content)}, {"If-None-Match": "*"}
        upload = client.post(f"/api/projects/{project}/uploads", json=about, headers=absent).raise_for_status().json()
        url = f"/api/projects/{project}/uploads/{upload['id']}"
        client.put(f"{url}?offset=0", content=content[: 8 * MB]).raise_for_status()

    def broken() -> Iterator[bytes]:
        yield content[8 * MB : 12 * MB]
        server.kill()
        yield content[12 * MB : 16 * MB]

    with server.client() as client, pytest.raises(httpx.HTTPError):
        client.put(f"{url}?offset={8 * MB}", content=broken())
    server.start()
    with server.client() as client:
        offset = client.get(url).raise_for_status().json()["offset"]
        assert 8 * MB <= offset <= 12 * MB, "nothing that was acknowledged is lost"
        saved = client.put(f"{url}?offset={offset}", content=content[offset:])
        assert saved.status_code == 201
        read = client.get(f"/api/projects/{project}/files/a/big.bin")
        assert read.content == content and read.headers["etag"] == saved.headers["etag"]
        again = client.post(f"/api/projects/{project}/uploads", json=about, headers=absent)
        assert again.status_code == 412


def test_large_files_pass_both_ways_in_constant_memory(server: Server) -> None:
    with server.client() as client:
        project = client.post("/api/projects", json={"name": "large"}).raise_for_status().json()["id"]
        base = f"/api/projects/{project}"
        piece = os.urandom(8 * MB)
        before = reset_peak(server)
        upload = client.post(f"{base}/uploads", json={"path": "big/file.bin", "size": LARGE}).raise_for_status().json()
        for offset in range(0, LARGE, len(piece)):
            client.put(f"{base}/uploads/{upload['id']}?offset={offset}", content=piece).raise_for_status()
        sent = hashlib.sha256(piece * (LARGE // len(piece))).hexdigest()
        got, size = hashlib.sha256(), 0
        with client.stream("GET", f"{base}/files/big/file.bin") as file:
            for part in file.iter_raw():
                got.update(part)
        assert got.hexdigest() == sent
        with client.stream("GET", f"{base}/archive?path=big") as archive:
            for part in archive.iter_raw():
                size += len(part)
        assert size > LARGE, "random bytes don't shrink"
        assert peak(server) - before < 48 * MB
