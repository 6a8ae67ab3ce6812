"""Terminals that several people look at: what they are called, and who is there."""

import time
from typing import Any

import pytest

from server.supervisor.protocol import VIEWER_WINDOW
from tests.supervisor.client import Client, SupervisorProcess


def listed(client: Client, name: str = "main") -> dict[str, Any]:
    return next(terminal for terminal in client.call("list")["terminals"] if terminal["name"] == name)


def test_a_title_is_told_to_every_link_and_kept(supervisor: SupervisorProcess, client: Client) -> None:
    client.shell()
    with supervisor.link() as other:
        assert client.call("change", name="main", title="Build, größer")["title"] == "Build, größer"
        other.event("terminals", lambda event: event["terminals"][0]["title"] == "Build, größer")
    with supervisor.link() as later:
        assert later.hello["terminals"][0]["title"] == "Build, größer"
    assert client.call("change", name="main", title=None)["title"] is None


def test_a_title_outlives_the_shell_but_not_the_terminal(client: Client) -> None:
    client.shell(script="exit").until_closed()
    client.call("change", name="main", title="Build")
    client.shell(script="exit").until_closed()
    assert listed(client)["title"] == "Build"
    client.call("end", name="main", forget=True)
    client.shell()
    assert listed(client)["title"] is None


@pytest.mark.parametrize("title", ["", "\x1b[2J", "a\nb", "x" * 161, 7, []])
def test_a_title_that_is_none_is_refused(client: Client, title: object) -> None:
    client.shell()
    assert client.error("change", name="main", title=title) == "invalid"
    assert listed(client)["title"] is None


def test_a_terminal_that_is_not_there_has_no_title(client: Client) -> None:
    assert client.error("change", name="main", title="x") == "not-found"


def test_who_is_attached_is_listed(supervisor: SupervisorProcess, client: Client) -> None:
    client.shell()
    with supervisor.link() as other:
        other.attach("main", view_only=True)
        terminal = listed(client)
        assert terminal["viewers"] == 2
        assert [viewer["viewOnly"] for viewer in terminal["attached"]] == [False, True]
        assert all(abs(viewer["since"] - time.time()) < 30 for viewer in terminal["attached"])
    client.event("terminals", lambda event: event["terminals"][0]["viewers"] == 1)


def test_a_viewer_that_sees_the_end_late_is_no_longer_listed_then(client: Client) -> None:
    late = client.shell(script=f"head -c {VIEWER_WINDOW + 1} /dev/zero")
    late.acks = False
    client.event("terminals", lambda event: event["terminals"][0]["ended"])
    while late.offset < VIEWER_WINDOW:
        late.step()
    assert listed(client)["viewers"] == 1
    client.events.clear()
    late.acks = True
    late.ack(late.offset)
    assert late.until_closed()["type"] == "exit"
    client.event("terminals", lambda event: event["terminals"][0]["viewers"] == 0)


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
        client.call("change", name="main", title=f"title {number}")
    took = time.monotonic() - begun
    reports = [event for event in client.events if event["event"] == "terminals"]
    assert len(reports) <= 1 + took / 0.1
    client.event("terminals", lambda event: event["terminals"][0]["title"] == "title 299")


def has_size(client: Client, cols: int, rows: int) -> None:
    client.event(
        "terminals", lambda event: (event["terminals"][0]["cols"], event["terminals"][0]["rows"]) == (cols, rows)
    )


def sized(client: Client, cols: int, rows: int) -> Any:
    viewer = client.attach("main", 2**40)
    viewer.tell(type="resize", cols=cols, rows=rows)
    return viewer


def told(viewer: Any, cols: int, rows: int) -> list[tuple[int, int]]:
    """The sizes that a viewer was told, once the last of them is this one."""
    while not viewer.messages or viewer.messages[-1] != {"type": "size", "cols": cols, "rows": rows}:
        viewer.step()
    return [(message["cols"], message["rows"]) for message in viewer.messages]


def test_a_terminal_has_the_size_of_the_smallest_and_gets_it_back(client: Client) -> None:
    shell = client.shell()
    shell.until("$ ")
    shell.tell(type="resize", cols=100, rows=20)
    has_size(client, 100, 20)
    narrow, low = sized(client, 60, 50), sized(client, 90, 10)
    has_size(client, 60, 10)
    shell.send("stty size\n")
    shell.until("10 60")
    told(shell, 60, 10)
    narrow.close()
    has_size(client, 90, 10)
    low.close()
    has_size(client, 100, 20)
    shell.send("stty size\n")
    shell.until("20 100")
    told(shell, 100, 20)


def test_a_terminal_has_the_size_of_whom_typed_last(client: Client) -> None:
    shell = client.shell()
    shell.until("$ ")
    shell.tell(type="resize", cols=100, rows=40)
    other = sized(client, 60, 20)
    has_size(client, 60, 20)
    assert client.call("change", name="main", sizing="latest")["sizing"] == "latest"
    shell.send("stty size\n")
    shell.until("40 100")
    told(other, 100, 40)
    other.send("stty size\n")
    other.until("20 60")
    told(other, 60, 20)
    other.close()
    has_size(client, 100, 40)
    client.call("change", name="main", sizing="smallest")
    assert client.error("change", name="main", sizing="largest", title="not taken") == "invalid"
    assert listed(client)["sizing"] == "smallest" and listed(client)["title"] is None


def test_sizes_in_quick_succession_are_told_together(client: Client) -> None:
    shell = client.shell()
    shell.tell(type="resize", cols=1000, rows=24)
    other = client.attach("main", 2**40)
    begun = time.monotonic()
    for cols in range(100, 900):
        other.tell(type="resize", cols=cols, rows=24)
    has_size(client, 899, 24)
    shell.send("stty size\n")
    shell.until("24 899")
    took = time.monotonic() - begun
    assert len(shell.messages) <= 2 + took / 0.05
    other.close()
    has_size(client, 1000, 24)
    told(shell, 1000, 24)


def test_a_lone_viewer_is_told_no_size_it_knows(client: Client) -> None:
    shell = client.shell()
    for cols in range(50, 60):
        shell.tell(type="resize", cols=cols, rows=20)
    has_size(client, 59, 20)
    shell.send("exit\n")
    shell.until_closed()
    assert [message["type"] for message in shell.messages] == ["exit"]


def test_who_only_looks_learns_the_size_and_has_no_say(client: Client) -> None:
    shell = client.shell()
    onlooker = client.attach("main", view_only=True)
    shell.tell(type="resize", cols=70, rows=20)
    shell.send("stty size\n")
    onlooker.until("20 70")
    assert told(onlooker, 70, 20) == [(80, 24), (70, 20)]


def test_when_all_leave_at_once_the_size_stays(supervisor: SupervisorProcess, client: Client) -> None:
    client.call(
        "spawn",
        name="main",
        argv=["sh", "-c", "trap 'echo changed' WINCH; while :; do sleep 0.05; done"],
        cols=80,
        rows=24,
    )
    with supervisor.link() as other:
        sized(other, 60, 20)
        sized(other, 100, 40)
        has_size(client, 60, 20)
    client.event("terminals", lambda event: event["terminals"][0]["viewers"] == 0)
    has_size(client, 60, 20)
    offset = listed(client)["offset"]
    again = sized(client, 60, 20)
    again.tell(type="signal", signal="TERM")
    again.until_closed()
    assert offset == again.offset, "the program saw no change of size after they had left"


@pytest.mark.parametrize("view_only", [False, True])
def test_a_program_is_asked_to_draw_anew(client: Client, view_only: bool) -> None:
    shell = client.shell(script="trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done")
    shell.until("ready")
    onlooker = client.attach("main", 2**40, view_only=view_only)
    onlooker.tell(type="redraw")
    # 79 columns in between, which a slow machine may not see.
    shell.until("24 80")
    assert listed(client)["cols"] == 80


def test_of_several_answers_to_one_question_the_first_counts(client: Client) -> None:
    shell = client.shell()
    shell.send("stty raw -echo; echo ready-$((1 + 1)); cat -v\n")
    shell.until("ready-2")
    other, onlooker = client.attach("main", 2**40), client.attach("main", 2**40, view_only=True)
    for answer in ("1", "2"):
        shell.tell(type="reply", data=f"\x1b[{answer}R")
        other.tell(type="reply", data="\x1b[9R")
    shell.until("^[[1R^[[2R")
    shell.close()
    other.tell(type="reply", data="\x1b[3R")
    assert "9R" not in other.until("^[[3R")
    onlooker.tell(type="reply", data="\x1b[9R")
    assert "only looks" in onlooker.until_closed()["detail"]


@pytest.mark.parametrize("data", [None, "", 7, "x" * 4097])
def test_an_answer_that_is_none_ends_its_viewer_alone(client: Client, data: object) -> None:
    shell = client.shell()
    other = client.attach("main", 2**40)
    other.tell(type="reply", data=data)
    assert "data must be" in other.until_closed()["detail"]
    shell.send("echo fine-$((1 + 1))\n")
    shell.until("fine-2")
