"""What Git and ssh mean when they fail, as sentences that say what to do."""

import re
from collections.abc import Sequence
from typing import Final

from server.errors import Conflict, Unavailable
from server.services.git_ssh import Loan, SshPlace
from server.services.programs import Output
from server.services.ssh_keys import fingerprint

_TOLD: Final = ("fatal: ", "error: ", "remote: error: ", "ERROR: ")
_SILENT: Final = re.compile(
    r"^Timeout, server|^Connection to \S+ port \d+ timed out|Connection timed out during banner", re.M
)


def check(output: Output, *, host: str | None = None) -> Output:
    """The output of what went well. Raises Conflict, or Unavailable when Git was killed."""
    if output.code == 0:
        return output
    if output.code is None:
        raise Unavailable("Git was ended before it was done, perhaps for lack of memory; try again")
    said = output.errors
    if "not a git repository" in said:
        raise Conflict("the project's folder is no Git repository", reason="repository")
    if "tell me who you are" in said or "empty ident name" in said or "unable to auto-detect email" in said:
        raise Conflict("Git does not know who you are: set your name and e-mail address", reason="identity")
    if "is now empty, possibly due to conflict resolution" in said:
        raise Conflict("nothing is left of this commit after its conflicts were resolved: skip it instead")
    if re.search(
        r"could not read (Username|Password)|Authentication failed|terminal prompts disabled|HTTP 40[13]", said
    ):
        raise Conflict(
            f"{host or 'the remote'} asks for an account, or refuses the one kept", reason="account", host=host
        )
    raise Conflict(sentence(said))


def sentence(said: str) -> str:
    """What Git says is wrong, without its advice and progress."""
    lines = [line.strip() for line in said.replace("\r", "\n").splitlines()]
    lines = [
        line for line in lines if line and not line.startswith(("hint:", "remote: Counting", "remote: Compressing"))
    ]
    told = [line.partition(": ")[2] for line in lines if line.startswith(_TOLD)]
    words = "; ".join(told[:3] or lines[-3:])
    # Which files they are is listed below.
    if words.endswith(":"):
        words += " " + ", ".join(line.strip() for line in said.splitlines() if line.startswith("\t"))
    return words[:600] or "Git failed without saying why"


def ssh_problem(said: str, places: Sequence[SshPlace], loan: Loan | None, *, contained: bool) -> Conflict | None:
    """What ssh's words mean and what to do about it; None when they are not about the way to the host.

    `contained` says that Git ran in a container, with that one's ssh, and not with the person's own. The `reason` is
    `sshkey` where a key is missing or refused, `hostkey` where the host is not the one that is known.
    """
    host = places[0].name if places else "the remote"
    where = "the project's container" if contained else "this machine"
    if "Host key verification failed" in said:
        return _unknown(said, host, loan, where)
    if found := re.search(r"Permission denied \([a-z,-]*publickey", said):
        return _refused(host, loan, contained)
    if found := re.search(r"^ssh: Could not resolve hostname (\S+): (.*)", said, re.M):
        if "Temporary failure" in found[2]:
            return Conflict(f"{found[1]:.100} could not be looked up: {where} has no network, or no name server")
        return Conflict(f"there is no host {found[1]:.100}: check the address of the repository")
    if found := re.search(r"^ssh: connect to host (\S+) port (\d+): (.*)", said, re.M):
        place = f"{found[1]:.100}, port {found[2]}"
        if "timed out" in found[3]:
            return Conflict(f"{place} did not answer in time: check the address, and whether {where} may go there")
        if "refused" in found[3]:
            return Conflict(f"nothing takes connections at {place}: check the address, and that the host is up")
        return Conflict(f"there is no way from {where} to {place}: {found[3].strip():.100}")
    if _SILENT.search(said):
        return Conflict(f"{host} stopped answering; try again")
    if re.search(r"^(kex_exchange_identification|Connection (closed|reset) by)", said, re.M):
        return Conflict(f"{host} closed the connection before anything was said; try again later")
    return None


def _refused(host: str, loan: Loan | None, contained: bool) -> Conflict:
    if loan:
        sentence = (
            f"{host} does not take the SSH key {loan.key.fingerprint}: add its public half, which Git accounts shows, "
            "to your account or to the repository there"
        )
    elif contained:
        sentence = (
            f"{host} asks for an SSH key, and none is kept for you: have one made in Git accounts, and add its public "
            "half to your account there"
        )
    else:
        return Conflict(f"{host} takes none of the SSH keys of this machine's ssh: try ssh -T there in a terminal")
    return Conflict(sentence, reason="sshkey", host=host)


def _unknown(said: str, host: str, loan: Loan | None, where: str) -> Conflict:
    named = re.search(r"(?:Host key for|host key is known for) (\S+) (?:has changed|and you have)", said)
    name = named[1][:200] if named else host
    if loan is None:
        return Conflict(
            f"ssh of {where} does not know {name} by the key that it shows: compare that with what the host's operator "
            "publishes, and connect there once in a terminal (ssh -T)",
            reason="hostkey",
            host=name,
        )
    if name not in loan.known:
        return Conflict(f"the repository leads on to {name}, for which the SSH key of its remote was not lent")
    shown = re.search(r"key sent by the remote host is\s+(SHA256:[A-Za-z0-9+/]+)", said)
    old = ", ".join(fingerprint(key.split()[1]) for key in loan.known[name])
    return Conflict(
        f"{name} shows another key than the one it is known by, so nothing was sent to it. Either it was set up anew, "
        f"or somebody stands in between. Compare {shown[1] if shown else 'the new one'} with what its operator "
        f"publishes (it was {old}); only if that is the same, forget the host in Git accounts and try again",
        reason="hostkey",
        host=name,
    )
