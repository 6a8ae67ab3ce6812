"""Open files beneath a folder in such a way that no link, however it is swapped, leads outside.

The processes of a project own its tree and may exchange a folder for a link at any moment, so a path that was checked
proves nothing about the path that is opened. The kernel's `openat2(RESOLVE_BENEATH)` checks while it opens. Python has
no binding; `pathrs` on PyPI has one but no wheels, so that installing it asks for a Rust tool chain: hence the direct
system call. Everything else goes by `dir_fd` with a single name from a folder that was opened here.

Linux 5.6 or later. Where the call is missing or forbidden, `require()` says so and nothing falls back to less.
"""

import ctypes
import errno
import os
import platform
import sys
from typing import Final

_OPENAT2: Final = 437
"""The number since Linux 5.6 on every architecture but Alpha, which numbers its calls by itself."""
_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x01, 0x02, 0x04, 0x08
_NOREPLACE: Final = 1
_ATTEMPTS: Final = 64
"""The kernel answers EAGAIN when the tree moved while it resolved `..`: more attempts than any innocent tree needs."""


class Unsupported(RuntimeError):
    """This machine can't open files beneath a folder safely. The message says why."""


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


def require() -> None:
    """Raises Unsupported with the reason where `open_beneath` can't work."""
    if not sys.platform.startswith("linux") or platform.machine() == "alpha":
        raise Unsupported(f"Hutch needs Linux 5.6 or later, not on Alpha; this is {sys.platform} {platform.machine()}")
    if not hasattr(_libc, "renameat2"):
        raise Unsupported("Hutch needs a C library with renameat2: glibc 2.28 or later")
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(open_beneath(root, b".", os.O_PATH))
    except OSError as error:
        raise Unsupported(
            f"the system call openat2 does not work here ({error.strerror}): Hutch needs Linux 5.6 or later (this is "
            f"{platform.release()}), and inside a container a seccomp profile that knows the call"
        ) from error
    finally:
        os.close(root)


def open_beneath(root: int, path: bytes, flags: int, mode: int = 0, *, follow: bool = True) -> int:
    """A descriptor of `path`, resolved beneath the folder `root` and on its file system; the caller closes it.

    `follow=False` refuses every link on the way, not just the last. Raises OSError: EXDEV where the way leads out,
    ELOOP where a link is refused or loops.
    """
    resolve = _BENEATH | _NO_MAGICLINKS | _NO_XDEV | (0 if follow else _NO_SYMLINKS)
    how = _How(flags | os.O_CLOEXEC, mode, resolve)
    size = ctypes.c_size_t(ctypes.sizeof(how))
    name = ctypes.c_char_p(path or b".")
    code = errno.EAGAIN
    for _ in range(_ATTEMPTS):
        found: int = _syscall(ctypes.c_long(_OPENAT2), ctypes.c_int(root), name, ctypes.byref(how), size)
        if found >= 0:
            return found
        code = ctypes.get_errno()
        if code not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(code, os.strerror(code))


def rename_new(source: int, name: bytes, target: int, new_name: bytes) -> None:
    """Rename between two open folders; raises FileExistsError when there is something under the new name already."""
    if _libc.renameat2(ctypes.c_int(source), name, ctypes.c_int(target), new_name, ctypes.c_uint(_NOREPLACE)) == 0:
        return
    code = ctypes.get_errno()
    if code != errno.EINVAL:
        raise OSError(code, os.strerror(code))
    # File systems that don't know the flag (NFS, some of FUSE) say EINVAL, and so do all for a folder into itself.
    if exists(target, new_name):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)


def exists(folder: int, name: bytes) -> bool:
    """Whether the open folder has an entry of that name, a link that leads nowhere included."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
