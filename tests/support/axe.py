"""axe-core in a page of Chromium: what it finds against the rules for accessible pages."""

import json
from functools import cache
from typing import Any, Final

from playwright.async_api import Page

from tests.support.server import ROOT

# A page's colours follow the system's, which Chromium plays.
THEMES: Final[tuple[dict[str, Any], ...]] = (
    {"color_scheme": "light", "contrast": "no-preference"},
    {"color_scheme": "dark", "contrast": "no-preference"},
    {"color_scheme": "light", "contrast": "more"},
    {"color_scheme": "dark", "contrast": "more"},
)
_RUN: Final = """async (options) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], elementRef: true, ...options });
  const why = ({ any, all, none }) => [...any, ...all, ...none][0]?.message;
  // What was replaced meanwhile, such as a list of completions, is on the page no more.
  const there = (nodes) => nodes.filter(({ element }) => element.isConnected);
  const told = (id) => (node) => `${id} at ${node.target.join(" ")}: ${why(node)}`;
  return violations.flatMap(({ id, nodes }) => there(nodes).map(told(id)));
}"""


@cache
def _source() -> str:
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()


# Its rows are walked through, and scrolled, by the arrow keys of the editor, which keeps the focus.
_COMPLETIONS: Final = "scrollable-region-focusable at #cm-ac-"


async def violations(page: Page) -> list[str]:
    """All rules on the page as it is, and those about colours in every theme. The last theme stays."""
    # Evaluated by the browser's debugger, which the page's policy does not bind.
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_source())
    found = []
    for number, theme in enumerate(THEMES):
        await page.emulate_media(reduced_motion="reduce", **theme)
        only = {"runOnly": ["color-contrast", "link-in-text-block"]} if number else {}
        problems = await page.evaluate(_RUN, only)
        problems = [problem for problem in problems if not problem.startswith(_COMPLETIONS)]
        found += [f"{json.dumps(theme)}: {problem}" for problem in problems]
    return found
