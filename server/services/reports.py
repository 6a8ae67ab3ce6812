"""What a supervisor reports, checked and turned into our own shapes.

The supervisor runs as the project's user, so a program in the container can speak in its place: every field may be
missing, of another type, or absurd. Such a field falls back to something harmless; nothing here raises.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from server.models import Port, Run, State, Step, StepState

MOST_ITEMS = 200
MOST_TEXT = 500
MOST_PATH = 4096
TERMINALS = "terminal/"
"""Prefix of the channels of terminals, so that none can be taken for the log."""
MOST_TITLE = 40
"""Characters of a terminal's title."""
MOST_ATTACHED = 500


@dataclass(frozen=True)
class Attached:
    """A viewer of a terminal: since when, and whether it only looks."""

    since: datetime | None
    view_only: bool


@dataclass(frozen=True)
class Recorded:
    """The recording of a terminal that is being made now."""

    id: str
    started_at: datetime | None


@dataclass(frozen=True)
class Terminal:
    """A terminal of a project. `title` is what people call it, its name until they do. `sizing` is whose size it has.

    `viewers` counts the attached sockets of all servers, of which `attached` may be the first ones; times are UTC.
    """

    name: str
    title: str
    ended: bool
    viewers: int
    attached: tuple[Attached, ...]
    cols: int
    rows: int
    sizing: str
    started_at: datetime | None
    active_at: datetime | None
    recording: Recorded | None = None


@dataclass(frozen=True)
class Watch:
    """Whether changes of the files are told as they happen; `detail` is why not where a limit was met."""

    live: bool = False
    detail: str | None = None


def parse_run(value: object) -> Run:
    """A run from a RunStatus; a stopped one where it makes no sense."""
    report = _dict(value)
    try:
        state = State(_text(report.get("state")))
    except ValueError:
        state = State.STOPPED
    steps = tuple(_step(step) for step in _list(report.get("steps"))[:10])
    return Run(state, steps, _int(report.get("code")), _text(report.get("signal")) or None)


def parse_ports(value: object) -> tuple[Port, ...]:
    """The listening ports in order; entries without a port from 1 to 65535 are left out."""
    ports = []
    for item in map(_dict, _list(value)[:MOST_ITEMS]):
        port = _int(item.get("port"))
        if port is not None and 1 <= port <= 65535:
            address, process = _text(item.get("address"))[:64], _text(item.get("process"))[:64]
            ports.append(Port(port, address, process, _int(item.get("pid"))))
    return tuple(sorted(ports, key=lambda item: item.port))


def parse_terminals(value: object, prefix: str) -> tuple[Terminal, ...]:
    """The terminals whose channel name begins with `prefix`, without it."""
    terminals = []
    for item in map(_dict, _list(value)[:MOST_ITEMS]):
        name = _text(item.get("name"))
        if name.startswith(prefix):
            bare = name.removeprefix(prefix)
            last = max(_number(item.get("lastOutputAt")), _number(item.get("lastInputAt")))
            terminals.append(
                Terminal(
                    name=bare,
                    title=_text(item.get("title"))[:MOST_TITLE] or bare,
                    ended=item.get("ended") is True,
                    viewers=_int(item.get("viewers")) or 0,
                    attached=tuple(map(_attached, _list(item.get("attached"))[:MOST_ATTACHED])),
                    cols=_int(item.get("cols")) or 80,
                    rows=_int(item.get("rows")) or 24,
                    sizing="latest" if item.get("sizing") == "latest" else "smallest",
                    started_at=_time(item.get("startedAt")),
                    active_at=_time(last),
                    recording=_recorded(item.get("recording")),
                )
            )
    return tuple(terminals)


def parse_failure(event: dict[str, Any], prefix: str) -> tuple[str, str]:
    """The terminal and the reason of a recording that has ended by itself."""
    return _text(event.get("terminal")).removeprefix(prefix), _text(event.get("detail"))


def _recorded(value: object) -> Recorded | None:
    report = _dict(value)
    id = _text(report.get("id"))
    return Recorded(id, _time(report.get("startedAt"))) if id else None


def parse_watch(value: object) -> Watch:
    """How the files are watched; not at all where it makes no sense, as with a supervisor that does not watch."""
    report = _dict(value)
    return Watch(report.get("live") is True, _text(report.get("detail")) or None)


def parse_paths(value: object) -> list[str]:
    """Changed paths; entries that can't be paths are left out."""
    return [item for item in _list(value)[:MOST_ITEMS] if isinstance(item, str) and len(item) <= MOST_PATH]


def _step(value: object) -> Step:
    report = _dict(value)
    try:
        state = StepState(_text(report.get("state")))
    except ValueError:
        state = StepState.PENDING
    return Step(
        name=_text(report.get("name"))[:32],
        state=state,
        started_at=_time(report.get("startedAt")),
        ended_at=_time(report.get("endedAt")),
        code=_int(report.get("code")),
        detail=_text(report.get("detail")) or None,
    )


def _attached(value: object) -> Attached:
    report = _dict(value)
    return Attached(_time(report.get("since")), report.get("viewOnly") is True)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value[:MOST_TEXT] if isinstance(value, str) else ""


def _int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


def _number(value: object) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**40 else 0


def _time(value: object) -> datetime | None:
    seconds = _number(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
