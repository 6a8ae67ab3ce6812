"""What Git prints, read as data: its promised forms, and whatever a container may say in their place."""

import os
import random
from pathlib import Path

import pytest

from server.errors import Invalid, NotFound
from server.services import git_parsing as parsing
from server.services.git_accounts import GitAccounts
from server.services.git_operations import Operation, read
from server.services.git_remotes import check_url, host_of, name_of

STATUS = (
    b"# branch.oid 1234\0# branch.head main\0# branch.upstream origin/main\0# branch.ab +2 -3\0"
    b"1 .M N... 100644 100644 100644 aaaa aaaa two words.txt\0"
    b"2 R. N... 100644 100644 100644 aaaa bbbb R100 new name\xff\0old\nname\0"
    b"u UU N... 100644 100644 100644 100644 aaaa bbbb cccc both.txt\0"
    b"? -rf\0"
)


def test_every_kind_of_change_is_read() -> None:
    status = parsing.parse_status(STATUS, cut=False)
    assert status.branch == parsing.Branch("main", "1234", "origin/main", 2, 3)
    assert status.changes == (
        parsing.Change(b"both.txt", "U", "U", conflict=True),
        parsing.Change(b"two words.txt", ".", "M"),
        parsing.Change(b"new name\xff", "R", ".", b"old\nname"),
        parsing.Change(b"-rf", ".", "?"),
    )


def test_a_head_on_no_branch_and_before_the_first_commit() -> None:
    assert parsing.parse_status(b"# branch.oid (initial)\0# branch.head main\0", cut=False).branch == parsing.Branch(
        "main"
    )
    assert parsing.parse_status(b"# branch.oid 12\0# branch.head (detached)\0", cut=False).branch.name is None


def test_what_is_cut_off_is_told() -> None:
    status = parsing.parse_status(STATUS[:-3], cut=True)
    assert len(status.changes) == 3 and status.truncated
    many = b"".join(b"? %d\0" % number for number in range(parsing.MOST_FILES + 1))
    assert len(parsing.parse_status(many, cut=False).changes) == parsing.MOST_FILES


def test_a_hunk_keeps_its_name_when_it_moves() -> None:
    head = b"diff --git a/f b/f\n--- a/f\n+++ b/f\n"
    first, moved = (parsing.parse_diff(head + b"@@ -%d,3 +%d,3 @@ f()\n a\n-b\n+c\n" % (at, at)) for at in (5, 9))
    assert first.head == head and first.hunks[0].id == moved.hunks[0].id
    assert (first.hunks[0].old_start, moved.hunks[0].old_start) == (5, 9)


def test_a_commit_whatever_it_says() -> None:
    fields = [
        b"a" * 40,
        b"b" * 40 + b" " + b"c" * 40,
        b"<b>A   ",
        b"a@a",
        b"60",
        b"HEAD -> main, tag: 1,2  ",
        b"\1\n\xff",
    ]
    record = b"\0".join(fields)
    (commit,) = parsing.parse_log(record + b"\0" + b"x\0y")
    assert (commit.parents, commit.author, commit.refs) == (("b" * 40, "c" * 40), "<b>A", "HEAD -> main, tag: 1,2")
    assert commit.subject == "\1\n\ufffd" and commit.time.minute == 1
    assert parsing.parse_commit(record + b"\0message") == (commit, "message")
    assert parsing.parse_commit(record) is None
    long = parsing.parse_commit(record + b"\0" + b"x" * (parsing.MOST_MESSAGE + 1))
    assert long and len(long[1]) == parsing.MOST_MESSAGE + 1 and long[1].endswith("x…")


def test_what_a_commit_changed() -> None:
    out = b"M\0a\nb\0R087\0old\xff\0new\0D\0-rf\0A\0half"
    changes, truncated = parsing.parse_changes(out, cut=True)
    assert truncated and changes == (
        parsing.FileChange(b"a\nb", "M"),
        parsing.FileChange(b"new", "R", b"old\xff"),
        parsing.FileChange(b"-rf", "D"),
    )
    many, truncated = parsing.parse_changes(b"A\0x\0" * (parsing.MOST_FILES + 1), cut=False)
    assert truncated and len(many) == parsing.MOST_FILES


@pytest.mark.parametrize(
    ("told", "operation"),
    [
        (b"", None),
        (b"MERGE_HEAD 1234567890\n\0MERGE_MSG Merge branch 'a b' of /x.git\n\0", Operation("merge", "a b")),
        (b"MERGE_HEAD 1234567890\n\0MERGE_MSG words\n\0", Operation("merge", "1234567")),
        (b"MERGE_HEAD 12\n\0REVERT_HEAD 34\n\0", Operation("merge", "12")),
        (b"CHERRY_PICK_HEAD 1234567890\n\0MERGE_MSG Merge branch 'x'\n\0", Operation("cherry-pick", "1234567")),
        (b"MERGE_MSG left behind\n\0", None),
        (b"sequencer/todo revert 12 x\n\0", Operation("revert")),
        (
            b"rebase-merge/head-name refs/heads/a/b\n\0rebase-merge/msgnum 2\n\0rebase-merge/end 3\n\0MERGE_HEAD 1\n\0",
            Operation("rebase", "a/b", 2, 3),
        ),
        (b"rebase-apply/head-name detached HEAD\n\0rebase-apply/next x\n\0", Operation("rebase")),
        (b"rebase-apply/applying \0", Operation("am")),
    ],
)
def test_what_is_under_way_is_told_before_the_status(told: bytes, operation: Operation | None) -> None:
    assert read(told + b"\0" + STATUS) == (operation, STATUS)


def test_nothing_that_is_said_is_a_mistake_of_ours() -> None:
    generator = random.Random(1)
    words = [
        b"1 ",
        b"2 ",
        b"u ",
        b"# branch.ab ",
        b"MERGE_HEAD ",
        b"@@ -1 +1 @@",
        b"\0",
        b"\1",
        b"\n",
        b"\t",
        b"author-time ",
        b"a" * 40,
    ]
    for _ in range(3000):
        text = b"".join(generator.choice([*words, os.urandom(3)]) for _ in range(generator.randrange(40)))
        read(text)
        parsing.parse_status(text, cut=generator.random() < 0.5)
        parsing.parse_diff(text)
        parsing.parse_log(text)
        parsing.parse_commit(text)
        parsing.parse_changes(text, cut=False)
        parsing.parse_branches(text)
        parsing.parse_blame(text)


@pytest.mark.parametrize(
    ("url", "name", "place"),
    [
        ("https://github.com/a/name.git", "name", ("https", "github.com")),
        ("http://host:8080/name/", "name", ("http", "host:8080")),
        ("ssh://git@host:22/a/name.git", "name", None),
        ("git@github.com:a/name.git", "name", None),
    ],
)
def test_addresses_of_repositories(url: str, name: str, place: tuple[str, str] | None) -> None:
    assert check_url(f" {url} ") == url
    assert name_of(url) == name and host_of(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a b",
        "https://",
        "https://host",
        "git@-oProxyCommand=x:y",
        "git@host:-x",
        "ext::sh",
        "C:\\repo",
        "https://h/a\nb",
    ]
    + ["https://user@host/x", "ssh://-x/y", "file:///x", "../x", 7, None, "https://h/" + "x" * 3000],
)
def test_what_is_no_address_is_refused(url: object) -> None:
    with pytest.raises(Invalid):
        check_url(url)


async def test_accounts_are_kept_for_the_server_alone(tmp_path: Path) -> None:
    file = tmp_path / "git.json"
    accounts = GitAccounts(file)
    assert await accounts.identity() is None and await accounts.accounts() == []
    await accounts.keep("GitHub.com", "ada", "first")
    await accounts.keep("github.com", "ada", "second")
    await accounts.set_identity(" Ada ", "ada@example.org")
    again = GitAccounts(file)
    assert [(item.host, item.secret) for item in await again.accounts()] == [("github.com", "second")]
    assert await again.identity() == ("Ada", "ada@example.org")
    assert file.stat().st_mode & 0o777 == 0o600 and os.listdir(tmp_path) == ["git.json"]
    for host, user, secret in (
        ("h", "a\nb", "c"),
        ("h", "a", ""),
        ("h/x", "a", "b"),
        (None, "a", "b"),
        ("-h", "a", "b"),
    ):
        with pytest.raises(Invalid):
            await accounts.keep(host, user, secret)
    with pytest.raises(Invalid):
        await accounts.set_identity("Ada <x>", "ada@example.org")
    await accounts.forget("github.com")
    with pytest.raises(NotFound):
        await accounts.forget("github.com")
