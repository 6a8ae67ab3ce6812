"""The server behind a real nginx with TLS, set up word for word as docs/reverse-proxy.md says."""

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.server import ROOT, Server, free_port, wait_for

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
IDE, PREVIEWS = "ide.example.org", "previews.example.net"

pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed")


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def settings(port: int) -> dict[str, str]:
    """Those that the page names, at another port than 443."""
    text = (ROOT / "docs" / "reverse-proxy.md").read_text()
    found = dict(re.findall(r"^ {4}(HUTCH_\w+)=(\S+)", text, re.MULTILINE))
    return {**found, "HUTCH_URL": f"{found['HUTCH_URL']}:{port}", "HUTCH_PORT": str(free_port())}


@pytest.fixture
def port(tmp_path: Path) -> int:
    return free_port()


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[Server]:
    with Server(tmp_path, "local", ping=None, **settings(port)) as server:
        yield server


@pytest.fixture
def browser(tmp_path: Path, server: Server, port: int) -> Iterator[httpx.Client]:
    """A client that goes through nginx, whatever host it asks for."""
    pem, key = tmp_path / "hutch.pem", tmp_path / "hutch.key"
    names = f"subjectAltName=DNS:{IDE},DNS:*.{PREVIEWS}"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days"]
    subprocess.run(
        [*made, "2", "-subj", "/CN=test", "-addext", names, "-keyout", key, "-out", pem],
        check=True,
        capture_output=True,
    )
    text = (ROOT / "docs" / "reverse-proxy.md").read_text()
    block = re.search(r"```nginx\n(.*?)```", text, re.DOTALL)
    assert block
    site = (
        block[1].replace("listen 443", f"listen 127.0.0.1:{port}").replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    )
    site = site.replace("/etc/ssl/hutch.pem", str(pem)).replace("/etc/ssl/hutch.key", str(key))
    folders = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/body; {folders}\n{site}}}\n"
    )
    process = subprocess.Popen([NGINX, "-c", config, "-p", tmp_path], stderr=subprocess.DEVNULL)
    try:
        wait_for("nginx", lambda: accepts(port))
        with httpx.Client(
            base_url=f"https://127.0.0.1:{port}", verify=trusting(pem), timeout=30, trust_env=False
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait()


def trusting(pem: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pem))
    context.check_hostname = False
    return context


async def test_signing_in_sockets_and_previews_work_as_the_docs_say(
    tmp_path: Path, server: Server, port: int, browser: httpx.Client
) -> None:
    origin, host = f"https://{IDE}:{port}", {"Host": f"{IDE}:{port}"}
    assert server.link.startswith(f"{origin}/login?token=")
    signed_in = browser.get(server.link.removeprefix(origin), headers=host)
    cookie = signed_in.headers["set-cookie"]
    assert cookie.startswith("__Host-hutch_session=") and "Secure" in cookie
    session = {**host, "Cookie": cookie.partition(";")[0]}
    assert browser.post("/api/projects", json={}, headers=session).status_code == 403, "no Origin, no change"
    created = browser.post("/api/projects", json={}, headers={**session, "Origin": origin}).raise_for_status().json()
    assert created["url"] == f"{origin}/projects/{created['id']}"
    events = f"wss://{IDE}:{port}/api/projects/{created['id']}/events"
    tls, headers = trusting(tmp_path / "hutch.pem"), {"Cookie": session["Cookie"]}
    for page, let_in in ((origin, True), (f"http://{IDE}:{port}", False), ("https://evil.test", False)):
        sent = {**headers, "Origin": page}
        opening = connect(events, host="127.0.0.1", port=port, ssl=tls, proxy=None, additional_headers=sent)
        if let_in:
            async with opening as opened:
                assert await opened.recv()
        else:
            with pytest.raises(InvalidStatus):
                await opening
    navigates = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Accept": "text/html"}
    ticket = browser.get(f"/preview-ticket/{created['id']}/3000", headers={**session, **navigates})
    assert ticket.headers["location"].startswith(f"https://3000-{created['id']}.{PREVIEWS}:{port}/.hutch/ticket?")
