"""What is too heavy for the suite: `make soak`. Django, Streamlit, Jupyter, Next.js with the memory that it needs, a
gigabyte up.
"""

import re
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, FrameLocator, Page, expect

from tests.browser.test_apps import upload
from tests.browser.test_dev_servers import PAGE, see_hot_reload
from tests.support.apps import INSTALL, project_with, run_in_the_ide
from tests.support.server import Server

pytestmark = [
    pytest.mark.timeout(1200),
    pytest.mark.engine,
    pytest.mark.parametrize("server", ["docker"], indirect=True),
]

NEXT = {
    "hutch.toml": '[run]\ninstall = "npm install"\ncommand = "npx next dev"\nport = 3000\n',
    "app/layout.jsx": (
        'export default function Layout({ children }) { return <html lang="en"><body>{children}</body></html>; }\n'
    ),
    "app/page.jsx": PAGE.format(name="Page"),
}
NEXT_PACKAGES = {"next": "^15", "react": "^19", "react-dom": "^19"}
VIEWS = """from django.http import HttpResponse
from django.template import engines
FORM = '<h1>{{ name }}</h1><form method="post">{% csrf_token %}<input name="name"><button>Go</button></form>'

def home(request):
    form = engines["django"].from_string("<!doctype html>" + FORM)
    return HttpResponse(form.render({"name": request.POST.get("name", "nobody")}, request))
"""
DJANGO = {
    "hutch.toml": '[run]\ninstall = "sh install"\ncommand = ".venv/bin/python manage.py runserver"\nport = 8000\n',
    "install": (
        "set -e\npython3 -m venv .venv\n.venv/bin/pip install django\n.venv/bin/django-admin startproject mine .\n"
        "cp views.py mine\ncat urls >>mine/urls.py\n"
    ),
    "views.py": VIEWS,
    "urls": "from mine.views import home\nurlpatterns.append(path('', home))\n",
}
STREAMLIT = {
    "hutch.toml": (
        '[run]\ninstall = "python3 -m venv .venv && .venv/bin/pip install streamlit"\n'
        'command = ".venv/bin/streamlit run app.py"\nport = 8501\n'
    ),
    "app.py": (
        'import streamlit as st\nst.header("Hello " + st.text_input("Name", "nobody"))\n'
        'file = st.file_uploader("File")\nif file:\n    st.text(f"{len(file.getvalue())} bytes")\n'
    ),
}
JUPYTER = {
    "hutch.toml": (
        '[run]\ninstall = "python3 -m venv .venv && .venv/bin/pip install jupyterlab"\n'
        'command = ".venv/bin/jupyter lab"\nport = 8888\n'
    ),
}


async def test_django_as_its_command_makes_it(page: Page, server: Server) -> None:
    frame = await run_in_the_ide(page, server, project_with(server, DJANGO, template="python"))
    await expect(frame.locator("h1")).to_have_text("nobody", timeout=INSTALL)
    await frame.get_by_role("textbox").last.fill("ada")
    await frame.get_by_role("button", name="Go").click()
    await expect(frame.locator("h1")).to_have_text("ada")


async def in_a_tab(page: Page) -> Page:
    """The app of the pane in a tab of its own, where it has other cookies."""
    async with page.context.expect_page() as opened:
        await page.get_by_role("button", name="Open in a tab of its own").click()
    return await opened.value


async def greet(app: FrameLocator | Page) -> None:
    """Have Streamlit's page compute anew, and take a file."""
    await expect(app.get_by_role("heading", name="Hello nobody")).to_be_visible(timeout=600_000)
    await app.get_by_role("textbox", name="Name").fill("ada")
    await app.get_by_role("textbox", name="Name").press("Enter")
    await expect(app.get_by_role("heading", name="Hello ada")).to_be_visible()
    file: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x" * 1234}
    await app.locator("input[type=file]").set_input_files(file)
    await expect(app.get_by_text("1234 bytes")).to_be_visible()


# It can't reach its makers' servers here, and says so.
@pytest.mark.parametrize("forgiven", [("Failed to load resource", "metrics config")])
async def test_streamlit(page: Page, server: Server) -> None:
    await greet(await run_in_the_ide(page, server, project_with(server, STREAMLIT, template="python")))
    await greet(await in_a_tab(page))


async def calculate(app: FrameLocator | Page, token: str) -> None:
    """Sign in to JupyterLab, and have a new notebook's kernel answer."""
    await app.get_by_role("textbox", name="Password or token").first.fill(token)
    await app.get_by_role("button", name="Log in", exact=True).click()
    await app.locator(".jp-LauncherCard[title*='Python 3']").first.click(timeout=INSTALL)
    await expect(app.get_by_text("| Idle")).to_be_visible(timeout=INSTALL)
    cell = app.locator(".jp-Notebook .cm-content").first
    await cell.click()
    await cell.press_sequentially("6 * 7")
    await cell.press("Shift+Enter")
    await expect(app.locator(".jp-OutputArea-output").first).to_contain_text("42")


async def test_jupyter_lab(page: Page, server: Server) -> None:
    project = project_with(server, JUPYTER, template="python")
    frame = await run_in_the_ide(page, server, project)
    await expect(frame.get_by_role("button", name="Log in", exact=True)).to_be_visible(timeout=600_000)
    with server.client() as client:
        said = client.get(f"/api/projects/{project}/logs/download").text
    token = re.search(r"token=([0-9a-f]+)", said)
    assert token, said
    await calculate(frame, token[1])
    tab = await in_a_tab(page)
    # What was open before would be opened again.
    await tab.goto("/".join(tab.url.split("/")[:3]) + "/lab?reset")
    await calculate(tab, token[1])


@pytest.mark.parametrize("settings", [{"HUTCH_MEMORY": "1GiB"}])
async def test_next_with_hot_reload(page: Page, server: Server) -> None:
    await see_hot_reload(page, server, NEXT, NEXT_PACKAGES, "app/page.jsx", within=600_000)


async def test_a_gigabyte_is_uploaded(page: Page, server: Server, tmp_path: Path) -> None:
    await upload(page, server, tmp_path, 1000, within=600_000)
