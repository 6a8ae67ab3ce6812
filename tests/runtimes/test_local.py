"""What only the local runtime has to promise."""

import json
import os
import signal
from pathlib import Path

from server.models import ProjectId
from server.runtimes.base import CA_VARIABLES, Spec
from server.runtimes.local import LocalRuntime
from tests.runtimes.contract import (
    local_world,
    marked,
    read_until,
)


async def test_the_servers_own_variables_are_not_passed_on(tmp_path: Path) -> None:
    environment = dict(os.environ) | {"HUTCH_TOKEN": "canary-of-the-token", "AWS_SECRET_ACCESS_KEY": "canary"}
    world = local_world(tmp_path, environment)
    runtime, spec = world.runtime(), world.spec()
    try:
        link = await world.started(runtime, spec)
        text = await world.output_of(runtime, spec, link, "env")
        assert "canary" not in text
        assert f"HUTCH_PROJECT={spec.project}" in text and "PATH=" in text
        assert json.dumps(runtime.layout(spec).env).count("canary") == 0
        assert marked(spec.project) and not marked(spec.project, b"canary")
    finally:
        await world.clear()


async def test_what_a_killed_supervisor_left_is_ended(tmp_path: Path) -> None:
    world = local_world(tmp_path, os.environ)
    runtime, spec = world.runtime(), world.spec()
    try:
        link = await world.started(runtime, spec)
        stream = await link.attach(
            await world.spawn(runtime, spec, link, "sh", "-c", "trap '' HUP; echo ready; sleep 1000"), None
        )
        await read_until(stream, b"ready")
        os.kill(link.hello["pid"], signal.SIGKILL)
        await link.wait_closed()
        again = await world.started(runtime, spec)
        assert again.boot != link.boot
        assert "sleep" not in "".join(_commands(spec.project))
        await runtime.stop(spec.project)
        assert not marked(spec.project)
    finally:
        await world.clear()


def _commands(project: ProjectId) -> list[str]:
    return [Path(f"/proc/{pid}/cmdline").read_text() for pid in marked(project)]


def test_a_bundle_of_certificates_is_named_to_every_program(tmp_path: Path) -> None:
    runtime = LocalRuntime(tmp_path, {"SSL_CERT_FILE": "/other"}, ca_bundle=tmp_path / "ca.pem")
    env = runtime.layout(Spec(ProjectId("abcdef1"), tmp_path, tmp_path)).env
    assert {env[name] for name in CA_VARIABLES} == {str(tmp_path / "ca.pem")}


async def test_signals_that_the_server_ignores_are_not_ignored_in_projects(tmp_path: Path) -> None:
    world = local_world(tmp_path, os.environ)
    runtime, spec = world.runtime(), world.spec()
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    try:
        link = await world.started(runtime, spec)
        ignored = await world.output_of(runtime, spec, link, "grep", "SigIgn", f"/proc/{link.hello['pid']}/status")
        assert not int(ignored.split()[1], 16) >> (signal.SIGQUIT - 1) & 1
    finally:
        signal.signal(signal.SIGQUIT, before)
        await world.clear()
