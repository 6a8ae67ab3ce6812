"""A Git host that is reached by SSH: OpenSSH's own server, in a container on this machine's network."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from server.runtimes.image import base_tag
from tests.support.server import free_port, wait_for

# Unpacked and not installed: it needs no account or service of its own, and takes half of the time.
DOCKERFILE = f"""
FROM {base_tag()}
USER root
RUN apt="-q -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="; cd /tmp \\
 && apt-get update $apt && apt-get download $apt openssh-server libwrap0 libwtmpdb0 \\
 && for package in *.deb; do dpkg -x $package /; done && rm -rf *.deb /var/lib/apt/lists/*
USER hutch
"""
OPTIONS = "-o UsePAM=no -o StrictModes=no -o AuthorizedKeysFile=/home/hutch/keys"
REPOSITORY = """
git init -qb main made && cd made && echo cloned >README.md && git add .
git -c user.name=B -c user.email=b@b commit -qm One && git clone -q --bare . ../repo.git
"""


@dataclass(frozen=True)
class SshRemote:
    """It listens on two ports as if they were two hosts, each with a host key of its own."""

    container: str
    address: str
    port: int
    other: int

    @property
    def host(self) -> str:
        return f"[{self.address}]:{self.port}"

    @property
    def url(self) -> str:
        return f"ssh://hutch@{self.address}:{self.port}/home/hutch/repo.git"

    def run(self, command: str, given: str = "") -> str:
        """What a command there prints, as the user that one signs in as."""
        argv = ["docker", "exec", "-i", "-w", "/home/hutch", self.container, "bash", "-ec", command]
        return subprocess.run(argv, check=True, capture_output=True, text=True, input=given).stdout

    def authorize(self, public: str) -> None:
        self.run("cat >keys", public)

    def serve(self) -> str:
        """Listen at the first port with a new host key; its fingerprint."""
        return self._serve("host", self.port)

    def _serve(self, key: str, port: int) -> str:
        file = f"/home/hutch/{key}"
        end = f"kill $(cat {file}.pid); while [ -e {file}.pid ]; do sleep 0.02; done"
        make = f"rm -f {file}; ssh-keygen -q -t ed25519 -N '' -f {file}"
        start = f"/usr/sbin/sshd -f /dev/null -p {port} -h {file} -o PidFile={file}.pid {OPTIONS}"
        self.run(f"if [ -e {file}.pid ]; then {end}; fi; {make}; {start}")
        wait_for("sshd", lambda: _answers(port))
        return self.run(f"ssh-keygen -lf {key}").split()[1]


@contextmanager
def repository_over_ssh() -> Iterator[SshRemote]:
    """A host with a repository that has a README; it knows nobody's key yet."""
    proxies = [f"--build-arg={name}" for name in os.environ if name.lower().endswith("_proxy")]
    tag = base_tag().replace("project-base", "sshd")
    argv = ["docker", "build", "-q", *proxies, "-t", tag, "-"]
    # The builder that sees the engine's own images.
    environment = {**os.environ, "BUILDX_BUILDER": "default"}
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, text=True, input=DOCKERFILE, env=environment)
    options = ["--rm", "--init", "--network=host", "--memory=256m", "--pids-limit=200", "--entrypoint=sleep"]
    container = subprocess.check_output(["docker", "run", "-d", *options, tag, "3600"], text=True).strip()
    try:
        address = subprocess.check_output(["hostname", "-I"], text=True).split()[0]
        remote = SshRemote(container, address, free_port(), free_port())
        remote.run(REPOSITORY)
        remote.serve()
        remote._serve("other", remote.other)
        yield remote
    finally:
        subprocess.run(["docker", "rm", "-f", container], check=True, capture_output=True)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
