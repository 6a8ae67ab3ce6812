"""What Git has begun and not ended: a merge, a rebase, a pick or a revert that waits for somebody.

Git's own form for scripts does not say. The files that tell it lie in the repository, so a few words of shell read them
beside Git, in the container, in the same program as the status: the two belong to one moment.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

ACTIONS: Final = ("continue", "skip", "abort")
_MOST: Final = 300
"""Bytes that are read of a file: each of them has one line that matters."""
_FILES: Final = (
    *("rebase-merge/head-name", "rebase-merge/msgnum", "rebase-merge/end"),
    *("rebase-apply/applying", "rebase-apply/head-name", "rebase-apply/next", "rebase-apply/last"),
    *("MERGE_HEAD", "MERGE_MSG", "CHERRY_PICK_HEAD", "REVERT_HEAD", "sequencer/todo"),
)
# A name, a space and the beginning of the file, each ended by a NUL; then one more, and what the command prints.
_TELLING: Final = f"""
folder=$(git rev-parse --git-dir 2>/dev/null) && for name in {" ".join(_FILES)}; do
  test -f "$folder/$name" && printf '%s ' "$name" && head -c {_MOST} "$folder/$name" | tr '\\0' ' ' && printf '\\0'
done
printf '\\0'
exec "$@"
"""
_MERGED: Final = re.compile(r"Merge (?:remote-tracking )?(?:branch|tag|commit)(?:es|s)? '([^']+)'")


@dataclass(frozen=True)
class Operation:
    """`kind` is Git's word for it, by which it is gone on with: merge, rebase, cherry-pick, revert or am.

    `subject` is the branch that is merged or rebased, or the commit that is picked or reverted, where that is known.
    """

    kind: str
    subject: str | None = None
    step: int | None = None
    steps: int | None = None


def telling(command: Sequence[str]) -> list[str]:
    """The command, with what `read` wants in front of what it prints."""
    return ["sh", "-c", _TELLING, "sh", *command]


def read(out: bytes) -> tuple[Operation | None, bytes]:
    """What is under way, and what the command printed."""
    told, ended, rest = out.partition(b"\0\0")
    if out.startswith(b"\0"):
        return None, out[1:]
    if not ended:
        return None, b""
    fields = (item.decode(errors="replace").partition(" ") for item in told.split(b"\0"))
    return _operation({name: text.strip() for name, _, text in fields}), rest


def _operation(files: Mapping[str, str]) -> Operation | None:
    # A rebase is first: it makes use of the others.
    if "rebase-merge/head-name" in files:
        branch, step, steps = (files.get(f"rebase-merge/{name}", "") for name in ("head-name", "msgnum", "end"))
        return Operation("rebase", _branch(branch), _number(step), _number(steps))
    if "rebase-apply/applying" in files or "rebase-apply/head-name" in files:
        kind = "am" if "rebase-apply/applying" in files else "rebase"
        branch, step, steps = (files.get(f"rebase-apply/{name}", "") for name in ("head-name", "next", "last"))
        return Operation(kind, _branch(branch), _number(step), _number(steps))
    if "MERGE_HEAD" in files:
        named = _MERGED.match(files.get("MERGE_MSG", ""))
        return Operation("merge", named[1] if named else files["MERGE_HEAD"][:7])
    for kind, head in (("cherry-pick", "CHERRY_PICK_HEAD"), ("revert", "REVERT_HEAD")):
        if head in files:
            return Operation(kind, files[head][:7])
    # Between two commits of several.
    todo = files.get("sequencer/todo", "")
    if todo.startswith(("pick ", "p ")):
        return Operation("cherry-pick")
    return Operation("revert") if todo.startswith("revert ") else None


def _branch(ref: str) -> str | None:
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None
