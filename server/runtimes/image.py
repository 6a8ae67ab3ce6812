"""The name of the projects' image: it changes with all that the image is made of, and with nothing else.

docker/build asks this module for the name, so that the server looks for the very image that was built.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
REPOSITORY: Final = "hutch/project"


def image_tag() -> str:
    """Repository and tag, such as `hutch/project:3f2a9c0d1e4b`."""
    digest = hashlib.sha256()
    for path in _sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)}:{len(content)}:".encode() + content)
    uid, gid = (1000, 1000) if os.getuid() == 0 else (os.getuid(), os.getgid())
    digest.update(f"{uid}:{gid}".encode())
    return f"{REPOSITORY}:{digest.hexdigest()[:12]}"


def flakes() -> dict[str, Path]:
    """The folders of the templates' flakes by the hash under which their environment is found."""
    found = {}
    for folder in (ROOT / "docker", *sorted((ROOT / "templates" / "projects").glob("*/files"))):
        if (folder / "flake.nix").exists():
            lock = folder / "flake.lock"
            content = (folder / "flake.nix").read_bytes() + b"\0" + (lock.read_bytes() if lock.exists() else b"")
            found[hashlib.sha256(content).hexdigest()] = folder
    return found


def _sources() -> list[Path]:
    folders = [ROOT / "docker", ROOT / "server" / "supervisor"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    files += [path for folder in flakes().values() for path in (folder / "flake.nix", folder / "flake.lock")]
    return sorted({path for path in files if path.exists()})


if __name__ == "__main__":
    print(image_tag())
    for hash, folder in flakes().items():
        print(hash, folder)
