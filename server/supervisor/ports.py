"""Which TCP ports the project's processes listen on."""

import os
import re
import socket
import sys
from typing import Any, Final

from .procfs import descendants

LISTEN: Final = b"0A"
SOCKET: Final = re.compile(r"socket:\[(\d+)\]")


def listening() -> list[dict[str, Any]]:
    """The ports on which a process below this one listens, with address, process name and id, in order."""
    inodes = _listeners()
    if not inodes:
        return []
    found: dict[int, dict[str, Any]] = {}
    for process in descendants(os.getpid()):
        for inode in _sockets(process.pid) & inodes.keys():
            address, port = inodes[inode]
            entry = {"port": port, "address": address, "process": process.name, "pid": process.pid}
            known = found.get(port)
            # One port may be open on several addresses and in several processes: the widest address, the first process.
            if known is None or (_is_loopback(known["address"]) and not _is_loopback(address)):
                found[port] = entry
    return [found[port] for port in sorted(found)]


def _listeners() -> dict[int, tuple[str, int]]:
    found = {}
    for family, name in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
        try:
            with open(f"/proc/self/net/{name}", "rb") as file:
                lines = file.readlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == LISTEN:
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
