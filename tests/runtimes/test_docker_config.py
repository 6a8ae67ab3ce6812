from ipaddress import IPv4Network
from pathlib import Path

import pytest

from server.models import Limits, ProjectId
from server.runtimes.base import Spec
from server.runtimes.docker.config import container_config, free_subnet, network_config

SPEC = Spec(ProjectId("abcdef1"), Path("/srv/workspaces/abcdef1"), Path("/srv/run/abcdef1"))

GOLDEN = {
    "Image": "hutch/project:1",
    "User": "1000:1000",
    "Hostname": "abcdef1",
    "WorkingDir": "/workspace",
    "Env": [
        "HOME=/home/hutch",
        "LANG=C.UTF-8",
        "TERM=xterm-256color",
        "NODE_EXTRA_CA_CERTS=/etc/hutch/ca.pem",
        "SSL_CERT_FILE=/etc/hutch/ca.pem",
        "NIX_SSL_CERT_FILE=/etc/hutch/ca.pem",
        "PIP_CERT=/etc/hutch/ca.pem",
        "GIT_SSL_CAINFO=/etc/hutch/ca.pem",
        "REQUESTS_CA_BUNDLE=/etc/hutch/ca.pem",
    ],
    "Entrypoint": [
        "/usr/bin/python3",
        "-ISs",
        "/opt/hutch/supervisor",
        "serve",
        "--state",
        "/run/hutch",
        "--workspace",
        "/workspace",
        "--environments",
        "/var/lib/hutch/environments",
    ],
    "Cmd": [],
    "Tty": False,
    "OpenStdin": False,
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Healthcheck": {"Test": ["NONE"]},
    "StopSignal": "SIGTERM",
    "StopTimeout": 5,
    "HostConfig": {
        "NetworkMode": "hutch-abcdef1",
        "Mounts": [
            {
                "Type": "bind",
                "Source": "/srv/workspaces/abcdef1",
                "Target": "/workspace",
                "ReadOnly": False,
                "BindOptions": {"Propagation": "rprivate", "NonRecursive": True},
            },
            {
                "Type": "bind",
                "Source": "/srv/run/abcdef1",
                "Target": "/run/hutch",
                "ReadOnly": False,
                "BindOptions": {"Propagation": "rprivate", "NonRecursive": True},
            },
            {
                "Type": "bind",
                "Source": "/srv/ca.pem",
                "Target": "/etc/hutch/ca.pem",
                "ReadOnly": True,
                "BindOptions": {"Propagation": "rprivate", "NonRecursive": True},
            },
        ],
        "CapDrop": ["ALL"],
        "CapAdd": [],
        "SecurityOpt": ["no-new-privileges=true"],
        "Privileged": False,
        "Memory": 268435456,
        "MemorySwap": 268435456,
        "NanoCpus": 500000000,
        "PidsLimit": 100,
        "OomScoreAdj": 500,
        "Ulimits": [{"Name": "nofile", "Soft": 4096, "Hard": 8192}, {"Name": "core", "Soft": 0, "Hard": 0}],
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "Sysctls": {},
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",
        "PublishAllPorts": False,
        "PortBindings": {},
        "Devices": [],
        "VolumesFrom": [],
        "GroupAdd": [],
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        "Init": False,
        "LogConfig": {"Type": "none", "Config": {}},
    },
}


def _labels(spec: Spec = SPEC, image: str = "hutch/project:1", processors: int = 2) -> dict[str, str]:
    config = container_config(spec, image, user=(1000, 1000), processors=processors, ca_bundle=None)
    labels: dict[str, str] = config["Labels"]
    return labels


def test_the_whole_configuration_is_as_it_was_agreed() -> None:
    config = container_config(SPEC, "hutch/project:1", user=(1000, 1000), processors=2, ca_bundle=Path("/srv/ca.pem"))
    labels = config.pop("Labels")
    assert config == GOLDEN
    assert labels.keys() == {"hutch.project", "hutch.config"}


def test_the_hash_tells_configurations_apart() -> None:
    limited = Spec(SPEC.project, SPEC.workspace, SPEC.state, Limits(pids=50))
    assert _labels() == _labels()
    assert _labels()["hutch.project"] == "abcdef1"
    hashes = {labels["hutch.config"] for labels in (_labels(), _labels(limited), _labels(image="hutch/project:2"))}
    assert len(hashes) == 3


def test_no_more_processors_are_asked_for_than_there_are() -> None:
    spec = Spec(SPEC.project, SPEC.workspace, SPEC.state, Limits(cpus=64))
    config = container_config(spec, "i", user=(1, 1), processors=2, ca_bundle=None)
    assert config["HostConfig"]["NanoCpus"] == 2_000_000_000


def test_loopback_has_ipv6_where_the_kernel_has_it_and_nothing_else_gets_it() -> None:
    config = container_config(SPEC, "i", user=(1, 1), processors=2, ca_bundle=None, ipv6=True)
    assert config["HostConfig"]["Sysctls"] == {"net.ipv6.conf.lo.disable_ipv6": "0"}


def test_a_network_is_the_projects_alone() -> None:
    config = network_config(SPEC.project, IPv4Network("10.213.0.16/28"))
    assert config["Name"] == "hutch-abcdef1"
    assert config["Labels"] == {"hutch.project": "abcdef1"}
    assert config["IPAM"]["Config"] == [{"Subnet": "10.213.0.16/28"}]
    assert config["Options"]["com.docker.network.bridge.enable_icc"] == "false"
    assert not config["Attachable"]


@pytest.mark.parametrize(
    ("used", "free"),
    [
        ([], "10.0.0.0/28"),
        (["10.0.0.0/28"], "10.0.0.16/28"),
        (["10.0.0.16/28"], "10.0.0.0/28"),
        (["10.0.0.0/30", "10.0.0.20/32"], "10.0.0.32/28"),
        (["9.0.0.0/8", "10.0.1.0/24", "192.168.0.0/16"], "10.0.0.0/28"),
        (["10.0.0.0/25"], "10.0.0.128/28"),
        (["10.0.0.0/24"], None),
        (["0.0.0.0/0"], None),
        (["10.0.0.0/25", "10.0.0.128/25"], None),
    ],
)
def test_the_first_free_subnet(used: list[str], free: str | None) -> None:
    found = free_subnet(IPv4Network("10.0.0.0/24"), map(IPv4Network, used))
    assert found == (IPv4Network(free) if free else None)
