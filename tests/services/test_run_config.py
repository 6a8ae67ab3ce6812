import json
from typing import Any

import pytest

from server.errors import Invalid
from server.models import Limits, RunConfig
from server.services.run_config import MOST_BYTES, parse_run_config

MIB = 1024 * 1024
BASE = RunConfig("npm install", "node index.js", 3000, {}, Limits())


def parse(text: str) -> RunConfig:
    return parse_run_config(text.encode(), BASE)


def refused(content: bytes, base: RunConfig = BASE) -> Invalid:
    with pytest.raises(Invalid) as caught:
        parse_run_config(content, base)
    return caught.value


def test_an_empty_file_leaves_the_templates_values() -> None:
    assert parse("") == BASE
    assert parse("[run]\n[env]\n[limits]\n") == BASE


def test_everything_can_be_said() -> None:
    config = parse(
        '[run]\ninstall = "npm ci"\ncommand = "npm start"\nport = 8080\n'
        '[env]\nGREETING = "hello"\nLEVEL = 3\n'
        '[limits]\nmemory = "64MiB"\ncpus = 0.25\npids = 50\n'
    )
    assert config == RunConfig(
        "npm ci", "npm start", 8080, {"GREETING": "hello", "LEVEL": "3"}, Limits(64 * MIB, 0.25, 50)
    )


def test_a_key_that_is_absent_keeps_its_value() -> None:
    assert parse("run.port = 1\n") == RunConfig("npm install", "node index.js", 1, {}, Limits())


@pytest.mark.parametrize("value", ['""', "false"])
def test_the_install_can_be_left_out(value: str) -> None:
    assert parse(f"[run]\ninstall = {value}\n").install is None


def test_limits_are_only_lowered() -> None:
    config = parse('[limits]\nmemory = "64GiB"\ncpus = 64\npids = 9999\n')
    assert config.limits == BASE.limits


@pytest.mark.parametrize(("value", "size"), [('"100MiB"', 100 * MIB), ('"100m"', 100 * MIB), ("104857600", 100 * MIB)])
def test_sizes_have_units(value: str, size: int) -> None:
    assert parse(f"[limits]\nmemory = {value}\n").limits.memory == size


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse_run_config(b"\xef\xbb\xbf[run]\nport = 5\n", BASE).port == 5


@pytest.mark.parametrize(
    ("text", "line", "field", "said"),
    [
        ("[run]\nport 3000\n", 2, "hutch.toml", "Expected '='"),
        ("[run]\nport = 3000\nport = 3001\n", 3, "hutch.toml", "overwrite"),
        ("[run]\nport = '3000'\n", 2, "run.port", "from 1 to 65535"),
        ("[run]\nport = true\n", 2, "run.port", "from 1 to 65535"),
        ("[run]\n\n  port = 0\n", 3, "run.port", "from 1 to 65535"),
        ("[run]\nport = 65536\n", 2, "run.port", "from 1 to 65535"),
        ("run.port = 0\n", 1, "run.port", "from 1 to 65535"),
        ("[run]\ncommand = ''\n", 2, "run.command", "a command in quotes"),
        ("[run]\ncommand = ['node']\n", 2, "run.command", "a command in quotes"),
        ('[run]\ncommand = "a\\u0000b"\n', 2, "run.command", "a command in quotes"),
        (f"[run]\ncommand = '{'x' * 4097}'\n", 2, "run.command", "a command in quotes"),
        ("[run]\ninstall = true\n", 2, "run.install", "or false for none"),
        ("# first\n[run]\ncomand = 'x'\n", 3, "run.comand", "the keys of [run] are install, command, port"),
        ("[run]\nport = 1\n[runs]\nport = 2\n", 3, "runs", "the tables are run, env, limits"),
        ("port = 1\n", 1, "port", "the tables are run, env, limits"),
        ("run = 'x'\n", 1, "run", "must be a table"),
        ("[[run]]\nport = 1\n", 1, "run", "must be a table"),
        ("[env]\n'BAD NAME' = 'x'\n", 2, "env.BAD NAME", "letters, digits and underscores"),
        ("[env]\nNAME = ['x']\n", 2, "env.NAME", "text in quotes"),
        ("[env]\nNAME = true\n", 2, "env.NAME", "text in quotes"),
        ('[env]\nNAME = "a\\u0000b"\n', 2, "env.NAME", "text in quotes"),
        ("[env]\nPORT = '1'\n", 2, "env.PORT", "run.port"),
        ("[limits]\nmemory = '1MiB'\n", 2, "limits.memory", "at least 32 MiB"),
        ("[limits]\nmemory = '1TiB'\n", 2, "limits.memory", "such as"),
        ("[limits]\nmemory = -1\n", 2, "limits.memory", "at least"),
        ("[limits]\ncpus = nan\n", 2, "limits.cpus", "at least 0.05"),
        ("[limits]\ncpus = 0\n", 2, "limits.cpus", "at least 0.05"),
        ("[limits]\npids = 1\n", 2, "limits.pids", "at least 20"),
        ("[limits]\ndisk = 1\n", 2, "limits.disk", "memory, cpus, pids"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(text: str, line: int, field: str, said: str) -> None:
    error = refused(text.encode())
    assert error.extra == {"field": field, "line": line}
    assert f"hutch.toml, line {line}" in error.detail
    assert said in error.detail
    assert error.detail.endswith("; correct it and run again")


def test_a_command_must_come_from_somewhere() -> None:
    error = refused(b"[run]\nport = 1\n", RunConfig(None, "", 3000))
    assert error.extra["field"] == "run.command"


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00",
        b"a = " + b"[" * 20_000,
        b"a = " + b"9" * 20_000,
        b"[env]\n" + b"".join(b"A%d = ''\n" % number for number in range(101)),
        b"[env]\nA = '" + b"x" * 8193 + b"'\n",
        b"x" * MOST_BYTES,
        b"[" * MOST_BYTES,
        b"\n".join([b"a.b.c.d"] * 1000),
        b'"\x1b[31m" = 1\n',
        b'"\\u001b[31m" = 1\n',
        b'[env]\nA = "\\u001b[31m\\u0000"\n',
    ],
)
def test_hostile_files_are_refused_with_a_short_sentence(content: bytes) -> None:
    error = refused(content)
    assert len(error.detail) < 500
    assert error.detail.isprintable()


def test_what_is_in_the_problem_can_be_told_as_json() -> None:
    extra: dict[str, Any] = refused(b"[limits]\ncpus = nan\n").extra
    assert json.loads(json.dumps(extra)) == {"field": "limits.cpus", "line": 2}
