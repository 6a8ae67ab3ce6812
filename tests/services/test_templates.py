import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from server.models import ProjectId, RunConfig
from server.services.run_config import parse_run_config
from server.services.templates import Template, TemplateError, Templates

ROOT = Path(__file__).parents[2]
ID = ProjectId("abcdef123456")
TOML = """
title = "Node"
description = "An app"
manifest = "package.json"
[run]
install = "npm install"
command = "node a.js"
port = 3000
"""

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(path: str, content: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)

    write("templates/node/template.toml", TOML)
    write("environment/flake.nix", "{ }")
    write("environment/flake.lock", "{}")
    return write


@pytest.fixture
def load(tmp_path: Path) -> Callable[[], Templates]:
    return lambda: Templates(tmp_path / "templates", tmp_path / "environment")


def template(load: Callable[[], Templates], name: str = "node") -> Template:
    found = load().get(name)
    assert found
    return found


def test_what_a_template_leaves_out_is_added(write: Write, load: Callable[[], Templates]) -> None:
    write("templates/node/files/src/a.js", "1")
    files = template(load).render(ID, "Name", {"express": "^4", "@a/b": "1"})

    assert sorted(files) == [".gitignore", "flake.lock", "flake.nix", "hutch.toml", "package.json", "src/a.js"]
    assert files["flake.nix"] == b"{ }"
    assert tomllib.loads(files["hutch.toml"].decode())["run"] == {
        "install": "npm install",
        "command": "node a.js",
        "port": 3000,
    }
    manifest = json.loads(files["package.json"])
    assert manifest["name"] == ID
    assert manifest["dependencies"] == {"@a/b": "1", "express": "^4"}
    assert manifest["scripts"] == {"start": "node a.js"}


def test_what_a_template_has_is_kept(write: Write, load: Callable[[], Templates]) -> None:
    for name in ("flake.nix", "flake.lock", "hutch.toml", ".gitignore"):
        write(f"templates/node/files/{name}", "own")
    files = template(load).render(ID, "Name", {})
    assert {files[name] for name in ("flake.nix", "flake.lock", "hutch.toml", ".gitignore")} == {b"own"}


def test_without_a_manifest_there_is_no_package_json(write: Write, load: Callable[[], Templates]) -> None:
    write(
        "templates/python/template.toml",
        'title = "P"\ndescription = ""\n[run]\ncommand = "x"\nport = 1\n',
    )
    python = template(load, "python")
    assert python.run == RunConfig(None, "x", 1)
    files = python.render(ID, "Name", {})
    assert "package.json" not in files
    assert tomllib.loads(files["hutch.toml"].decode())["run"]["install"] is False


def test_the_plain_variant_stands_in_without_express(write: Write, load: Callable[[], Templates]) -> None:
    write("templates/node/files/a.js", "express")
    write("templates/node/files/b.js", "both")
    write("templates/node/variants/plain/a.js", "plain")
    node = template(load)

    assert node.render(ID, "Name", {"express": "^4"})["a.js"] == b"express"
    assert node.render(ID, "Name", {"mongoose": "^7"})["a.js"] == b"plain"
    assert node.render(ID, "Name", {})["b.js"] == b"both"


def test_placeholders_are_filled_in_tmpl_files_alone(write: Write, load: Callable[[], Templates]) -> None:
    write("templates/node/files/a.js.tmpl", '"{{id}} {{name}}"')
    write("templates/node/files/b.js", "{{id}}")
    write("templates/node/files/c.html.tmpl", "<h1>{{name}}</h1>")
    files = template(load).render(ID, 'A "<b>" \\ 🦫 {{id}}', {})

    assert json.loads(files["a.js"]) == f'{ID} A "<b>" \\ 🦫 {ID}'
    assert files["b.js"] == b"{{id}}"
    assert files["c.html"].decode() == f"<h1>A &quot;&lt;b&gt;&quot; \\ 🦫 {ID}</h1>"
    assert "a.js.tmpl" not in files


def test_the_plain_variant_replaces_a_file_whatever_its_suffix(write: Write, load: Callable[[], Templates]) -> None:
    write("templates/node/files/a.js.tmpl", "express {{id}}")
    write("templates/node/variants/plain/a.js", "plain")
    assert template(load).render(ID, "Name", {})["a.js"] == b"plain"


def test_the_default_comes_first(write: Write, load: Callable[[], Templates]) -> None:
    for name in ("zig", "bun"):
        write(f"templates/{name}/template.toml", TOML)
    write("templates/unfinished/files/a", "")
    assert [item.name for item in load().all()] == ["node", "bun", "zig"]
    assert load().get("unfinished") is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "lacks 'title'"),
        (TOML.replace('command = "node a.js"\n', ""), "lacks 'command'"),
        (TOML.replace("port = 3000", "port = 'x'"), "invalid literal"),
        (TOML.replace("[run]", "[run"), "line"),
        (TOML.replace("package.json", "Cargo.toml"), "manifest must be"),
    ],
)
def test_a_broken_template_is_named(write: Write, load: Callable[[], Templates], content: str, said: str) -> None:
    write("templates/broken/template.toml", content)
    with pytest.raises(TemplateError, match=rf"the template broken can't be used: .*{said}"):
        load()


def test_the_default_must_be_there(write: Write, load: Callable[[], Templates], tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "templates" / "node")
    with pytest.raises(TemplateError, match="node is missing"):
        load()


def test_every_template_of_ours_makes_a_project_that_can_be_run() -> None:
    templates = Templates(ROOT / "templates" / "projects", ROOT / "docker").all()
    assert templates[0].name == "node"
    for item in templates:
        files = item.render(ID, "Name", {"express": "^4.18.2"} if item.manifest else {})
        assert {"hutch.toml", "flake.nix", "flake.lock", ".gitignore"} <= files.keys()
        config = parse_run_config(files["hutch.toml"], item.run)
        assert config.command == item.run.command
        assert item.title and item.description
        assert not any("{{" in content.decode() for path, content in files.items() if not path.endswith(".nix"))
