"""What becomes of an engine's answers, good and bad. The real engine is in the contract."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from server.errors import Unavailable
from server.models import ProjectId
from server.runtimes.base import Spec
from server.runtimes.docker import DockerRuntime, engine
from server.runtimes.docker.engine import DEFAULT_ENGINE, Engine, engine_url
from tests.runtimes.engines import Handler, played

ID = "ab" * 32
PROJECT = ProjectId("abcdef1")


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(value).encode(), status=status, content_type="application/json")


class Script:
    """Answers by path, where text is a 404 of that message; keeps what was asked."""

    def __init__(self, version: str = "1.41", **answers: Any) -> None:
        self.asked: list[str] = []
        self.version = version
        self.answers = answers

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path}")
        if request.path == "/version":
            return _json({"ApiVersion": self.version})
        for name, answer in self.answers.items():
            if f"/{name}" in request.path:
                return _json({"message": answer}, 404) if isinstance(answer, str) else _json(answer)
        return _json({"message": "no such thing"}, 404)


async def _engine(tmp_path: Path, answer: Handler) -> AsyncIterator[Engine]:
    async with played(tmp_path / "engine.sock", answer) as url:
        asked = Engine(url)
        try:
            yield asked
        finally:
            await asked.close()


@pytest.mark.parametrize("version", ["1.41", "1.44", "1.52"])
async def test_the_engines_own_version_of_the_api_is_spoken(tmp_path: Path, version: str) -> None:
    script = Script(version, info={"NCPU": 4})
    async for asked in _engine(tmp_path, script):
        assert (await asked.info())["NCPU"] == 4
        await asked.info()
    assert script.asked == ["GET /version", f"GET /v{version}/info", f"GET /v{version}/info"]


async def test_an_engine_that_comes_back_as_another_version_is_understood(tmp_path: Path) -> None:
    asked = Engine(f"unix://{tmp_path / 'engine.sock'}")
    for version in ("1.52", "1.41"):
        script = Script(version, info={"NCPU": 4})
        async with played(tmp_path / "engine.sock", script):
            await asked.info()
        assert script.asked[-1] == f"GET /v{version}/info"
        with pytest.raises(Unavailable, match="make engine"):
            await asked.info()
    await asked.close()


async def test_no_engine_is_a_sentence_with_what_to_do(tmp_path: Path) -> None:
    runtime = DockerRuntime(f"unix://{tmp_path}/none.sock", "image", subnets="10.213.0.0/16")
    spec = Spec(PROJECT, tmp_path / "w", tmp_path / "s")
    for asking in (runtime.start(spec), runtime.stop(PROJECT), runtime.remove(PROJECT), runtime.running()):
        with pytest.raises(
            Unavailable, match=r"does not answer at unix://.*none\.sock: start it, or run `make engine`"
        ):
            await asking
    assert "make engine" in str(await runtime.check())
    await runtime.close()


@pytest.mark.parametrize("url", ["ssh://host", "npipe:////./pipe", "tcp://", "/var/run/docker.sock"])
async def test_an_address_of_another_kind_is_refused(url: str) -> None:
    runtime = DockerRuntime(url, "image", subnets="10.213.0.0/16")
    assert "must begin with unix:// or tcp://" in str(await runtime.check())


async def test_an_engine_that_does_not_answer_in_time_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "QUESTION_SECONDS", 0.1)
    stuck = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await stuck.wait()
        return _json({})

    async for asked in _engine(tmp_path, answer):
        with pytest.raises(Unavailable, match="longer than 0.1 s"):
            await asked.info()
        stuck.set()


async def test_a_refusal_is_told_without_paths_of_the_host(tmp_path: Path) -> None:
    message = 'invalid mount config for type "bind": bind source path does not exist: /srv/hutch/workspaces/abcdef1'
    async for asked in _engine(tmp_path, Script(containers=message)):
        with pytest.raises(Unavailable, match="could not create the container: invalid mount config") as caught:
            await asked.create_container("hutch-abcdef1", {"Image": "i"})
    assert "/srv" not in caught.value.detail


async def test_a_missing_image_is_a_sentence_with_what_to_do(tmp_path: Path) -> None:
    missing = "No such image: hutch/project:1"
    script = Script(containers=missing, images=missing, info={"NCPU": 1})
    async for asked in _engine(tmp_path, script):
        with pytest.raises(Unavailable, match="make image"):
            await asked.create_container("hutch-abcdef1", {"Image": "hutch/project:1"})
        assert not await asked.has_image("hutch/project:1")
        runtime = DockerRuntime(asked.url, "hutch/project:1", subnets="10.213.0.0/16")
        assert "make image" in str(await runtime.check())
        await runtime.close()


@pytest.mark.parametrize("image", ["../containers/json", "a b", "i?all=1", "i#", "", "é"])
async def test_a_name_that_is_no_images_reaches_no_path(tmp_path: Path, image: str) -> None:
    script = Script()
    async for asked in _engine(tmp_path, script):
        with pytest.raises(Unavailable, match="not acceptable"):
            await asked.has_image(image)
    assert script.asked == []


@pytest.mark.parametrize("id", ["../images/x", "hutch-abcdef1", "AB" * 32, "ab" * 31, ID + "\n"])
async def test_only_whole_ids_reach_a_path(tmp_path: Path, id: str) -> None:
    script = Script()
    async for asked in _engine(tmp_path, script):
        for asking in (
            asked.start(id),
            asked.stop(id),
            asked.remove_container(id),
            asked.remove_network(id),
            asked.host_config(id),
            asked.open_exec(id, ["true"], "1:1"),
        ):
            with pytest.raises(Unavailable, match="64 hexadecimal digits"):
                await asking
    assert script.asked in ([], ["GET /version"])


async def test_containers_that_are_not_ours_are_passed_over(tmp_path: Path) -> None:
    listed = [
        {"Id": ID, "State": "running", "Labels": {"hutch.project": "abcdef1", "hutch.config": "c"}},
        {"Id": ID, "State": "running", "Labels": {"hutch.project": "../etc"}},
        {"Id": ID, "State": "running", "Labels": {}},
        {"Id": "../x", "State": "running", "Labels": {"hutch.project": "abcdef2"}},
    ]
    async for asked in _engine(tmp_path, Script(containers=listed)):
        assert [container.project for container in await asked.containers(label="hutch.project")] == ["abcdef1"]


async def test_limits_that_the_engine_dropped_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    given: dict[str, Any] = {}

    async def answer(request: web.Request) -> web.StreamResponse:
        path = request.path
        if path == "/version":
            return _json({"ApiVersion": "1.41"})
        if path.endswith("/info"):
            return _json({"NCPU": 2})
        if path.endswith("/containers/create"):
            given.update(json.loads(await request.text())["HostConfig"] | {"PidsLimit": None})
            return _json({"Id": ID, "Warnings": []}, 201)
        if path.endswith(f"/containers/{ID}/json"):
            return _json({"Id": ID, "HostConfig": given})
        if path.endswith("/start"):
            return web.Response(status=204)
        return _json([] if request.method == "GET" else {"Id": ID})

    async with played(tmp_path / "engine.sock", answer) as url:
        runtime = DockerRuntime(url, "image", subnets="10.213.0.0/16")
        await runtime.start(Spec(PROJECT, tmp_path, tmp_path / "state"))
        await runtime.close()
    assert [record.getMessage() for record in caplog.records if "does not keep" in record.getMessage()] == [
        "the engine does not keep PidsLimit of container abababababab: asked for 100, given None"
    ]


async def test_overlapping_networks_are_passed_over_until_one_is_free(tmp_path: Path) -> None:
    tried: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.endswith("/networks/create"):
            tried.append(json.loads(await request.text())["IPAM"]["Config"][0]["Subnet"])
            if len(tried) < 3:
                return _json({"message": "Pool overlaps with other one on this address space"}, 403)
            return _json({"Id": ID}, 201)
        if path.endswith("/networks"):
            return _json([{"Name": "bridge", "IPAM": {"Config": [{"Subnet": "10.213.0.0/28"}, {}]}}, {"Name": "none"}])
        if path.endswith("/containers/create"):
            return _json({"Id": ID}, 201)
        if path.endswith("/start"):
            return web.Response(status=204)
        known = {"/version": {"ApiVersion": "1.41"}, "/v1.41/info": {"NCPU": 2}, "/v1.41/containers/json": []}
        return _json(known.get(path, {"Id": ID, "HostConfig": {}}))

    async with played(tmp_path / "engine.sock", answer) as url:
        runtime = DockerRuntime(url, "image", subnets="10.213.0.0/16")
        await runtime.start(Spec(PROJECT, tmp_path, tmp_path / "state"))
        await runtime.close()
        assert tried == ["10.213.0.16/28", "10.213.0.32/28", "10.213.0.48/28"]
        full = DockerRuntime(url, "image", subnets="10.213.0.0/28")
        with pytest.raises(Unavailable, match="HUTCH_SUBNETS"):
            await full.start(Spec(PROJECT, tmp_path, tmp_path / "state"))
        await full.close()


def test_the_engine_is_the_one_named_first() -> None:
    assert engine_url("unix:///a", "tcp://b") == "unix:///a"
    assert engine_url("", "tcp://b") == "tcp://b"
    assert engine_url("", None) == DEFAULT_ENGINE


async def test_without_a_setting_the_usual_variable_leads_to_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with played(tmp_path / "engine.sock", Script(info={"NCPU": 4}, images={"Id": "i"})) as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        runtime = DockerRuntime("", "image", subnets="10.213.0.0/16")
        assert await runtime.check() is None
        await runtime.close()
