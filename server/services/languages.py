"""Language servers: which programs speak for a language, and how long they may go on.

Each belongs to one caller, for the protocol has one client with its own open documents. It runs beside the project's
other programs, and comes last: it is the first that ends when memory is short, by the kernel's choice as by ours.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from server.errors import AppError, BadGateway, GatewayTimeout, Idle, NotFound, TooMany, Unavailable
from server.models import ProjectId
from server.runtimes.link import Stream
from server.services.conversation import Conversation
from server.services.workspaces import Workspaces

MOST_OPEN: Final = 24
"""Language servers of one project: every page has one for each language that is open in it."""
DELAYS: Final = (0.0, 2.0, 10.0, 30.0, 60.0)
"""Seconds after the first, second and later crashes before the next start."""
REMEMBERED: Final = 300.0
"""Seconds without a crash after which those before are forgiven."""
MEMORY_SHORT: Final = 0.8
"""The share of its memory that a project uses already when no language server is started any more."""
MEMORY_SPENT: Final = 0.95
"""The share above which the one that was used least recently is ended."""
LOOK_EVERY: Final = 5.0
"""Seconds."""
START_SECONDS: Final = 20.0
MOST_LINE: Final = 4096
_MORE_MEMORY: Final = "Stop something in the project, or give it more memory: [limits] memory in hutch.toml"


class Language(NamedTuple):
    """The commands that are tried, in this order, and what a person can do where there is none of them.

    `at_once` is how many requests they can work on, None for any number.
    """

    commands: tuple[str, ...]
    advice: str
    env: Mapping[str, str] = MappingProxyType({})
    at_once: int | None = None


def _extracted(name: str) -> Language:
    return Language(
        (f"vscode-{name}-language-server --stdio",),
        "Add one to the project: npm install --save-dev vscode-langservers-extracted",
    )


_TYPESCRIPT: Final = Language(
    (
        "typescript-language-server --stdio",
        # The compiler of TypeScript 7 is its own language server.
        "node_modules/@typescript/typescript-linux-x64/lib/tsc --lsp --stdio",
        "node_modules/@typescript/typescript-linux-arm64/lib/tsc --lsp --stdio",
        "tsgo --lsp --stdio",
    ),
    "Add one to the project: npm install --save-dev typescript@7, "
    "or npm install --save-dev typescript-language-server typescript@5",
    # Without a cache it fetches no types by itself: that takes npm, and more memory than all the rest.
    {"XDG_CACHE_HOME": "/dev/null"},
)
LANGUAGES: Final[Mapping[str, Language]] = MappingProxyType(
    {
        "typescript": _TYPESCRIPT,
        "javascript": _TYPESCRIPT,
        "python": Language(
            ("basedpyright-langserver --stdio", "pyright-langserver --stdio", "pylsp"),
            "Add one to the project: python3 -m venv .venv && .venv/bin/pip install python-lsp-server",
        ),
        "html": _extracted("html"),
        "css": _extracted("css"),
        "json": _extracted("json"),
        "nix": Language(("nil", "nixd"), "Add one to the packages in flake.nix: nil or nixd", at_once=2),
    }
)

# Tells which command it is, in a line before all that the server says.
_START: Final = """
{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null
PATH=$PWD/node_modules/.bin:$PWD/.venv/bin:$PATH:/opt/hutch/languages/bin
[ -z "${VIRTUAL_ENV:-}" ] && [ -x .venv/bin/python ] && export VIRTUAL_ENV="$PWD/.venv"
for command; do
  if command -v "${command%% *}" >/dev/null; then
    echo "$command"
    exec $command
  fi
done
"""


class Languages:
    """Starts and watches over language servers. `idle` is in seconds, 0 for never, and so is what `clock` gives."""

    def __init__(self, workspaces: Workspaces, *, idle: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._workspaces = workspaces
        self._idle = idle
        self._clock = clock
        self._count: Counter[ProjectId] = Counter()
        self._open: dict[ProjectId, set[Conversation]] = {}
        self._crashes: dict[tuple[ProjectId, str], list[float]] = {}

    @asynccontextmanager
    async def conversation(self, id: ProjectId, language: str) -> AsyncIterator[Conversation]:
        """A running server, which ends with the context.

        What is raised here and by `receive` may say what to do in `extra["advice"]`, and in `extra["retryAfter"]` after
        how many seconds to try again: NotFound where there is no server, Conflict when the project does not run,
        TooMany, Unavailable when memory is short, GatewayTimeout, LinkLost; once it runs, Idle, and BadGateway for a
        crash.
        """
        known = LANGUAGES.get(language)
        if known is None:
            raise NotFound(f"there are language servers for {', '.join(LANGUAGES)}, not for {language[:40]!r}")
        self._check_crashes(id, language)
        if self._count[id] >= MOST_OPEN:
            raise TooMany(f"a project has at most {MOST_OPEN} language servers; close a page of it", retry_after=60)
        self._count[id] += 1
        try:
            await self._check_memory(id)
            conversation = await self._start(id, language, known)
            try:
                with self._watched(id, conversation):
                    yield conversation
            finally:
                conversation.close()
        finally:
            self._count[id] -= 1
            if not self._count[id]:
                del self._count[id]

    # ---- the start

    async def _start(self, id: ProjectId, language: str, known: Language) -> Conversation:
        argv = ["/bin/sh", "-c", _START, "sh", *known.commands]
        stream = await self._workspaces.execute(id, argv, env=known.env, sourced=True)
        try:
            async with asyncio.timeout(START_SECONDS):
                command, begun = await _first_line(stream)
        except TimeoutError:
            stream.close()
            raise GatewayTimeout(f"no language server was found within {START_SECONDS:g} s", retryAfter=30) from None
        except BaseException:
            stream.close()
            raise
        if command is None:
            stream.close()
            raise NotFound(f"there is no language server for {language} in this project", advice=known.advice)
        root = PurePosixPath(self._workspaces.layout(id).workspace).as_uri()
        return Conversation(
            stream,
            command,
            root,
            begun,
            self._clock,
            lambda exit: self._ended(id, language, command, exit),
            known.at_once,
        )

    def _check_crashes(self, id: ProjectId, language: str) -> None:
        now = self._clock()
        for key, times in tuple(self._crashes.items()):
            if now - times[-1] > REMEMBERED:
                del self._crashes[key]
        crashes = self._crashes.get((id, language))
        if crashes and (rest := crashes[-1] + _delay(crashes) - now) > 0:
            raise TooMany(f"the language server for {language} crashes again and again", retry_after=math.ceil(rest))

    def _ended(self, id: ProjectId, language: str, command: str, exit: dict[str, Any]) -> AppError:
        """What to tell of a server that ended by itself."""
        delay = 0.0
        # Or somebody has ended it, or all of the project.
        if exit.get("signal") != "TERM":
            crashes = self._crashes.setdefault((id, language), [])
            crashes.append(self._clock())
            del crashes[: -len(DELAYS)]
            delay = _delay(crashes)
        said = str(exit.get("stderr", "")).strip().splitlines()
        how = f"was ended by SIG{exit['signal']}" if exit.get("signal") else f"has ended with code {exit.get('code')}"
        return BadGateway(
            f"{command} {how}" + (f": {said[-1][:300]}" if said else ""),
            advice=_MORE_MEMORY if exit.get("signal") == "KILL" else None,
            retryAfter=math.ceil(delay),
        )

    # ---- those that run

    @contextmanager
    def _watched(self, id: ProjectId, conversation: Conversation) -> Iterator[None]:
        others = self._open.setdefault(id, set())
        others.add(conversation)
        watch = asyncio.create_task(self._watch(id, conversation))
        try:
            yield
        finally:
            watch.cancel()
            others.discard(conversation)
            if not others:
                self._open.pop(id, None)

    async def _watch(self, id: ProjectId, conversation: Conversation) -> None:
        """End the server when nobody has used it for long, or when memory is spent and no other was used less."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if self._idle and self._clock() - conversation.active_at > self._idle:
                conversation.end(Idle(f"{conversation.command} was not used for {self._idle / 60:g} minutes"))
                return
            if conversation is not min(self._open[id], key=lambda other: other.active_at):
                continue
            try:
                share = await self._workspaces.memory_share(id)
            except AppError:
                # The conversation learns of it by itself.
                continue
            if share > MEMORY_SPENT:
                conversation.end(_memory_short(share))
                return

    async def _check_memory(self, id: ProjectId) -> None:
        share = await self._workspaces.memory_share(id)
        if share > MEMORY_SHORT:
            raise _memory_short(share)


def _memory_short(share: float) -> Unavailable:
    detail = f"{share:.0%} of the project's memory is in use, and its programs come before language servers"
    return Unavailable(detail, advice=_MORE_MEMORY, retryAfter=60)


def _delay(crashes: Sequence[float]) -> float:
    return DELAYS[len(crashes) - 1]


async def _first_line(stream: Stream) -> tuple[str | None, bytes]:
    """The first line and what came after it; None when the program ends before."""
    begun = b""
    while b"\n" not in begun and len(begun) < MOST_LINE:
        item = await stream.receive()
        if not isinstance(item, bytes):
            return None, b""
        begun += item
    line, _, rest = begun.partition(b"\n")
    return line.decode(errors="replace"), rest
