"""The IDE's page in a browser: what it fetches, when it can be typed into, and how long a key takes to show.

    .venv/bin/python -m bench.page [--rounds 5] [--keys 500]

Chromium is headless and its cache empty in each round. The project has 10,000 files; the one that is edited has 10,000
lines. Beside Hutch on the local runtime, code-server is measured in the same way: install it, and have its command on
the PATH or named by CODE_SERVER.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlencode

import httpx
from playwright.async_api import Browser, Page

from bench.measures import percentile
from bench.report import CODE_SERVER, FIELD, LOCAL, Results, ratios, table
from bench.targets import spent
from tests.support.chromium import Fetched, chromium
from tests.support.server import Server, wait_for

FILES: Final = 10_000
LINES: Final = 10_000
IN_FOLDER: Final = 100
EDITED: Final = "edited.js"
TEXT: Final = "".join(f"export function number{line}() {{ return {line}; }}\n" for line in range(LINES))
MARK: Final = "~"
# The element of code-server's editor that takes the keys, in its newer and its older form.
MONACO: Final = ".monaco-editor .native-edit-context, .monaco-editor textarea.inputarea"
# What greets and offers is switched off, and what Hutch has no counterpart of.
SETTINGS: Final = {
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "chat.disableAIFeatures": True,
    "telemetry.telemetryLevel": "off",
    "extensions.ignoreRecommendations": True,
}
PAUSE: Final = 0.03
"""Seconds between two keys: faster than anybody types."""

# No screen waits for a frame: what is measured is the work, to which a screen of 60 Hz adds up to 17 ms in any editor.
# What an editor animates costs it more there than on a screen; so typing is measured at 60 Hz too.
FLAGS: Final = ("--disable-frame-rate-limit", "--disable-gpu-vsync")

# Notes when the mark that was typed is first in a frame, in milliseconds from the start of the navigation.
WATCH_MARK: Final = """(mark) => {
  const look = () => {
    const lines = [...document.querySelectorAll(".cm-line, .view-line")];
    if (lines.some((line) => line.textContent.includes(mark))) window.shownAt = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
# From the key's event, whose time the browser's input thread sets, to the end of the frame that follows it.
WATCH_KEYS: Final = """() => {
  window.latencies = [];
  const { port1, port2 } = new MessageChannel();
  const pressed = [];
  port2.onmessage = () => window.latencies.push(performance.now() - pressed.shift());
  addEventListener("keydown", (event) => {
    pressed.push(event.timeStamp);
    requestAnimationFrame(() => port1.postMessage(null));
  }, { capture: true });
}"""


class Ide(NamedTuple):
    """A server whose page edits the project's files."""

    name: str
    # Where a browser signs in, if it has to, and where the file is open at line 1 and in its middle.
    entry: str | None
    address: str
    middle: str
    # Of the element that has the focus when the file can be edited.
    editor: str
    file: Path
    pid: int

    def pids(self) -> list[int]:
        """The server's processes."""
        return [self.pid, *descendants(self.pid)]

    def spent(self) -> float:
        """Seconds of processor time that those of them which still run have used."""
        total = 0.0
        for pid in self.pids():
            with suppress(OSError):
                total += spent([pid])
        return total


def descendants(pid: int) -> list[int]:
    """The processes below this one."""
    children: list[int] = []
    # Any of them may end meanwhile.
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            children += map(int, path.read_text().split())
    return children + [below for child in children for below in descendants(child)]


def held(pids: list[int], of: str = "Rss") -> int:
    """Resident bytes of these processes together; with `of="Pss"`, pages that several share are counted once."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{of}:"))
    return total


def of_extensions(pids: list[int]) -> list[int]:
    """Those that code-server's extensions have started: its language servers."""
    found = []
    for pid in pids:
        with suppress(OSError):
            if b"/vscode/extensions/" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def fill(folder: Path) -> None:
    """Make the project's files."""
    for number in range(FILES - 1):
        path = folder / f"part-{number // IN_FOLDER:03}" / f"file-{number:05}.js"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"export const value = {number};\n")
    (folder / EDITED).write_text(TEXT)


@contextmanager
def hutch(folder: Path) -> Iterator[Ide]:
    with Server(folder, "local") as server, server.client() as client:
        created = client.post("/api/projects", json={"name": "page"}).raise_for_status()
        project = created.json()["id"]
        fill(folder / "workspaces" / project)
        page, file = f"{server.url}/projects/{project}#{EDITED}", folder / "workspaces" / project / EDITED
        assert server.process
        pid = server.process.pid
        yield Ide(LOCAL, server.link, f"{page}:1", f"{page}:{LINES // 2}", ".cm-content", file, pid)


@contextmanager
def code_server(command: str, folder: Path) -> Iterator[Ide]:
    """With nothing but what it comes with, nothing asked of the Internet or the user, and its server warm."""
    workspace, data = folder / "workspace", folder / "data"
    workspace.mkdir()
    fill(workspace)
    (data / "User").mkdir(parents=True)
    (data / "User" / "settings.json").write_text(json.dumps(SETTINGS))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--auth=none", f"--bind-addr=127.0.0.1:{port}", "--disable-telemetry", "--disable-update-check"]
    options += ["--disable-workspace-trust", "--disable-getting-started-override"]
    options += [f"--config={folder / 'config.yaml'}", f"--user-data-dir={data}"]
    # A page that was closed while it loaded would else be kept for hours.
    options += [f"--extensions-dir={folder / 'extensions'}", "--reconnection-grace-time=1"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VSCODE_", "XDG_"))}
    environment["HOME"] = str(folder)
    with (folder / "code-server.log").open("w") as log:
        process = subprocess.Popen([command, *options], stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        first, middle = visit(port, workspace, 1), visit(port, workspace, LINES // 2)
        # Most of the server is loaded for the first who asks for the page.
        wait_for("code-server", lambda: answers(first))
        yield Ide(CODE_SERVER, None, first, middle, MONACO, workspace / EDITED, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def answers(address: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(address, timeout=60, trust_env=False).is_success
    return False


def visit(port: int, workspace: Path, line: int) -> str:
    """The address at which code-server opens the file at a line."""
    file = f"vscode-remote://127.0.0.1:{port}{workspace / EDITED}:{line}:1"
    payload = json.dumps([["gotoLineMode", "true"], ["openFile", file]])
    return f"http://127.0.0.1:{port}/?" + urlencode({"folder": str(workspace), "payload": payload})


async def open_page(browser: Browser, ide: Ide, address: str, script: str = "") -> tuple[Page, Fetched]:
    """The page of a browser that has fetched nothing of it before, once its editor has the focus.

    `script` runs in it before anything else.
    """
    if ide.file.read_text() != TEXT:
        # An earlier page has saved what was typed.
        ide.file.write_text(TEXT)
    page = await (await browser.new_context(viewport={"width": 1280, "height": 800})).new_page()
    page.set_default_timeout(60_000)
    if ide.entry:
        # Signed in on a context of its own, so that not a byte of the bundle is in the cache.
        other = await browser.new_context()
        await other.request.get(ide.entry)
        await page.context.add_cookies([dict(cookie) for cookie in await other.cookies()])  # type: ignore[misc]
        await other.close()
    fetched = await Fetched.of(page)
    await page.add_init_script(script)
    await page.goto(address, wait_until="commit")
    await page.wait_for_function("(editor) => document.activeElement?.matches(editor)", arg=ide.editor, polling="raf")
    return page, fetched


async def first_key(browser: Browser, ide: Ide) -> tuple[float, int]:
    """Milliseconds until the first typed key shows, and the bytes of script and style that came before it was typed."""
    page, fetched = await open_page(browser, ide, ide.address, f"({WATCH_MARK})({MARK!r})")
    size = sum(fetched.sizes.values())
    await page.keyboard.press(MARK)
    shown = await page.wait_for_function("() => window.shownAt", polling="raf")
    result = float(await shown.json_value()), size
    await page.context.close()
    return result


async def typing(browser: Browser, ide: Ide, keys: int) -> tuple[list[float], dict[str, float]]:
    """Milliseconds from each key to its paint in the middle of the file, and what the server holds after it."""
    page, _ = await open_page(browser, ide, ide.middle)
    await rest(page, ide)
    latencies = await press(page, keys)
    pids = ide.pids()
    memory = {
        "server memory with one page, MB": held(pids) / 1e6,
        "the same, pages that are shared counted once, MB": held(pids, "Pss") / 1e6,
    }
    if language_servers := of_extensions(pids):
        memory["of it language servers, MB"] = held(language_servers, "Pss") / 1e6
    await page.context.close()
    return latencies, memory


async def rest(page: Page, ide: Ide) -> None:
    """Wait until what goes on behind an open file is done: it would be measured as typing.

    That is when the page's main thread and the server's processes together are busy for less than a tenth of a second
    in each of two seconds. Gives up after a minute.
    """
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    before, since = float("-inf"), 0
    for _ in range(60):
        metrics = {
            metric["name"]: metric["value"] for metric in (await session.send("Performance.getMetrics"))["metrics"]
        }
        busy = metrics["TaskDuration"] + ide.spent()
        since = since + 1 if busy - before < 0.1 else 0
        if since == 2:
            break
        before = busy
        await asyncio.sleep(1)
    else:
        print(f"{ide.name}: not at rest", file=sys.stderr)
    await session.detach()


async def press(page: Page, keys: int) -> list[float]:
    """Milliseconds from each key to its paint, where the focus is."""
    await page.evaluate(WATCH_KEYS)
    text = "const sum = first + second;\n"
    for number in range(keys):
        await page.keyboard.press("Enter" if text[number % len(text)] == "\n" else text[number % len(text)])
        await asyncio.sleep(PAUSE)
    latencies: list[float] = await page.evaluate("() => window.latencies")
    return latencies


async def bound(browser: Browser, keys: int) -> list[float]:
    """The same in an empty text field of an empty page: what no editor can be faster than, here and now."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    await page.set_content("<textarea rows=40 cols=100 autofocus></textarea>")
    await page.locator("textarea").focus()
    latencies = await press(page, keys)
    await page.close()
    return latencies


async def measure(ides: list[Ide], rounds: int, keys: int) -> Results:
    """Every measure of every page, the pages in turn in every round."""
    results: Results = defaultdict(lambda: defaultdict(list))
    async with chromium() as browser, chromium(FLAGS) as unhurried:
        for _ in range(rounds):
            for where, what in ((unhurried, "key to paint"), (browser, "key to paint at 60 Hz")):
                typed = await bound(where, keys)
                results[f"{what} p50, ms"][FIELD].append(statistics.median(typed))
                results[f"{what} p99, ms"][FIELD].append(percentile(typed, 99))
            for ide in ides:
                shown, size = await first_key(browser, ide)
                latencies, memory = await typing(unhurried, ide, keys)
                on_screen, _ = await typing(browser, ide, keys)
                row = {
                    "script and style before the first key, KB": size / 1e3,
                    "first typed key shown, ms": shown,
                    "key to paint p50, ms": statistics.median(latencies),
                    "key to paint p99, ms": percentile(latencies, 99),
                    "key to paint at 60 Hz p50, ms": statistics.median(on_screen),
                    "key to paint at 60 Hz p99, ms": percentile(on_screen, 99),
                    **memory,
                }
                for name, value in row.items():
                    print(f"{ide.name}: {name} {value:.3g}", file=sys.stderr)
                    results[name][ide.name].append(value)
    return results


async def run(rounds: int, keys: int) -> str:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folders = [Path(name) / part for part in ("hutch", "code-server")]
        for folder in folders:
            folder.mkdir()
        ides = [stack.enter_context(hutch(folders[0]))]
        if command := os.environ.get("CODE_SERVER") or shutil.which("code-server"):
            ides.append(stack.enter_context(code_server(command, folders[1])))
        else:
            print("code-server is not installed and is left out", file=sys.stderr)
        results = await measure(ides, rounds, keys)
    return f"### The page of a project with {FILES:,} files\n\n{table(results)}\n\n{ratios(results)}\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.page")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=500, help="typed in each round")
    options = parser.parse_args()
    print(asyncio.run(run(options.rounds, options.keys)), flush=True)


if __name__ == "__main__":
    main()
