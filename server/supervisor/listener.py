"""The socket at which servers and `attach` ask for a link, and which makes its supervisor the only one."""

import array
import fcntl
import os
import socket
import sys
import time
from typing import Final

SOCKET: Final = "supervisor.sock"
LOCK: Final = "supervisor.lock"
MOST_LINKS: Final = 64
ATTACH_PATIENCE: Final = 10.0
"""Seconds for the supervisor of a container that was just started to listen."""
ATTACH_AGAIN: Final = 0.005


class Taken(Exception):
    """Another supervisor serves this folder; the message says so."""


def listen(state: str) -> socket.socket:
    """Listen in the folder `state`. Raises Taken, and leaves the other's socket as it is."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The path of a socket has at most 107 bytes, and the folder's may be longer.
    os.chdir(state)
    _lock(state)
    try:
        os.unlink(SOCKET)
    except FileNotFoundError:
        pass
    old = os.umask(0o177)
    try:
        listener.bind(SOCKET)
    finally:
        os.umask(old)
    listener.listen(MOST_LINKS)
    listener.setblocking(False)
    return listener


def _lock(state: str) -> None:
    """Hold the folder until this process ends, however it does; the programs it starts do not inherit it."""
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Taken(f"another supervisor serves {state} already: end it first") from None


def received(connection: socket.socket) -> list[int]:
    """The descriptors that `attach` sent, none when a server speaks: its bytes are left to be read."""
    fds = array.array("i")
    _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(4 * fds.itemsize), socket.MSG_PEEK)
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return list(fds)


def attach(state: str) -> int:
    """Hand standard input and output to the supervisor as a link, and wait until it is done with them."""
    os.chdir(state)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    deadline = time.monotonic() + ATTACH_PATIENCE
    while True:
        try:
            connection.connect(SOCKET)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                print(f"the supervisor does not answer: {error.strerror}", file=sys.stderr)
                return 1
            time.sleep(ATTACH_AGAIN)
    socket.send_fds(connection, [b"\0"], [0, 1])
    # Our own copies would keep the pipes open after the supervisor has closed its.
    os.close(0)
    os.close(1)
    connection.recv(1)
    return 0
