"""What Git prints, in the forms that it promises to scripts, as data. It comes from the container, so it may lie."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from server.services.git_operations import Operation

MOST_FILES: Final = 5000
MOST_MESSAGE: Final = 64 * 1024
# With -z each field is ended by a NUL, which no part of a commit has. What may be long is cut off by Git itself.
LOG_FORMAT: Final = "%H%x00%P%x00%<(200,trunc)%an%x00%<(200,trunc)%ae%x00%at%x00%<(1000,trunc)%D%x00%<(500,trunc)%s"
COMMIT_FORMAT: Final = f"{LOG_FORMAT}%x00%B"
BRANCH_FORMAT: Final = (
    "%(refname)%00%(HEAD)%00%(upstream:short)%00%(upstream:track)%00%(committerdate:unix)%00%(subject)"
)
_HUNK: Final = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@.*$", re.MULTILINE)


@dataclass(frozen=True)
class Change:
    """A file that differs. `index` and `worktree` are Git's letters, "." for none; `source` is what it was called."""

    path: bytes
    index: str
    worktree: str
    source: bytes | None = None
    conflict: bool = False


@dataclass(frozen=True)
class Branch:
    """Where HEAD is. `name` is None when it is on no branch, `commit` before the first commit."""

    name: str | None = None
    commit: str | None = None
    upstream: str | None = None
    ahead: int = 0
    behind: int = 0


@dataclass(frozen=True)
class Status:
    """Of the changes, those in conflict come first. `operation` is what Git has begun and not ended."""

    branch: Branch
    changes: tuple[Change, ...]
    truncated: bool
    operation: Operation | None = None


@dataclass(frozen=True)
class Hunk:
    """A stretch of a file that differs. `id` names it by its content; the text is that of the patch."""

    id: str
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    text: bytes


@dataclass(frozen=True)
class FileDiff:
    """`head` is what stands before the first hunk in the patch."""

    head: bytes = b""
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False


@dataclass(frozen=True)
class Commit:
    id: str
    parents: tuple[str, ...]
    author: str
    email: str
    time: datetime
    refs: str
    subject: str


@dataclass(frozen=True)
class FileChange:
    """What a commit did to a file, by Git's letter; `source` is what a renamed or copied one was called."""

    path: bytes
    letter: str
    source: bytes | None = None


@dataclass(frozen=True)
class CommitDetails:
    """`changes` are against the first parent; `truncated` when there are more of them."""

    commit: Commit
    message: str
    changes: tuple[FileChange, ...]
    truncated: bool


@dataclass(frozen=True)
class BranchEntry:
    name: str
    remote: bool
    current: bool
    upstream: str | None
    track: str
    time: datetime
    subject: str


@dataclass
class BlameLine:
    commit: str
    line: int
    author: str = ""
    time: datetime = field(default_factory=lambda: datetime.fromtimestamp(0, UTC))
    summary: str = ""


def parse_status(out: bytes, cut: bool, operation: Operation | None = None) -> Status:
    """Porcelain version 2 with -z and --branch."""
    fields = out.split(b"\0")
    if cut:
        # The last may be half of one.
        fields.pop()
    known: dict[str, str] = {}
    changes: list[Change] = []
    rest = iter(fields)
    for item in rest:
        kind, _, value = item.partition(b" ")
        if kind == b"#":
            key, _, text = value.decode(errors="replace").partition(" ")
            known[key] = text
        elif kind == b"?" and value:
            changes.append(Change(value, ".", "?"))
        elif kind in (b"1", b"2", b"u"):
            parts = value.split(b" ", {b"1": 7, b"2": 8, b"u": 9}[kind])
            source = next(rest, b"") if kind == b"2" else None
            letters = parts[0].decode(errors="replace")
            if len(letters) == 2 and len(parts) == {b"1": 8, b"2": 9, b"u": 10}[kind]:
                changes.append(Change(parts[-1], letters[0], letters[1], source, kind == b"u"))
    changes.sort(key=lambda change: not change.conflict)
    return Status(_branch(known), tuple(changes[:MOST_FILES]), cut or len(changes) > MOST_FILES, operation)


def _branch(known: dict[str, str]) -> Branch:
    name, commit = known.get("branch.head"), known.get("branch.oid")
    counts = re.fullmatch(r"\+(\d{1,9}) -(\d{1,9})", known.get("branch.ab", ""))
    return Branch(
        None if name in (None, "(detached)") else name,
        None if commit in (None, "(initial)") else commit,
        known.get("branch.upstream"),
        int(counts[1]) if counts else 0,
        int(counts[2]) if counts else 0,
    )


def parse_diff(out: bytes) -> FileDiff:
    """The patch of a single file."""
    places = list(_HUNK.finditer(out))
    if not places:
        return FileDiff(out, (), b"\nBinary files " in out or b"\nGIT binary patch" in out)
    ends = [place.start() for place in places[1:]] + [len(out)]
    hunks = []
    for place, end in zip(places, ends, strict=True):
        text = out[place.start() : end]
        # Where it stands moves when another hunk before it is staged; what it says does not.
        name = hashlib.sha256(text.partition(b"\n")[2]).hexdigest()[:16]
        old, old_count, new, new_count = (int(group) if group else 1 for group in place.groups())
        hunks.append(Hunk(name, old, old_count, new, new_count, text))
    return FileDiff(out[: places[0].start()], tuple(hunks))


def parse_log(out: bytes) -> list[Commit]:
    """Commits in `LOG_FORMAT`."""
    fields = out.decode(errors="replace").split("\0")[:-1]
    return [commit for at in range(0, len(fields), 7) if (commit := _commit(fields[at : at + 7]))]


def parse_commit(out: bytes) -> tuple[Commit, str] | None:
    """A commit in `COMMIT_FORMAT`, which may be cut off, and its message."""
    fields = out.decode(errors="replace").split("\0")
    commit = _commit(fields[:7])
    if commit is None or len(fields) < 8:
        return None
    message = fields[7].strip()
    return commit, message if len(message) <= MOST_MESSAGE else f"{message[:MOST_MESSAGE]}…"


def _commit(fields: list[str]) -> Commit | None:
    if len(fields) < 7 or not re.fullmatch(r"[0-9a-f]{40,64}", fields[0]):
        return None
    id, parents, author, email, at, refs, subject = (item.strip() for item in fields)
    return Commit(id, tuple(parents.split()), author, email, _time(at), refs, subject)


def parse_changes(out: bytes, cut: bool) -> tuple[tuple[FileChange, ...], bool]:
    """What --name-status -z tells, and whether there is more."""
    changes: list[FileChange] = []
    # What follows the last NUL is nothing, or half of something.
    fields = iter(out.split(b"\0")[:-1])
    for status in fields:
        letter = status[:1].decode(errors="replace")
        source = next(fields, None) if letter in ("R", "C") else None
        path = next(fields, None)
        if path is not None:
            changes.append(FileChange(path, letter, source))
    return tuple(changes[:MOST_FILES]), cut or len(changes) > MOST_FILES


def parse_branches(out: bytes) -> list[BranchEntry]:
    """Branches in `BRANCH_FORMAT`, one a line; a remote's HEAD, which only points at another, is left out."""
    found = []
    for line in out.decode(errors="replace").splitlines():
        parts = line.split("\0")
        if len(parts) != 6 or parts[0].endswith("/HEAD"):
            continue
        ref, head, upstream, track, at, subject = parts
        remote = ref.startswith("refs/remotes/")
        name = ref.removeprefix("refs/remotes/").removeprefix("refs/heads/")
        found.append(BranchEntry(name, remote, head == "*", upstream or None, track, _time(at), subject))
    return found


def parse_blame(out: bytes) -> list[BlameLine]:
    """Who last changed each line, from --porcelain."""
    lines: list[BlameLine] = []
    known: dict[str, BlameLine] = {}
    for raw in out.split(b"\n"):
        text = raw.decode(errors="replace")
        if raw.startswith(b"\t") or not text:
            continue
        key, _, value = text.partition(" ")
        if re.fullmatch(r"[0-9a-f]{40,64}", key):
            numbers = value.split()
            first = known.get(key)
            line = BlameLine(key, int(numbers[1]) if len(numbers) > 1 and numbers[1].isdigit() else 0)
            if first:
                line.author, line.time, line.summary = first.author, first.time, first.summary
            known.setdefault(key, line)
            lines.append(line)
        elif lines and key == "author":
            lines[-1].author = value
        elif lines and key == "author-time":
            lines[-1].time = _time(value)
        elif lines and key == "summary":
            lines[-1].summary = value
    return lines


def _time(seconds: str) -> datetime:
    """Of a commit, which may claim any; what the calendar does not have is its beginning."""
    try:
        return datetime.fromtimestamp(int(seconds[:15]), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
