"""Versions that saves leave: whole, in order, bounded, and never a reason for a save to fail."""

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest

from server.errors import NotFound
from server.models import ProjectId
from server.storage import history
from server.storage.history import History

PROJECT = ProjectId("project1")
PATH = b"src/\xff file\n.txt"


@pytest.fixture
def kept(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def contents(kept: History, path: bytes = PATH) -> list[bytes]:
    return [kept.read(PROJECT, path, version.id) for version in kept.versions(PROJECT, path)]


def test_each_save_is_kept_once_and_what_others_wrote_in_between_too(kept: History) -> None:
    kept.keep(PROJECT, PATH, None, b"one")
    kept.keep(PROJECT, PATH, b"one", b"two")
    kept.keep(PROJECT, PATH, b"by a program", b"three")
    kept.keep(PROJECT, PATH, b"three", b"three")
    assert contents(kept) == [b"three", b"by a program", b"two", b"one"]
    assert [version.size for version in kept.versions(PROJECT, PATH)] == [5, 12, 3, 3]
    assert kept.versions(PROJECT, b"other") == []


def test_what_is_no_version_is_not_found(kept: History, tmp_path: Path) -> None:
    kept.keep(PROJECT, PATH, None, b"one")
    (tmp_path / "secret").write_text("secret")
    for id in ("../../../secret", "", "0000000000000-0000", "*"):
        with pytest.raises(NotFound):
            kept.read(PROJECT, PATH, id)


def test_the_number_of_versions_is_bounded(kept: History) -> None:
    for number in range(history.MOST_VERSIONS + 10):
        kept.keep(PROJECT, PATH, None, b"%d" % number)
    found = contents(kept)
    assert len(found) == history.MOST_VERSIONS and found[0] == b"%d" % (history.MOST_VERSIONS + 9)


def test_many_saves_in_a_short_time_push_out_nothing_of_the_day_before(
    kept: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    # Twenty of yesterday, one every ten minutes; then somebody types for half an hour with a save at each second.
    ages = [86400 - 600 * number for number in range(20)] + list(range(1800, -1, -1))
    for age in ages:
        monkeypatch.setattr("server.storage.history.time.time", lambda age=age: now - age)
        kept.keep(PROJECT, PATH, None, b"%d" % age)
    found = [int(content) for content in contents(kept)]
    yesterday, today = [age for age in found if age > 1800], [age for age in found if age <= 1800]
    assert len(found) == history.MOST_VERSIONS and len(yesterday) >= 10 and len(today) >= 20
    assert found[-1] == 86400 and found[0] == 0 and found[1] < 15
    # The older, the further apart, but never by much more than before.
    gaps = [older - newer for newer, older in pairwise(today)]
    assert max(gaps) < 200 and sum(gaps[:10]) < sum(gaps[-10:]) / 5


def test_what_is_too_old_goes_but_for_the_newest(kept: History, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.keep(PROJECT, PATH, None, b"old")
    kept.keep(PROJECT, PATH, None, b"newest")
    later = time.time() + history.MOST_AGE + 60
    monkeypatch.setattr("server.storage.history.time.time", lambda: later)
    kept.sweep()
    assert contents(kept) == [b"newest"]


@pytest.mark.parametrize("restarted", [False, True])
def test_the_size_of_a_projects_history_is_bounded(
    kept: History, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, restarted: bool
) -> None:
    monkeypatch.setattr(history, "MOST_OF_PROJECT", 100_000)
    for number in range(30):
        kept.keep(PROJECT, b"%d" % number, None, os.urandom(10_000))
        kept = History(tmp_path / "history") if restarted else kept
    size = sum(file.stat().st_size for file in (tmp_path / "history").rglob("*") if file.is_file())
    assert size <= 100_000
    assert kept.versions(PROJECT, b"0") == [] and len(kept.versions(PROJECT, b"29")) == 1


def test_a_full_disk_fails_no_save(kept: History, tmp_path: Path) -> None:
    (tmp_path / "history").write_text("a file where a folder is needed")
    kept.keep(PROJECT, PATH, None, b"one")
    assert kept.versions(PROJECT, PATH) == []


def test_a_version_that_is_damaged_is_none(kept: History, tmp_path: Path) -> None:
    kept.keep(PROJECT, PATH, None, b"one")
    (version,) = kept.versions(PROJECT, PATH)
    next(file for file in (tmp_path / "history").rglob(f"{version.id}*")).write_bytes(b"damaged")
    with pytest.raises(NotFound):
        kept.read(PROJECT, PATH, version.id)
