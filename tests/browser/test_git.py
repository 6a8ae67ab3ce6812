"""Git in the IDE: from a change to a commit that is pushed, by parts of a file, to a bare repository on the disk."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.test_search import content, make_project, open_ide
from tests.support.axe import violations
from tests.support.git_remote import repository_over_http
from tests.support.server import Server
from tests.support.terminal import Terminal

CODE = "/*\nconst old\n*/\nlet same = 1\n"
LONG = f"let long = '{'x' * 100_001}'\n"
LINES = [f"line {number}" for number in range(30)]


def write(server: Server, project: str, path: str, content: str | bytes) -> None:
    with server.client() as client:
        client.put(f"/api/projects/{project}/files/{path}", content=content).raise_for_status()


async def shell(server: Server, project: str, name: str, command: str) -> str:
    """What a command prints in a new terminal."""
    async with Terminal(server, project, f"terminals/{name}?cols=300&rows=50") as terminal:
        await terminal.type(f"{command}; echo do''ne\n")
        return await terminal.read_until("done\r\n", 60)


async def make_and_delete_a_key(page: Page, accounts: Locator) -> None:
    await accounts.get_by_role("button", name="Make a key").click()
    public = accounts.get_by_role("textbox", name="Public key")
    await expect(public).to_have_value(re.compile("ssh-ed25519 .* hutch"))
    made = await public.input_value()
    await expect(accounts.get_by_role("button", name="Copy")).to_be_focused()
    assert await violations(page) == []
    await accounts.get_by_role("button", name="Replace…").click()
    await page.get_by_role("button", name="Use one of mine…").click()
    own = page.get_by_role("dialog", name="Use a key of yours")
    await own.get_by_role("textbox", name="Private key").fill(made)
    await own.get_by_role("button", name="Save").click()
    await expect(own).to_contain_text("this is the public half of a key")
    await page.keyboard.press("Escape")
    await expect(public).to_have_value(made)
    await accounts.get_by_role("button", name="Delete…").click()
    await page.get_by_role("button", name="Delete", exact=True).click()
    await expect(accounts.get_by_role("button", name="Make a key")).to_be_focused()


async def look_into_commits(page: Page, panel: Locator) -> None:
    """From the commit of a blamed line to its parent, which is the first, and back."""
    commit = panel.get_by_role("region", name="Commit")
    await expect(commit.get_by_role("heading").first).to_have_text("The last change")
    await expect(commit).to_contain_text("1 file changed")
    await commit.get_by_role("list", name="Files changed").get_by_role("button").click()
    comparison = page.get_by_role("group", name="Comparison")
    for side, word in (("Before", "line 28"), ("In ", "last change")):
        text = comparison.get_by_role("textbox", name=re.compile(f"^{side}"))
        await expect(text).to_contain_text(word)
        await expect(text).to_have_attribute("aria-readonly", "true")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(comparison).to_have_count(0)
    await commit.get_by_role("button", name="Parent").click()
    await expect(commit).to_contain_text("the first commit")
    await expect(commit).to_be_focused()
    await commit.get_by_role("button", name="app.js", exact=True).click()
    await expect(comparison.get_by_role("textbox", name="Nothing before")).to_have_text("")
    await expect(comparison.get_by_role("textbox", name=re.compile("^In "))).to_contain_text("const old")
    await page.keyboard.press("Escape")
    await commit.get_by_role("button", name="Back to the changes").click()
    await expect(commit).to_be_hidden()
    await expect(panel.get_by_role("list", name="Commits").get_by_role("button").first).to_be_focused()


async def meet_a_conflict(page: Page, server: Server, project: str, panel: Locator) -> None:
    """Give up a merge, and end another one, whose first side comes from the remote by a pull."""
    theirs = "git clone -q $HUTCH_PROJECT.git theirs-$HUTCH_PROJECT && cd theirs-$HUTCH_PROJECT && git switch -q main"
    commit = "git -c user.name=B -c user.email=b@b commit -qam Theirs && git push -q"
    await shell(server, project, "pushing", f"(cd /tmp && {theirs} && echo // theirs > app.js && {commit})")
    write(server, project, "app.js", "// mine\n")
    await panel.get_by_role("button", name="Stage app.js").click()
    await page.get_by_role("textbox", name="Message of the commit").fill("Mine")
    await panel.get_by_role("button", name="Commit", exact=True).click()
    await expect(panel).to_contain_text("Nothing has changed")
    under_way = panel.get_by_role("group", name="What is under way")
    conflicts = panel.get_by_role("list", name="Conflicts")
    await expect(under_way).to_have_count(0)

    await panel.get_by_role("button", name="Pull").click()
    await expect(under_way).to_contain_text("Merging main: 1 file with conflicts.")
    await expect(under_way.get_by_role("button", name="Continue")).to_be_disabled()
    await expect(conflicts.get_by_role("listitem")).to_have_count(1)
    assert await violations(page) == []
    await under_way.get_by_role("button", name="Abort…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await expect(under_way.get_by_role("button", name="Abort…")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Abort the merge").click()
    await expect(under_way).to_have_count(0)
    await expect(panel).to_contain_text("Nothing has changed")
    await expect(panel.locator(":focus")).to_have_count(1)
    assert content(server, project, "app.js") == "// mine\n"

    await panel.get_by_role("button", name="Pull").click()
    await conflicts.get_by_role("button", name="app.js", exact=True).click()
    text = page.get_by_role("textbox", name="app.js")
    await expect(page.locator(".cm-activeLine:visible")).to_contain_text("<<<<<<< HEAD")
    choice = text.get_by_role("group", name="Merge conflict")
    await expect(choice.get_by_role("button", name="Keep HEAD")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("tab", name="Files").click()
    await expect(page.get_by_role("treeitem", name="app.js")).to_have_class(re.compile("git-conflict"))
    await page.get_by_role("tab", name="Git", exact=True).click()
    resolve = conflicts.get_by_role("button", name="Stage app.js as resolved")
    await resolve.click()
    await expect(page.get_by_role("dialog")).to_contain_text("marks a conflict")
    await page.keyboard.press("Escape")
    await choice.get_by_role("button", name="Keep HEAD").click()
    await expect(text).to_have_text("// mine")
    await page.keyboard.press("Control+z")
    await expect(choice).to_have_count(1)
    await page.keyboard.press("F1")
    await page.get_by_role("combobox", name="Commands").fill("keep both")
    await page.keyboard.press("Enter")
    await expect(choice).to_have_count(0)
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("Saved app.js.")).to_be_attached()
    assert content(server, project, "app.js") == "// mine\n// theirs\n"
    await resolve.click()
    await expect(under_way).to_contain_text("no conflicts are left")
    await under_way.get_by_role("button", name="Continue").click()
    await expect(under_way).to_have_count(0)
    await expect(panel.get_by_role("list", name="Commits")).to_contain_text("Merge branch 'main'")


async def test_from_a_change_to_a_push(page: Page, server: Server) -> None:
    project = make_project(server, {"notes.txt": "\n".join(LINES) + "\n", "app.js": CODE})
    await open_ide(page, server, project)
    await page.keyboard.press("Control+Shift+G")
    await page.get_by_role("button", name="Make a repository").click()
    panel = page.locator(".git")
    await panel.get_by_role("button", name="Stage all").click()
    message = page.get_by_role("textbox", name="Message of the commit")
    await message.fill("Begin")
    await page.keyboard.press("Control+Enter")

    # Git asks who it is, once, and goes on by itself.
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name", exact=True).fill("Ada")
    await dialog.get_by_label("E-mail address").fill("ada@example.org")
    await dialog.get_by_role("button", name="Save").click()
    await expect(panel.get_by_role("list", name="Commits")).to_contain_text("Begin")
    await expect(panel).to_contain_text("Nothing has changed")

    # Two parts of a file have changed, and one of them is committed.
    changed = [*LINES]
    changed[1], changed[28] = "first change", "last change"
    write(server, project, "notes.txt", "\n".join(changed) + "\n")
    await page.get_by_role("button", name="notes.txt", exact=True).first.click()
    differences = page.get_by_role("group", name="Differences")
    await expect(differences.locator(".diff-hunk")).to_have_count(2)
    await differences.get_by_role("button", name="Stage this part").last.click()
    await expect(differences.locator(".diff-hunk")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(differences).to_have_count(0)
    await expect(panel.get_by_role("list", name="Staged")).to_contain_text("notes.txt")
    # Lines have the colours that they have in the whole file; those of a text with so long a line have none.
    write(server, project, "app.js", CODE.replace("old", "new"))
    await page.get_by_role("button", name="app.js", exact=True).first.click()
    for kind, word in (("removed", "const old"), ("added", "const new")):
        comment = differences.locator(f".diff-line.{kind} span:not(.sr-only)")
        await expect(comment).to_have_text(word)
        await expect(comment).to_have_css("font-style", "italic")
    await page.keyboard.press("Escape")
    write(server, project, "app.js", LONG)
    await page.get_by_role("button", name="app.js", exact=True).first.click()
    await expect(differences.locator(".diff-line.removed span:not(.sr-only)")).not_to_have_count(0)
    await expect(differences.locator(".diff-line.added")).to_contain_text("xxx")
    await expect(differences.locator(".diff-line.added span:not(.sr-only)")).to_have_count(0)
    await page.keyboard.press("Escape")
    await panel.get_by_role("button", name="Discard the changes of app.js").click()
    await page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    await message.fill("The last change")
    await panel.get_by_role("button", name="Commit", exact=True).click()
    await expect(panel.get_by_role("list", name="Commits")).to_contain_text("The last change")
    await page.get_by_role("tab", name="Files").click()
    await expect(page.get_by_role("treeitem", name="notes.txt")).to_have_class("tree-row git-changed")
    await page.get_by_role("treeitem", name="notes.txt").click()
    await expect(page.locator(".cm-git-changed")).to_have_count(1)
    await page.locator(".cm-line", has_text="last change").click()
    await page.keyboard.press("F1")
    await page.keyboard.type("who last changed")
    await page.keyboard.press("Enter")
    await expect(page.locator(".notices")).to_contain_text("The last change")
    await page.locator(".notices").get_by_role("button", name="Open the commit").click()
    await look_into_commits(page, panel)
    # What is pressed while the list is made anew, because a file was written, is pressed all the same.
    discard = panel.get_by_role("button", name="Discard the changes of notes.txt")
    await discard.hover()
    pressed = await discard.element_handle()
    await page.mouse.down()
    write(server, project, "notes.txt", "\n".join([*changed, "one more"]) + "\n")
    await page.wait_for_function("(it) => !it.isConnected", arg=pressed)
    await page.mouse.up()
    await page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    await expect(panel).to_contain_text("Nothing has changed")
    assert content(server, project, "notes.txt") == "\n".join([*LINES[:28], "last change", "line 29"]) + "\n"

    remote = "/tmp/$HUTCH_PROJECT.git"
    await shell(server, project, "make", f"git init -q --bare {remote}; git remote add origin {remote}")
    await panel.get_by_role("button", name="Push").press("Enter")
    await expect(page.locator(".notices")).to_contain_text("Pushed.")
    await expect(panel.get_by_role("button", name="Push")).to_be_focused()
    subjects = await shell(server, project, "look", f"git --git-dir {remote} log --format=%s main")
    assert "The last change" in subjects and "Begin" in subjects

    await meet_a_conflict(page, server, project, panel)

    await panel.locator(".git-branch").click()
    await page.get_by_role("menuitem", name="New branch…").click()
    await page.get_by_role("dialog").get_by_role("textbox").fill("a topic")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(page.get_by_role("dialog")).to_contain_text("no spaces")
    await page.get_by_role("dialog").get_by_role("textbox").fill("topic")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(panel.locator(".git-branch")).to_have_text("topic")

    # Of many commits the latest come first, and the others when they are asked for.
    commit = "git -c user.name=B -c user.email=b@b commit -qam 'no. <b>'$i"
    await shell(server, project, "many", f"for i in $(seq 60); do echo $i > app.js; {commit}; done")
    commits = panel.get_by_role("list", name="Commits").get_by_role("button")
    await expect(commits).to_have_count(50)
    await expect(commits.first).to_contain_text("no. <b>60")
    await panel.get_by_role("button", name="Show more commits").click()
    await expect(commits).to_have_count(65)
    await expect(commits.nth(50)).to_be_focused()
    await expect(panel.get_by_role("button", name="Show more commits")).to_be_hidden()

    await panel.get_by_role("button", name="More of Git").click()
    await page.get_by_role("menuitem", name="Git accounts…").click()
    accounts = page.get_by_role("dialog", name="Git accounts")
    if server.runtime == "local":
        await expect(accounts).to_contain_text("Git uses your own ssh")
    else:
        await make_and_delete_a_key(page, accounts)


async def test_a_project_from_a_repositorys_address(page: Page, server: Server, tmp_path: Path) -> None:
    await page.goto(server.link)
    address = page.get_by_label("Git address")
    await address.fill("file:///etc")
    await expect(page.get_by_label("Template")).to_be_disabled()
    await page.get_by_role("button", name="Git accounts…").click()
    await expect(page.get_by_role("dialog", name="Git accounts")).to_contain_text("SSH key")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Create project").click()
    await expect(page.locator("#create-source-problem")).to_contain_text("expected the address of a Git repository")
    with repository_over_http(tmp_path) as (url, _):
        await address.fill(url)
        await page.get_by_role("button", name="Create project").click()
        await page.wait_for_url("**/projects/*")
        await expect(page.get_by_role("treeitem", name="README.md")).to_be_visible()
    await page.get_by_role("tab", name="Git").click()
    await expect(page.get_by_role("list", name="Commits")).to_contain_text("One")


@pytest.mark.parametrize("server", ["local"], indirect=True)
async def test_differences_are_read_in_the_encoding_of_the_file(page: Page, server: Server) -> None:
    before = "".join(f"let café{number} = 1\n" for number in range(9))
    project = make_project(server, {"latin.js": before.encode("cp1252")})
    await open_ide(page, server, project)
    await page.keyboard.press("Control+Shift+G")
    await page.get_by_role("button", name="Make a repository").click()
    await page.locator(".git").get_by_role("button", name="Stage all").click()
    changes = page.get_by_role("list", name="Changes")
    await expect(changes).to_have_count(0)
    write(server, project, "latin.js", "let café0 = 'straße'\n".encode("cp1252"))
    await changes.get_by_role("button", name="latin.js", exact=True).click()
    differences = page.get_by_role("group", name="Differences")
    await expect(differences.locator(".diff-line.added")).to_have_text("added: +let café0 = 'straße'")
    await expect(differences.locator(".diff-line.added span:not(.sr-only)").last).to_have_text("'straße'")
    await expect(differences.locator(".diff-line.removed").last).to_have_text("removed: -let café8 = 1")


async def test_git_starts_the_container_that_it_needs(page: Page, server: Server) -> None:
    with server.client() as client:
        project = client.post("/api/projects", json={}).raise_for_status().json()["id"]
    await open_ide(page, server, project)
    await page.get_by_role("tab", name="Git").click()
    await page.get_by_role("button", name="Start the container").click()
    await expect(page.get_by_role("button", name="Make a repository")).to_be_visible()
