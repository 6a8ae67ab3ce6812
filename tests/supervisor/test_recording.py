"""Recordings of terminals, made by the real supervisor."""

import json
import os
import resource
import time
from pathlib import Path
from typing import Any

import pytest

from server.supervisor.recording import LIMIT, MOST
from tests.supervisor.client import Client, Stream, SupervisorProcess

ENV = {"TERM": "xterm-256color", "SHELL": "/bin/bash"}


def record(client: Client, name: str = "main") -> str:
    """Begin to record; the recording's id."""
    recording = client.call("record", name=name, title=f"{name} of mine", env=ENV)["recording"]
    assert abs(recording["startedAt"] - time.time()) < 60
    return str(recording["id"])


def cast(supervisor: SupervisorProcess, id: str) -> tuple[dict[str, Any], list[list[Any]]]:
    """Header and events."""
    lines = [json.loads(line) for line in (supervisor.state / "recordings" / f"{id}.cast").read_bytes().splitlines()]
    return lines[0], lines[1:]


def shown(events: list[list[Any]]) -> str:
    return "".join(event[2] for event in events if event[1] == "o")


def recorded(client: Client, name: str = "main") -> bool:
    return any(terminal["recording"] for terminal in client.call("list")["terminals"] if terminal["name"] == name)


def test_a_recording_is_asciicast_of_exactly_what_was_shown(supervisor: SupervisorProcess, client: Client) -> None:
    os.mkfifo(supervisor.workspace / "go")
    shell = client.shell(script="echo before; cat go; seq 20000; printf '\\033[31mrot\\033[0m äöü€😀'")
    shell.until("before\r\n")
    start = len(shell.output)
    id = record(client)
    (supervisor.workspace / "go").write_text("")
    shell.until_closed()
    header, events = cast(supervisor, id)
    assert header["version"] == 2
    assert (header["width"], header["height"], header["title"]) == (80, 24, "main of mine")
    assert header["env"] == ENV
    assert abs(header["timestamp"] - time.time()) < 60
    assert shown(events).encode() == shell.output[start:]
    times = [event[0] for event in events]
    assert times == sorted(times) and 0 <= times[0] and times[-1] < 60
    assert events[-1][1:] == ["m", "the terminal has ended"]


def test_a_character_that_comes_in_two_reads_is_whole_and_a_broken_one_is_marked(
    supervisor: SupervisorProcess, client: Client
) -> None:
    euro = "€".encode()
    fifo = supervisor.workspace / "go"
    os.mkfifo(fifo)
    shell = client.shell(script="stty raw; echo ready; cat go")
    shell.until("ready")
    id = record(client)
    with fifo.open("wb", buffering=0) as writer:
        for piece, so_far in ((euro[:1], euro[:1]), (euro[1:2], euro[:2]), (euro[2:] + b"x\xff\xf0\x9f", euro + b"x")):
            writer.write(piece)
            shell.until(so_far)
    shell.until_closed()
    assert shown(cast(supervisor, id)[1]).lstrip("\n") == "€x\ufffd\ufffd"


def test_a_resize_is_recorded_and_input_is_not(supervisor: SupervisorProcess, client: Client) -> None:
    shell = client.shell()
    shell.until("$ ")
    id = record(client)
    shell.send("read -s secret; echo got $((6 * 7))\n")
    shell.until("got $((6")
    shell.send("never shown\n")
    shell.until("got 42")
    shell.tell(type="resize", cols=132, rows=43)
    # It is being drawn anew, as large as that takes, for a moment.
    shell.send("until stty size | grep '43 [1]32'; do :; done\n")
    shell.until("43 132")
    client.call("stop-recording", name="main")
    header, events = cast(supervisor, id)
    assert [event[2] for event in events if event[1] == "r"] == ["132x43"]
    assert "got 42" in shown(events) and "never shown" not in shown(events)
    assert {event[1] for event in events} == {"o", "r", "m"}


def test_everyone_is_told_of_a_recording_and_of_its_end(supervisor: SupervisorProcess, client: Client) -> None:
    shell = client.shell()
    shell.until("$ ")
    with supervisor.link() as other:
        id = record(client)
        event = other.event("terminals", lambda event: event["terminals"][0]["recording"])
        assert event["terminals"][0]["recording"]["id"] == id
        assert client.error("record", name="main", title="twice", env={}) == "exists"
        client.call("stop-recording", name="main")
        other.event("terminals", lambda event: not event["terminals"][0]["recording"])
    assert client.error("stop-recording", name="main") == "not-found"
    shell.send("echo $((6 * 7))-after\n")
    shell.until("42-after")
    _, events = cast(supervisor, id)
    assert "42-after" not in shown(events)
    assert events[-1][1:] == ["m", "it was stopped"]


def test_a_recording_begins_with_the_prompt_that_was_there(supervisor: SupervisorProcess, client: Client) -> None:
    shell = client.shell()
    shell.until("$ ")
    seen = len(shell.output)
    id = record(client)
    while b"$ " not in shell.output[seen:]:
        shell.step()
    client.call("stop-recording", name="main")
    assert "$ " in shown(cast(supervisor, id)[1])


def test_a_recording_ends_at_its_limit_and_the_terminal_goes_on(supervisor: SupervisorProcess, client: Client) -> None:
    shell = client.shell()
    id = record(client)
    shell.send("head -c 12000000 /dev/zero | tr '\\0' x; echo $((6 * 7))-after\n")
    while b"42-after" not in shell.output[-200:]:
        shell.step()
    failed = client.event("recording-failed", lambda event: event["terminal"] == "main")
    assert "limit of 10 MiB" in failed["detail"]
    assert not recorded(client)
    _, events = cast(supervisor, id)
    assert "limit" in events[-1][2]
    size = (supervisor.state / "recordings" / f"{id}.cast").stat().st_size
    assert LIMIT - 1024 * 1024 < size <= LIMIT
    assert record(client) != id, "another one can be begun"


def limit_files(supervisor: SupervisorProcess, most: int) -> None:
    """From now on the kernel refuses the supervisor files of more than `most` bytes, as a full disk does."""
    resource.prlimit(supervisor.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def test_a_full_disk_ends_the_recording_with_the_reason_and_not_the_terminal(
    supervisor: SupervisorProcess, client: Client
) -> None:
    shell = client.shell()
    shell.until("$ ")
    id = record(client)
    limit_files(supervisor, 100_000)
    shell.send("seq 50000; echo $((6 * 7))-after\n")
    shell.until("42-after")
    failed = client.event("recording-failed", lambda event: event["terminal"] == "main")
    assert "can't be written" in failed["detail"]
    _, events = cast(supervisor, id)
    assert "can't be written" in events[-1][2], "what was taken back made room for the reason"
    assert shown(events) in shell.output.decode(), "and left whole lines only"
    limit_files(supervisor, 0)
    assert client.error("record", name="main", title="main", env={}) == "failed"
    limit_files(supervisor, resource.RLIM_INFINITY)
    record(client)


def test_the_reason_takes_the_place_of_the_last_lines_where_there_is_no_more(
    supervisor: SupervisorProcess, client: Client
) -> None:
    shell = client.shell()
    shell.until("$ ")
    id = record(client)
    for word in ("first", "second", "third"):
        shell.send(f"printf '%s-%s\\n' {word} shown\n")
        shell.until(f"{word}-shown\r\n")
    file = supervisor.state / "recordings" / f"{id}.cast"
    limit_files(supervisor, file.stat().st_size)
    shell.send("echo a line more\n")
    client.event("recording-failed", lambda event: event["terminal"] == "main")
    _, events = cast(supervisor, id)
    assert "can't be written" in events[-1][2]
    assert "first-shown" in shown(events)


def test_the_oldest_that_has_ended_makes_room(supervisor: SupervisorProcess, client: Client) -> None:
    shells = [client.shell(str(number)) for number in range(2)]
    first = record(client, "0")
    ids = []
    for _ in range(MOST + 2):
        ids.append(record(client, "1"))
        client.call("stop-recording", name="1")
    kept = sorted(path.stem for path in (supervisor.state / "recordings").iterdir())
    assert kept == [first, *ids[-MOST + 1 :]], "the one that is being made is not touched"
    assert len(shells) == 2


def test_only_so_many_are_made_at_a_time(client: Client) -> None:
    for number in range(MOST):
        client.shell(str(number), script="sleep 1000")
        record(client, str(number))
    client.shell("one more", script="sleep 1000")
    assert client.error("record", name="one more", title="x", env={}) == "limit"


def test_a_killed_supervisor_leaves_what_was_shown_and_the_next_one_records_again(tmp_path: Path) -> None:
    with SupervisorProcess(tmp_path) as process, process.link() as client:
        shell = client.shell()
        id = record(client)
        shell.send("echo $((6 * 7))-kept\n")
        shell.until("42-kept")
        process.process.kill()
        process.process.wait()
    assert "42-kept" in shown(cast(process, id)[1])
    with SupervisorProcess(tmp_path) as process, process.link() as client:
        client.shell()
        assert record(client) > id
        assert "42-kept" in shown(cast(process, id)[1])


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"name": "nobody", "title": "x"}, "not-found"),
        ({"name": "main"}, "invalid"),
        ({"name": "main", "title": "a\nb"}, "invalid"),
        ({"name": "main", "title": "x", "env": {"A": 1}}, "invalid"),
    ],
)
def test_what_can_not_be_recorded_is_refused(client: Client, params: dict[str, Any], code: str) -> None:
    client.shell()
    assert client.error("record", **params) == code


def test_a_terminal_that_has_ended_is_not_recorded(client: Client) -> None:
    ended: Stream = client.shell(script="true")
    ended.until_closed()
    assert client.error("record", name="main", title="x", env={}) == "not-found"
