"""Checks what comes over the link before anything is done with it."""

import signal
from collections.abc import Mapping, Sequence
from typing import Any, Final

MOST_ARGUMENTS: Final = 64 * 1024
MOST_NAME: Final = 128
MOST_PATH: Final = 4096
MOST_SIZE: Final = 1000
MOST_REPLY: Final = 4096


class CallError(Exception):
    """The call can't be done. `code` is one of the protocol's; the message is a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def text(params: Mapping[str, Any], name: str, most: int = MOST_NAME) -> str:
    """A text that can be shown, and whose JSON is not much longer: all terminals are told of in one frame."""
    value = params.get(name)
    if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value.encode()) <= most:
        raise CallError("invalid", f"{name} must be a text of 1 to {most} printable bytes")
    return value


def path(params: Mapping[str, Any], name: str) -> str | None:
    """A path, of whatever characters; None when it is not there."""
    value = params.get(name)
    if value is not None and (not isinstance(value, str) or not 1 <= len(value) <= MOST_PATH or "\0" in value):
        raise CallError("invalid", f"{name} must be a path of at most {MOST_PATH} characters")
    return value


def whole(params: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = params.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise CallError("invalid", f"{name} must be a whole number from {least} to {most}")
    return value


def one_of(params: Mapping[str, Any], name: str, choices: Sequence[str]) -> str:
    value = params.get(name)
    if value not in choices:
        raise CallError("invalid", f"{name} must be one of {', '.join(choices)}")
    return str(value)


def reply(params: Mapping[str, Any]) -> bytes:
    """What a screen answers in `data`: control sequences."""
    value = params.get("data")
    if not isinstance(value, str) or not 1 <= len(value) <= MOST_REPLY:
        raise CallError("invalid", f"data must be a text of 1 to {MOST_REPLY} characters")
    return value.encode(errors="replace")


def flag(params: Mapping[str, Any], name: str) -> bool:
    """A truth; false when it is not there."""
    value = params.get(name, False)
    if not isinstance(value, bool):
        raise CallError("invalid", f"{name} must be true or false")
    return value


def signal_named(params: Mapping[str, Any]) -> signal.Signals:
    """The signal whose name without SIG is in `signal`."""
    found = signal.Signals.__members__.get(f"SIG{text(params, 'signal', 8)}")
    if found is None:
        raise CallError("invalid", f"there is no signal {params['signal']!r:.20}")
    return found


def size(params: Mapping[str, Any]) -> tuple[int, int]:
    return whole(params, "cols", 1, MOST_SIZE), whole(params, "rows", 1, MOST_SIZE)


def arguments(params: Mapping[str, Any], name: str = "argv") -> list[str]:
    value = params.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise CallError("invalid", f"{name} must be a list of texts")
    if "\0" in "".join(value) or sum(map(len, value)) > MOST_ARGUMENTS:
        raise CallError("invalid", f"{name} has at most {MOST_ARGUMENTS} characters, none of them NUL")
    return value


def variables(params: Mapping[str, Any]) -> dict[str, str]:
    value = params.get("env") or {}
    if not isinstance(value, dict):
        raise CallError("invalid", "env must be an object of texts")
    for name, content in value.items():
        if not isinstance(content, str) or not name or "=" in name or "\0" in name + content:
            raise CallError("invalid", f"env: {name!r:.80} is no variable that can be set")
    if sum(len(name) + len(content) for name, content in value.items()) > MOST_ARGUMENTS:
        raise CallError("invalid", f"env has at most {MOST_ARGUMENTS} characters")
    return value


def part(params: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = params.get(name)
    if value is not None and not isinstance(value, dict):
        raise CallError("invalid", f"{name} must be an object")
    return value
