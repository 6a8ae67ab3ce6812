"""SSH keys in the formats that people paste, the addresses that a key is lent for, and what ssh's words mean."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from server.errors import Invalid, NotFound, Unavailable
from server.services.git_accounts import GitAccounts
from server.services.git_problems import ssh_problem
from server.services.git_ssh import Loan, SshPlace, keys_shown, place_of
from server.services.ssh_keys import SshKey, read_key

KEYGEN = ("ssh-keygen", "-q", "-C", "ada at home")


def keygen(folder: Path, *argv: str) -> Path:
    file = folder / "id"
    subprocess.run([*KEYGEN, *argv, "-f", str(file)], check=True)
    return file


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_is_read_as_openssh_wrote_it(tmp_path: Path, kind: str) -> None:
    file = keygen(tmp_path, "-t", kind, "-N", "")
    key = read_key("\r\n " + file.read_text().replace("\n", "\r\n"))
    assert key == SshKey(file.read_text(), Path(f"{file}.pub").read_text().strip())
    listed = subprocess.run(["ssh-keygen", "-lf", str(file)], capture_output=True, text=True, check=True).stdout
    assert key.fingerprint == listed.split()[1] and key.public.endswith(" ada at home")


def test_what_can_not_be_lent_is_refused_with_what_to_do(tmp_path: Path) -> None:
    whole = keygen(tmp_path, "-t", "ed25519", "-N", "")
    text, public = whole.read_text(), Path(f"{whole}.pub").read_text()
    whole.unlink()
    locked = keygen(tmp_path, "-t", "ed25519", "-N", "secret").read_text()
    os.unlink(tmp_path / "id")
    older = keygen(tmp_path, "-t", "rsa", "-m", "PEM", "-N", "").read_text()
    lines = text.splitlines()
    for given, sentence in (
        (locked, "protected by a passphrase"),
        (public, "public half"),
        (older, "older format"),
        ("PuTTY-User-Key-File-3: ssh-ed25519", "PuTTY"),
        ("\n".join([lines[0], *lines[2:]]), "damaged"),
        ("\n".join([*lines[:2], lines[-1]]), "damaged"),
        (text.replace(lines[1], lines[1][:-1] + "!"), "damaged"),
        (text.replace(lines[1], lines[1][:-1] + "é"), "damaged"),
        ("", "expected"),
        (None, "expected"),
        ("x" * 20000, "expected"),
    ):
        with pytest.raises(Invalid, match=sentence) as raised:
            read_key(given)
        assert raised.value.extra == {"field": "privateKey"}
        assert not given or given not in raised.value.detail


async def test_a_key_and_known_hosts_are_kept_for_the_server_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = GitAccounts(tmp_path / "git.json")
    assert await accounts.ssh_key() is None
    made = await accounts.make_ssh_key()
    assert made.public.startswith("ssh-ed25519 ") and await accounts.ssh_key() == made
    assert os.listdir(tmp_path) == ["git.json"]
    again = await accounts.make_ssh_key()
    assert again.fingerprint != made.fingerprint
    assert await accounts.keep_ssh_key(made.private) == made == await GitAccounts(tmp_path / "git.json").ssh_key()
    await accounts.remember_host("h", ["ssh-ed25519 A"])
    await accounts.remember_host("h", ["ssh-ed25519 B"])
    assert await accounts.known_hosts() == {"h": ["ssh-ed25519 A"]}
    await accounts.forget_host("h")
    await accounts.forget_ssh_key()
    with pytest.raises(NotFound):
        await accounts.forget_host("h")
    with pytest.raises(NotFound):
        await accounts.forget_ssh_key()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Unavailable, match="openssh-client"):
        await accounts.make_ssh_key()


@pytest.mark.parametrize(
    ("url", "place", "name", "destination"),
    [
        ("git@GitHub.com:ada/x.git", SshPlace("github.com", "git"), "github.com", "git@github.com"),
        ("ssh://host:22/x", SshPlace("host", None, 22), "host", "host"),
        ("ssh://git@host:2222/x", SshPlace("host", "git", 2222), "[host]:2222", "git@[host]:2222"),
        *((url, None, "", "") for url in ("https://h/x", "ext::ssh git@h:x", "h:x", "/x", "git@h:-x", "git@*:x")),
        *((f"ssh://{url}/x", None, "", "") for url in ("-oProxyCommand=x@h", "git@-oProxyCommand=x", "a@b@h", "h:x")),
    ],
)
def test_a_key_is_lent_for_plain_addresses_alone(url: str, place: SshPlace | None, name: str, destination: str) -> None:
    found = place_of(url)
    assert found == place
    if found:
        assert (found.name, found.destination) == (name, destination)


def test_what_a_container_says_of_a_host_is_a_key_or_nothing() -> None:
    key = "ssh-ed25519 " + "A" * 68
    assert keys_shown(f"host {key}\n[h]:1 {key} comment\n".encode()) == [key, key]
    junk = ("@cert-authority * " + key, "# " + key, "h ssh-ed25519 A;B", f"@revoked h {key}", "h \0", f"h {key}\x1b[")
    assert keys_shown("\n".join(junk).encode()) == [] and len(keys_shown(f"h {key}\n".encode() * 100)) == 8


PLACE = SshPlace("h", "git")
KEY = SshKey("", "ssh-ed25519 " + "A" * 68)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("git@h: Permission denied (publickey,password).", f"SSH key {KEY.fingerprint}"),
        ("ssh: Could not resolve hostname h: Name or service not known", "no host h"),
        ("ssh: Could not resolve hostname h: Temporary failure in name resolution", "no network"),
        ("ssh: connect to host h port 22: Connection timed out", "did not answer in time"),
        ("ssh: connect to host h port 22: Network is unreachable", "no way from the project's container"),
        ("Connection timed out during banner exchange", "stopped answering"),
        ("kex_exchange_identification: Connection closed by remote host", "closed the connection"),
        ("No ED25519 host key is known for z and you have requested strict checking.\nHost key verification failed.",
         "leads on to z"),
    ],
)  # fmt: skip
def test_what_ssh_says_becomes_what_to_do(said: str, sentence: str) -> None:
    found = ssh_problem(said, [PLACE], Loan(KEY, [PLACE], {"h": [KEY.public]}), contained=True)
    assert found and sentence in found.detail


def test_ones_own_ssh_is_spoken_of_as_such() -> None:
    found = ssh_problem("git@h: Permission denied (publickey).", [PLACE], None, contained=False)
    assert found and "this machine's ssh" in found.detail and "reason" not in found.extra
    found = ssh_problem("Host key verification failed.", [PLACE], None, contained=False)
    assert found and "once in a terminal" in found.detail
    assert ssh_problem("fatal: unable to access 'https://h/'", [], None, contained=True) is None
