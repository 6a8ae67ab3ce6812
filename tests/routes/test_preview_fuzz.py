"""Names made of every piece that could confuse a parser: they lead to a port of a project, or to an error."""

import asyncio
import random
import re
from pathlib import Path

import pytest

from server.models import ProjectId
from tests.support.previews import DOMAIN, OTHER, PROJECT, TOKEN, Edge, edge

NUMBERS = ("0", "1", "65535", "65536", "99999", "01", "8080", "-1", "+1", "1e3", "1_0", "٣", "0x1f")
NAMES = (PROJECT, OTHER, PROJECT.upper(), "nosuch1", "a" * 70, f"{PROJECT}%2f", f"{PROJECT}@evil", f"x{PROJECT}")
PIECES = (
    *NUMBERS,
    *NAMES,
    *("-", "--", ".", "..", "@", "@evil", "evil.test", ":", ":80", "[::1]", "::1", "127.0.0.1", "localhost"),
    *("%2f", "%2e%2e", "%00", "%40", "/", "\\", "//", "?", "#", ";", ",", " ", "\t", "*", "~", "~p."),
    *(f"1-{PROJECT}", f"65535-{OTHER}", f"1-{PROJECT}.{DOMAIN}"),
)
TRIES = 300


async def status_of(server: Edge, target: str, host: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    return int(answer[9:12])


def meant(port: str, project: str) -> list[tuple[ProjectId, int]]:
    """What is to be reached, by a reading of its own: nothing, or one port of one of the two projects."""
    exact = re.fullmatch("[1-9][0-9]*", port, re.ASCII) and int(port) < 65536 and project in (PROJECT, OTHER)
    return [(ProjectId(project), int(port))] if exact else []


@pytest.mark.parametrize("seed", range(2))
async def test_a_host_leads_to_a_port_of_a_project_or_nowhere(tmp_path: Path, seed: int) -> None:
    chance, reached = random.Random(seed), 0
    async with edge(tmp_path) as server:
        for _ in range(TRIES):
            label = "".join(chance.choices(PIECES, k=chance.randint(1, 4)))
            if chance.random() < 0.5:
                label = f"{chance.choice(NUMBERS)}-{chance.choice(NAMES)}"
            server.workspaces.opened.clear()
            status = await status_of(server, "/", f"{label}.{DOMAIN}:{server.port}")
            port, _, project = label.strip(" \t").lower().partition("-")
            assert server.workspaces.opened == meant(port, project), label
            assert status in (400, 404) or server.workspaces.opened, label
            reached += len(server.workspaces.opened)
    assert 0 < reached < TRIES / 2


@pytest.mark.parametrize("seed", range(2))
async def test_a_path_leads_to_a_port_of_a_project_or_nowhere(tmp_path: Path, seed: int) -> None:
    chance, reached = random.Random(seed), 0
    async with edge(tmp_path) as server:
        for _ in range(TRIES):
            project, port = ("".join(chance.choices(PIECES, k=chance.choice((1, 1, 1, 2)))) for _ in range(2))
            if chance.random() < 0.5:
                project, port = chance.choice(NAMES), chance.choice(NUMBERS)
            server.workspaces.opened.clear()
            target = f"/preview/{project}/{port}/x"
            status = await status_of(server, target, f"127.0.0.1:{server.port}")
            if not re.search(r"[\s#?]", target):
                parts = target.split("/")
                assert server.workspaces.opened == meant(parts[3], parts[2]), target
            assert set(server.workspaces.opened) <= {
                (id, port) for id in (PROJECT, OTHER) for port in (1, 8080, 65535)
            }, target
            assert 300 <= status < 500 or server.workspaces.opened, target
            reached += len(server.workspaces.opened)
    assert 0 < reached < TRIES / 2
