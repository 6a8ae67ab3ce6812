"""A project's folder in a test, with things beside it that no call may reach."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from server.storage.files import Require, open_file
from server.storage.roots import Entry, opened
from server.storage.saving import Saved, Saving

P = ParamSpec("P")
T = TypeVar("T")

OWNER = 1000
SECRET = b"outside"
SWAPPER = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
first, second = (name.encode() for name in sys.argv[1:])
print("swapping", flush=True)
while True:
    if libc.renameat2(-100, first, -100, second, 2) != 0:
        sys.exit(f"renameat2: {ctypes.get_errno()}")
"""


def anything(_: Entry | None) -> bool:
    return True


class Project:
    """`folder` is the project's, `outside` a folder beside it whose content must stay as `untouched` says."""

    def __init__(self, parent: Path) -> None:
        self.folder = parent / "project"
        self.outside = parent / "project-of-another"
        for folder in (self.folder, self.outside):
            folder.mkdir()
        (self.outside / "secret.txt").write_bytes(SECRET)
        if os.geteuid() == 0:
            # All projects have the same owner, so permissions alone keep none from another.
            for made in (self.folder, self.outside, self.outside / "secret.txt"):
                os.chown(made, OWNER, OWNER)
        self.remember()

    def remember(self) -> None:
        """Take what is outside now for what must stay."""
        self._before = self._picture()

    def do(self, work: Callable[Concatenate[int, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of storage on the open folder, as the server does."""
        with opened(self.folder) as root:
            return work(root, *args, **kwargs)

    def save(self, path: bytes, content: bytes, require: Require = anything) -> Saved:
        return self.do(save, path, content, require)

    def put(self, path: str, content: bytes = b"") -> Path:
        """A file as the project's own processes make it."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        if os.geteuid() == 0:
            for made in (file, *list(file.parents)[: len(Path(path).parts) - 1]):
                os.chown(made, OWNER, OWNER)
        return file

    def names(self) -> set[str]:
        """Everything in the project's folder, hidden leftovers included."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}

    def untouched(self) -> bool:
        """Whether everything outside is as it was."""
        return self._picture() == self._before

    def _picture(self) -> dict[str, bytes | None]:
        found = self.outside.rglob("*")
        return {str(path): path.read_bytes() if path.is_file() else None for path in found}


def save(root: int, path: bytes, content: bytes, require: Require = anything) -> Saved:
    saving = Saving(root, path, require)
    try:
        saving.write(content)
        return saving.commit(unlocked())
    finally:
        saving.abandon()


def unlocked() -> AbstractContextManager[object]:
    return nullcontext()


@contextmanager
def swapping(first: Path, second: Path) -> Iterator[None]:
    """Exchange two names in a tight loop in another process for as long as the block runs."""
    command = [sys.executable, "-c", SWAPPER, str(first), str(second)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"swapping\n"
        try:
            yield
            assert child.poll() is None, "the swapping ended by itself"
        finally:
            child.kill()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of its own, of that size, mounted at the folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def names_in(entries: list[Entry]) -> list[bytes]:
    return [entry.path for entry in entries]


def content(root: int, path: bytes) -> bytes:
    """The whole content of a file, as it is read for a client."""
    descriptor, entry = open_file(root, path)
    try:
        return os.read(descriptor, entry.size)
    finally:
        os.close(descriptor)
