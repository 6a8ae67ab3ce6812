"""The file tree by mouse and by keyboard, small and large. It needs no container."""

import asyncio
import os
import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.support.server import Server

# Of the runtimes either would do.
pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("server", ["local"], indirect=True)]

MANY = 100_000
FILES = {"a.txt": "a", "b.txt": "b", "c.txt": "c", "src/one.js": "1", "src/deep/two.js": "2"}


@pytest.fixture
def project(server: Server) -> str:
    with server.client() as client:
        id: str = client.post("/api/projects", json={"name": "Tree"}).raise_for_status().json()["id"]
        for name in client.get(f"/api/projects/{id}/tree").json():
            client.delete(f"/api/projects/{id}/files/{name['path']}").raise_for_status()
        for name, content in FILES.items():
            client.put(f"/api/projects/{id}/files/{name}", content=content).raise_for_status()
    return id


@pytest.fixture
def folder(server: Server, project: str) -> Path:
    return server.folder / "workspaces" / project


async def open_project(page: Page, server: Server, project: str) -> None:
    await page.goto(server.link)
    await page.goto(f"{server.url}/projects/{project}")
    # A file that Git ignores has another title.
    await expect(row(page, "src")).to_be_visible()


def row(page: Page, name: str) -> Locator:
    return page.locator(f"#file-tree [role=treeitem][title='{name}']")


def chosen(page: Page) -> Locator:
    return page.locator("#file-tree [aria-selected=true] .tree-name")


async def test_by_keyboard_alone(page: Page, server: Server, project: str, folder: Path) -> None:
    await open_project(page, server, project)
    tree = page.get_by_role("tree", name="Files")
    await tree.focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Shift+ArrowDown")
    await expect(chosen(page)).to_have_text(["a.txt", "b.txt"])
    await page.keyboard.press("Control+ArrowDown")
    await page.keyboard.press("Control+Space")
    await expect(chosen(page)).to_have_text(["a.txt", "b.txt", "c.txt"])
    await page.keyboard.press("Control+x")
    await page.keyboard.press("Home")
    await page.keyboard.press("Control+v")
    await expect(row(page, "src/c.txt")).to_be_visible()
    assert sorted(path.name for path in (folder / "src").iterdir()) == ["a.txt", "b.txt", "c.txt", "deep", "one.js"]
    await page.keyboard.press("Home")
    await page.keyboard.press("F2")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("a.txt/")
    await page.keyboard.press("Enter")
    await expect(page.locator("#tree-problem")).to_have_text("A name can't contain a slash.")
    await page.keyboard.press("Backspace")
    await page.keyboard.press("Enter")
    await expect(row(page, "a.txt/b.txt")).to_be_visible()
    await page.keyboard.press("Control+c")
    await page.keyboard.press("Control+v")
    await expect(page.get_by_text("a.txt can't be put into itself.")).to_be_visible()
    await page.keyboard.press("End")
    await page.keyboard.press("Shift+ArrowUp")
    await page.keyboard.press("Delete")
    await expect(row(page, "a.txt/one.js")).to_have_count(0)
    assert sorted(path.name for path in (folder / "a.txt").iterdir()) == ["a.txt", "b.txt", "deep"]
    # One after the other is taken back: what was deleted, the name, and the place.
    await page.keyboard.press("Control+z")
    await expect(page.get_by_text("Restored 2 files and folders.")).to_be_visible()
    await expect(row(page, "a.txt/one.js")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(row(page, "src/b.txt")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(row(page, "a.txt")).to_be_visible()
    assert {path.name: path.is_dir() for path in folder.iterdir()} == {
        "a.txt": False,
        "b.txt": False,
        "c.txt": False,
        "src": True,
    }
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.js")} == {"src/one.js", "src/deep/two.js"}
    await page.keyboard.press("Control+z")
    await page.keyboard.press("Home")
    await page.keyboard.press("Delete")
    await expect(row(page, "src")).to_have_count(0)
    await page.keyboard.press("Delete")
    await expect(row(page, "a.txt")).to_have_count(0)
    await expect(chosen(page)).to_have_text(["b.txt"])
    assert {path.name for path in folder.iterdir()} == {"b.txt", "c.txt"}


async def test_what_is_deleted_can_be_restored(page: Page, server: Server, project: str, folder: Path) -> None:
    os.symlink("/nowhere", folder / "src" / "link")
    (folder / "src" / "empty").mkdir()
    (folder / "src" / "one.js").chmod(0o750)
    before = {str(path): path.lstat() for path in folder.rglob("*")}
    await open_project(page, server, project)
    await row(page, "a.txt").click()
    await expect(page.locator(".cm-content")).to_contain_text("a")
    await page.locator(".cm-content").press_sequentially("typed ")
    await row(page, "src").click(modifiers=["Control"])
    await row(page, "src").click(button="right")
    await page.get_by_role("menuitem", name="Delete").click()
    await expect(page.get_by_role("status").filter(has_text="Deleted 2 files and folders.")).to_be_visible()
    assert {path.name for path in folder.iterdir()} == {"b.txt", "c.txt"}

    # Something else has the name meanwhile: it stays, and so does what was deleted.
    (folder / "a.txt").write_text("another")
    await page.get_by_role("button", name="Undo", exact=True).click()
    await expect(page.get_by_role("alert").filter(has_text="a.txt exists again")).to_be_visible()
    assert (folder / "a.txt").read_text() == "another" and not (folder / "src").exists()
    (folder / "a.txt").rename(folder / "another.txt")
    await page.reload()
    await expect(row(page, "another.txt")).to_be_visible()
    await page.keyboard.press("F1")
    await page.keyboard.type("restore deleted")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("option")).to_contain_text("a.txt, src")
    await page.keyboard.press("Enter")
    await expect(row(page, "src")).to_be_visible()
    await expect(page.locator(".cm-content")).to_contain_text("typed a")
    (folder / "another.txt").unlink()
    after = {str(path): path.lstat() for path in folder.rglob("*")}
    assert after.keys() == before.keys()
    for path, status in after.items():
        same = ("st_ino", "st_mode", "st_size", "st_uid", "st_mtime_ns")
        assert all(getattr(status, name) == getattr(before[path], name) for name in same), path

    # What is too large to be kept is said before it is deleted.
    with (folder / "large.bin").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 513 * 1024**2)
    # Nobody watches the files of a project that does not run.
    await page.reload()
    await row(page, "large.bin").click(button="right")
    await page.get_by_role("menuitem", name="Delete").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("This can't be undone: that is more than 512 MiB")
    assert (folder / "large.bin").exists()
    await dialog.get_by_role("button", name="Delete for good").click()
    await expect(row(page, "large.bin")).to_have_count(0)
    assert not (folder / "large.bin").exists()


async def test_by_mouse(page: Page, server: Server, project: str, folder: Path) -> None:
    await open_project(page, server, project)
    await row(page, "a.txt").click()
    await row(page, "c.txt").click(modifiers=["Shift"])
    await row(page, "b.txt").click(modifiers=["Control"])
    await expect(chosen(page)).to_have_text(["a.txt", "c.txt"])
    await row(page, "c.txt").drag_to(row(page, "src"))
    await expect(row(page, "src/a.txt")).to_be_visible()
    assert {path.name for path in folder.iterdir()} == {"src", "b.txt"}
    await page.locator("#file-tree").evaluate(
        """(tree) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["dropped"], "from outside.txt"));
          const target = tree.querySelector("[title='src']");
          const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
          for (const kind of ["dragover", "drop"]) target.dispatchEvent(new DragEvent(kind, options));
        }"""
    )
    await expect(row(page, "src/from outside.txt")).to_be_visible()
    assert (folder / "src" / "from outside.txt").read_text() == "dropped"
    await row(page, "src").click(button="right")
    async with page.expect_download() as download:
        await page.get_by_role("menuitem", name="Download as zip").click()
    assert (await download.value).suggested_filename == "src.zip"


async def test_what_git_ignores_is_dimmed(page: Page, server: Server, project: str, folder: Path) -> None:
    (folder / ".gitignore").write_text("*.txt\n!b.txt\n")
    await open_project(page, server, project)
    await expect(page.locator(".tree-row.ignored .tree-name")).to_have_text(["a.txt", "c.txt"])
    await expect(row(page, "a.txt (ignored by Git)")).to_have_attribute("aria-description", "ignored by Git")
    with server.client() as client:
        client.put(f"/api/projects/{project}/files/.gitignore", content="b.*\n").raise_for_status()
    await expect(page.locator(".tree-row.ignored .tree-name")).to_have_text(["b.txt"])


SCROLL = """(tree) => new Promise((done) => {
  const frames = [];
  let before = performance.now();
  const step = (now) => {
    frames.push(now - before);
    before = now;
    tree.scrollTop = (tree.scrollTop + 5000) % (tree.scrollHeight - tree.clientHeight);
    if (frames.length < 60) requestAnimationFrame(step);
    else done([frames.sort((a, b) => a - b)[30], tree.querySelectorAll("[role=treeitem]").length]);
  };
  requestAnimationFrame(step);
})"""


async def test_a_hundred_thousand_entries_scroll_smoothly(
    page: Page, server: Server, project: str, folder: Path
) -> None:
    for name, count in (("few", 1000), ("many", MANY)):
        (folder / name).mkdir()
        for number in range(count):
            # Several names of few files, which is quicker; a file has some 60,000 at most.
            os.link(folder / ("a.txt" if number % 2 else "b.txt"), folder / name / f"file-{number}")
    await open_project(page, server, project)
    medians = []
    for name in ("few", "many"):
        await row(page, name).click()
        await expect(row(page, f"{name}/file-0")).to_be_visible(timeout=30_000)
        median, rows = await page.locator("#file-tree").evaluate(SCROLL)
        medians.append(median)
        assert rows < 150, "only what is in sight is in the page"
        await page.locator("#file-tree").evaluate("(tree) => tree.scrollTop = 0")
        if name == "few":
            await row(page, name).click()
    assert medians[1] < 1.5 * max(medians[0], 17), "a large folder scrolls as a small one does"
    await page.locator("#file-tree").focus()
    await page.keyboard.press("End")
    for _ in range(len(FILES)):
        await page.keyboard.press("ArrowUp")
    await expect(row(page, f"many/file-{MANY - 1}")).to_have_attribute("aria-setsize", str(MANY))


async def test_a_large_upload_goes_on_after_a_lost_connection_and_a_killed_server(
    page: Page, server: Server, project: str, folder: Path
) -> None:
    pieces, stuck = 0, asyncio.Event()

    async def lose(route: Route) -> None:
        nonlocal pieces
        pieces += 1
        if pieces == 2:
            await route.abort()
        elif pieces == 4:
            stuck.set()
        else:
            await route.continue_()

    async def choose() -> None:
        async with page.expect_file_chooser() as chooser:
            await page.get_by_role("button", name="Actions for src").click()
            await page.get_by_role("menuitem", name="Upload here").click()
        await (await chooser.value).set_files(large)

    await open_project(page, server, project)
    await page.route(re.compile(r"/uploads/\w+\?offset="), lose)
    large = folder.parent.parent / "large.bin"
    large.write_bytes(os.urandom(1024) * 36 * 1024)
    await choose()
    await stuck.wait()
    await page.goto("about:blank")
    server.kill()
    server.start()
    await page.goto(f"{server.url}/projects/{project}")
    await choose()
    await expect(page.get_by_text("The upload of large.bin is resumed at 44 %.")).to_be_visible()
    await expect(row(page, "src/large.bin")).to_be_visible()
    assert (folder / "src" / "large.bin").read_bytes() == large.read_bytes()
    assert pieces == 7, "five pieces, and two of them twice"
