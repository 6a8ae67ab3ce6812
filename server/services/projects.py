"""Makes, lists, renames and deletes projects, and knows how each wants to be run."""

import asyncio
import logging
import secrets
import string
import unicodedata
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from server.errors import Invalid, NotFound
from server.models import Limits, Project, ProjectId, RunConfig
from server.services import run_config
from server.services.documents import Documents
from server.services.git_remotes import check_url, name_of
from server.services.packages import check_dependencies, shortened
from server.services.run_config import parse_run_config
from server.services.templates import DEFAULT, Template, Templates
from server.storage.database import Database

logger = logging.getLogger(__name__)

T = TypeVar("T")

MOST_NAME: Final = 100
ID_LENGTH: Final = 12
"""Letters and digits of an id: 61 bits, so that none is met twice and none can be guessed."""

# Controls, surrogates (which UTF-8 can't hold) and line ends; and what turns the text that follows it around.
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Projects:
    """The projects. `limits` are the server's, which a project may lower for itself.

    Methods that change something finish what they began when the caller is cancelled.
    """

    def __init__(self, database: Database, documents: Documents, templates: Templates, limits: Limits) -> None:
        self._database = database
        self._documents = documents
        self._templates = templates
        self._limits = limits
        self._tasks: set[asyncio.Task[Any]] = set()

    def templates(self) -> list[Template]:
        """What a project can be made from, the default first."""
        return self._templates.all()

    async def create(
        self,
        *,
        name: object = None,
        template: object = None,
        dependencies: object = None,
        source: object = None,
    ) -> Project:
        """Make a project from what a person sent, whole or not at all.

        None takes the default of each. With a `source`, the address of a repository, it has no files yet. Raises
        Invalid, whose `field` names what can't be accepted.
        """
        chosen = self._chosen(DEFAULT if template is None else template)
        packages = check_dependencies({} if dependencies is None else dependencies)
        if packages and not chosen.manifest:
            raise Invalid(f"a {chosen.title} project has no package.json for dependencies", field="dependencies")
        url = None if source is None else check_url(source)
        if packages and url:
            raise Invalid("what a repository depends on is named in it; leave one of the two out", field="dependencies")
        id = new_id()
        title = (name_of(url) if url else id) if name is None else check_name(name)
        project = Project(id, title, chosen.name, datetime.now(UTC))
        await self._finish(self._create(project, {} if url else chosen.render(id, title, packages)))
        logger.info("project %s created from the template %s", id, chosen.name)
        return project

    async def list(self) -> list[Project]:
        """All, newest first."""
        return await self._database.projects.list()

    async def count(self) -> int:
        return await self._database.projects.count()

    async def get(self, id: ProjectId) -> Project:
        """Raises NotFound."""
        project = await self._database.projects.get(id)
        if project is None:
            raise NotFound("there is no such project")
        return project

    async def rename(self, id: ProjectId, name: object) -> Project:
        """Raises Invalid for a name that can't be accepted, NotFound."""
        await self._finish(self._database.projects.rename(id, check_name(name)))
        return await self.get(id)

    async def delete(self, id: ProjectId) -> None:
        """Delete the files, then the project; nothing may run in it. After a failure it can be called again."""
        await self.get(id)
        await self._finish(self._delete(id))
        logger.info("project %s deleted", id)

    async def check_writable(self) -> None:
        """Raises Unavailable or StorageFull when projects can't be made just now."""
        await self._database.check_writable()

    async def run_config(self, id: ProjectId) -> RunConfig:
        """How the project wants to be run: its hutch.toml over its template. Raises Invalid where that is wrong."""
        project = await self.get(id)
        template = self._templates.get(project.template)
        base = template.run if template else RunConfig(install=None, command="", port=3000)
        base = RunConfig(base.install, base.command, base.port, dict(base.env), self._limits)
        try:
            content = await self._documents.read(id, run_config.FILE, most=run_config.MOST_BYTES)
        except NotFound:
            content = b""
        return parse_run_config(content, base)

    def _chosen(self, name: object) -> Template:
        template = self._templates.get(name) if isinstance(name, str) else None
        if template is None:
            known = ", ".join(template.name for template in self._templates.all())
            raise Invalid(f"there is no template {shortened(name)}; the templates are {known}", field="template")
        return template

    async def _create(self, project: Project, files: dict[str, bytes]) -> None:
        await self._documents.create(project.id, files)
        try:
            await self._database.projects.add(project)
        except BaseException:
            await self._documents.remove(project.id)
            raise

    async def _delete(self, id: ProjectId) -> None:
        await self._documents.remove(id)
        await self._database.projects.delete(id)

    async def _finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end even when the caller goes away: half a project is none."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)


def new_id() -> ProjectId:
    """A random id: a letter, then letters and digits."""
    letters, both = string.ascii_lowercase, string.ascii_lowercase + string.digits
    return ProjectId(secrets.choice(letters) + "".join(secrets.choice(both) for _ in range(ID_LENGTH - 1)))


def check_name(name: object, *, field: str = "name", most: int = MOST_NAME) -> str:
    """A name for people as it is kept: trimmed and composed, of at most `most` characters. Raises Invalid."""
    if not isinstance(name, str):
        raise Invalid(f"the {field} must be a string", field=field)
    if len(name) > 4 * most:
        # Not composed first: that takes long for much text.
        raise Invalid(f"a {field} has at most {most} characters, this one has {len(name)}", field=field)
    name = unicodedata.normalize("NFC", name).strip()
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES or character in _OVERRIDES for character in name):
        raise Invalid(f"a {field} has no control characters, such as line ends or changes of direction", field=field)
    if not any(character.isprintable() and not character.isspace() for character in name):
        raise Invalid(f"a {field} has at least one visible character", field=field)
    if len(name) > most:
        raise Invalid(f"a {field} has at most {most} characters, this one has {len(name)}", field=field)
    return name
