"""The environment of what we start: an allow-list of our own, what was asked for, and the Nix shell's script."""

import os
from collections.abc import Mapping, Sequence
from typing import Final

try:
    # hashlib would load OpenSSL for one hash: 3 MB and 5 ms in every project.
    from _sha2 import sha256
except ImportError:
    from hashlib import sha256

PASSED_ON: Final = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "HUTCH_PROJECT",
    "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "NIX_SSL_CERT_FILE", "PIP_CERT", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip
SCRIPT: Final = "HUTCH_ENV"


class Environments:
    """Where the scripts of Nix shells lie, one for each content of flake.nix and flake.lock.

    `folder` is None where programs come from the machine itself.
    """

    def __init__(self, workspace: str, folder: str | None) -> None:
        self._workspace = workspace
        self._folder = folder
        self._last: str | None = None

    def script(self) -> str | None:
        """The path for the flake as it is now, whether it was made yet or not; None without a flake."""
        flake = _content(f"{self._workspace}/flake.nix")
        if self._folder is None or flake is None:
            return None
        lock = _content(f"{self._workspace}/flake.lock") or b""
        return f"{self._folder}/{sha256(flake + bytes(1) + lock).hexdigest()}.sh"

    def variables(self, asked: Mapping[str, str]) -> dict[str, str]:
        """The environment of a new process. A shell does not wait for Nix: until a changed flake has been made into a
        script, the one before it serves."""
        base = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        script = self.script()
        if script and os.path.exists(script):
            self._last = script
        if self._last:
            base[SCRIPT] = self._last
        return {**base, "TERM": "xterm-256color", "COLORTERM": "truecolor", **asked}


def sourced(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """The command behind the environment's script, if there is one."""
    if SCRIPT not in env:
        return list(argv)
    return ["/bin/sh", "-c", f'. "${SCRIPT}"; exec "$@"', "sh", *argv]


def fingerprint(workspace: str, files: Sequence[str]) -> str:
    """A hash over names and contents of `files`; one that is missing counts as missing."""
    digest = sha256()
    for name in files:
        content = _content(f"{workspace}/{name}")
        digest.update(f"{name}:{-1 if content is None else len(content)}:".encode())
        digest.update(content or b"")
    return str(digest.hexdigest())


def _content(path: str) -> bytes | None:
    try:
        # Whoever owns the workspace may put a FIFO or an endless file here.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(fd, "rb") as file:
        try:
            return file.read(16 * 1024 * 1024)
        except OSError:
            return None
