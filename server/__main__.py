"""The command line: `hutch serve` and `hutch doctor`. Only here do flags, environment and file become settings."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from server import __version__, doctor
from server.config import SETTINGS, SettingsError, load
from server.serve import ServeError, serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name; returns the exit status."""
    options = _parser().parse_args(arguments)
    flags = {setting.name: value for setting in SETTINGS if (value := getattr(options, setting.name, None)) is not None}
    try:
        settings = load(os.environ, flags, Path("hutch.toml"))
        return doctor.main(settings) if options.command == "doctor" else serve(settings)
    except (SettingsError, ServeError) as error:
        print(f"hutch: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hutch", description="A self-hosted browser IDE.")
    parser.add_argument("--version", action="version", version=f"hutch {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help in (("serve", "serve the IDE"), ("doctor", "say what is there, what is missing, and what mends it")):
        command = commands.add_parser(name, help=help)
        for setting in SETTINGS:
            described = f"{setting.help} ({setting.variable}; default: {setting.default or 'none'})"
            command.add_argument(setting.flag, dest=setting.name, metavar="VALUE", help=described)
    return parser


if __name__ == "__main__":
    sys.exit(main())
