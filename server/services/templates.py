"""The templates from which projects are made. A template is a folder `<name>/`:

    template.toml       title, description, [run] as in hutch.toml, and manifest = "package.json" where that file is
                        to be made of the dependencies that a person names; without it, none can be named
    files/              what a new project gets, at the same paths
    variants/plain/     used in place of the files of the same paths when express is not among the dependencies

In files whose names end in `.tmpl`, which is taken off, `{{id}}` and `{{name}}` are replaced. The name is escaped for a
double-quoted string, and in .html and .md files for HTML.

What a template leaves out is added: hutch.toml, .gitignore, and flake.nix with flake.lock from the environment that all
templates share.
"""

import html
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from server.models import ProjectId, RunConfig

DEFAULT: Final = "node"
ENVIRONMENT: Final = ("flake.nix", "flake.lock")
SUFFIX: Final = ".tmpl"


class TemplateError(Exception):
    """A template that is installed can't be used; the message names it and says why."""


@dataclass(frozen=True)
class Template:
    """One kind of project. `files` and `plain` are by path relative to the project."""

    name: str
    title: str
    description: str
    manifest: str | None
    run: RunConfig
    files: Mapping[str, bytes] = field(repr=False)
    plain: Mapping[str, bytes] = field(repr=False)

    def render(self, id: ProjectId, name: str, dependencies: Mapping[str, str]) -> dict[str, bytes]:
        """The files of a new project."""
        chosen = dict(self.files) if "express" in dependencies else {**self.files, **self.plain}
        files = {
            ".gitignore": b"node_modules/\n.env\n",
            "hutch.toml": _hutch_toml(self.run),
            **dict(_filled(path, content, id, name) for path, content in chosen.items()),
        }
        if self.manifest:
            files[self.manifest] = _package_json(id, self.run, dependencies)
        return files


class Templates:
    """All templates, read once. `environment` is the folder of the shared flake. Raises TemplateError."""

    def __init__(self, root: Path, environment: Path) -> None:
        shared = {name: (environment / name).read_bytes() for name in ENVIRONMENT if (environment / name).is_file()}
        folders = sorted(path.parent for path in root.glob("*/template.toml"))
        self._templates = {folder.name: _load(folder, shared) for folder in folders}
        if DEFAULT not in self._templates:
            raise TemplateError(f"the template {DEFAULT} is missing; install Hutch again")

    def all(self) -> list[Template]:
        """The default one first, the others by name."""
        return sorted(self._templates.values(), key=lambda template: (template.name != DEFAULT, template.name))

    def get(self, name: str) -> Template | None:
        return self._templates.get(name)


def _load(folder: Path, shared: Mapping[str, bytes]) -> Template:
    try:
        table = tomllib.loads((folder / "template.toml").read_text("utf-8"))
        return Template(
            name=folder.name,
            title=str(table["title"]),
            description=str(table["description"]),
            manifest=_manifest(table.get("manifest")),
            run=_run(table["run"]),
            files={**shared, **_files(folder / "files")},
            plain=_files(folder / "variants" / "plain"),
        )
    except KeyError as error:
        raise TemplateError(f"the template {folder.name} can't be used: template.toml lacks {error}") from error
    except (OSError, ValueError, TypeError) as error:
        raise TemplateError(f"the template {folder.name} can't be used: {error}") from error


def _manifest(value: object) -> str | None:
    if value not in (None, "package.json"):
        raise ValueError(f'manifest must be "package.json" or left out, not {value!r}')
    return "package.json" if value else None


def _run(table: Mapping[str, Any]) -> RunConfig:
    return RunConfig(install=table.get("install") or None, command=str(table["command"]), port=int(table["port"]))


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def _filled(path: str, content: bytes, id: ProjectId, name: str) -> tuple[str, bytes]:
    if not path.endswith(SUFFIX):
        return path, content
    path = path.removesuffix(SUFFIX)
    marked = PurePosixPath(path).suffix in (".html", ".md")
    shown = html.escape(name) if marked else json.dumps(name, ensure_ascii=False)[1:-1]
    # The id last: it can't hold a placeholder, a name can.
    return path, content.replace(b"{{name}}", shown.encode()).replace(b"{{id}}", id.encode())


def _package_json(id: ProjectId, run: RunConfig, dependencies: Mapping[str, str]) -> bytes:
    manifest = {
        "name": id,
        "version": "1.0.0",
        "private": True,
        "main": "index.js",
        "scripts": {"start": run.command},
        "dependencies": dict(sorted(dependencies.items())),
    }
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()


def _hutch_toml(run: RunConfig) -> bytes:
    lines = [
        "# How this project runs. Keys that are left out come from its template.",
        "[run]",
        f"install = {json.dumps(run.install) if run.install else 'false'}",
        f"command = {json.dumps(run.command)}",
        f"port = {run.port}",
    ]
    return ("\n".join(lines) + "\n").encode()
