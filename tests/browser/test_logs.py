"""The log in a real browser: read where nothing runs, searched, with times, and downloaded."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.end_to_end.test_main_job import state
from tests.support.server import Server, start_project, wait_for

pytestmark = pytest.mark.timeout(120)
TIME = r"\d\d:\d\d:\d\d\.\d{3} "


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), "local") as server:
        yield server


async def open_log(page: Page, server: Server, project: str) -> Locator:
    """The log's pane, where lines of its picture can be read as those for screen readers."""
    await page.add_init_script('localStorage.setItem("hutch.terminal.screenReader", "true")')
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    await page.locator("#tab-logs").click()
    return page.locator("#pane-logs")


async def saved(page: Page, log: Locator, item: str) -> str:
    async with page.expect_download() as downloading:
        await log.get_by_role("button", name="Download the whole log").click()
        await page.get_by_role("menuitem", name=item, exact=True).click()
    return Path(await (await downloading.value).path()).read_bytes().decode()


async def test_the_log_of_a_stopped_project_with_its_times(page: Page, server: Server) -> None:
    with server.client() as client:
        project = start_project(server, "printf '\\033[31mred\\033[0m words\\n'; sleep 0.2; echo second line")
        wait_for("the end", lambda: state(client, project) == "exited")
        client.post(f"/api/projects/{project}/stop", params={"container": "true"}).raise_for_status()
    log = await open_log(page, server, project)
    lines = log.locator(".xterm-accessibility-tree")
    await expect(lines).to_contain_text("second line")
    await expect(log.locator(".terminal-status")).to_be_hidden()
    times = log.get_by_role("button", name="Times")
    await times.click()
    await expect(times).to_have_attribute("aria-pressed", "true")
    await expect(lines.get_by_role("listitem").filter(has_text=re.compile(f"^{TIME}second line"))).to_have_count(1)
    await log.get_by_role("button", name="Plain text").click()
    plain = log.get_by_role("region", name="Log as plain text")
    await expect(plain).to_contain_text(re.compile(f"{TIME}red words\n{TIME}second line"))
    await log.get_by_role("button", name="Plain text").click()
    await times.click()
    await expect(lines.get_by_role("listitem").filter(has_text=re.compile("^second line"))).to_have_count(1)

    await log.get_by_role("button", name="Find").click()
    await log.get_by_role("searchbox", name="Find in the output").fill("SECOND")
    await log.get_by_role("button", name="List all").click()
    found = r"^2 of 4 lines in the whole log have “SECOND”:\n.*\n\S+Z second line$"
    await expect(plain).to_have_text(re.compile(found))
    await log.get_by_role("button", name="Plain text").click()
    await log.get_by_role("searchbox", name="Find in the output").fill("second")
    await expect(log.get_by_role("status").filter(has_text=re.compile(r"^\d of 2$"))).to_be_visible()

    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
    assert re.search("\nred words\nsecond line\n", await saved(page, log, "As plain text"))
    assert re.search(f"\n{stamp}red words\n{stamp}second line\n", await saved(page, log, "As plain text, with times"))
    assert "\x1b[31mred\x1b[0m words" in await saved(page, log, "With its colours")


async def test_the_log_goes_on_when_the_project_runs_again(page: Page, server: Server) -> None:
    with server.client() as client:
        project = start_project(server, "echo life one")
        wait_for("the end", lambda: state(client, project) == "exited")
        client.post(f"/api/projects/{project}/stop", params={"container": "true"}).raise_for_status()
        log = await open_log(page, server, project)
        lines = log.locator(".xterm-accessibility-tree")
        await expect(lines).to_contain_text("exit code 0")
        await log.get_by_role("button", name="Times").click()
        toml = "[run]\ninstall = false\ncommand = 'echo life two; exec sleep 1000'\n"
        client.put(f"/api/projects/{project}/files/hutch.toml", content=toml).raise_for_status()
        client.post(f"/api/projects/{project}/run").raise_for_status()
    for life in ("life one", "life two"):
        line = lines.get_by_role("listitem").filter(has_text=re.compile(rf"{TIME}{life}"))
        await expect(line).to_have_count(1)
