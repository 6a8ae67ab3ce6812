"""Terminals that several people look at: what they are called, and who is there."""

import time
from typing import Any

import pytest

from tests.supervisor.client import Client, SupervisorProcess


def listed(client: Client, name: str = "main") -> dict[str, Any]:
    return next(terminal for terminal in client.call("list")["terminals"] if terminal["name"] == name)


def test_a_title_is_told_to_every_link_and_kept(supervisor: SupervisorProcess, client: Client) -> None:
    client.shell()
    with supervisor.link() as other:
        assert client.call("rename", name="main", title="Build, größer")["title"] == "Build, größer"
        other.event("terminals", lambda event: event["terminals"][0]["title"] == "Build, größer")
    with supervisor.link() as later:
        assert later.hello["terminals"][0]["title"] == "Build, größer"
    assert client.call("rename", name="main", title=None)["title"] is None


def test_a_title_outlives_the_shell_but_not_the_terminal(client: Client) -> None:
    client.shell(script="exit").until_closed()
    client.call("rename", name="main", title="Build")
    client.shell(script="exit").until_closed()
    assert listed(client)["title"] == "Build"
    client.call("end", name="main")
    client.call("forget", name="main")
    client.shell()
    assert listed(client)["title"] is None


@pytest.mark.parametrize("title", ["", "\x1b[2J", "a\nb", "x" * 161, 7, []])
def test_a_title_that_is_none_is_refused(client: Client, title: object) -> None:
    client.shell()
    assert client.error("rename", name="main", title=title) == "invalid"
    assert listed(client)["title"] is None


def test_a_terminal_that_is_not_there_has_no_title(client: Client) -> None:
    assert client.error("rename", name="main", title="x") == "not-found"


def test_who_is_attached_is_listed(supervisor: SupervisorProcess, client: Client) -> None:
    client.shell()
    with supervisor.link() as other:
        other.attach("main", view_only=True)
        terminal = listed(client)
        assert terminal["viewers"] == 2
        assert [viewer["viewOnly"] for viewer in terminal["attached"]] == [False, True]
        assert all(abs(viewer["since"] - time.time()) < 30 for viewer in terminal["attached"])
    client.event("terminals", lambda event: event["terminals"][0]["viewers"] == 1)


def test_so_many_viewers_still_fit_the_report(client: Client) -> None:
    client.shell()
    for _ in range(600):
        client.attach("main")
    terminal = listed(client)
    assert terminal["viewers"] == 601
    assert len(terminal["attached"]) == 500


@pytest.mark.parametrize("what", ["input", "resize", "signal"])
def test_who_only_looks_changes_nothing(client: Client, what: str) -> None:
    shell = client.shell()
    shell.until("$ ")
    onlooker = client.attach("main", view_only=True)
    if what == "input":
        onlooker.send("echo intruder-$((1 + 1))\n")
    elif what == "resize":
        onlooker.tell(type="resize", cols=33, rows=44)
    else:
        onlooker.tell(type="signal", signal="KILL")
    assert "only looks" in onlooker.until_closed()["detail"]
    shell.send("stty size; echo mine-$((1 + 1))\n")
    text = shell.until("mine-2")
    assert "24 80" in text and "intruder" not in text


def test_who_only_looks_sees_all(client: Client) -> None:
    shell = client.shell()
    onlooker = client.attach("main", 0, view_only=True)
    shell.send("seq 100000 | tail -1; exit\n")
    assert shell.until_closed() == onlooker.until_closed()
    assert onlooker.output == shell.output


def test_changes_in_quick_succession_are_told_together(client: Client) -> None:
    client.shell()
    client.event("terminals", lambda event: event["terminals"][0]["viewers"] == 1)
    client.events.clear()
    begun = time.monotonic()
    for number in range(300):
        client.call("rename", name="main", title=f"title {number}")
    took = time.monotonic() - begun
    reports = [event for event in client.events if event["event"] == "terminals"]
    assert len(reports) <= 1 + took / 0.1
    client.event("terminals", lambda event: event["terminals"][0]["title"] == "title 299")
