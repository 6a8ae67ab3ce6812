import os
import socket
from pathlib import Path

import pytest

from server.runtimes.roads import SOCKET, open_socket, peer_pid


def _listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)
    return listener


def test_the_socket_of_the_folder_is_reached_and_its_process_known(tmp_path: Path) -> None:
    with _listener(tmp_path / SOCKET), open_socket(tmp_path) as sock:
        assert sock.getpeername() == str(tmp_path / SOCKET)
        assert not sock.getblocking()
        assert peer_pid(sock) == os.getpid()


def test_a_path_longer_than_a_socket_address_is_reached(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    with _listener(tmp_path / "short"):
        os.rename(tmp_path / "short", folder / SOCKET)
        open_socket(folder).close()


def test_a_link_to_a_socket_elsewhere_is_not_followed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with _listener(tmp_path / "elsewhere"):
        (state / SOCKET).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError):
            open_socket(state)


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "state").symlink_to("real")
    with _listener(tmp_path / "real" / SOCKET), pytest.raises(OSError):
        open_socket(tmp_path / "state")


def test_a_fifo_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / SOCKET)
    with pytest.raises(OSError):
        open_socket(tmp_path)


def test_a_full_backlog_is_an_error_and_no_wait(tmp_path: Path) -> None:
    waiting: list[socket.socket] = []
    with _listener(tmp_path / SOCKET), pytest.raises(BlockingIOError):
        for _ in range(10):
            waiting.append(open_socket(tmp_path))
    for sock in waiting:
        sock.close()


@pytest.mark.parametrize("leave", ["nothing", "socket nobody listens on"])
def test_nobody_there_is_an_error(tmp_path: Path, leave: str) -> None:
    if leave != "nothing":
        _listener(tmp_path / SOCKET).close()
    with pytest.raises(OSError):
        open_socket(tmp_path)


def test_no_descriptor_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / SOCKET).write_text("a file")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises(OSError):
            open_socket(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
