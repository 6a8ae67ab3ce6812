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


LIMITS = {"CgroupVersion": "2", "MemoryLimit": True, "CpuCfsQuota": True, "PidsLimit": True}


def engine(version: str = "29.5.1", options: str = "name=seccomp,profile=default") -> dict[str, Any]:
    components = [{"Name": "Engine", "Version": version}, {"Name": "runc", "Version": "1.3.6"}]
    info = {"SecurityOptions": [options], "DockerRootDir": "/"} | LIMITS
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


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("v1.7.31", Level.NOTE),
        ("v1.7.32", Level.OK),
        ("2.0.9", Level.OK),
        ("2.1.7", Level.NOTE),
        ("2.2.4", Level.OK),
        ("2.3.0", Level.NOTE),
        ("2.4.0", Level.OK),
    ],
)
def test_each_line_of_releases_has_its_own_floor(version: str, level: Level) -> None:
    answers = engine()
    answers["version"]["Components"] = [{"Name": "containerd", "Version": version}]
    assert by_subject(list(doctor.engine_findings(answers, load({}))))["containerd"].level is level


def test_limits_that_the_engine_can_not_keep_are_told() -> None:
    assert doctor.cgroups(LIMITS) == Finding(Level.OK, "cgroups", "v2")
    found = doctor.cgroups(LIMITS | {"PidsLimit": False, "CpuCfsQuota": False})
    assert (found.level, found.found) == (Level.NOTE, "v2, no limits on processors, processes")


def test_few_watches_are_told_with_the_command(tmp_path: Path) -> None:
    limit = tmp_path / "max_user_watches"
    assert doctor.inotify(limit, 65536).level is Level.NOTE
    limit.write_text("8192\n")
    assert "sysctl fs.inotify.max_user_watches=" in doctor.inotify(limit, 65536).mend
    limit.write_text("524288\n")
    assert doctor.inotify(limit, 65536).level is Level.OK


def test_a_bundle_without_certificates_is_told(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("nothing")
    assert doctor.certificates(bundle).level is Level.MISSING
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    assert doctor.certificates(bundle).level is Level.OK
    assert doctor.certificates(None).level is Level.OK


def test_an_engine_that_may_not_be_asked_is_not_installed_again() -> None:
    answers = {"error": "Permission denied", "denied": True}
    assert "usermod" in by_subject(list(doctor.engine_findings(answers, load({}))))["Docker engine"].mend


def test_the_local_runtime_needs_no_image() -> None:
    answers = engine() | {"has_image": False}
    for runtime, level in (("local", Level.NOTE), ("auto", Level.MISSING)):
        settings = load({"HUTCH_RUNTIME": runtime})
        assert by_subject(list(doctor.engine_findings(answers, settings)))["image"].level is level


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
