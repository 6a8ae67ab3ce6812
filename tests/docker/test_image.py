"""The image of the projects, looked at from inside and under a project's limits."""

import subprocess
from pathlib import Path

import pytest

from server.runtimes import image
from server.supervisor.environment import Environments

pytestmark = pytest.mark.engine

LIMITS = ["--memory=256m", "--cpus=0.5", "--pids-limit=100", "--cap-drop=ALL", "--network=none"]


def inside(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a container of the image, under the limits of a project."""
    command = ["docker", "run", "--rm", *LIMITS, *options, "--entrypoint=bash", image.image_tag(), "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize(
    ("template", "program", "version"),
    [("node", "node", "v22."), ("node18", "node", "v18."), ("python", "python3", "Python 3.13.")],
)
def test_the_environment_of_each_template_is_there(template: str, program: str, version: str) -> None:
    # The default template has its flake in docker/.
    names = {hash: folder.parent.name if folder.name == "files" else "node" for hash, folder in image.flakes().items()}
    hash = next(hash for hash, name in names.items() if name == template)
    shown = inside(f". /var/lib/hutch/environments/{hash}.sh; {program} --version; npm --version")
    assert shown.stdout.startswith(version), shown.stderr


def test_the_image_and_the_supervisor_name_environments_alike(tmp_path: Path) -> None:
    for hash, folder in image.flakes().items():
        assert Environments(str(folder), "/e").script() == f"/e/{hash}.sh"


def test_programs_run_as_nobody_special() -> None:
    shown = inside("id -u; grep CapEff /proc/self/status; touch /usr/x /opt/hutch/x; touch ~/a /workspace/a && echo ok")
    assert shown.stdout.split() == ["1000", "CapEff:", "0000000000000000", "ok"]
    assert shown.stderr.count("Permission denied") == 2


def test_a_changed_flake_becomes_a_script() -> None:
    shown = inside(
        "cp $(grep -l nodejs_22 /opt/hutch/flakes/*/flake.nix) .;"
        "sed -i 's/nodejs_22/nodejs_24/; s/mkShell {/mkShell { GREETING = \"it'\"'\"'s $(fine)\"; /' flake.nix;"
        "/opt/hutch/environment /tmp/made.sh && . /tmp/made.sh && node --version && echo \"$GREETING\"; ls -A /tmp"
    )
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("v24."), shown.stderr
    assert lines[1:] == ["it's $(fine)", "made.sh"], "values are quoted, nothing else is left behind"


@pytest.mark.parametrize(
    ("flake", "said"),
    [
        ("{ outputs = { self }: { }; }", "does not provide attribute"),
        ("{ this is no nix", "syntax error"),
        ('{ outputs = { nixpkgs, ... }: { devShells.x86_64-linux.default = nixpkgs.nosuch; }; }', "nosuch"),
    ],
)
def test_a_broken_flake_fails_with_the_words_of_nix(flake: str, said: str) -> None:
    shown = inside(f"cat > flake.nix <<'END'\n{flake}\nEND\n/opt/hutch/environment /tmp/made.sh; echo $?; ls -A /tmp")
    assert shown.stdout.split() == ["1"], "nothing is written"
    assert said in shown.stderr


def test_the_tag_follows_the_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for part in ("docker", "server/supervisor", "templates/projects/node18/files"):
        for source in (image.ROOT / part).rglob("*"):
            if source.is_file() and source.suffix != ".pyc":
                copy = tmp_path / source.relative_to(image.ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(source.read_bytes())
    monkeypatch.setattr(image, "ROOT", tmp_path)
    before = image.image_tag()
    assert image.image_tag() == before
    for changed in ("docker/profile.sh", "server/supervisor/ring.py", "templates/projects/node18/files/flake.nix"):
        with (tmp_path / changed).open("a") as file:
            file.write("\n")
        assert image.image_tag() != before
        before = image.image_tag()
