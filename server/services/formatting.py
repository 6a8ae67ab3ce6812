"""Formatting of code by a project's own formatter, which runs where the project's other programs do."""

import asyncio
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from server.errors import AppError, GatewayTimeout, Invalid, NotFound, TooLarge, Unavailable
from server.models import ProjectId
from server.services.documents import Documents
from server.services.formatters import FORMATTERS, Formatter, edition
from server.services.programs import Output, finish
from server.services.workspaces import Workspaces
from server.storage import paths

SECONDS: Final = 5.0
MOST_TEXT: Final = 2 * 1024 * 1024
MOST_OUTPUT: Final = 2 * MOST_TEXT
_MOST_SETTINGS: Final = 256 * 1024
_EDITION: Final = "2021"
_ABSENT: Final = 127
# Programs of the folder's packages come before those of the environment, as npm and a virtual environment have it.
_RUN: Final = 'PATH=$1:$PATH; shift; command -v "$1" >/dev/null || exit 127; exec "$@"'
_LOOKS: Final = re.compile(r"\x1b\[[0-9;]*m|\s*[━─]+$")
_QUOTED: Final = re.compile(r"\d*\s*\|")


@dataclass(frozen=True)
class Choice:
    """The formatter that a project wants for a file, and the file that says so."""

    formatter: Formatter
    source: str

    @property
    def folder(self) -> str:
        return os.path.dirname(self.source)


@dataclass(frozen=True)
class Formatted:
    text: str
    formatter: str


class Formatting:
    """Formats texts of files, one after the other for each project: several at once could take all of its memory."""

    def __init__(self, workspaces: Workspaces, documents: Documents) -> None:
        self._workspaces = workspaces
        self._documents = documents
        self._locks: WeakValueDictionary[ProjectId, asyncio.Lock] = WeakValueDictionary()

    async def choice(self, id: ProjectId, path: str) -> Choice | None:
        """The formatter that the project's own files name for `path`; those of the nearest folder count."""
        candidates = _candidates(path)
        for folder in _folders(path):
            if chosen := await self._chosen(id, folder, candidates):
                return chosen
        return None

    async def format(self, id: ProjectId, path: str, text: bytes) -> Formatted:
        """`text` as the file's formatter has it, the project's choice or else the first that is installed.

        Raises NotFound where there is none, Invalid with the formatter's words when it refuses the text, Conflict when
        the project does not run, GatewayTimeout, TooLarge, Unavailable. Cancelling ends the formatter.
        """
        candidates = _candidates(path)
        if not candidates:
            raise NotFound(f"no formatter is known for files like {paths.shown(os.fsencode(path))}")
        choice = await self.choice(id, path)
        self._workspaces.touch(id, "formatting")
        async with self._locks.setdefault(id, asyncio.Lock()):
            for formatter in [choice.formatter] if choice else candidates:
                output = await self._run(id, formatter, choice.folder if choice else "", path, text)
                if output.code != _ABSENT:
                    return Formatted(_checked(formatter, text, output), formatter.name)
        if choice:
            source = paths.shown(os.fsencode(choice.source))
            raise NotFound(f"{source} asks for {choice.formatter.name}, which is not installed in the project")
        names = " or ".join(formatter.name for formatter in candidates)
        raise NotFound(f"no formatter is installed in the project: {names} would do")

    async def _chosen(self, id: ProjectId, folder: str, candidates: Sequence[Formatter]) -> Choice | None:
        names = {name for formatter in candidates for name in (*formatter.files, *formatter.mentions)}
        present = await self._documents.present(id, [os.path.join(folder, name) for name in sorted(names)])
        for formatter in candidates:
            for name in formatter.files:
                if (source := os.path.join(folder, name)) in present:
                    return Choice(formatter, source)
        for formatter in candidates:
            for name, says in formatter.mentions.items():
                source = os.path.join(folder, name)
                if source in present and says(await self._settings(id, source)):
                    return Choice(formatter, source)
        return None

    async def _settings(self, id: ProjectId, path: str) -> bytes:
        try:
            return await self._documents.read(id, path, _MOST_SETTINGS)
        except AppError:
            return b""

    async def _edition(self, id: ProjectId, path: str) -> str:
        for folder in _folders(path):
            if found := edition(await self._settings(id, os.path.join(folder, "Cargo.toml"))):
                return found
        return _EDITION

    async def _run(self, id: ProjectId, formatter: Formatter, folder: str, path: str, text: bytes) -> Output:
        workspace = self._workspaces.layout(id).workspace
        bins = [os.path.join(workspace, above, "node_modules/.bin") for above in _folders(path)]
        bins += [os.path.join(workspace, above, ".venv/bin") for above in _folders(path)]
        place = path.removeprefix(f"{folder}/")
        arguments = [argument.replace("{path}", place) for argument in formatter.arguments]
        if any("{edition}" in argument for argument in arguments):
            found = await self._edition(id, path)
            arguments = [argument.replace("{edition}", found) for argument in arguments]
        argv = ["/bin/sh", "-c", _RUN, "sh", ":".join(bins), formatter.name, *arguments]
        stream = await self._workspaces.execute(
            id, argv, cwd=os.path.join(workspace, folder), env={"NO_COLOR": "1"}, sourced=True
        )
        try:
            return await finish(stream, given=text, most=MOST_OUTPUT, seconds=SECONDS)
        except GatewayTimeout:
            raise GatewayTimeout(f"{formatter.name} took longer than {SECONDS:g} s, so it was ended") from None


def _candidates(path: str) -> list[Formatter]:
    paths.parse_entry(path)
    ending = os.path.splitext(path)[1].removeprefix(".").lower()
    return [formatter for formatter in FORMATTERS if ending in formatter.endings]


def _folders(path: str) -> list[str]:
    """The folders that the file is in, from its own to the project's, which is ""."""
    folders = []
    while path:
        path = os.path.dirname(path)
        folders.append(path)
    return folders


def _checked(formatter: Formatter, given: bytes, output: Output) -> str:
    name = formatter.name
    if output.cut:
        raise TooLarge(f"{name} makes more than {MOST_OUTPUT} bytes of it")
    if output.code is None:
        raise Unavailable(f"{name} was ended before it was done, perhaps for lack of memory")
    if output.code:
        raise Invalid(f"{name}: {_reason(output.errors) or f'it failed with code {output.code}'}")
    try:
        text = output.out.decode()
    except UnicodeDecodeError:
        raise Invalid(f"{name}: what it gave back is no UTF-8") from None
    # Whatever it thinks it did, no file is to become empty by being saved.
    if given.strip() and not text.strip():
        raise Invalid(f"{name}: it gave nothing back")
    return text


def _reason(said: str) -> str:
    """The first line of what a formatter complains of, with the next where it only leads to that."""
    lines = [line for raw in said.splitlines() if (line := _LOOKS.sub("", raw).strip()) and not _QUOTED.match(line)]
    leads = bool(lines) and lines[0].endswith(":")
    reason = " ".join(line.removeprefix("- ") for line in lines[: 2 if leads else 1])
    return reason.removeprefix("[error] ").removeprefix("error: ")[:300]
