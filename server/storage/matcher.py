"""Looks for a pattern in what comes on standard input. Runs as a process of its own, so that it can be ended.

Python's `re` takes exponential time for some patterns, and no other thread runs meanwhile. Standard library only, and
nothing of ours: the file is started by its path, with the pattern and `i` or `s` for its case. Each text comes behind
its length in four bytes; for each a line of JSON goes back: `[line number, [[start, end], …]]` in bytes for each line
with a find. The first line says what is wrong with the pattern, null for nothing.
"""

import json
import re
import resource
import struct
import sys
from itertools import islice

LENGTH = struct.Struct("!I")
SECONDS = 30
MEMORY = 1024**3
MOST_OF_A_LINE = 10_000
"""Finds; of a line with more only its number is told."""


def main(pattern: str, case: str) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        compiled = re.compile(pattern, re.IGNORECASE if case == "i" else 0)
    except (re.error, OverflowError, RecursionError) as error:
        answer(str(error) or "it is too deep")
        return
    answer(None)
    while header := sys.stdin.buffer.read(LENGTH.size):
        content = sys.stdin.buffer.read(*LENGTH.unpack(header))
        answer(found(compiled, content))


def found(compiled: "re.Pattern[str]", content: bytes) -> "list[list[object]]":
    lines: list[list[object]] = []
    for number, raw in enumerate(content.split(b"\n"), 1):
        # Bytes that are no UTF-8 stay what they are, each one character.
        text = raw.removesuffix(b"\r").decode(errors="surrogateescape")
        spans = [match.span() for match in islice(compiled.finditer(text), MOST_OF_A_LINE + 1)]
        if len(spans) > MOST_OF_A_LINE:
            lines.append([number, []])
        elif spans:
            lines.append([number, in_bytes(text, spans)])
    return lines


def in_bytes(text: str, spans: "list[tuple[int, int]]") -> "list[list[int]]":
    places, at, offset = [], 0, 0
    for start, end in spans:
        first = offset + size(text[at:start])
        at, offset = end, first + size(text[start:end])
        places.append([first, offset])
    return places


def size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogateescape"))


def answer(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
