"""What a project's container and network are made of. Pure functions: everything here is decided by the server.

No field comes from a request but the project's id, which is lower-case letters and digits, and the limits, which are
numbers. A test freezes the result.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Final

from server.models import ProjectId
from server.runtimes.base import CA_VARIABLES, Spec

PROJECT_LABEL: Final = "hutch.project"
CONFIG_LABEL: Final = "hutch.config"
WORKSPACE: Final = "/workspace"
STATE: Final = "/run/hutch"
CA_BUNDLE: Final = "/etc/hutch/ca.pem"
HOME: Final = "/home/hutch"
SUPERVISOR: Final = ("/usr/bin/python3", "-ISs", "/opt/hutch/supervisor")
SERVE: Final = (*SUPERVISOR, "serve", "--state", STATE, "--workspace", WORKSPACE)
ATTACH: Final = (*SUPERVISOR, "attach", "--state", STATE)
ENVIRONMENTS: Final = "/var/lib/hutch/environments"
STOP_SECONDS: Final = 5
"""Between SIGTERM and SIGKILL. The supervisor ends every process group within this time."""

_SUBNET_BITS: Final = 28
_SUBNET_SIZE: Final = 1 << (32 - _SUBNET_BITS)


def container_name(project: ProjectId) -> str:
    return f"hutch-{project}"


def container_user() -> tuple[int, int]:
    """User and group that processes in containers run as, who therefore must own a project's files."""
    return (1000, 1000) if os.getuid() == 0 else (os.getuid(), os.getgid())


def container_config(
    spec: Spec, image: str, *, user: tuple[int, int], processors: int, ca_bundle: Path | None, ipv6: bool = False
) -> dict[str, Any]:
    """The body of the engine's create call. `processors` is how many the engine has: it refuses a limit above that.

    `ipv6` says that its kernel is known to have IPv6: on one without, the container would not start.
    """
    config: dict[str, Any] = {
        "Image": image,
        "User": f"{user[0]}:{user[1]}",
        "Hostname": spec.project,
        "WorkingDir": WORKSPACE,
        "Env": [f"{name}={value}" for name, value in container_env(ca_bundle).items()],
        "Entrypoint": [*SERVE, "--environments", ENVIRONMENTS],
        "Cmd": [],
        "Tty": False,
        "OpenStdin": False,
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "Healthcheck": {"Test": ["NONE"]},
        "StopSignal": "SIGTERM",
        "StopTimeout": STOP_SECONDS,
        "Labels": {PROJECT_LABEL: spec.project},
        "HostConfig": _host_config(spec, processors, ca_bundle, ipv6=ipv6),
    }
    text = json.dumps(config, sort_keys=True)
    config["Labels"][CONFIG_LABEL] = hashlib.sha256(text.encode()).hexdigest()
    return config


def container_env(ca_bundle: Path | None) -> dict[str, str]:
    """Variables of every process in a container, on top of the image's."""
    env = {"HOME": HOME, "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    return env | dict.fromkeys(CA_VARIABLES, CA_BUNDLE) if ca_bundle else env


def _host_config(spec: Spec, processors: int, ca_bundle: Path | None, *, ipv6: bool) -> dict[str, Any]:
    mounts = [_bind(spec.workspace, WORKSPACE), _bind(spec.state, STATE)]
    if ca_bundle:
        mounts.append(_bind(ca_bundle, CA_BUNDLE, read_only=True))
    return {
        "NetworkMode": container_name(spec.project),
        "Mounts": mounts,
        "CapDrop": ["ALL"],
        "CapAdd": [],
        "SecurityOpt": ["no-new-privileges=true"],
        "Privileged": False,
        "Memory": spec.limits.memory,
        # The same as Memory: no swap on top.
        "MemorySwap": spec.limits.memory,
        "NanoCpus": round(min(spec.limits.cpus, processors) * 1e9),
        "PidsLimit": spec.limits.pids,
        "OomScoreAdj": 500,
        "Ulimits": [
            {"Name": "nofile", "Soft": 4096, "Hard": 8192},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "IpcMode": "private",
        "CgroupnsMode": "private",
        # Older engines take away ::1 too where a network has no IPv6, and some dev servers listen there alone.
        "Sysctls": {"net.ipv6.conf.lo.disable_ipv6": "0"} if ipv6 else {},
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
        # The supervisor is PID 1 and reaps; it keeps the app's log, bounded, in the state folder.
        "Init": False,
        "LogConfig": {"Type": "none", "Config": {}},
    }


def _bind(source: Path, target: str, *, read_only: bool = False) -> dict[str, Any]:
    # As a mount and not as a bind: a missing source is an error then, not a new folder of root's.
    return {
        "Type": "bind",
        "Source": str(source),
        "Target": target,
        "ReadOnly": read_only,
        "BindOptions": {"Propagation": "rprivate", "NonRecursive": True},
    }


def network_config(project: ProjectId, subnet: IPv4Network) -> dict[str, Any]:
    """The body of the engine's create call for a network. Nothing else is ever on it, and no port is published."""
    return {
        "Name": container_name(project),
        "CheckDuplicate": True,
        "Driver": "bridge",
        "Internal": False,
        "Attachable": False,
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Config": [{"Subnet": str(subnet)}]},
        "Options": {
            "com.docker.network.bridge.enable_icc": "false",
            "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
        },
        "Labels": {PROJECT_LABEL: project},
    }


def free_subnet(pool: IPv4Network, used: Iterable[IPv4Network]) -> IPv4Network | None:
    """The first 16 addresses of `pool` that overlap nothing in `used`; None when there are none."""
    first, last = int(pool.network_address), int(pool.broadcast_address)
    taken: set[int] = set()
    for network in used:
        low, high = max(first, int(network.network_address)), min(last, int(network.broadcast_address))
        taken.update(range((low - first) // _SUBNET_SIZE, (high - first) // _SUBNET_SIZE + 1) if low <= high else ())
    for index in range(pool.num_addresses // _SUBNET_SIZE):
        if index not in taken:
            return IPv4Network((first + index * _SUBNET_SIZE, _SUBNET_BITS))
    return None
