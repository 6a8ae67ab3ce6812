"""What is known of one project's container and run, and the status that is told of it."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

from server.models import Limits, Port, ProjectId, Run, State, Step, Usage
from server.runtimes.link import Link
from server.services.events import Publisher
from server.services.probing import Probes
from server.services.reports import Terminal, Watch


@dataclass(frozen=True)
class Idle:
    """When the container will be stopped if nothing happens, and what happened last."""

    stops_at: datetime
    reason: str


@dataclass(frozen=True)
class Status:
    """Everything there is to say about what a project runs. `detail` is a sentence where something is wrong."""

    project: ProjectId
    run: Run
    ports: tuple[Port, ...]
    usage: Usage
    limits: Limits
    idle: Idle | None
    container: bool
    runtime: str
    detail: str | None


@dataclass
class Workspace:
    """What is known of one project. `link` is None while no container runs or its supervisor can't be reached."""

    id: ProjectId
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    publisher: Publisher = field(default_factory=Publisher)
    limits: Limits | None = None
    link: Link | None = None
    preparing: Step | None = None
    container: Step | None = None
    run: Run = Run(State.STOPPED)
    ports: tuple[Port, ...] = ()
    probes: Probes = field(default_factory=Probes)
    ports_changed: asyncio.Event = field(default_factory=asyncio.Event)
    terminals: tuple[Terminal, ...] = ()
    watch: Watch = Watch()
    detail: str | None = None
    active_at: float = field(default_factory=time.time)
    activity: str = "start of the server"
    cpu_sample: tuple[float, float] | None = None
    disk: tuple[float, int] | None = None
    watcher: asyncio.Task[None] | None = None
