"""The image of the projects, looked at from inside and under a project's limits."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from server.config import load
from server.runtimes import image
from server.runtimes.docker.config import CA_BUNDLE, container_env
from server.supervisor.environment import Environments

pytestmark = pytest.mark.engine

LIMITS = ["--memory=256m", "--memory-swap=256m", "--cpus=0.5", "--pids-limit=100", "--cap-drop=ALL"]
# Puts the shared flake into the workspace, with the text of the script's first argument in its mkShell.
FLAKE = """cp $(grep -l nodejs_22 /opt/hutch/flakes/*/flake.nix) flake.nix
with() { awk -v text="$1" '{ sub(/mkShell \\{/, "mkShell { " text); print }' flake.nix >new && mv new flake.nix; }
"""


def inside(script: str, *options: str, network: str = "none") -> subprocess.CompletedProcess[str]:
    """Run a shell script in a container of the image, under the limits of a project."""
    command = ["docker", "run", "--rm", *LIMITS, f"--network={network}", *options, "--entrypoint=bash"]
    return subprocess.run([*command, image.image_tag(), "-c", script], capture_output=True, text=True, timeout=100)


def build(**environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **environment}
    command = [image.ROOT / "docker" / "build", image.ROOT / ".venv" / "bin" / "python"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize(
    ("template", "program", "version"),
    [("node", "node", "v22."), ("node18", "node", "v18."), ("python", "python3", "Python 3.13.")],
)
def test_the_environment_of_each_template_is_there(template: str, program: str, version: str) -> None:
    shown = inside(f". /var/lib/hutch/environments/{_hash(template)}.sh; {program} --version")
    assert shown.stdout.startswith(version), shown.stderr


def test_a_python_project_can_have_packages_of_its_own() -> None:
    shown = inside(
        f". /var/lib/hutch/environments/{_hash('python')}.sh; python3 -m venv .venv && .venv/bin/pip --version"
    )
    assert shown.stdout.startswith("pip "), shown.stderr


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
        '/opt/hutch/environment /tmp/made.sh && . /tmp/made.sh && node --version && echo "$GREETING"; ls -A /tmp'
    )
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("v24."), shown.stderr
    assert lines[1:] == ["it's $(fine)", "made.sh"], "values are quoted, nothing else is left behind"


@pytest.mark.parametrize(
    ("flake", "said"),
    [
        ("{ outputs = { self }: { }; }", "does not provide attribute"),
        ("{ this is no nix", "syntax error"),
        ("{ outputs = { nixpkgs, ... }: { devShells.x86_64-linux.default = nixpkgs.nosuch; }; }", "nosuch"),
    ],
)
def test_a_broken_flake_fails_with_the_words_of_nix(flake: str, said: str) -> None:
    shown = inside(f"cat > flake.nix <<'END'\n{flake}\nEND\n/opt/hutch/environment /tmp/made.sh; echo $?; ls -A /tmp")
    assert shown.stdout.split() == ["1"], "nothing is written"
    assert said in shown.stderr


def test_what_a_shell_hook_says_is_not_taken_for_variables() -> None:
    shown = inside(
        FLAKE + "with 'shellHook = \"echo Welcome; read line; export HOOKED=1\";'\n"
        "/opt/hutch/environment /tmp/made.sh && env -i sh -c '. /tmp/made.sh; node --version; echo $HOOKED'"
    )
    greeting, version, hooked = shown.stdout.splitlines()
    assert (greeting, version[:4], hooked) == ("Welcome", "v22.", "1"), shown.stderr


def test_what_compilers_and_the_author_need_is_kept_and_the_rest_is_not() -> None:
    shown = inside(
        FLAKE + 'with \'depth = 3; config = "c"; NIX_CFLAGS_COMPILE = "-I/x"; http_proxy = "p";\'\n'
        "http_proxy=secret /opt/hutch/environment /tmp/made.sh && cat /tmp/made.sh"
    )
    names = {line.split("=")[0].removeprefix("export ") for line in shown.stdout.splitlines()}
    assert names == {"PATH", "IN_NIX_SHELL", "depth", "config", "NIX_CFLAGS_COMPILE"}, shown.stderr
    path = next(line for line in shown.stdout.splitlines() if line.startswith("export PATH")).split("'")[1].split(":")
    assert len(path) == len(set(path)) and path[0].startswith("/nix/store/")


def test_collecting_garbage_leaves_environments_alone() -> None:
    shown = inside("nix-collect-garbage 2>/dev/null; for e in /var/lib/hutch/environments/*; do . $e && node -v; done")
    assert len(shown.stdout.splitlines()) >= 2 and shown.returncode == 0, shown.stderr


def test_a_flake_that_names_other_files_is_told_why_it_fails() -> None:
    shown = inside("echo '{ outputs = _: import ./shell.nix; }' >flake.nix; /opt/hutch/environment /tmp/made.sh")
    assert shown.returncode == 1
    assert "Only flake.nix and flake.lock are looked at" in shown.stderr


def test_a_package_outside_the_catalogue_fails_with_what_there_is() -> None:
    if _nixpkgs() == "github":
        assert inside("ls /opt/hutch/nixpkgs").returncode != 0
        return
    shown = inside(FLAKE + "sed -i s/nodejs_22/postgresql/ flake.nix; /opt/hutch/environment /tmp/made.sh")
    assert shown.returncode == 1
    assert "attribute 'postgresql' missing" in shown.stderr
    assert "nodejs_24" in shown.stderr.splitlines()[-1]


def test_login_shells_have_the_environment_after_debian_reset_path() -> None:
    shown = inside(
        "export HUTCH_ENV=$(ls /var/lib/hutch/environments/* | head -1);"
        "bash -lic 'echo $PATH; echo \"$PS1\"' 2>/dev/null"
    )
    path, prompt = shown.stdout.splitlines()
    assert path.startswith("/nix/store/")
    assert "\\w" in prompt


def test_packages_install_within_the_limits() -> None:
    """With the certificates that projects are given: the registry may be behind a company's own authority."""
    ca_bundle = load(os.environ).ca_bundle
    options = [f"--env={name}={value}" for name, value in container_env(ca_bundle).items()]
    if ca_bundle:
        options.append(f"--volume={ca_bundle}:{CA_BUNDLE}:ro")
    manifest = json.dumps({"dependencies": {"express": "^4.18.2", "mongoose": "^7.6.0"}})
    shown = inside(
        f". /var/lib/hutch/environments/{_hash('node')}.sh; echo '{manifest}' >package.json; npm install && "
        "node -e 'require(`express`); require(`mongoose`); console.log(`both`)'",
        *options,
        network="bridge",
    )
    assert shown.stdout.endswith("both\n"), shown.stdout + shown.stderr


def test_certificates_of_the_build_are_not_in_the_image() -> None:
    assert inside("ls /etc/hutch").returncode != 0


def test_an_image_that_is_there_is_not_built_again() -> None:
    shown = build(HUTCH_NIXPKGS="auto")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
    assert build(HUTCH_NIXPKGS=_nixpkgs()).stdout == ""


def test_an_unknown_source_of_nixpkgs_is_refused() -> None:
    shown = build(HUTCH_NIXPKGS="nowhere")
    assert shown.returncode == 1
    assert "auto, github or offline" in shown.stderr


def test_the_tag_follows_the_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for part in ("docker", "server/supervisor", "templates/projects/node18/files"):
        for source in (image.ROOT / part).rglob("*"):
            if source.is_file() and source.suffix != ".pyc":
                copy = tmp_path / source.relative_to(image.ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(source.read_bytes())
    monkeypatch.setattr(image, "ROOT", tmp_path)

    def changes(name: str) -> tuple[bool, bool]:
        before = image.image_tag(), image.base_tag()
        with (tmp_path / name).open("a") as file:
            file.write("\n")
        return image.image_tag() != before[0], image.base_tag() != before[1]

    assert changes("docker/profile") == (True, True)
    assert changes("templates/projects/node18/files/flake.nix") == (True, True)
    assert changes("server/supervisor/ring.py") == (True, False)
    assert changes("docker/supervisor.Dockerfile") == (True, False)
    assert changes("docker/engine") == (False, False)


def _hash(template: str) -> str:
    # The default template has its flake in docker/.
    names = {folder.parent.name if folder.name == "files" else "node": hash for hash, folder in image.flakes().items()}
    return names[template]


def _nixpkgs() -> str:
    """What the image was made with, as it says itself."""
    form = '{{index .Config.Labels "hutch.nixpkgs"}}'
    command = ["docker", "image", "inspect", "--format", form, image.image_tag()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
