"""The settings: one table, read once, from the command line, `HUTCH_*` variables and `hutch.toml`, in that order.

`hutch serve --help` and docs/settings.md derive from the table; a test holds them together. Nothing else reads the
environment for a setting of ours.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal

from server.models import Limits


class SettingsError(Exception):
    """One or more settings can't be used. The message names each, what it was and what was expected."""


@dataclass(frozen=True)
class Setting:
    """One row of the table. `parse` raises ValueError with what was expected."""

    name: str
    parse: Callable[[str], Any]
    default: str
    help: str

    @property
    def variable(self) -> str:
        return f"HUTCH_{self.name.upper()}"

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text

    return parse


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= 65535:
        raise ValueError("a port number from 0 (any free one) to 65535")
    return int(text)


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _optional_file(text: str) -> Path | None:
    if not text:
        return None
    path = _path(text)
    if not path.is_file():
        raise ValueError("the path of a file that exists")
    return path


_UNITS = {"": 1, "b": 1, "k": 1024, "kib": 1024, "m": 1024**2, "mib": 1024**2, "g": 1024**3, "gib": 1024**3}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _number_with_unit(text: str, units: Mapping[str, int], expected: str) -> int:
    lowered = text.strip().lower()
    digits = lowered.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = lowered[len(digits) :].strip()
    if not digits.isascii() or not digits.isdigit() or unit not in units:
        raise ValueError(expected)
    return int(digits) * units[unit]


def parse_size(text: str) -> int:
    """Bytes from `256MiB`, `1g` or `1048576`."""
    return _number_with_unit(text, _UNITS, "a size such as 256MiB")


def parse_duration(text: str) -> int:
    """Seconds from `30m`, `2h` or `90`."""
    return _number_with_unit(text, _SECONDS, "a time such as 30m, or 0 for never")


def _cpus(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0.01 <= value <= 1024:
        raise ValueError("a number of processors such as 0.5")
    return value


def _pids(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 20 <= int(text) <= 100_000:
        raise ValueError("a number of processes from 20 to 100000")
    return int(text)


_ORIGIN = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?", re.ASCII)


def _domain(text: str) -> str:
    labels = text.lower().rstrip(".").split(".")
    if len(labels) < 2 or not all(label and label.replace("-", "a").isalnum() and label.isascii() for label in labels):
        raise ValueError("a domain name such as preview.example.org, without port")
    return ".".join(labels)


def _url(text: str) -> str | None:
    plain = text.lower().removesuffix("/")
    if text and not _ORIGIN.fullmatch(plain):
        raise ValueError("an address such as https://ide.example.org, without a path")
    return plain or None


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(item.strip()) for item in text.split(",") if item.strip())
    except ValueError:
        raise ValueError("addresses or networks with commas between, such as 127.0.0.1, 10.0.0.0/8") from None


def _subnets(text: str) -> str:
    try:
        network = IPv4Network(text)
    except ValueError:
        network = None
    if network is None or network.prefixlen > 28:
        raise ValueError("a range of IPv4 addresses such as 10.213.0.0/16, of 16 at least")
    return str(network)


def _token(text: str) -> str | None:
    if text and (len(text) < 16 or not text.isascii() or not text.isprintable() or " " in text):
        raise ValueError("at least 16 printable characters without spaces")
    return text or None


SETTINGS: tuple[Setting, ...] = (
    Setting("host", str, "127.0.0.1", "address to listen on"),
    Setting("port", _port, "8000", "port to listen on"),
    Setting("data", _path, "data", "folder for the database, tokens, logs and sockets"),
    Setting("workspaces", _path, "workspaces", "folder of the projects' files"),
    Setting("token", _token, "", "the one person's token; made, kept in the data folder and printed when not given"),
    Setting("runtime", _one_of("auto", "docker", "local"), "auto", "where projects run; auto: docker if it answers"),
    Setting("engine", str, "", "URL of the Docker engine; the value of DOCKER_HOST or the usual socket when not given"),
    Setting("image", str, "", "image of the projects' containers; the one built from docker/ when not given"),
    Setting("link", _one_of("auto", "socket", "exec"), "auto", "road to the supervisors in containers"),
    Setting("subnets", _subnets, "10.213.0.0/16", "range from which each project's network gets 16 addresses"),
    Setting("memory", parse_size, "256MiB", "memory of one project"),
    Setting("cpus", _cpus, "0.5", "processors of one project"),
    Setting("pids", _pids, "100", "processes of one project"),
    Setting("url", _url, "", "address at which browsers find the IDE, where it is not the one listened on"),
    Setting("trusted_proxies", _networks, "", "addresses of reverse proxies whose X-Forwarded headers are believed"),
    Setting("preview_domain", _domain, "preview.localhost", "previews are at {port}-{id}. of this domain"),
    Setting("nixpkgs", _one_of("auto", "github", "offline"), "auto", "where the image takes nixpkgs from"),
    Setting("ca_bundle", _optional_file, "", "certificates (PEM) that projects trust, or else NODE_EXTRA_CA_CERTS"),
    Setting("idle_stop", parse_duration, "0", "stop a container that nobody uses after this time; 0 for never"),
    Setting(
        "language_idle", parse_duration, "10m", "end a language server that is not used for this time; 0 for never"
    ),
    Setting("log_level", _one_of("debug", "info", "warning", "error"), "info", "how much is logged"),
)


@dataclass(frozen=True)
class Settings:
    """Every setting, parsed. Fields are those of `SETTINGS`."""

    host: str
    port: int
    data: Path
    workspaces: Path
    token: str | None
    runtime: Literal["auto", "docker", "local"]
    engine: str
    image: str
    link: Literal["auto", "socket", "exec"]
    subnets: str
    memory: int
    cpus: float
    pids: int
    url: str | None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    preview_domain: str
    nixpkgs: Literal["auto", "github", "offline"]
    ca_bundle: Path | None
    idle_stop: int
    language_idle: int
    log_level: str

    @property
    def limits(self) -> Limits:
        return Limits(self.memory, self.cpus, self.pids)


def load(environment: Mapping[str, str], flags: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    """Settings from flags, then the environment, then the file, then the defaults.

    Raises SettingsError naming every bad or unknown key at once.
    """
    flags = flags or {}
    table, problems = _read_file(file)
    known = {setting.name for setting in SETTINGS}
    problems += [f"{file}: unknown setting {key!r}" for key in sorted(table.keys() - known)]
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        source, text = setting.flag, flags.get(setting.name)
        if text is None:
            source, text = setting.variable, environment.get(setting.variable)
        if text is None and setting.name in table:
            source, text = f"{file}: {setting.name}", str(table[setting.name])
        if text is None:
            text = _inherited(setting, environment)
        try:
            values[setting.name] = setting.parse(text)
        except ValueError as error:
            shown = "…" if setting.name == "token" else repr(text[:200])
            problems.append(f"{source}: expected {error}, got {shown}")
    if problems:
        raise SettingsError("\n".join(problems))
    return Settings(**values)


def _inherited(setting: Setting, environment: Mapping[str, str]) -> str:
    """The default, or what the machine was told already for other programs."""
    if setting.name == "engine":
        return environment.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if setting.name == "ca_bundle":
        named = environment.get("NODE_EXTRA_CA_CERTS") or ""
        return named if Path(named).is_file() else ""
    return setting.default


def _read_file(file: Path | None) -> tuple[dict[str, Any], list[str]]:
    if file is None or not file.exists():
        return {}, []
    try:
        return tomllib.loads(file.read_text()), []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return {}, [f"{file}: {error}"]
