"""Git over SSH: how a person's key is lent to one call of Git, and what ssh means when it fails.

The key goes through a pipe into an agent of that call, which signs for the hosts that the call speaks with and for no
other: it knows them by their keys. Whatever the repository says of how to reach its remote, ssh is run as it is here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from server.services.git_remotes import ssh_parts
from server.services.ssh_keys import SshKey

MOST_KEYS: Final = 8
_KEY: Final = re.compile(r"[^#@\s]\S* ((?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/]{20,8000}={0,2})(?: .*)?")

# Nothing of the container's own settings of ssh, no other key, no questions, and no endless waiting.
_SSH: Final = (
    "/usr/bin/ssh -F /dev/null -oBatchMode=yes -oConnectTimeout=20 -oServerAliveInterval=20 -oServerAliveCountMax=3"
    " -oGlobalKnownHostsFile=/dev/null -oIdentityFile=none"
)
_FOLDER: Final = """
folder=$(mktemp -d) || exit 1
agent=
trap '[ -z "$agent" ] || kill "$agent"; rm -rf "$folder"' EXIT
trap 'exit 143' HUP INT TERM
"""
_LEARN: Final = f"""{_FOLDER}
{_SSH} -oStrictHostKeyChecking=accept-new -oUserKnownHostsFile="$folder/hosts" -oHashKnownHosts=no \\
  -oPreferredAuthentications=none -oIdentityAgent=none -T "$@" true </dev/null >/dev/null 2>"$folder/said"
if [ -s "$folder/hosts" ]; then cat "$folder/hosts"; exit; fi
cat "$folder/said" >&2
exit 255
"""
# The agent stays in the session of the call, so that it ends with that at the latest. The project's environment, which
# may bring programs of the same names, is sourced only once the agent has the key.
_LEND: Final = f"""{_FOLDER}
printf %s "$1" >"$folder/hosts"
mkfifo "$folder/ready" || exit 1
/usr/bin/ssh-agent -D -a "$folder/agent" </dev/null >"$folder/ready" 2>&1 &
agent=$!
read -r _ <"$folder/ready"
set -f
SSH_AUTH_SOCK="$folder/agent" /usr/bin/ssh-add -q -t "$2" -H "$folder/hosts" $3 - || exit 1
set +f
shift 3
(
  [ -z "${{HUTCH_ENV:-}}" ] || . "$HUTCH_ENV"
  GIT_SSH_COMMAND="{_SSH} -oStrictHostKeyChecking=yes -oUserKnownHostsFile=$folder/hosts -oIdentityAgent=$folder/agent"
  export GIT_SSH_COMMAND GIT_SSH_VARIANT=ssh GIT_ALLOW_PROTOCOL=ssh:https:http
  exec "$@" </dev/null
)
"""


@dataclass(frozen=True)
class SshPlace:
    """Where an address leads: the host in small letters, and the user and port that it names."""

    host: str
    user: str | None = None
    port: int | None = None

    @property
    def name(self) -> str:
        """What the host is called among known hosts."""
        return self.host if self.port in (None, 22) else f"[{self.host}]:{self.port}"

    @property
    def destination(self) -> str:
        """All that a key lent for this may be used for: the host, as the user if one is named."""
        return f"{self.user}@{self.name}" if self.user else self.name


@dataclass(frozen=True)
class Loan:
    """A key, the places that it is lent for, and the keys by which these are known."""

    key: SshKey
    places: Sequence[SshPlace]
    known: Mapping[str, Sequence[str]]

    def command(self, argv: Sequence[str], seconds: float) -> list[str]:
        """Git's command with the loan, for so many seconds at most. It takes `given` on its input."""
        hosts = "".join(f"{place.name} {key}\n" for place in self.places for key in self.known[place.name])
        destinations = " ".join(f"-h {place.destination}" for place in self.places)
        return ["sh", "-c", _LEND, "sh", hosts, str(int(seconds)), destinations, *argv]

    @property
    def given(self) -> bytes:
        return self.key.private.encode()


def place_of(url: str) -> SshPlace | None:
    """None for an address that is not plainly one of SSH: nothing is lent for it."""
    parts = ssh_parts(url)
    return SshPlace(parts[1].lower(), parts[0], int(parts[2]) if parts[2] else None) if parts else None


def ask_for_keys(place: SshPlace) -> list[str]:
    """A command that prints the key which the host shows, as a line of a file of known hosts, and offers it nothing."""
    port = ["-p", str(place.port)] if place.port else []
    return ["sh", "-c", _LEARN, "sh", *port, f"{place.user}@{place.host}" if place.user else place.host]


def keys_shown(printed: bytes) -> list[str]:
    """The keys in such lines. What comes from a container is not trusted to be that."""
    lines = printed[:65536].decode(errors="replace").splitlines()
    return [found[1] for line in lines if (found := _KEY.fullmatch(line))][:MOST_KEYS]
