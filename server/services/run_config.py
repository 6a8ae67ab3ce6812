"""Reads `hutch.toml`, in which a project says how it runs:

    [run]
    install = "npm install"   # "" or false for none
    command = "node index.js"
    port = 3000               # told to the app as PORT

    [env]
    GREETING = "hello"

    [limits]                  # these only lower what the server allows
    memory = "128MiB"
    cpus = 0.25
    pids = 50

The file is the user's, so whatever is wrong with it is said with its line and what to do.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from server.errors import Invalid
from server.models import Limits, RunConfig
from server.services.packages import shortened

FILE: Final = "hutch.toml"
MOST_BYTES: Final = 64 * 1024
MOST_COMMAND: Final = 4096
MOST_ENV: Final = 100
MOST_VALUE: Final = 8192
LEAST_MEMORY: Final = 32 * 1024 * 1024
"""Bytes. With less, the supervisor and a shell leave nothing for an app."""
LEAST_CPUS: Final = 0.05
LEAST_PIDS: Final = 20

_TABLES: Final[Mapping[str, tuple[str, ...] | None]] = {
    "run": ("install", "command", "port"),
    "env": None,
    "limits": ("memory", "cpus", "pids"),
}
_UNITS: Final = {"": 1, "k": 1024, "kib": 1024, "m": 1024**2, "mib": 1024**2, "g": 1024**3, "gib": 1024**3}


def parse_run_config(content: bytes, base: RunConfig, *, file: str = FILE) -> RunConfig:
    """The run that `content` describes, with the values of `base` where it is silent.

    Raises Invalid, whose `field` is the key and `line` where it stands.
    """
    reader = _Reader(content, file)
    config = replace(_with_run(reader, base), env={**base.env, **_env(reader)}, limits=_limits(reader, base.limits))
    if not config.command:
        raise Invalid(f'{file} names no command; add one: [run] command = "node index.js"', field="run.command")
    return config


class _Reader:
    """The tables of a file, and the sentence for what is wrong in one."""

    def __init__(self, content: bytes, file: str) -> None:
        self._file = file
        try:
            self._text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid(f"{file} is not UTF-8 text; save it as UTF-8 and run again", field=file) from None
        try:
            self._tables = tomllib.loads(self._text)
        except (ValueError, RecursionError) as error:
            raise self._malformed(error) from None
        for name in self._tables:
            if name not in _TABLES:
                raise self._wrong(name, None, f"is unknown; the tables are {', '.join(_TABLES)}")

    def table(self, name: str) -> dict[str, Any]:
        table = self._tables.get(name, {})
        if not isinstance(table, dict):
            raise self._wrong(name, None, f"must be a table: [{name}] on a line of its own")
        known = _TABLES[name]
        for key in table:
            if known is not None and key not in known:
                raise self._wrong(name, key, f"is unknown; the keys of [{name}] are {', '.join(known)}")
        return table

    def expected(self, name: str, key: str, expected: str) -> Invalid:
        return self._wrong(name, key, f"must be {expected}, not {shortened(repr(self._tables[name][key]))}")

    def _malformed(self, error: Exception) -> Invalid:
        found = re.search(r"(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)", str(error), re.DOTALL)
        if found is None:
            what = "it is nested too deeply" if isinstance(error, RecursionError) else shortened(error)
            return Invalid(f"{self._file} can't be read: {what}; correct it and run again", field=self._file)
        line, what = int(found["line"]), shortened(found["what"])
        place = f"{self._file}, line {line}, column {found['column']}"
        return Invalid(f"{place}: {what}; correct it and run again", field=self._file, line=line)

    def _wrong(self, table: str, key: str | None, what: str) -> Invalid:
        line = _line_of(self._text, table, key)
        name = shortened(f"{table}.{key}" if key else table)
        place = f"{self._file}, line {line}" if line else self._file
        return Invalid(f"{place}: {name} {what}; correct it and run again", field=name, line=line)


def _with_run(reader: _Reader, base: RunConfig) -> RunConfig:
    for key, value in reader.table("run").items():
        match key:
            case "install" if value is False or value == "":
                base = replace(base, install=None)
            case "install" if _is_command(value):
                base = replace(base, install=value)
            case "install":
                raise reader.expected("run", key, 'a command in quotes such as "npm install", or false for none')
            case "command" if _is_command(value):
                base = replace(base, command=value)
            case "command":
                raise reader.expected("run", key, 'a command in quotes such as "node index.js"')
            case "port" if _is_whole(value, 1, 65535):
                base = replace(base, port=value)
            case "port":
                raise reader.expected("run", key, "a port number from 1 to 65535, without quotes")
    return base


def _env(reader: _Reader) -> dict[str, str]:
    table = reader.table("env")
    env: dict[str, str] = {}
    for name, value in table.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", name):
            raise reader.expected("env", name, "named with letters, digits and underscores, beginning with no digit")
        if name == "PORT":
            raise reader.expected("env", name, "left out: the app gets PORT from run.port")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or "\0" in value or len(value) > MOST_VALUE:
            raise reader.expected("env", name, f"text in quotes, at most {MOST_VALUE} characters")
        if len(env) == MOST_ENV:
            raise reader.expected("env", name, f"left out: [env] has at most {MOST_ENV} variables")
        env[name] = value
    return env


def _limits(reader: _Reader, server: Limits) -> Limits:
    limits = server
    for key, value in reader.table("limits").items():
        match key:
            case "memory":
                size = _size(value)
                if size is None or size < LEAST_MEMORY:
                    raise reader.expected("limits", key, 'a size of at least 32 MiB, such as "128MiB"')
                limits = replace(limits, memory=min(size, server.memory))
            case "cpus":
                if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= LEAST_CPUS:
                    raise reader.expected("limits", key, f"a number of processors of at least {LEAST_CPUS}")
                limits = replace(limits, cpus=min(float(value), server.cpus))
            case "pids":
                if not _is_whole(value, LEAST_PIDS, 2**31):
                    raise reader.expected("limits", key, f"a number of processes of at least {LEAST_PIDS}")
                limits = replace(limits, pids=min(value, server.pids))
    return limits


def _is_command(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) and len(value) <= MOST_COMMAND and "\0" not in value


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _size(value: object) -> int | None:
    """Bytes from a number or from text such as 128MiB."""
    found = re.fullmatch(r"(\d{1,15})\s*([a-z]*)", str(value).strip().lower(), re.ASCII)
    if found is None or isinstance(value, bool) or found[2] not in _UNITS:
        return None
    return int(found[1]) * _UNITS[found[2]]


def _line_of(text: str, table: str, key: str | None) -> int | None:
    """Where the key stands, found by its look: the parser does not tell. None for the rarer ways to write one."""
    within = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*[\"']?(.*?)[\"']?\s*\]", line):
            within = header[1]
        elif name := re.match(r"\s*[\"']?(.*?)[\"']?\s*=", line):
            full = f"{within}.{name[1]}" if within else name[1]
            if full == (f"{table}.{key}" if key else table):
                return number
            continue
        if key is None and within == table:
            return number
    return None
