"""The command line. Runs as `-m` of its package, and as a folder on its own wherever that was copied."""

import sys

if not __package__:
    # `python3 FOLDER` puts the folder itself first; the package is one above.
    sys.path[0] = sys.path[0].rpartition("/")[0]
    __package__ = sys.path[0] and __file__.split("/")[-2]
    __import__(__package__)

from .listener import Taken, attach
from .loop import Loop
from .supervisor import Supervisor


def main(arguments: list[str]) -> int:
    """`serve` or `attach`; the options are those of the server, which alone starts this."""
    command, options = arguments[0], dict(zip(arguments[1::2], arguments[2::2], strict=True))
    if command == "attach":
        return attach(options["--state"])
    try:
        Supervisor(Loop(), options["--state"], options["--workspace"], options.get("--environments")).serve()
    except Taken as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
