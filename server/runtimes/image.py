"""The name of the projects' image: it changes with all that the image is made of, and with nothing else.

docker/build asks this module for the name, so that the server looks for the very image that was built.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
REPOSITORY: Final = "hutch/project"
SUPERVISOR: Final = ("server/supervisor", "docker/supervisor.Dockerfile")
# What the image is built with, whichever engine that is.
NO_PART: Final = "docker/engine"


def image_tag() -> str:
    """Repository and tag, such as `hutch/project:3f2a9c0d1e4b`."""
    return f"{REPOSITORY}:{_hash(_sources())}"


def base_tag() -> str:
    """The image below the supervisor's layer, which takes long to build and changes seldom."""
    return f"{REPOSITORY}-base:{_hash(path for path in _sources() if not path.startswith(SUPERVISOR))}"


def flakes() -> dict[str, Path]:
    """The folders of the templates' flakes by the hash under which their environment is found."""
    found = {}
    for folder in (ROOT / "docker", *sorted((ROOT / "templates" / "projects").glob("*/files"))):
        if (folder / "flake.nix").exists():
            lock = folder / "flake.lock"
            content = (folder / "flake.nix").read_bytes() + b"\0" + (lock.read_bytes() if lock.exists() else b"")
            found[hashlib.sha256(content).hexdigest()] = folder
    return found


def _sources() -> list[str]:
    """Paths relative to the root of all that the image is made of."""
    folders = [ROOT / "docker", ROOT / "server" / "supervisor"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    files += [path for folder in flakes().values() for path in (folder / "flake.nix", folder / "flake.lock")]
    return sorted({path.relative_to(ROOT).as_posix() for path in files if path.exists()} - {NO_PART})


def _hash(paths: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = (ROOT / path).read_bytes()
        digest.update(f"{path}:{len(content)}:".encode() + content)
    uid, gid = (1000, 1000) if os.getuid() == 0 else (os.getuid(), os.getgid())
    digest.update(f"{uid}:{gid}".encode())
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    print(image_tag(), base_tag(), *(f"{hash} {folder}" for hash, folder in flakes().items()), sep="\n")
