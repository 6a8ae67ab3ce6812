"""The calls that make, list and revoke share links."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from server.models import ProjectId
from server.services.share_links import MOST_LINKS, ShareLinks
from server.storage.sharing import SHARE_LINKS
from tests.routes.asking import assert_problem
from tests.support.app import App


async def test_links_are_made_listed_and_revoked(client: httpx.AsyncClient, base: str, app: App) -> None:
    path = f"{base}/ports/3000/shares"
    made = await client.post(path, json={"expiresIn": 3600})
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    link = made.json()
    url = httpx.URL(link.pop("url"))
    assert (url.host, url.path) == (f"3000-{base.rpartition('/')[2]}.preview.localhost", "/.hutch/share")
    assert len(url.params["token"]) == 43
    assert (await client.get(path)).json() == [link]
    assert (await client.get(f"{base}/ports/3001/shares")).json() == []

    async with app.database.transaction() as connection:
        kept = str((await connection.execute(SHARE_LINKS.select())).all())
    assert url.params["token"] not in kept
    assert_problem(await client.delete(f"{base}/ports/3001/shares/{link['id']}"), 404)
    assert (await client.delete(f"{path}/{link['id']}")).status_code == 204
    assert_problem(await client.delete(f"{path}/{link['id']}"), 404)
    assert (await client.get(path)).json() == []


@pytest.mark.parametrize("seconds", [None, 59, 30 * 86400 + 1, "3600", True, 3600.0, [3600]])
async def test_a_link_is_good_for_a_time(client: httpx.AsyncClient, base: str, seconds: object) -> None:
    assert_problem(await client.post(f"{base}/ports/3000/shares", json={"expiresIn": seconds}), 422, "expiresIn")


async def test_expired_links_are_forgotten(app: App, project: str) -> None:
    now = datetime.now(UTC)
    links = ShareLinks(app.database, now=lambda: now)
    await links.create(ProjectId(project), 3000, 60)
    _, good = await links.create(ProjectId(project), 3000, 61)
    now += timedelta(seconds=60)
    await links.sweep()
    async with app.database.transaction() as connection:
        assert [row.id for row in await connection.execute(SHARE_LINKS.select())] == [good.id]


async def test_a_project_has_so_many_links_and_they_go_with_it(
    client: httpx.AsyncClient, app: App, project: str, base: str
) -> None:
    for _ in range(MOST_LINKS):
        await app.services.links.create(ProjectId(project), 3000, 60)
    assert_problem(await client.post(f"{base}/ports/3001/shares", json={"expiresIn": 60}), 409, "at most")
    await app.database.projects.delete(ProjectId(project))
    async with app.database.transaction() as connection:
        assert (await connection.execute(SHARE_LINKS.select())).all() == []
