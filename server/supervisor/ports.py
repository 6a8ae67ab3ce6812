"""Which TCP ports the project's processes listen on."""

import os
import re
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

from .loop import Loop, Timer
from .procfs import descendants, is_alive

SELDOM: Final = 1.0
SOON: Final = 0.03
"""Seconds between looks: in the long run, and at first and after a program was started."""
SLOWER: Final = 1.1
"""The time to the next look grows by this: a port that took a while to open may take a tenth of that to be seen."""
TCP_LISTEN: Final = 10
# From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
NETLINK_SOCK_DIAG: Final = 4
SOCK_DIAG_BY_FAMILY: Final = 20
NLM_F_REQUEST: Final = 0x1
NLM_F_DUMP: Final = 0x300
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
DIAG_REQUEST: Final = struct.Struct("=IHHII BBBBI 48s")
DIAG_HEADER: Final = struct.Struct("=IH")
DIAG_SOCKET: Final = struct.Struct("=20x2s2x16s44xI")
SOCKET: Final = re.compile(r"socket:\[(\d+)\]")


class Ports:
    """The ports on which a process below this one listens."""

    def __init__(self) -> None:
        self._listeners: dict[int, tuple[str, int]] = {}
        self._found: dict[int, dict[str, Any]] = {}
        self._unsure = False

    def look(self) -> list[dict[str, Any]]:
        """The ports in order, with address, process name and id.

        Whose a socket is costs a walk through all of /proc, so it is asked only when a listener came or went, or the
        process that was told has ended; and once more after that, for a parent that ends during the walk hides its
        children.
        """
        listeners = _listeners()
        changed = listeners != self._listeners or not all(is_alive(entry["pid"]) for entry in self._found.values())
        if changed or self._unsure:
            self._listeners = listeners
            self._found = _owned(listeners)
            self._unsure = changed
        return [self._found[port] for port in sorted(self._found)]


class PortWatch:
    """Tells when the ports change. It looks as long as some are open, or `may_open` says that others may be."""

    def __init__(self, loop: Loop, tell: Callable[[list[dict[str, Any]]], None], may_open: Callable[[], bool]) -> None:
        self.told: list[dict[str, Any]] = []
        self._loop = loop
        self._tell = tell
        self._may_open = may_open
        self._ports = Ports()
        self._wait = SOON
        self._next = Timer()

    def look_soon(self) -> None:
        """A program was started, or has ended."""
        self._wait = SOON
        self._next.cancel()
        self._next = self._loop.call_later(SOON, self._look)

    def has(self, port: int) -> bool:
        """Whether the port may be reached. A container has its ports for itself; elsewhere others listen there too."""
        if os.getpid() == 1 or any(item["port"] == port for item in self.told):
            return True
        return any(item["port"] == port for item in self._ports.look())

    def _look(self) -> None:
        ports = self._ports.look()
        if ports != self.told:
            self.told = ports
            self._tell(ports)
        if ports or self._may_open():
            self._next = self._loop.call_later(self._wait, self._look)
            self._wait = min(SELDOM, self._wait * SLOWER)


def _owned(listeners: dict[int, tuple[str, int]]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    if not listeners:
        return found
    for process in descendants(os.getpid()):
        for inode in _sockets(process.pid) & listeners.keys():
            address, port = listeners[inode]
            entry = {"port": port, "address": address, "process": process.name, "pid": process.pid}
            known = found.get(port)
            # One port may be open on several addresses and in several processes: the widest address, the first process.
            if known is None or (_is_loopback(known["address"]) and not _is_loopback(address)):
                found[port] = entry
    return found


def _listeners() -> dict[int, tuple[str, int]]:
    """Address and port of every TCP socket that listens, by inode."""
    try:
        return _asked(socket.AF_INET) | _asked(socket.AF_INET6)
    except OSError:
        # A sandbox may have no such netlink family.
        return _read(socket.AF_INET, "tcp") | _read(socket.AF_INET6, "tcp6")


def _asked(family: socket.AddressFamily) -> dict[int, tuple[str, int]]:
    """What sock_diag(7) tells of one family.

    It walks the listeners alone; /proc/net/tcp walks the table of all the host's connections, which takes a hundred
    times as long, all of which the terminals wait for.
    """
    found: dict[int, tuple[str, int]] = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as sock:
        sock.settimeout(1)
        header = (DIAG_REQUEST.size, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0)
        sock.send(DIAG_REQUEST.pack(*header, family, socket.IPPROTO_TCP, 0, 0, 1 << TCP_LISTEN, b""))
        while True:
            data = sock.recv(64 * 1024)
            at = 0
            while at < len(data):
                length, kind = DIAG_HEADER.unpack_from(data, at)
                if kind == NLMSG_DONE:
                    return found
                if kind == NLMSG_ERROR:
                    raise OSError("sock_diag was refused")
                port, source, inode = DIAG_SOCKET.unpack_from(data, at)
                address = socket.inet_ntop(family, source[: 4 if family == socket.AF_INET else 16])
                found[inode] = (address, int.from_bytes(port, "big"))
                at += (length + 3) & ~3


def _read(family: socket.AddressFamily, name: str) -> dict[int, tuple[str, int]]:
    found: dict[int, tuple[str, int]] = {}
    try:
        with open(f"/proc/self/net/{name}", "rb") as file:
            lines = file.readlines()[1:]
    except OSError:
        return found
    for line in lines:
        fields = line.split()
        if fields[3] == b"%02X" % TCP_LISTEN:
            address, port = fields[1].split(b":")
            found[int(fields[9])] = (_address(family, address.decode()), int(port, 16))
    return found


def _address(family: socket.AddressFamily, text: str) -> str:
    # The kernel prints each 32-bit word in the byte order of the machine.
    words = (int(text[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(text), 8))
    return socket.inet_ntop(family, b"".join(words))


def _sockets(pid: int) -> set[int]:
    found: set[int] = set()
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for name in names:
        try:
            match = SOCKET.match(os.readlink(f"/proc/{pid}/fd/{name}"))
        except OSError:
            continue
        if match:
            found.add(int(match[1]))
    return found


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"
