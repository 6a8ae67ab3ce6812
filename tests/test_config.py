import re
import subprocess
import sys
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from server.config import SETTINGS, Settings, SettingsError, load

DOCS = Path(__file__).parent.parent / "docs" / "settings.md"


def test_defaults_are_those_of_one_person_on_a_laptop() -> None:
    settings = load({})
    assert (settings.host, settings.port, settings.runtime) == ("127.0.0.1", 8000, "auto")
    assert (settings.limits.memory, settings.limits.cpus, settings.limits.pids) == (256 * 1024 * 1024, 0.5, 100)
    assert settings.token is None


def test_flags_win_over_environment_over_file(tmp_path: Path) -> None:
    file = tmp_path / "hutch.toml"
    file.write_text('port = 1\nhost = "::1"\nmemory = "1GiB"\n')
    settings = load({"HUTCH_PORT": "2", "HUTCH_HOST": "0.0.0.0"}, {"port": "3"}, file)
    assert (settings.port, settings.host, settings.memory) == (3, "0.0.0.0", 1024**3)


def test_every_bad_setting_is_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "hutch.toml"
    file.write_text('prot = 1\ncpus = "many"\n')
    with pytest.raises(SettingsError) as caught:
        load({"HUTCH_PORT": "70000", "HUTCH_RUNTIME": "podman"}, {}, file)
    message = str(caught.value)
    for part in ("'prot'", "cpus", "HUTCH_PORT", "HUTCH_RUNTIME", "one of auto, docker, local"):
        assert part in message


def test_a_broken_file_is_an_error_not_ignored(tmp_path: Path) -> None:
    file = tmp_path / "hutch.toml"
    file.write_text("port = = 1")
    with pytest.raises(SettingsError, match=r"hutch\.toml"):
        load({}, {}, file)


def test_a_bad_token_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"HUTCH_TOKEN": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("memory", "256MiB", 268435456),
        ("memory", "1g", 1024**3),
        ("memory", "1048576", 1048576),
        ("idle_stop", "30m", 1800),
        ("idle_stop", "0", 0),
        ("preview_domain", "Preview.Example.ORG", "preview.example.org"),
        ("url", "https://IDE.example.org/", "https://ide.example.org"),
        ("url", "http://[::1]:8000", "http://[::1]:8000"),
        ("url", "", None),
        ("trusted_proxies", "", ()),
        ("trusted_proxies", "127.0.0.1, fd00::/8", (IPv4Network("127.0.0.1/32"), IPv6Network("fd00::/8"))),
    ],
)
def test_units_are_understood(name: str, text: str, value: object) -> None:
    assert getattr(load({}, {name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("memory", "lots"),
        ("memory", "-1"),
        ("memory", "1.5x"),
        ("cpus", "0"),
        ("cpus", "nan"),
        ("pids", "3"),
        ("port", "-1"),
        ("subnets", "10.0.0.0"),
        ("subnets", "10.0.0.1/16"),
        ("subnets", "many"),
        ("port", "٣"),
        ("preview_domain", "localhost"),
        ("url", "ide.example.org"),
        ("trusted_proxies", "proxy.example.org"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("url", "ftp://ide.example.org"),
        ("url", "https://ide.example.org/path"),
        ("url", "https://ide.example.org?q"),
        ("url", "https://"),
        ("url", "https://me@ide.example.org"),
        ("url", "https://["),
        ("preview_domain", "a..b"),
        ("preview_domain", "a b.c"),
        ("ca_bundle", "/does/not/exist.pem"),
        ("token", "short"),
        ("token", "has spaces in it, and more"),
    ],
)
def test_absurd_values_are_refused(name: str, text: str) -> None:
    with pytest.raises(SettingsError):
        load({}, {name: text})


def test_the_table_and_the_settings_have_the_same_names() -> None:
    assert [setting.name for setting in SETTINGS] == list(Settings.__dataclass_fields__)


def test_the_docs_list_every_setting_with_its_default_and_no_other() -> None:
    rows = re.findall(r"^\| `(HUTCH_\w+)` \|(.*?)\| (.+?) \|$", DOCS.read_text(), re.MULTILINE)
    expected = [(s.variable, f"`{s.default}`" if s.default else "", s.help) for s in SETTINGS]
    assert [(name, default.strip(), text) for name, default, text in rows] == expected


def test_help_names_every_flag() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "server", "serve", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for setting in SETTINGS:
        assert setting.flag in shown
        assert setting.variable in shown
