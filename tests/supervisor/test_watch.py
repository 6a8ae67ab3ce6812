import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.supervisor.watch import MOST_PATHS, MOST_WATCHES
from tests.supervisor.client import Client, SupervisorProcess

PROMISED = 0.5
"""Seconds within which a change is told."""
ATTEMPTS = 3
"""One of which must keep the promise: at any one moment the machine may be busy with something else."""


@pytest.fixture
def folder(supervisor: SupervisorProcess) -> Path:
    return supervisor.workspace


@pytest.fixture
def watching(client: Client) -> Client:
    """A link whose supervisor has looked at every folder."""
    settled(client)
    return client


def settled(client: Client) -> dict[str, Any]:
    """How the folders are watched, once all were looked at."""
    watch: dict[str, Any] = client.hello["watch"]
    if not (watch["live"] or watch["detail"]):
        watch = client.event("watch", lambda event: True)["watch"]
    return watch


def told(client: Client, *wanted: str) -> set[str]:
    """All paths told until each of `wanted` is among them."""
    paths: set[str] = set()

    def enough(event: dict[str, Any]) -> bool:
        assert len(event["paths"]) <= MOST_PATHS
        paths.update(event["paths"])
        return paths.issuperset(wanted)

    last = client.event("tree", enough)
    del client.events[: client.events.index(last) + 1]
    return paths


@pytest.mark.parametrize(
    "change",
    ["echo more >> file", "echo new > new", "chmod 600 file", "mv file new", "rm file", "mkdir new", "ln -s / new"],
)
def test_what_another_program_does_is_told_in_time(watching: Client, folder: Path, change: str) -> None:
    took: list[float] = []
    while not took or (took[-1] >= PROMISED and len(took) < ATTEMPTS):
        subprocess.run(["sh", "-c", "rm -rf new file; echo text > file"], cwd=folder, check=True)
        told(watching, "file")
        subprocess.run(["sh", "-c", change], cwd=folder, check=True)
        began = time.monotonic()
        told(watching, "new" if "new" in change else "file")
        took.append(time.monotonic() - began)
    assert took[-1] < PROMISED, took


def test_a_shell_s_changes_are_told(watching: Client) -> None:
    watching.shell(script="mkdir -p a/b; echo hi > a/b/c.txt").until_closed()
    assert told(watching, "a/b") <= {"a", "a/b", "a/b/c.txt"}


def test_folders_are_followed_wherever_they_are_moved(watching: Client, folder: Path) -> None:
    (folder / "a" / "deep").mkdir(parents=True)
    told(watching, "a/deep")
    (folder / "a").rename(folder / "b")
    told(watching, "a", "b/deep")
    (folder / "b" / "deep" / "x").touch()
    told(watching, "b/deep/x")
    (folder / "b").rename(folder / "c")
    (folder / "c").rename(folder / "a")
    told(watching, "a/deep")
    (folder / "a" / "deep" / "y").touch()
    told(watching, "a/deep/y")
    subprocess.run(["rm", "-r", str(folder / "a")], check=True)
    (folder / "a").mkdir()
    told(watching, "a")
    (folder / "a" / "z").touch()
    told(watching, "a/z")


def test_what_was_there_before_is_watched_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    supervisor = SupervisorProcess(tmp_path)
    (supervisor.workspace / "deep" / "er").mkdir(parents=True)
    (supervisor.workspace / "link").symlink_to(outside)
    (supervisor.workspace / "deep" / "around").symlink_to(supervisor.workspace)
    with supervisor, supervisor.link() as client:
        settled(client)
        (outside / "secret").touch()
        (supervisor.workspace / "deep" / "er" / "file").touch()
        assert told(client, "deep/er/file") == {"deep/er/file"}


def test_what_programs_fill_and_what_the_server_half_saved_is_left_out(watching: Client, folder: Path) -> None:
    for name in ("node_modules", "sub/node_modules", "sub/.git", ".git/refs"):
        (folder / name).mkdir(parents=True)
    told(watching, "sub", ".git", "node_modules")
    for name in ("node_modules/a", "sub/node_modules/b", "sub/.git/HEAD", ".git/config", ".git/refs/c"):
        (folder / name).touch()
    (folder / ".hutch-tmp-0123456789abcdef").touch()
    (folder / ".git" / "index.lock").touch()
    (folder / ".git" / "index.lock").rename(folder / ".git" / "index")
    (folder / ".git" / "HEAD").touch()
    (folder / ".git" / "FETCH_HEAD").touch()
    (folder / ".hutch-tmp-0123456789abcdef").rename(folder / "saved")
    assert told(watching, "saved") == {".git/index", ".git/HEAD", ".git/FETCH_HEAD", "saved"}


def test_names_of_any_bytes_are_told(watching: Client, folder: Path) -> None:
    names = [b"caf\xe9", b"-rf", b"new\nline", b"x" * 255, "\u202egnp".encode()]
    for name in names:
        (folder / os.fsdecode(name)).touch()
    told(watching, *map(os.fsdecode, names))


def test_many_changes_become_few_paths(supervisor: SupervisorProcess, watching: Client, folder: Path) -> None:
    (folder / "many").mkdir()
    told(watching, "many")
    for where, wanted in ((folder / "many", "many"), (folder, "")):
        supervisor.process.send_signal(signal.SIGSTOP)
        for number in range(MOST_PATHS * 3):
            (where / f"{number}").touch()
        supervisor.process.send_signal(signal.SIGCONT)
        told(watching, wanted)


def test_more_changes_than_the_kernel_keeps_are_told_as_any(
    supervisor: SupervisorProcess, watching: Client, folder: Path
) -> None:
    kept = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for name in ("one", "other"):
        (folder / name).touch()
    supervisor.process.send_signal(signal.SIGSTOP)
    for number in range(kept + 10):
        os.utime(folder / ("one" if number % 2 else "other"))
    (folder / "late").mkdir()
    supervisor.process.send_signal(signal.SIGCONT)
    told(watching, "")
    (folder / "late" / "file").touch()
    told(watching, "late/file")


def test_changes_without_end_are_told_a_few_times_a_second(watching: Client, folder: Path) -> None:
    shell = watching.shell(script="for i in $(seq 2000); do echo $i >> log; done; touch done; sleep 100")
    batches = 0

    def is_last(event: dict[str, Any]) -> bool:
        nonlocal batches
        batches += 1
        return "done" in event["paths"]

    began = time.monotonic()
    watching.event("tree", is_last)
    assert batches <= (time.monotonic() - began) / 0.1 + 1
    shell.close()


def test_our_limit_is_told_and_typing_goes_on_meanwhile(tmp_path: Path) -> None:
    supervisor = SupervisorProcess(tmp_path)
    for number in range(MOST_WATCHES + 10):
        (supervisor.workspace / f"{number}").mkdir()
    with supervisor, supervisor.link() as client:
        assert "ready" in client.shell(script="echo ready").until("ready")
        watch = settled(client)
        assert (watch["live"], watch["detail"]) == (False, f"the project has more than {MOST_WATCHES} folders")
        (supervisor.workspace / "seen").touch()
        told(client, "seen")


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[SupervisorProcess]:
    """A supervisor in a user namespace of its own, where the kernel's limit can be set: three watches."""
    script = 'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"'
    supervisor = SupervisorProcess(tmp_path, through=["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"])
    for number in range(5):
        (supervisor.workspace / f"{number}").mkdir()
    with supervisor:
        yield supervisor


def test_the_kernel_s_limit_is_told(limited: SupervisorProcess) -> None:
    with limited.link() as client:
        watch = settled(client)
        assert not watch["live"] and "fs.inotify.max_user_watches" in watch["detail"]
        (limited.workspace / "seen").touch()
        told(client, "seen")
