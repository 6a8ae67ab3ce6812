"""Paths in URLs, queries and bodies: every name makes the round trip, and none leads out of the project."""

import json
import os
import re
import socket
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_from_bytes, unquote

import httpx
import pytest

from tests.routes.asking import ask, assert_problem
from tests.support.app import App
from tests.support.server import Server

NO_PATHS = [
    b"..",
    b"../../../../etc/passwd",
    b"%2e%2e/%2e%2e/etc/passwd",
    b"..%2f..%2fetc%2fpasswd",
    b"%2e%2e%2fother",
    b"a/../../../etc/passwd",
    b"a/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    b"./package.json",
    b"%2e/package.json",
    b"/etc/passwd",
    b"%2fetc%2fpasswd",
    b"%2f%2fetc/passwd",
    b"a//b",
    b"a/",
    b"package.json%00",
    b"%00",
    b"",
    b"n" * 256,
    b"a/" * 3000 + b"b",
]
"""What no path may be, as it stands in a URL. Doubly encoded ones are names with a percent sign, and harmless."""


@pytest.mark.parametrize("path", NO_PATHS)
async def test_no_url_leads_out(app: App, client: httpx.AsyncClient, base: str, folder: Path, path: bytes) -> None:
    before = sorted(os.listdir(folder)), sorted(os.listdir(folder.parent))
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        answer = await ask(app, method, f"{base}/files/".encode() + path, b"evil")
        assert answer.status_code in (400, 404), answer.text
    for name in ("tree", "archive"):
        if path:
            answer = await ask(app, "GET", f"{base}/{name}?path=".encode() + path)
            assert answer.status_code == 400, answer.text
    if path:
        assert (await ask(app, "POST", f"{base}/import?path=".encode() + path, b"x")).status_code == 400
    assert (sorted(os.listdir(folder)), sorted(os.listdir(folder.parent))) == before


@pytest.mark.parametrize("path", NO_PATHS)
@pytest.mark.parametrize("shape", ["to of mkdir", "to of move", "from of move", "to of copy", "from of copy"])
async def test_no_operation_leads_out(app: App, base: str, folder: Path, shape: str, path: bytes) -> None:
    before = sorted(os.listdir(folder)), sorted(os.listdir(folder.parent))
    field, op = shape.split(" of ")
    body = {"op": op, "from": "package.json", "to": "new", field: unquote(path.decode())}
    answer = await ask(app, "POST", f"{base}/files-op".encode(), json.dumps(body).encode())
    assert answer.status_code == 400, answer.text
    assert (sorted(os.listdir(folder)), sorted(os.listdir(folder.parent))) == before


@pytest.mark.parametrize("path", [b"%252e%252e/x", b"..%255cx", b"..\\x", b"%2e%2e%5cx", b"...", b".git", b"%25"])
async def test_what_only_looks_like_a_way_out_is_a_name(app: App, base: str, folder: Path, path: bytes) -> None:
    url = f"{base}/files/".encode() + path
    before = sorted(os.listdir(folder.parent))
    assert (await ask(app, "PUT", url, b"harmless")).status_code == 201
    assert (await ask(app, "GET", url)).content == b"harmless"
    assert (folder / unquote(path.decode())).read_bytes() == b"harmless"
    assert sorted(os.listdir(folder.parent)) == before


@pytest.mark.parametrize(
    "name",
    [
        b"n" * 255,
        b"new\nline",
        b"-rf",
        b"\xff\xfe",
        b"<img src=x onerror=alert(1)>",
        b"a?b#c",
        b"a%2fb",
        b"+ +",
        b";,&=",
    ],
)
async def test_every_name_goes_through_every_call(app: App, base: str, name: bytes) -> None:
    encoded = quote_from_bytes(name, safe="").encode()
    text = os.fsdecode(name)
    assert (await ask(app, "PUT", f"{base}/files/folder/".encode() + encoded, b"1")).json()["path"] == f"folder/{text}"
    listed = (await ask(app, "GET", f"{base}/tree?path=folder".encode())).json()
    assert [entry["path"] for entry in listed] == [f"folder/{text}"]
    moved = {"op": "move", "from": listed[0]["path"], "to": f"{text}/{text}"}
    answer = await ask(app, "POST", f"{base}/files-op".encode(), json.dumps(moved).encode())
    assert answer.status_code == 201, answer.text
    listed = (await ask(app, "GET", f"{base}/tree?path=".encode() + encoded)).json()
    assert [entry["path"] for entry in listed] == [f"{text}/{text}"]
    assert (await ask(app, "GET", f"{base}/archive?path=".encode() + encoded)).status_code == 200
    assert (await ask(app, "DELETE", f"{base}/files/".encode() + encoded + b"/" + encoded)).status_code == 204
    missing = await ask(app, "GET", f"{base}/files/".encode() + encoded + b"/" + encoded)
    assert_problem(missing, 404)


async def test_paths_are_decoded_once_wherever_the_url_is_encoded(app: App, project: str) -> None:
    await ask(app, "PUT", f"/api/projects/{project}/files/a%2Fb".encode(), b"1")
    for target in (f"/api/projects/{project}/files/a/b", f"/%61pi/projects/{quote(project)}/f%69les/a%2fb"):
        assert (await ask(app, "GET", target.encode())).content == b"1"


OUT = ("../../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc/passwd", "/etc/passwd", "%252e%252e/x", "a\\..\\b")


def test_a_real_connection_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "workspaces").mkdir()
    with Server(tmp_path, "local") as server:
        with server.client() as client:
            project = client.post("/api/projects", json={}).json()["id"]
        for path in OUT:
            with closing(socket.create_connection(("127.0.0.1", server.port), 10)) as connection:
                head = f"GET /api/projects/{project}/files/{path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                end = f"Authorization: Bearer {server.token}\r\nConnection: close\r\n\r\n"
                connection.sendall((head + end).encode())
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            assert re.match(rb"HTTP/1\.1 40[04] ", answer), answer
            assert b"root:" not in answer


@pytest.mark.parametrize("name", [b'quo"te', b"back\\slash", b"new\r\nX-Evil: 1", "ü.txt".encode(), b"\xff", b"50%"])
async def test_names_break_no_header(app: App, client: httpx.AsyncClient, base: str, name: bytes) -> None:
    path = f"{base}/files/".encode() + quote_from_bytes(name, safe="").encode()
    assert (await ask(app, "PUT", path, b"x")).status_code == 201
    answer = await ask(app, "GET", path)
    assert answer.content == b"x"
    disposition = answer.headers["content-disposition"]
    assert disposition.endswith(f"filename*=UTF-8''{quote_from_bytes(name, safe='')}")
    assert re.fullmatch(r"[ -~]+", disposition) and "x-evil" not in answer.headers
