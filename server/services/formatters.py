"""Formatters of code: for which files each is, and what in a project says that it is to be used."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple


class Formatter(NamedTuple):
    """A program that reads a text and writes it formatted.

    `{path}` in `arguments` is the file's path below the folder that it works in, `{edition}` that of Rust. A file of
    `files` in a folder says that the program is to be used below it; so does one of `mentions` whose content the
    function finds to say so.
    """

    name: str
    endings: frozenset[str]
    arguments: tuple[str, ...]
    files: tuple[str, ...] = ()
    mentions: Mapping[str, Callable[[bytes], bool]] = {}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _package(key: str, name: str) -> Callable[[bytes], bool]:
    """Whether a package.json has settings under `key`, or depends on the package `name`."""

    def says(content: bytes) -> bool:
        package = _parsed(json.loads, content)
        return key in package or any(name in _table(package, group) for group in ("dependencies", "devDependencies"))

    return says


def _parsed(parse: Callable[[str], object], content: bytes) -> dict[str, Any]:
    """What a file holds; nothing when it can't be read, for people save files that are half written."""
    try:
        value = parse(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _table(value: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        inner = value.get(name)
        value = inner if isinstance(inner, dict) else {}
    return value


def edition(cargo: bytes) -> str | None:
    """The edition of Rust that a Cargo.toml names. Of itself rustfmt takes one that has no `async`."""
    manifest = _parsed(tomllib.loads, cargo)
    package = _table(manifest, "workspace", "package") | _table(manifest, "package")
    value = package.get("edition")
    return value if isinstance(value, str) and re.fullmatch(r"20\d\d", value) else None


def _tools(content: bytes) -> dict[str, Any]:
    return _table(_parsed(tomllib.loads, content), "tool")


def _wants_ruff(content: bytes) -> bool:
    # Beside Black's settings Ruff's are those of its linter.
    tools = _tools(content)
    return "ruff" in tools and ("black" not in tools or "format" in _table(tools, "ruff"))


def _flake(name: str) -> Callable[[bytes], bool]:
    word = re.compile(rb"\bformatter\b.*\b" + name.encode(), re.DOTALL)
    return lambda content: word.search(content) is not None


_SCRIPTS: Final = "js jsx mjs cjs ts tsx mts cts json jsonc css graphql gql html vue svelte astro"
_PRETTIER_KINDS: Final = (".json", ".yml", ".yaml", ".json5", ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".toml")

FORMATTERS: Final = (
    Formatter(
        "prettier",
        _words(f"{_SCRIPTS} json5 scss less hbs md mdx markdown yaml yml"),
        ("--stdin-filepath={path}",),
        (
            ".prettierrc",
            *(f".prettierrc{kind}" for kind in _PRETTIER_KINDS),
            *(f"prettier.config{kind}" for kind in (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts")),
        ),
        {"package.json": _package("prettier", "prettier")},
    ),
    Formatter(
        "biome",
        _words(_SCRIPTS),
        ("format", "--stdin-file-path={path}"),
        ("biome.json", "biome.jsonc", ".biome.json", ".biome.jsonc"),
        {"package.json": _package("@biomejs/biome", "@biomejs/biome")},
    ),
    Formatter(
        "ruff",
        _words("py pyi"),
        ("format", "--stdin-filename={path}", "-"),
        ("ruff.toml", ".ruff.toml"),
        {"pyproject.toml": _wants_ruff},
    ),
    Formatter(
        "black",
        _words("py pyi"),
        ("--quiet", "--stdin-filename={path}", "-"),
        mentions={"pyproject.toml": lambda content: "black" in _tools(content)},
    ),
    Formatter("gofmt", _words("go"), (), ("go.mod",)),
    Formatter(
        "rustfmt", _words("rs"), ("--emit=stdout", "--quiet", "--edition={edition}"), ("rustfmt.toml", ".rustfmt.toml")
    ),
    Formatter("nixfmt", _words("nix"), ("-",), mentions={"flake.nix": _flake("nixfmt")}),
    Formatter("alejandra", _words("nix"), ("--quiet", "-"), mentions={"flake.nix": _flake("alejandra")}),
    Formatter(
        "clang-format",
        _words("c h cc cpp cxx hh hpp hxx m mm proto"),
        ("--assume-filename={path}",),
        (".clang-format", "_clang-format"),
    ),
)
"""Of two that a folder wants, the first is used."""
