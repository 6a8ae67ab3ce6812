import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.routes import bundle, pages
from server.routes.bundle import Bundle
from server.routes.guard import COOKIE
from tests.support.app import ORIGIN, TOKEN, App, running_app

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
FORM = {"Origin": ORIGIN}
FORM_TYPE = "application/x-www-form-urlencoded"
LONG = "/" + "x" * 5000


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small bundle in place of the one that may or may not have been built here."""
    dist = tmp_path / "dist"
    (dist / "chunks").mkdir(parents=True)
    (dist / "main.js").write_text("import './chunks/a-1.js'")
    (dist / "main.js.br").write_bytes(b"brotli")
    (dist / "main.js.gz").write_bytes(b"gzip")
    (dist / "main.css").write_text("a{}")
    (dist / "chunks" / "a-1.js").write_text("1")
    (dist / "manifest.json").write_text(
        json.dumps({"projects": ["/static/dist/chunks/a-1.js"], "ide": [], "onlooker": []})
    )
    return _serve(dist, monkeypatch)


def _serve(dist: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    other = Bundle(dist)
    monkeypatch.setattr(pages._bundle, "manifest", other.manifest)
    monkeypatch.setattr(bundle._bundle, "_files", other._files)
    return dist


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as app:
        yield app


@pytest.fixture
async def browser(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has signed in."""
    async with app.client(token=None) as client:
        response = await client.get(f"/login?token={TOKEN}", headers=NAVIGATION)
        assert response.status_code == 303
        yield client


class Document(HTMLParser):
    """What a page holds: elements by tag with their attributes, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def config(self) -> dict[str, Any]:
        [index] = [at for at, script in enumerate(self.all("script")) if script.get("id") == "hutch-config"]
        config: dict[str, Any] = json.loads(self.scripts[index])
        return config


def assert_safe(response: httpx.Response) -> Document:
    """No script but the bundle's, no handler in the page, no style without the nonce, and a policy that says so."""
    document = Document(response.text)
    nonce = policy_of(response)["style-src"].removeprefix("'self' ").removeprefix("'nonce-").removesuffix("'")
    assert len(nonce) >= 16
    for script in document.all("script"):
        assert script.get("src") == "/static/dist/boot.js" or script.get("type") == "application/json"
    for style in document.all("style"):
        assert style["nonce"] == nonce
    for _, attributes in document.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert document.all("html")[0]["lang"] == "en"
    names = {meta.get("name"): meta.get("content") for meta in document.all("meta")}
    assert names["color-scheme"] == "light dark"
    assert names["viewport"] and "width=device-width" in names["viewport"]
    assert response.headers["cache-control"] == "no-store"
    return document


def policy_of(response: httpx.Response) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in response.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in pairs}


# ---- the application's pages


async def test_the_projects_page(built: Path, browser: httpx.AsyncClient) -> None:
    response = await browser.get("/", headers=NAVIGATION)
    assert response.status_code == 200
    document = assert_safe(response)
    assert document.all("body")[0]["data-page"] == "projects"
    assert {"id": "app"} in document.all("div")
    assert {"rel": "modulepreload", "href": "/static/dist/chunks/a-1.js"} in document.all("link")
    config = document.config()
    assert (config["project"], config["runtime"], config["previewDomain"]) == (None, "docker", "preview.localhost")
    assert config["nonce"] in policy_of(response)["style-src"]


async def test_the_ide_page_has_its_project(built: Path, app: App, browser: httpx.AsyncClient) -> None:
    name = "</script><script>alert(1)</script> & \"'<!--"
    project = await app.services.projects.create(name=name)
    response = await browser.get(f"/projects/{project.id}", headers=NAVIGATION)
    document = assert_safe(response)
    assert document.all("body")[0]["data-page"] == "ide"
    assert document.config()["folder"] == "/workspace"
    shown = document.config()["project"]
    assert (shown["id"], shown["name"], shown["status"]) == (project.id, name, "stopped")
    assert "<script>alert" not in response.text


async def test_the_page_for_onlookers_has_its_terminal(built: Path, app: App, browser: httpx.AsyncClient) -> None:
    project = await app.services.projects.create(name="Shown")
    response = await browser.get(f"/projects/{project.id}/terminals/terminal-1", headers=NAVIGATION)
    config = assert_safe(response).config()
    assert (config["project"]["id"], config["terminal"]) == (project.id, "terminal-1")
    for path in (f"{project.id}/terminals/%3Cscript%3E", f"{project.id}/terminals/a%00b"):
        assert (await browser.get(f"/projects/{path}", headers=NAVIGATION)).status_code == 400
    assert (await browser.get("/projects/unknown/terminals/terminal-1", headers=NAVIGATION)).status_code == 404


async def test_the_policy(built: Path, browser: httpx.AsyncClient) -> None:
    policy = policy_of(await browser.get("/", headers=NAVIGATION))
    nonce = policy.pop("style-src")
    assert re.fullmatch(r"'self' 'nonce-[A-Za-z0-9_-]{16,}'", nonce)
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "img-src": "'self' data: blob:",
        "media-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self' ws://127.0.0.1:8000",
        "frame-src": "'self' http://*.preview.localhost:8000",
        "form-action": "'self' http://*.preview.localhost:8000",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_the_policy_follows_the_address(built: Path, app: App) -> None:
    async with app.client(origin="https://ide.example.org") as client:
        policy = policy_of(await client.get("/"))
    assert policy["connect-src"] == "'self' wss://ide.example.org"
    assert policy["frame-src"] == "'self' https://*.preview.localhost"


async def test_a_host_header_can_not_add_to_the_policy(built: Path, app: App) -> None:
    async with app.client() as client:
        for host in ("a.test; script-src *", "a.test *", "a,b", "x/../y", ""):
            response = await client.get("/", headers={"Host": host})
            assert response.status_code == 400
            assert "script-src *" not in response.headers["content-security-policy"]


async def test_nonces_are_used_once(built: Path, browser: httpx.AsyncClient) -> None:
    policies = [(await browser.get("/", headers=NAVIGATION)).headers["content-security-policy"] for _ in range(5)]
    assert len(set(policies)) == 5


async def test_without_a_bundle_the_page_says_what_to_do(
    tmp_path: Path, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(tmp_path / "nothing", monkeypatch)
    response = await browser.get("/", headers=NAVIGATION)
    assert response.status_code == 503
    assert_safe(response)
    assert "make bundle" in response.text


@pytest.mark.parametrize(
    ("path", "said"), [("/projects/unknown", "There is no such project."), ("/nowhere", "There is no such page.")]
)
async def test_a_person_is_told_on_a_page_and_a_program_in_a_problem(
    built: Path, browser: httpx.AsyncClient, path: str, said: str
) -> None:
    response = await browser.get(path, headers=NAVIGATION)
    assert response.status_code == 404
    document = assert_safe(response)
    assert said in response.text
    assert {"href": "/"} in document.all("a")
    response = await browser.get(path, headers={"Accept": "*/*"})
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    response = await browser.get("/api/projects/unknown", headers=NAVIGATION)
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


# ---- sign-in


async def test_a_stranger_is_led_to_the_sign_in_and_back(app: App) -> None:
    async with app.client(token=None) as client:
        response = await client.get("/", headers=NAVIGATION)
        assert (response.status_code, response.headers["location"]) == (303, "/login?next=/")
        project = await app.services.projects.create()
        response = await client.get(f"/projects/{project.id}?x=1", headers=NAVIGATION)
        login = await client.get(response.headers["location"], headers=NAVIGATION)
        document = assert_safe(login)
        [hidden] = [field for field in document.all("input") if field.get("type") == "hidden"]
        form = {"token": TOKEN, "next": hidden["value"]}
        response = await client.post("/login", data=form, headers=FORM)
        assert (response.status_code, response.headers["location"]) == (303, f"/projects/{project.id}?x=1")
        assert (await client.get("/api/projects")).status_code == 200


async def test_the_printed_link_signs_in_and_leaves_no_trace(app: App) -> None:
    async with app.client(token=None) as client:
        response = await client.get(f"/login?token={TOKEN}", headers=NAVIGATION)
        assert (response.status_code, response.headers["location"]) == (303, "/")
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"
        cookie = response.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert "httponly" in cookie.lower() and "samesite=lax" in cookie.lower()
        assert TOKEN not in cookie and TOKEN not in response.text


async def test_who_is_signed_in_needs_no_form(browser: httpx.AsyncClient) -> None:
    response = await browser.get("/login?next=/projects/abcdef", headers=NAVIGATION)
    assert (response.status_code, response.headers["location"]) == (303, "/projects/abcdef")


@pytest.mark.parametrize("form", [{"token": "wrong-token-0123456789"}, {"token": ""}, {}])
async def test_a_wrong_token_shows_the_form_again(app: App, form: dict[str, str]) -> None:
    async with app.client(token=None) as client:
        response = await client.post("/login", data=form, headers=FORM | {"Content-Type": FORM_TYPE})
        assert response.status_code == 401
        assert "set-cookie" not in response.headers
        document = assert_safe(response)
        [field] = [field for field in document.all("input") if field.get("id") == "token"]
        assert field["aria-invalid"] == "true"
        assert {"for": "token"} in document.all("label")
        assert {"class": "problem", "id": "token-problem", "role": "alert"} in document.all("p")
        assert "This is not the token; use the link that the server printed." in response.text
        assert "wrong-token" not in response.text


async def test_many_wrong_tokens_have_to_wait(app: App) -> None:
    async with app.client(token=None) as client:
        statuses = [(await client.post("/login", data={"token": "x"}, headers=FORM)).status_code for _ in range(12)]
        assert statuses[0] == 401 and statuses[-1] == 429
        response = await client.get(f"/login?token={TOKEN}", headers=NAVIGATION)
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "next",
    [
        "//evil.test",
        "https://evil.test",
        "/\\evil.test",
        "javascript:alert(1)",
        "/\nx",
        "\t//evil.test",
        "é",
        "/" * 5000,
    ],
)
async def test_sign_in_leads_to_no_other_place(app: App, next: str) -> None:
    async with app.client(token=None) as client:
        response = await client.post("/login", data={"token": TOKEN, "next": next}, headers=FORM)
        assert (response.status_code, response.headers["location"]) == (303, "/")
        response = await client.get("/login", params={"token": TOKEN, "next": next}, headers=NAVIGATION)
        assert (response.status_code, response.headers["location"]) == (303, "/")


async def test_a_form_of_another_site_signs_no_one_in(app: App) -> None:
    async with app.client(token=None) as client:
        response = await client.post("/login", data={"token": TOKEN}, headers={"Origin": "http://evil.test"})
        assert response.status_code == 403
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("content", "type", "status"),
    [
        (b"token=" + b"x" * 20_000, FORM_TYPE, 413),
        (b"token=%ff", FORM_TYPE, 400),
        (b"token=\xff", FORM_TYPE, 400),
        (b"&".join([b"a=b"] * 100), FORM_TYPE, 400),
        (b'{"token": "x"}', "application/json", 400),
        (b"token=x", "text/plain", 400),
    ],
)
async def test_forms_that_can_not_be_read(app: App, content: bytes, type: str, status: int) -> None:
    async with app.client(token=None) as client:
        response = await client.post("/login", content=content, headers=FORM | {"Content-Type": type})
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"


async def test_sign_out_ends_the_session(app: App, browser: httpx.AsyncClient) -> None:
    session = browser.cookies[COOKIE]
    response = await browser.post("/logout", headers=FORM)
    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert COOKIE not in browser.cookies
    assert "cache" in response.headers["clear-site-data"]
    async with app.client(token=None) as client:
        response = await client.get("/api/projects", headers={"Cookie": f"{COOKIE}={session}"})
        assert response.status_code == 401


async def test_another_site_signs_no_one_out(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/logout", headers={"Origin": "http://evil.test"})).status_code == 403
    assert (await browser.get("/logout", headers=NAVIGATION)).status_code == 405
    assert (await browser.get("/api/projects")).status_code == 200


# ---- the bundle


async def test_entries_are_asked_for_anew_and_chunks_are_kept(built: Path, app: App) -> None:
    async with app.client(token=None) as client:
        entry = await client.get("/static/dist/main.css", headers={"Accept-Encoding": "identity"})
        assert (entry.status_code, entry.text, entry.headers["cache-control"]) == (200, "a{}", "no-cache")
        again = await client.get("/static/dist/main.css", headers={"If-None-Match": entry.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        chunk = await client.get("/static/dist/chunks/a-1.js")
        assert chunk.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert chunk.headers["content-type"] == "text/javascript; charset=utf-8"
        assert chunk.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accepted", "encoding", "size"),
    [
        ("gzip, deflate, br", "br", 6),
        ("gzip", "gzip", 4),
        ("br;q=0, gzip", "gzip", 4),
        ("identity", None, 24),
        ("", None, 24),
        ("GZIP;q=0.5", "gzip", 4),
    ],
)
async def test_the_browser_gets_what_it_can_unpack(
    built: Path, app: App, accepted: str, encoding: str | None, size: int
) -> None:
    async with (
        app.client(token=None) as client,
        client.stream("GET", "/static/dist/main.js", headers={"Accept-Encoding": accepted}) as response,
    ):
        body = b"".join([piece async for piece in response.aiter_raw()])
    assert response.headers.get("content-encoding") == encoding
    assert len(body) == size
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "%2e%2e/secret",
        "..%2fsecret",
        "chunks/../../secret",
        "/etc/passwd",
        "%2fetc/passwd",
        "chunks",
        "",
        "a%00b",
        "x" * 5000,
        "link",
    ],
)
async def test_nothing_but_the_bundle_is_served(built: Path, app: App, path: str) -> None:
    (built.parent / "secret").write_text("secret")
    (built / "link").symlink_to(built.parent / "secret")
    async with app.client(token=None) as client:
        response = await client.get(httpx.URL(ORIGIN, raw_path=f"/static/dist/{path}".encode()))
        assert response.status_code in (404, 405)
        assert "secret" not in response.text
