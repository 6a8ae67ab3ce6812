import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from server.errors import BadRequest
from server.models import ProjectId
from server.services.uploads import IDLE, MOST_OPEN, Uploads
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
        await uploads.append(uploads.find(ProjectId(project), upload), 0, broken())
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


async def test_given_up_and_forgotten_uploads_leave_nothing(app: App, client: httpx.AsyncClient, base: str) -> None:
    project = base.rpartition("/")[2]
    folder = app.settings.workspaces / project
    url = await begin(client, base, "file", 3)
    assert (await client.delete(url)).status_code == 204
    assert (await client.delete(url)).status_code == 404
    now = 0.0
    uploads = Uploads(app.services.documents, clock=lambda: now)
    for _ in range(MOST_OPEN):
        await uploads.begin(ProjectId(project), "file", 3, lambda _: True)
    now = IDLE + 1
    last = await uploads.begin(ProjectId(project), "file", 3, lambda _: True)
    assert len([path for path in folder.iterdir() if path.name.startswith(".hutch-tmp-")]) == 1
    await uploads.cancel(last)


async def test_uploads_are_bounded(client: httpx.AsyncClient, base: str) -> None:
    urls = [await begin(client, base, f"file{number}", 3) for number in range(MOST_OPEN)]
    assert_problem(await client.post(f"{base}/uploads", json={"path": "file", "size": 1}), 429)
    for url in urls:
        await client.delete(url)


LARGE = 200 * MB


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "local") as server:
        yield server


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
