import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.storage import beneath
from server.storage.beneath import exists, open_beneath, rename_new

READ = os.O_RDONLY


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    """An open folder with a file, a folder, links of every kind, and a sibling whose name begins alike."""
    folder = tmp_path / "root"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "file").write_bytes(b"inside")
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "file").write_bytes(b"outside")
    links = {
        "inside": "file",
        "sub/up": "../file",
        "folder": "sub",
        "sibling": "../root2",
        "sibling-file": "../root2/file",
        "absolute": "/etc/passwd",
        "absolute-inside": str(folder / "file"),
        "magic": "/proc/self/root",
        "loop": "loop",
        "dangling": "nowhere",
        "dangling-outside": "../root2/new",
        "round-about": "../root/file",
    }
    for name, target in links.items():
        os.symlink(target, folder / name)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def content(root: int, path: bytes, **options: bool) -> bytes:
    descriptor = open_beneath(root, path, READ, **options)
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("path", [b"file", b"inside", b"sub/up", b"folder/up", b"sub/../file", b"./file", b"sub//up"])
def test_what_stays_inside_is_opened(root: int, path: bytes) -> None:
    assert content(root, path) == b"inside"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (b"../root2/file", errno.EXDEV),
        (b"sub/../../root2/file", errno.EXDEV),
        (b"/etc/passwd", errno.EXDEV),
        (b"sibling/file", errno.EXDEV),
        (b"sibling-file", errno.EXDEV),
        (b"absolute", errno.EXDEV),
        (b"absolute-inside", errno.EXDEV),
        (b"round-about", errno.EXDEV),
        (b"dangling-outside", errno.EXDEV),
        (b"magic/etc/passwd", errno.EXDEV),
        (b"loop", errno.ELOOP),
        (b"dangling", errno.ENOENT),
        (b"file/below", errno.ENOTDIR),
        (b"..", errno.EXDEV),
    ],
)
def test_what_leads_out_is_not(root: int, path: bytes, code: int) -> None:
    with pytest.raises(OSError) as caught:
        content(root, path)
    assert caught.value.errno == code


def test_nothing_is_created_outside_through_a_dangling_link(root: int, tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        open_beneath(root, b"dangling-outside", os.O_WRONLY | os.O_CREAT, 0o600)
    assert caught.value.errno == errno.EXDEV
    assert os.listdir(tmp_path / "root2") == ["file"]


def test_links_of_the_kernel_are_refused_even_where_they_stay_inside(root: int) -> None:
    process = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)
    try:
        with pytest.raises(OSError) as caught:
            os.close(open_beneath(process, b"cwd", os.O_PATH))
        assert caught.value.errno in (errno.ELOOP, errno.EXDEV)
    finally:
        os.close(process)


def test_another_file_system_below_is_refused() -> None:
    machine = os.open("/", os.O_PATH | os.O_DIRECTORY)
    try:
        with pytest.raises(OSError) as caught:
            os.close(open_beneath(machine, b"proc/version", READ))
        assert caught.value.errno == errno.EXDEV
    finally:
        os.close(machine)


@pytest.mark.parametrize("path", [b"inside", b"folder/up", b"folder"])
def test_no_link_is_followed_when_none_may_be(root: int, path: bytes) -> None:
    with pytest.raises(OSError) as caught:
        content(root, path, follow=False)
    assert caught.value.errno == errno.ELOOP
    assert content(root, b"file", follow=False) == b"inside"


def test_descriptors_are_not_inherited(root: int) -> None:
    descriptor = open_beneath(root, b"file", READ)
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def test_a_new_name_is_never_taken_from_another(root: int, tmp_path: Path) -> None:
    (tmp_path / "root" / "other").write_bytes(b"other")
    with pytest.raises(FileExistsError):
        rename_new(root, b"other", root, b"file")
    with pytest.raises(FileExistsError):
        rename_new(root, b"other", root, b"dangling")
    rename_new(root, b"other", root, b"free")
    assert content(root, b"free") == b"other"
    assert content(root, b"file") == b"inside"


def test_a_folder_does_not_go_into_itself(root: int) -> None:
    inner = open_beneath(root, b"sub/deep", os.O_RDONLY)
    try:
        with pytest.raises(OSError) as caught:
            rename_new(root, b"sub", inner, b"sub")
        assert caught.value.errno == errno.EINVAL
    finally:
        os.close(inner)


def test_a_link_that_leads_nowhere_exists(root: int) -> None:
    assert exists(root, b"dangling")
    assert not exists(root, b"nowhere")


def test_it_works_here() -> None:
    beneath.require()


def test_a_kernel_without_the_call_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beneath, "_OPENAT2", 100_000)
    with pytest.raises(beneath.Unsupported, match=r"openat2 does not work here .*Linux 5\.6"):
        beneath.require()


def test_another_system_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(beneath.Unsupported, match="needs Linux"):
        beneath.require()
