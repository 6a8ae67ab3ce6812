"""Shapes that several layers share. Data only; nothing here does I/O."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

ProjectId = NewType("ProjectId", str)

# A DNS label of lower-case letters and digits; it starts with a letter, so that `3000-<id>` can't be read two ways.
PROJECT_ID = re.compile(r"[a-z][a-z0-9]{5,31}")


class State(StrEnum):
    """What a project's run is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    INSTALLING = "installing"
    RUNNING = "running"
    EXITED = "exited"
    FAILED = "failed"


class Visibility(StrEnum):
    """Who reaches a port: the project's own people, or everyone."""

    PRIVATE = "private"
    PUBLIC = "public"


@dataclass(frozen=True)
class ShareLink:
    """Leave for whoever has the link to reach a port until it expires."""

    id: str
    project: ProjectId
    port: int
    created_at: datetime
    expires_at: datetime


class StepState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Project:
    """A project as the database knows it. `template` is the name it was created from."""

    id: ProjectId
    name: str
    template: str
    created_at: datetime


@dataclass(frozen=True)
class Step:
    """One part of a run: clone, container, environment, install or app. Times are UTC; `detail` says why it failed."""

    name: str
    state: StepState
    started_at: datetime | None = None
    ended_at: datetime | None = None
    code: int | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Run:
    """A project's run as last reported. `code` and `signal` are the app's, once it has ended."""

    state: State
    steps: tuple[Step, ...] = ()
    code: int | None = None
    signal: str | None = None


@dataclass(frozen=True)
class Port:
    """A TCP port on which a process in the project listens. `address` is the kernel's: 0.0.0.0, ::, 127.0.0.1, …

    `http` says whether HTTP is spoken there, None while that is not known; it is not what makes two listeners the same.
    """

    port: int
    address: str
    process: str
    pid: int | None = None
    http: bool | None = field(default=None, compare=False)

    @property
    def is_loopback(self) -> bool:
        """Whether it is reached from inside the project alone."""
        return self.address.startswith("127.") or self.address == "::1"


@dataclass(frozen=True)
class Limits:
    """What one project may use: bytes of memory, processors, processes."""

    memory: int = 256 * 1024 * 1024
    cpus: float = 0.5
    pids: int = 100


@dataclass(frozen=True)
class Usage:
    """What a project uses now. Bytes; `cpu` is in processors; None where the runtime can't tell."""

    memory: int | None = None
    cpu: float | None = None
    disk: int | None = None


@dataclass(frozen=True)
class RunConfig:
    """The `hutch.toml` of a project, with the template's values where it is silent."""

    install: str | None
    command: str
    port: int
    env: dict[str, str] = field(default_factory=dict)
    limits: Limits = Limits()


@dataclass(frozen=True)
class Pattern:
    """What is looked for in files. The globs are those of .gitignore; `ignored` files are those it names."""

    text: str
    regex: bool = False
    case: bool = False
    word: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    ignored: bool = False


@dataclass(frozen=True)
class Hit:
    """A line with what was found in it: the byte offsets of each find, in order, none when the line is too long."""

    path: bytes
    number: int
    line: bytes
    spans: tuple[tuple[int, int], ...]
