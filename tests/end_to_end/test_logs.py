"""The app's log over the API, on both runtimes: followed, read where nothing runs, and by one who is slow."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.end_to_end.test_main_job import state
from tests.support.server import Server, start_project, wait_for
from tests.support.terminal import Terminal

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)")


async def test_the_log_of_a_stopped_project_is_read_with_its_times(server: Server, client: httpx.Client) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    gate = "until [ -e gate ]; do sleep 0.05; done"
    command = f"printf '\\033[31mone\\033[0m\\n'; {gate}; sleep 0.3; echo two; sleep 0.3; printf 'a €'"
    project = start_project(server, command)
    log = f"/api/projects/{project}/logs"
    async with Terminal(server, project, "logs") as viewer:
        # However late the first line is read: the second is written 0.3 s after that.
        await viewer.read_until("one\x1b[0m\r\n")
        (server.folder / "workspaces" / project / "gate").touch()
        await viewer.read_until("exit code 0\x1b[0m\r\n")
        live, end = viewer.output, viewer.offset
    client.post(f"/api/projects/{project}/stop", params={"container": "true"}).raise_for_status()

    download = client.get(f"{log}/download").raise_for_status()
    assert download.content == live, "the whole, with its colours"
    assert download.headers["content-type"] == "text/plain; charset=utf-8"
    assert download.headers["content-disposition"].startswith("attachment")
    timed = client.get(f"{log}/download?timestamps=1").raise_for_status().text
    lines = [LINE.fullmatch(line.rstrip("\r")) for line in timed.rstrip("\n").split("\n")]
    assert all(lines), timed
    times = [datetime.fromisoformat(line[1]) for line in lines if line]
    assert times == sorted(times) and began < times[0] and times[-1] < datetime.now(UTC)
    at = {line[2]: datetime.fromisoformat(line[1]) for line in lines if line}
    assert at["two"] - at["\x1b[31mone\x1b[0m"] > timedelta(seconds=0.25)
    assert "".join(line[2] + "\r\n" for line in lines if line).encode() == live
    told = client.get(f"{log}/times").raise_for_status().json()
    assert told["times"][0]["offset"] == 0 and not told["more"]
    two = live.index(b"two\r\n")
    (exact,) = [entry for entry in client.get(f"{log}/times?offset={two}").json()["times"] if entry["offset"] == two]
    assert datetime.fromisoformat(exact["time"]) == at["two"]
    assert client.get(f"{log}/download?timestamps=maybe").status_code == 400
    assert client.get(f"{log}/times?offset=x").status_code == 400

    async with Terminal(server, project, f"logs?offset={two}") as viewer:
        assert (await viewer.read_until("exit code 0\x1b[0m\r\n")).encode() == live[two:]
        client.post(f"/api/projects/{project}/run").raise_for_status()
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(20):
                while True:
                    await viewer.read_frame()
        assert closed.value.rcvd and closed.value.rcvd.code == 1012, "come back: it may run now"
        assert viewer.offset == end
    wait_for("the second run", lambda: state(client, project) == "exited")
    async with Terminal(server, project, f"logs?offset={end}") as viewer:
        assert viewer.messages[0]["offset"] == end
        await viewer.read_until("exit code 0\x1b[0m\r\n")


async def test_what_is_kept_is_sent_no_faster_than_it_is_taken(server: Server, client: httpx.Client) -> None:
    project = start_project(server, "seq 400000")
    wait_for("the end", lambda: state(client, project) == "exited")
    client.post(f"/api/projects/{project}/stop", params={"container": "true"}).raise_for_status()
    whole = client.get(f"/api/projects/{project}/logs/download").content
    assert len(whole) > 2_500_000
    async with Terminal(server, project, "logs?offset=999999999999") as viewer:
        assert viewer.offset == len(whole), "an offset beyond the end is the end"
    async with server.socket(f"{project}/logs?offset=0") as slow:
        assert json.loads(await slow.recv())["type"] == "ready"
        got = b""
        while len(got) < 512 * 1024:
            got += await slow.recv(decode=False)
        assert len(got) == 512 * 1024
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await slow.recv(decode=False)
        while len(got) < len(whole):
            await slow.send(json.dumps({"type": "ack", "offset": len(got)}))
            got += await slow.recv(decode=False)
        assert got == whole


async def test_a_viewer_who_can_not_follow_skips_ahead_and_is_told(server: Server, client: httpx.Client) -> None:
    command = "read go < gate; head -c 14000000 /dev/zero | tr \\\\0 x; echo; echo the end"
    project = start_project(server, f"mkfifo -m 666 gate; {command}")
    async with server.socket(f"{project}/logs?offset=0") as slow:
        assert json.loads(await slow.recv())["offset"] == 0
        async with Terminal(server, project) as shell:
            await shell.type("echo go > gate\n")
        wait_for("the end, which nobody holds up", lambda: state(client, project) == "exited")
        got, offset, gaps = b"", 0, []
        async with asyncio.timeout(60):
            while b"the end\r\n" not in got[-200:]:
                frame = await slow.recv()
                if isinstance(frame, str):
                    gaps.append((offset, json.loads(frame)))
                    offset = gaps[-1][1]["offset"]
                else:
                    got += frame
                    offset += len(frame)
                await slow.send(json.dumps({"type": "ack", "offset": offset}))
    ((before, gap),) = gaps
    assert gap["type"] == "gap" and gap["offset"] - before > 1_000_000
    assert len(got) == offset - (gap["offset"] - before), "and misses no more than it was told"
