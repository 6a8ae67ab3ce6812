"""Where the keyboard is in a page, and whether a person sees it."""

from typing import Final

from playwright.async_api import Page

# The focused element's name and what is wrong with the ring around it: none, or cut off on a side. What draws its focus
# by a cursor of its own has none: the text of the editor and of terminals, the rows of the tree.
_LOOK: Final = """() => {
  const element = document.activeElement;
  const { width, height, top, left, right, bottom } = element.getBoundingClientRect();
  const written = element.labels?.[0]?.textContent ?? element.textContent.trim().slice(0, 40);
  const label = element.getAttribute("aria-label") ?? written;
  const name = element === document.body ? "" : `${element.tagName.toLowerCase()} ${label}`;
  if (!name || element.matches(".cm-content, .xterm-helper-textarea, [role=tree], iframe")) return [name, null];
  if (element.matches(".splitter")) {
    // A line of a pixel, that gets wider.
    const bar = getComputedStyle(element, "::after");
    return [name, bar.opacity === "1" && bar.backgroundColor !== "rgba(0, 0, 0, 0)" ? null : "looks as it always does"];
  }
  if (width < 2 || height < 2) return [name, "has no size"];
  const style = getComputedStyle(element);
  if (style.outlineStyle === "none") return [name, style.boxShadow === "none" ? "has no ring" : null];
  const reach = Number.parseFloat(style.outlineOffset) + 1;
  const ring = { top: top - reach, left: left - reach, right: right + reach, bottom: bottom + reach };
  const boxes = [{ top: 0, left: 0, right: innerWidth, bottom: innerHeight }];
  for (let above = element.parentElement; above; above = above.parentElement) {
    if (getComputedStyle(above).overflow !== "visible") boxes.push(above.getBoundingClientRect());
  }
  const sides = [["top", 1], ["left", 1], ["right", -1], ["bottom", -1]];
  const isCut = ([side, sign]) => boxes.some((box) => sign * (box[side] - ring[side]) > 0);
  const cut = sides.filter(isCut).map(([side]) => side);
  return [name, cut.length > 0 ? `has its ring cut off at ${cut.join(", ")}` : null];
}"""


async def focused(page: Page) -> tuple[str, str | None]:
    """The tag and name of the element with the focus, "" for none, and what is wrong with how it shows."""
    name, problem = await page.evaluate(_LOOK)
    return name, problem
