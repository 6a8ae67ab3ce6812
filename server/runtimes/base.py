"""What a runtime must do: the contract that the Docker and the local one both keep, and one test suite checks.

A runtime knows containers (or, locally, a supervisor process in their place); it knows nothing of people, pages or the
database. All methods are safe to cancel unless they say otherwise: what was half done is found and finished, or undone,
by the next call.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from server.models import Limits, ProjectId
from server.runtimes.link import Link

CA_VARIABLES: Final = (
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "NIX_SSL_CERT_FILE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "REQUESTS_CA_BUNDLE",
)
"""Each names a file of certificates to one of the programs that projects fetch with."""


@dataclass(frozen=True)
class Spec:
    """What the server, and it alone, decides about a project's container.

    `workspace` and `state` are folders on the host: the user's files, and ours (socket, log, stamps).
    """

    project: ProjectId
    workspace: Path
    state: Path
    limits: Limits = Limits()


@dataclass(frozen=True)
class Layout:
    """Where things are as seen by processes of the project, and the commands that belong to the runtime.

    `environment` makes the Nix development shell's script: the supervisor appends the path of the script to write.
    None where programs come from the machine itself.
    """

    workspace: str
    shell: tuple[str, ...]
    environment: tuple[str, ...] | None
    env: dict[str, str]


class Runtime(Protocol):
    """Starts, finds and ends what a project runs in, and hands out the link to its supervisor."""

    @property
    def name(self) -> str:
        """`docker` or `local`."""
        ...

    async def check(self) -> str | None:
        """Why it can't be used just now, as a sentence with what to do; None when it can. Never raises."""
        ...

    def layout(self, spec: Spec) -> Layout: ...

    async def start(self, spec: Spec) -> None:
        """Have the container run. Does nothing when it does. Raises Unavailable with the reason."""
        ...

    async def connect(self, spec: Spec) -> Link:
        """A new link to the supervisor of a running container. Raises Unavailable, or Conflict when it does not run."""
        ...

    async def stop(self, project: ProjectId) -> None:
        """End the container and every process in it; files stay. Does nothing when it does not run."""
        ...

    async def remove(self, project: ProjectId) -> None:
        """Stop, and remove container and network. Does nothing when there are none."""
        ...

    async def running(self) -> set[ProjectId]:
        """The projects whose container runs now, those that another server started included. Raises Unavailable."""
        ...

    async def close(self) -> None:
        """Let go of the engine. Containers run on."""
        ...
