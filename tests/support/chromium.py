"""Headless Chromium, and what its pages fetch."""

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from playwright.async_api import Browser, Page, async_playwright

UNDISTURBED = Path(__file__).parent / "chromium_undisturbed"
# Chromium finds no sandbox for root, and must not look for Google's hosts where there is no way to them.
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


def launched(flags: Sequence[str] = ()) -> dict[str, Any]:
    """How Playwright is to launch it."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert executable, "no Chromium: `make browser` installs it"
    return {"executable_path": UNDISTURBED, "args": [*FLAGS, *flags], "env": {**os.environ, "CHROMIUM": executable}}


@asynccontextmanager
async def chromium(flags: Sequence[str] = ()) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launched(flags))
        yield browser
        await browser.close()


class Fetched:
    """The scripts and style sheets that a page has fetched so far, by address, in bytes as they came over the wire."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self._under_way: dict[str, str] = {}

    @classmethod
    async def of(cls, page: Page) -> Self:
        fetched = cls()
        session = await page.context.new_cdp_session(page)
        session.on("Network.responseReceived", fetched._begin)
        session.on("Network.loadingFinished", fetched._finish)
        await session.send("Network.enable")
        return fetched

    def _begin(self, event: dict[str, Any]) -> None:
        if any(kind in event["response"]["mimeType"] for kind in ("javascript", "css")):
            self._under_way[event["requestId"]] = event["response"]["url"]

    def _finish(self, event: dict[str, Any]) -> None:
        if url := self._under_way.pop(event["requestId"], None):
            self.sizes[url] = self.sizes.get(url, 0) + int(event["encodedDataLength"])
