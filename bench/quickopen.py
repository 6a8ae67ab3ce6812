"""Go to file among 50,000: from a key to its list, in Chromium, beside a plain search of the same paths there.

.venv/bin/python -m bench.quickopen
"""

import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Final

from playwright.async_api import Page

from tests.support.chromium import chromium
from tests.support.server import Server

FILES: Final = 50_000
FOLDERS: Final = 500
QUERIES: Final = ("s", "se", "session", "srvsess", "editor-1", "tsx", "srcpaneindex")
"""Each letter of each is a key."""
WORDS: Final = ("session", "editor", "index", "button", "terminal", "preview", "search", "upload")
MEASURE: Final = """async ([queries, paths]) => {
    const input = document.querySelector(".palette-input");
    const result = [];
    for (const query of queries) {
        for (let length = 1; length <= query.length; length += 1) {
            const typed = query.slice(0, length);
            await new Promise((resolve) => setTimeout(resolve));
            let began = performance.now();
            input.value = typed;
            input.dispatchEvent(new Event("input", { bubbles: true }));
            // The layout is part of what the person waits for.
            document.querySelector(".palette-list").getBoundingClientRect();
            const found = performance.now() - began;
            began = performance.now();
            paths.filter((path) => path.toLowerCase().includes(typed)).sort();
            result.push([found, performance.now() - began]);
        }
    }
    return result;
}"""


def paths() -> list[str]:
    names = [f"{WORDS[index % 8]}-{WORDS[index // 8 % 8]}{index}.tsx" for index in range(FILES)]
    return [f"src/{WORDS[index % 7]}/pane{index % FOLDERS}/{name}" for index, name in enumerate(names)]


async def measure(page: Page, server: Server, project: str) -> list[list[float]]:
    """Milliseconds of the list and of the plain search, for each key."""
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    await page.locator(".cm-content:visible").press("Control+p")
    await page.get_by_role("option").first.wait_for(timeout=300_000)
    rounds = [await page.evaluate(MEASURE, [QUERIES, paths()]) for _ in range(5)]
    return [[statistics.median(column) for column in zip(*one, strict=True)] for one in zip(*rounds, strict=True)]


async def run() -> str:
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), "local") as server, server.client() as client:
        project: str = client.post("/api/projects", json={"name": "many"}).raise_for_status().json()["id"]
        root = server.folder / "workspaces" / project
        for path in paths():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        async with chromium() as browser:
            rows = await measure(await browser.new_page(), server, project)
    ours, plain = zip(*rows, strict=True)
    cells = [
        f"{name} | {statistics.median(of):.1f} | {max(of):.1f}"
        for name, of in (("list", ours), ("plain search", plain))
    ]
    ratio = f"ratio | {statistics.median(ours) / statistics.median(plain):.2f} | {max(ours) / max(plain):.2f}"
    return "\n".join(
        f"| {row} |" for row in (f"{FILES} files, ms | median key | slowest key", "--- | --- | ---", *cells, ratio)
    )


if __name__ == "__main__":
    print(asyncio.run(run()), flush=True)
