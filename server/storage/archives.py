"""Zip archives of a project's files, out and in.

Out: a stream in constant memory but for the archive's own list of names, with no link in it and no name that unpacks
elsewhere. In: everything is checked before a byte is written, unpacked into a hidden folder, and then moved into place.
"""

import codecs
import os
import stat
import struct
import threading
import time
import zlib
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import IO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from server.errors import BadRequest, Conflict, Invalid, TooLarge
from server.storage import paths, walking
from server.storage.beneath import exists, open_beneath
from server.storage.files import open_folder, write_all
from server.storage.paths import shown, split
from server.storage.roots import Entry, closing, kind_of, sync_all, telling

PIECE: Final = 256 * 1024
MOST_ENTRIES: Final = 50_000
MOST_UNPACKED: Final = 2 * 1024**3
MOST_RATIO: Final = 200
"""Times the archive's own size that its content may have. Source code shrinks to a fifth, a log to a fiftieth."""
FREE_RATIO: Final = 64 * 1024**2
"""Bytes of content that no ratio is asked of."""
_MOST_READ: Final = 8 * 1024**2
"""Bytes of one read: the list of names is read at once, and made objects of thirty times its size."""
_LOCAL_HEADER: Final = 30
_ENCRYPTED: Final = 0x1
_PACKED_ALREADY: Final = (b".png", b".jpg", b".jpeg", b".gif", b".webp", b".zip", b".gz", b".xz", b".mp4", b".woff2")
_LEFT_OUT: Final = "left-out-of-this-archive.txt"

# ZipFile decodes names with it. Loaded now, for a thread that acts as a project's owner may not read Python's files.
codecs.lookup("cp437")


@dataclass
class Imported:
    """What an import did. `top` holds the paths in the target folder below which something changed."""

    files: int = 0
    size: int = 0
    replaced: list[bytes] = field(default_factory=list)
    top: set[bytes] = field(default_factory=set)


class Packing:
    """The zip archive of all below the folder `path`, made piece by piece. Close it.

    A link to a file inside becomes that file; other links, pipes, sockets and devices are left out. What may not be
    read is named in a file of its own.
    """

    def __init__(self, root: int, path: bytes) -> None:
        with telling(path):
            self._base = open_beneath(root, path, walking.FOLDER)
        self._pieces = _packed(self._base)
        self._lock = threading.Lock()

    def piece(self) -> bytes:
        """The next bytes of the archive, none at its end. Raises TooLarge when there are too many files."""
        with self._lock:
            return next((piece for piece in self._pieces if piece), b"")

    def close(self) -> None:
        """Let go of the folder. Does nothing the second time."""
        with self._lock:
            self._pieces.close()
            if self._base >= 0:
                os.close(self._base)
                self._base = -1


def unpack(root: int, into: bytes, file: IO[bytes], *, replace: bool, lock: AbstractContextManager[object]) -> Imported:
    """Unpack the zip archive `file` into the folder `into`, which is made where missing.

    Raises Invalid naming the entry that can't be taken, TooLarge, Conflict for a path that is taken (by a file, unless
    `replace`), StorageFull; nothing is changed then. `lock` keeps other changes apart while files are moved.
    """
    try:
        with ZipFile(_ShortReads(file)) as archive:
            members = _checked(archive, os.fstat(file.fileno()).st_size)
            with telling(into), closing(open_folder(root, into)) as folder:
                _check_free(folder, members, replace)
                return _unpack(archive, folder, members, lock)
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, struct.error) as error:
        raise Invalid("this is no zip archive, or a damaged one") from error


def _packed(base: int) -> Generator[bytes, None, None]:
    sink = _Sink()
    left_out: list[bytes] = []
    with ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for entry in walking.walk(base, unreadable=left_out):
            yield from _pack_entry(archive, sink, base, entry, left_out)
        if left_out:
            lines = "\n".join(shown(path) for path in left_out)
            archive.writestr(_LEFT_OUT, f"These could not be read, so they are not in this archive:\n\n{lines}\n")
    yield sink.take()


class _Sink:
    """What ZipFile writes to: a stream that can't seek, emptied as it fills."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, content: bytes) -> int:
        self._pieces.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class _ShortReads:
    """A file that refuses to be read in one big piece, which is how ZipFile reads a list of millions of names."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(min(size, _MOST_READ + 1) if size >= 0 else _MOST_READ + 1)
        if len(content) > _MOST_READ:
            raise TooLarge(f"an archive may have at most {MOST_ENTRIES} entries")
        return content


def _pack_entry(archive: ZipFile, sink: _Sink, base: int, entry: Entry, left_out: list[bytes]) -> Iterator[bytes]:
    if entry.kind == "directory":
        info = ZipInfo(_archived_name(entry.path) + "/", _archived_time(entry.modified_ns))
        info.external_attr = (stat.S_IFDIR | 0o755) << 16 | 0x10
        archive.writestr(info, b"")
        return
    try:
        descriptor = open_beneath(base, entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        if entry.kind == "file":
            left_out.append(entry.path)
        return
    with closing(descriptor):
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            yield from _pack_file(archive, sink, descriptor, entry.path)


def _pack_file(archive: ZipFile, sink: _Sink, descriptor: int, path: bytes) -> Iterator[bytes]:
    status = os.fstat(descriptor)
    info = ZipInfo(_archived_name(path), _archived_time(status.st_mtime_ns))
    info.external_attr = (stat.S_IFREG | status.st_mode & 0o777) << 16
    info.compress_type = ZIP_STORED if path.lower().endswith(_PACKED_ALREADY) else ZIP_DEFLATED
    info.file_size = status.st_size
    left = status.st_size
    with archive.open(info, "w") as member:
        # A file that grows meanwhile is packed as long as it was; one that shrinks as it is.
        while left and (piece := os.read(descriptor, min(left, PIECE))):
            left -= len(piece)
            member.write(piece)
            yield sink.take()


def _archived_name(path: bytes) -> str:
    """A name that every unpacking program takes for the same path. What is changed is marked, to be like no other."""
    return "/".join(_archived_part(part) for part in path.split(b"/"))


def _archived_part(part: bytes) -> str:
    text = part.decode(errors="replace")
    safe = "".join("_" if char in "\\\ufffd" or not char.isprintable() else char for char in text)
    # A drive letter makes a path absolute on Windows.
    if len(safe) > 1 and safe[1] == ":" and safe[0].isascii() and safe[0].isalpha():
        safe = safe[0] + "_" + safe[2:]
    return safe if safe.encode() == part else f"{safe}~{zlib.crc32(part):08x}"


def _archived_time(modified_ns: int) -> tuple[int, int, int, int, int, int]:
    """What the format can say: years from 1980 to 2107."""
    moment = time.gmtime(min(max(modified_ns // 10**9, 315_532_800), 4_354_819_198))
    return moment.tm_year, moment.tm_mon, moment.tm_mday, moment.tm_hour, moment.tm_min, moment.tm_sec


@dataclass(frozen=True)
class _Member:
    info: ZipInfo
    path: bytes
    is_folder: bool


def _checked(archive: ZipFile, size: int) -> list[_Member]:
    """The members of the archive, all of which may be unpacked. Raises Invalid or TooLarge."""
    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise TooLarge(f"an archive may have at most {MOST_ENTRIES} entries, this has {len(infos)}")
    total = sum(info.file_size for info in infos)
    if total > MOST_UNPACKED:
        raise TooLarge(f"an archive may hold at most {MOST_UNPACKED} bytes, this says it holds {total}")
    if total > max(FREE_RATIO, MOST_RATIO * size):
        raise TooLarge(f"{total} bytes out of an archive of {size} is more than {MOST_RATIO} times as much")
    _check_apart(infos)
    members = [_member(info) for info in infos]
    seen: set[bytes] = set()
    for member in members:
        if member.path in seen:
            raise Invalid(f"the archive has two entries named {shown(member.path)}")
        seen.add(member.path)
    return members


def _check_apart(infos: list[ZipInfo]) -> None:
    """Refuse entries that share bytes of the archive, which is how a small one is made to hold very much."""
    ordered = sorted(infos, key=_offset_of)
    for info, following in zip(ordered, ordered[1:], strict=False):
        if info.header_offset + _LOCAL_HEADER + info.compress_size > following.header_offset:
            raise Invalid("entries of the archive overlap")


def _offset_of(info: ZipInfo) -> int:
    return info.header_offset


def _member(info: ZipInfo) -> _Member:
    name = info.orig_filename
    is_folder = name.endswith("/")
    shown_name = shown(name.encode(errors="replace"))
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR) > is_folder:
        raise Invalid(f"the archive's entry {shown_name} is a link or a device; only files and folders are taken")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise Invalid(f"the archive's entry {shown_name} is encrypted or packed in a rare way; pack it as a plain zip")
    if "\\" in name:
        raise Invalid(f"the archive's entry {shown_name} has a backslash in its name")
    try:
        return _Member(info, paths.parse_entry(name[:-1] if is_folder else name), is_folder)
    except BadRequest as error:
        raise Invalid(f"the archive's entry {shown_name}: {error.detail}") from error


def _check_free(folder: int, members: list[_Member], replace: bool) -> None:
    """Raises Conflict unless every member can be put where it belongs."""
    for member in members:
        kind = _kind_at(folder, member.path)
        if kind is None or (member.is_folder and kind != "file"):
            continue
        if member.is_folder or kind == "directory":
            raise Conflict(f"{shown(member.path)} is a file on one side and a folder on the other")
        if not replace:
            raise Conflict(f"{shown(member.path)} exists already")


def _kind_at(folder: int, path: bytes) -> str | None:
    above, name = split(path)
    try:
        with closing(open_beneath(folder, above, os.O_PATH | os.O_DIRECTORY)) as parent:
            return kind_of(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return None


def _unpack(archive: ZipFile, folder: int, members: list[_Member], lock: AbstractContextManager[object]) -> Imported:
    half_made = paths.temporary_name()
    os.mkdir(half_made, 0o700, dir_fd=folder)
    try:
        with closing(os.open(half_made, walking.FOLDER | os.O_NOFOLLOW, dir_fd=folder)) as stage:
            walking.hold(stage)
            for member in members:
                if not member.is_folder:
                    _stage(archive, stage, member)
            sync_all(stage)
            with lock:
                return _put_in_place(stage, folder, members)
    finally:
        with suppress(FileNotFoundError):
            walking.remove(folder, half_made)


def _stage(archive: ZipFile, stage: int, member: _Member) -> None:
    above, name = split(member.path)
    executable = member.info.external_attr >> 16 & 0o111
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with (
        telling(member.path),
        closing(open_folder(stage, above)) as parent,
        closing(os.open(name, flags, 0o777 if executable else 0o666, dir_fd=parent)) as target,
        archive.open(member.info) as source,
    ):
        position = 0
        while piece := source.read(PIECE):
            write_all(target, piece, position)
            position += len(piece)


def _put_in_place(stage: int, folder: int, members: list[_Member]) -> Imported:
    done = Imported()
    for member in members:
        done.top.add(member.path.split(b"/")[0])
        if member.is_folder:
            with telling(member.path):
                os.close(open_folder(folder, member.path))
            continue
        above, name = split(member.path)
        with (
            telling(member.path),
            closing(open_beneath(stage, above, walking.FOLDER)) as source,
            closing(open_folder(folder, above)) as target,
        ):
            if exists(target, name):
                done.replaced.append(member.path)
            os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
        done.files += 1
        done.size += member.info.file_size
    os.fsync(folder)
    return done
