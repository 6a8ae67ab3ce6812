"""Who a person is to Git, and what they show its hosts: kept by the server, in a file that only it can read.

That is tokens, an SSH key, and the keys by which hosts are known. A secret is handed to a single call of Git, and never
told to a page or written into a project.
"""

import asyncio
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from server.errors import Invalid, NotFound
from server.services import ssh_keys
from server.services.ssh_keys import SshKey

MOST_ACCOUNTS: Final = 50
MOST_HOSTS: Final = 200
MOST_VALUE: Final = 4096
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Account:
    """A user name and a token (or password) for one host."""

    host: str
    user: str
    secret: str


class GitAccounts:
    """The identity, accounts, SSH key and known hosts in `file`, made when something is first kept. Safe to cancel."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = asyncio.Lock()

    async def identity(self) -> tuple[str, str] | None:
        """The name and e-mail address for commits; None to leave both to Git's own settings."""
        kept = (await self._read()).get("identity")
        return (str(kept["name"]), str(kept["email"])) if kept else None

    async def set_identity(self, name: object, email: object) -> None:
        """Raises Invalid."""
        kept = {"name": _line("name", name, 200), "email": _line("email", email, 200)}
        if "@" not in kept["email"] or any(character in "<>" for character in kept["name"] + kept["email"]):
            raise Invalid("expected a name, and an e-mail address such as ada@example.org", field="email")
        await self._change(lambda content: content.update(identity=kept))

    async def accounts(self) -> list[Account]:
        kept = (await self._read()).get("accounts", {})
        return [Account(host, value["user"], value["secret"]) for host, value in kept.items()]

    async def keep(self, host: object, user: object, secret: object) -> None:
        """Keep an account in place of an older one for the host. Raises Invalid."""
        if not isinstance(host, str) or not _HOST.fullmatch(host):
            raise Invalid("host must be the name of a Git host, such as github.com", field="host")
        value = {"user": _line("user", user), "secret": _line("secret", secret)}

        def add(content: dict[str, Any]) -> None:
            accounts = content.setdefault("accounts", {})
            accounts[host.lower()] = value
            if len(accounts) > MOST_ACCOUNTS:
                raise Invalid(f"at most {MOST_ACCOUNTS} accounts are kept; remove one first")

        await self._change(add)

    async def forget(self, host: str) -> None:
        """Raises NotFound."""

        def remove(content: dict[str, Any]) -> None:
            if content.get("accounts", {}).pop(host.lower(), None) is None:
                raise NotFound(f"no account is kept for {host:.100}")

        await self._change(remove)

    # ---- SSH

    async def ssh_key(self) -> SshKey | None:
        kept = (await self._read()).get("sshKey")
        return SshKey(kept["private"], kept["public"]) if kept else None

    async def make_ssh_key(self) -> SshKey:
        """Keep a new key in place of the one before. Raises Unavailable when the server can't make one."""
        return await self._keep_ssh_key(await ssh_keys.make(self._file.parent))

    async def keep_ssh_key(self, private: object) -> SshKey:
        """Keep a key that was made elsewhere in place of the one before. Raises Invalid."""
        return await self._keep_ssh_key(ssh_keys.read_key(private))

    async def forget_ssh_key(self) -> None:
        """Raises NotFound."""

        def remove(content: dict[str, Any]) -> None:
            if content.pop("sshKey", None) is None:
                raise NotFound("no SSH key is kept")

        await self._change(remove)

    async def known_hosts(self) -> dict[str, list[str]]:
        """The keys of each host as `kind base64`; a host is called `name`, or `[name]:port` when that is not 22."""
        kept: dict[str, list[str]] = (await self._read()).get("knownHosts", {})
        return kept

    async def remember_host(self, host: str, keys: list[str]) -> None:
        """Know a host from now on. One that was remembered meanwhile stays as it is. Raises Invalid for too many."""

        def add(content: dict[str, Any]) -> None:
            hosts = content.setdefault("knownHosts", {})
            hosts.setdefault(host, keys)
            if len(hosts) > MOST_HOSTS:
                raise Invalid(f"at most {MOST_HOSTS} hosts are remembered; forget one in Git accounts first")

        await self._change(add)

    async def forget_host(self, host: str) -> None:
        """Raises NotFound."""

        def remove(content: dict[str, Any]) -> None:
            if content.get("knownHosts", {}).pop(host, None) is None:
                raise NotFound(f"no key of a host {host:.100} is remembered")

        await self._change(remove)

    async def _keep_ssh_key(self, key: SshKey) -> SshKey:
        kept = {"private": key.private, "public": key.public}
        await self._change(lambda content: content.update(sshKey=kept))
        return key

    # ---- the file

    async def _read(self) -> dict[str, Any]:
        return await asyncio.to_thread(_load, self._file)

    async def _change(self, change: Any) -> None:
        async with self._lock:
            content = await self._read()
            change(content)
            await asyncio.to_thread(_store, self._file, content)


def _line(field: str, value: object, most: int = MOST_VALUE) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > most or not value.isprintable():
        raise Invalid(f"{field} must be one line of 1 to {most} characters", field=field)
    return value.strip()


def _load(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_bytes())
        return content
    except FileNotFoundError:
        return {}


def _store(file: Path, content: dict[str, Any]) -> None:
    """Replace the file whole. A temporary file of this kind is readable by its owner alone from its first moment on."""
    descriptor, name = tempfile.mkstemp(dir=file.parent)
    try:
        with open(descriptor, "w") as target:
            json.dump(content, target)
            target.flush()
            os.fsync(descriptor)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise
