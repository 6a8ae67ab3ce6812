from pathlib import Path
from typing import Any

import pytest

from server import doctor
from server.config import load
from server.doctor import Finding, Level


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


@pytest.mark.engine
async def test_a_machine_with_an_engine_is_examined(tmp_path: Path) -> None:
    settings = load({"HUTCH_DATA": str(tmp_path), "HUTCH_WORKSPACES": str(tmp_path)})
    found = by_subject(await doctor.examine(settings))
    assert {"Python", "kernel", "cgroups", "Engine", "runc", "image", "previews", "disk of engine"} <= found.keys()
    assert found["image"].level is Level.OK
    assert "GiB free" in found["disk of data"].found


@pytest.mark.engine
async def test_a_missing_image_is_missing_and_says_what_makes_it(tmp_path: Path) -> None:
    settings = load({"HUTCH_IMAGE": "hutch/project:nosuchtag"})
    found = by_subject(await doctor.examine(settings))["image"]
    assert (found.level, found.mend) == (Level.MISSING, "make image")


@pytest.mark.parametrize(("runtime", "level"), [("docker", Level.MISSING), ("auto", Level.NOTE)])
async def test_without_an_engine_it_says_how_to_get_one(tmp_path: Path, runtime: str, level: Level) -> None:
    settings = load({"HUTCH_ENGINE": f"unix://{tmp_path}/nobody.sock", "HUTCH_RUNTIME": runtime})
    found = by_subject(await doctor.examine(settings))["Docker engine"]
    assert (found.level, found.mend) == (level, "make engine")


def engine(version: str = "29.5.1", options: str = "name=seccomp,profile=default") -> dict[str, Any]:
    components = [{"Name": "Engine", "Version": version}, {"Name": "runc", "Version": "1.3.6"}]
    info = {"SecurityOptions": [options], "DockerRootDir": "/"}
    return {"version": {"Components": components}, "info": info, "has_image": True, "image": "i"}


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("29.5.1", Level.OK),
        ("29.10.0", Level.OK),
        ("30.0.0-rc.1", Level.OK),
        ("29.5.0", Level.NOTE),
        ("20.10.24+dfsg1", Level.NOTE),
        ("unknown", Level.NOTE),
    ],
)
def test_versions_are_compared_as_numbers(version: str, level: Level) -> None:
    found = by_subject(list(doctor.engine_findings(engine(version), load({}))))
    assert found["Engine"].level is level


def test_an_engine_without_seccomp_is_told() -> None:
    assert "seccomp" in by_subject(list(doctor.engine_findings(engine(options="name=apparmor"), load({}))))
    assert "seccomp" not in by_subject(list(doctor.engine_findings(engine(), load({}))))


def test_both_versions_of_cgroups_are_known(tmp_path: Path) -> None:
    assert doctor.cgroups(tmp_path).level is Level.NOTE
    for name in ("memory", "cpu", "pids"):
        (tmp_path / name).mkdir()
    assert doctor.cgroups(tmp_path) == Finding(Level.OK, "cgroups", "v1")
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    assert doctor.cgroups(tmp_path) == Finding(Level.OK, "cgroups", "v2")
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu\n")
    assert "memory, pids" in doctor.cgroups(tmp_path).found


def test_few_watches_are_told_with_the_command(tmp_path: Path) -> None:
    limit = tmp_path / "max_user_watches"
    assert doctor.watches(limit).level is Level.NOTE
    limit.write_text("8192\n")
    assert "sysctl" in doctor.watches(limit).mend
    limit.write_text("524288\n")
    assert doctor.watches(limit).level is Level.OK


async def test_preview_names_that_lead_nowhere_are_missing() -> None:
    assert (await doctor.preview_names("preview.localhost")).level is Level.OK
    assert (await doctor.preview_names("preview.invalid")).level is Level.MISSING


def test_the_exit_status_tells_whether_something_needed_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load({"HUTCH_ENGINE": f"unix://{tmp_path}/nobody.sock", "HUTCH_RUNTIME": "docker"})
    assert doctor.main(settings) == 1
    assert "→ make engine" in capsys.readouterr().out
    assert doctor.main(load({"HUTCH_ENGINE": f"unix://{tmp_path}/nobody.sock"})) == 0
