"""What is too heavy for the suite: `make soak`. Django, Next.js with the memory that it needs, a gigabyte up."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

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


async def test_django_as_its_command_makes_it(page: Page, server: Server) -> None:
    frame = await run_in_the_ide(page, server, project_with(server, DJANGO, template="python"))
    await expect(frame.locator("h1")).to_have_text("nobody", timeout=INSTALL)
    await frame.get_by_role("textbox").last.fill("ada")
    await frame.get_by_role("button", name="Go").click()
    await expect(frame.locator("h1")).to_have_text("ada")


@pytest.mark.parametrize("settings", [{"HUTCH_MEMORY": "1GiB"}])
async def test_next_with_hot_reload(page: Page, server: Server) -> None:
    await see_hot_reload(page, server, NEXT, NEXT_PACKAGES, "app/page.jsx", within=600_000)


async def test_a_gigabyte_is_uploaded(page: Page, server: Server, tmp_path: Path) -> None:
    await upload(page, server, tmp_path, 1000, within=600_000)
