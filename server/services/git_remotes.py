"""Addresses of repositories elsewhere, and how a token gets to Git for one call without a trace in the project."""

import re
from typing import Final

from server.errors import Invalid
from server.services.git_accounts import Account

MOST_URL: Final = 2000
_HOST: Final = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
_WEB: Final = re.compile(rf"(https?)://({_HOST}(?::\d{{1,5}})?)(/[^\s\x00-\x1f\x7f]*)")
_USER: Final = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_SSH: Final = re.compile(rf"ssh://(?:({_USER})@)?({_HOST})(?::(\d{{1,5}}))?/[^\s\x00-\x1f\x7f]+")
# As in git@github.com:owner/name.git; without the user it could be a drive or a folder.
_SHORT: Final = re.compile(rf"({_USER})@({_HOST})():(?!-)[^\s\x00-\x1f\x7f]+")

_ONCE: Final = """
exec 3<&0 </dev/null
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkfifo -m 600 "$folder/once" || exit 1
cat <&3 >"$folder/once" &
exec 3<&-
git="$1" place="$2"
shift 2
helper="!f() { test \\"\\$1\\" = get && cat '$folder/once' && rm -f '$folder/once'; }; f"
"$git" -c credential.helper= -c "credential.$place.helper=$helper" "$@"
"""


def check_url(value: object, field: str = "source") -> str:
    """The address of a repository that can be cloned. Raises Invalid saying what is expected."""
    if not isinstance(value, str) or len(value) > MOST_URL:
        raise Invalid("expected the address of a Git repository as text", field=field)
    url = value.strip()
    if re.match(r"https?://[^/]*@", url):
        raise Invalid("leave user and password out of the address; keep them as a Git account instead", field=field)
    if not any(pattern.fullmatch(url) for pattern in (_WEB, _SSH, _SHORT)):
        raise Invalid(
            "expected the address of a Git repository: https://host/path, ssh://host/path or git@host:path", field=field
        )
    return url


def name_of(url: str) -> str:
    """What a project made from the repository is called."""
    return re.split(r"[/:]", url.rstrip("/"))[-1].removesuffix(".git")[:100] or "project"


def host_of(url: str) -> tuple[str, str] | None:
    """Scheme and host, with its port if it has one, of an address that takes accounts; None for others."""
    found = _WEB.fullmatch(url)
    return (found[1], found[2].lower()) if found else None


def ssh_parts(url: str) -> tuple[str | None, str, str | None] | None:
    """User, host and port of an address that is reached by SSH; None for others."""
    found = _SSH.fullmatch(url) or _SHORT.fullmatch(url)
    return (found[1], found[2], found[3] or None) if found else None


def helped(place: tuple[str, str], command: list[str]) -> list[str]:
    """The command of Git, with an account that it reads from its standard input, once, when that very host asks.

    Not from an argument or a variable: the hooks of a repository see both. Other helpers, such as one that the
    repository names, hear nothing of it.
    """
    return ["sh", "-c", _ONCE, "sh", command[0], "://".join(place), *command[1:]]


def secret_input(account: Account) -> bytes:
    return f"username={account.user}\npassword={account.secret}\n".encode()
