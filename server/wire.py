"""The JSON messages of terminal and log sockets, both ways. No I/O; static/src/wire.ts is the browser's side."""

import json
from dataclasses import dataclass
from typing import Any

from server.errors import AppError, BadRequest

MOST_COLUMNS = 1000
MOST_REPLY = 4096
"""Characters of a screen's answer; the longest are colours and settings."""
SIGNALS = ("INT", "TERM", "HUP", "QUIT", "KILL", "TSTP", "CONT", "USR1", "USR2")


@dataclass(frozen=True)
class Ack:
    """Everything before `offset` is consumed."""

    offset: int


@dataclass(frozen=True)
class Resize:
    cols: int
    rows: int


@dataclass(frozen=True)
class Redraw:
    """Have the program draw its whole screen."""


@dataclass(frozen=True)
class Reply:
    """What a viewer's screen answers by itself to a program's question, such as where the cursor is."""

    data: str


@dataclass(frozen=True)
class Signal:
    """A signal without its SIG, for the terminal's foreground process group."""

    signal: str


@dataclass(frozen=True)
class End:
    """End the process; closing the socket does not."""


ClientMessage = Ack | Resize | Redraw | Reply | Signal | End


def parse_size(cols: object, rows: object) -> tuple[int, int]:
    """Columns and rows, each from 1 to 1000. Raises BadRequest."""
    return _whole("cols", cols, 1, MOST_COLUMNS), _whole("rows", rows, 1, MOST_COLUMNS)


def parse_offset(value: object) -> int:
    """A byte offset. Raises BadRequest."""
    return _whole("offset", value, 0, 2**63 - 1)


def parse_message(text: str) -> ClientMessage:
    """The message of a text frame. Raises BadRequest saying what was expected."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest("a text frame must be a JSON object; terminal input goes in binary frames") from None
    if not isinstance(message, dict):
        raise BadRequest("a text frame must be a JSON object")
    match message.get("type"):
        case "ack":
            return Ack(parse_offset(message.get("offset")))
        case "resize":
            return Resize(*parse_size(message.get("cols"), message.get("rows")))
        case "redraw":
            return Redraw()
        case "reply":
            data = message.get("data")
            if not isinstance(data, str) or not 1 <= len(data) <= MOST_REPLY:
                raise BadRequest(f"data must be a text of 1 to {MOST_REPLY} characters")
            return Reply(data)
        case "signal":
            if message.get("signal") not in SIGNALS:
                raise BadRequest(f"signal must be one of {', '.join(SIGNALS)}")
            return Signal(message["signal"])
        case "close":
            return End()
    raise BadRequest("type must be ack, resize, redraw, reply, signal or close")


def ready(offset: int) -> dict[str, Any]:
    return {"type": "ready", "offset": offset}


def error(problem: AppError) -> dict[str, Any]:
    return {"type": "error", "title": problem.title, "detail": problem.detail}


def _whole(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadRequest(f"{name} must be a whole number from {least} to {most}")
    return value
