"""Who a person is to Git, and their tokens for its hosts: kept by the server, in a file that only it can read.

A token is handed to a single call of Git, and never told to a page or written into a project.
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

MOST_ACCOUNTS: Final = 50
MOST_VALUE: Final = 4096
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Account:
    """A user name and a token (or password) for one host."""

    host: str
    user: str
    secret: str


class GitAccounts:
    """The identity and the accounts in `file`, which is made when something is first kept. Safe to cancel."""

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
