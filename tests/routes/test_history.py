"""The versions of a file over HTTP: each save leaves one, outside of the project."""

from pathlib import Path

import httpx

from server.models import ProjectId
from tests.routes.asking import assert_problem
from tests.support.app import App


async def versions(client: httpx.AsyncClient, base: str, path: str) -> list[bytes]:
    found = (await client.get(f"{base}/history", params={"path": path})).raise_for_status().json()
    return [
        (await client.get(f"{base}/history/{version['id']}", params={"path": path})).raise_for_status().content
        for version in found
    ]


async def test_each_save_leaves_a_version(app: App, client: httpx.AsyncClient, base: str, folder: Path) -> None:
    first = (await client.get(f"{base}/files/index.js")).content
    await client.put(f"{base}/files/index.js", content=b"\xef\xbb\xbfone\r\n\xff")
    (folder / "index.js").write_bytes(b"by a program")
    await client.put(f"{base}/files/index.js", content=b"two")
    await client.put(f"{base}/files/index.js", content=b"refused", headers={"If-Match": '"another"'})
    await client.delete(f"{base}/files/index.js")
    assert await versions(client, base, "index.js") == [b"two", b"by a program", b"\xef\xbb\xbfone\r\n\xff", first]
    assert not [entry.name for entry in folder.iterdir() if "history" in entry.name]
    kept = app.settings.data / "history" / folder.name
    assert kept.is_dir()
    await app.services.projects.delete(ProjectId(folder.name))
    assert not kept.exists()


async def test_large_files_and_unknown_versions_have_none(client: httpx.AsyncClient, base: str) -> None:
    await client.put(f"{base}/files/large", content=bytes(2 * 1024 * 1024))
    assert await versions(client, base, "large") == []
    unknown = await client.get(f"{base}/history/0000000000000-0000", params={"path": "large"})
    assert_problem(unknown, 404, "no such version")
    assert_problem(await client.get(f"{base}/history", params={"path": "../x"}), 400)
