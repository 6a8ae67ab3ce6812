import json
from typing import Any

import httpx
import pytest

from server.errors import NotFound
from tests.routes.asking import assert_problem
from tests.support.app import App


async def test_keys_are_set_and_forgotten_one_by_one(client: httpx.AsyncClient, base: str) -> None:
    for url in (f"{base}/state", "/api/state"):
        assert (await client.get(url)).json() == {}
        session = {"paths": ["a.js", "caf\udce9"], "active": None}
        both = {"session": session, "layout": [1, 2]}
        # As a browser writes what is no character: escaped.
        sent = await client.patch(url, content=json.dumps(both), headers={"Content-Type": "application/json"})
        assert sent.json() == both
        assert (await client.patch(url, json={"layout": None, "terminal.columns": []})).status_code == 200
        assert (await client.get(url)).json() == {"session": session, "terminal.columns": []}


async def test_projects_remember_apart_and_forget_with_their_end(
    app: App, client: httpx.AsyncClient, base: str
) -> None:
    other = (await client.post("/api/projects", json={"name": "other"})).json()["id"]
    await client.patch(f"/api/projects/{other}/state", json={"x": 1})
    assert (await client.get(f"{base}/state")).json() == {}
    assert (await client.get("/api/state")).json() == {}
    assert await app.database.projects.delete(other)
    assert_problem(await client.patch(f"/api/projects/{other}/state", json={"x": 1}), 404)
    with pytest.raises(NotFound):
        await app.services.remembered.merge(other, {"x": 1})
    assert await app.services.remembered.get(other) == {}


def nested(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Key": 1}, 422),
        ({"": 1}, 422),
        ({"a" * 65: 1}, 422),
        ({"<b>": 1}, 422),
        ({"deep": nested(100)}, 422),
        ({"long": "x" * 70_000}, 413),
        ([1], 400),
    ],
)
async def test_what_is_not_remembered_changes_nothing(
    client: httpx.AsyncClient, base: str, changes: Any, status: int
) -> None:
    await client.patch(f"{base}/state", json={"kept": True})
    assert_problem(await client.patch(f"{base}/state", json=changes), status)
    assert (await client.get(f"{base}/state")).json() == {"kept": True}


async def test_many_small_changes_stay_bounded(client: httpx.AsyncClient, base: str) -> None:
    await client.patch(f"{base}/state", json={"a": "x" * 40_000})
    assert_problem(await client.patch(f"{base}/state", json={"b": "x" * 40_000}), 413)
    assert (await client.patch(f"{base}/state", json={"a": None, "b": "x" * 40_000})).status_code == 200


async def test_the_page_has_what_was_remembered(client: httpx.AsyncClient, base: str) -> None:
    await client.patch(f"{base}/state", json={"text": "</script><b>"})
    page = (await client.get(base.replace("/api", ""))).text
    assert "</script><b>" not in page and "\\u003c/script\\u003e\\u003cb\\u003e" in page
