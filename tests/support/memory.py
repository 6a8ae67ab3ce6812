"""How much memory a server has had."""

from pathlib import Path

from tests.support.server import Server


def peak(server: Server) -> int:
    """The most bytes that it had in memory since it began, or since `reset_peak`."""
    assert server.process
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def reset_peak(server: Server) -> int:
    """Have `peak` count from now on. Returns the bytes that it has now."""
    assert server.process
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    return peak(server)
