"""Which npm package names and version ranges a new project may ask for.

Names follow the registry's rules for new packages, ranges the grammar of node-semver, which is written out here because
npm takes whatever does not fit it for a tag, so that a mistyped range would only fail at the install. Of tags, the ones
that packages publish by custom are accepted, and so are `npm:` aliases. What npm would fetch from elsewhere than the
registry (Git, URLs, files) is refused: it belongs into the project, where its owner sees it.
"""

import re
from collections.abc import Mapping
from typing import Final

from server.errors import Invalid

MOST_DEPENDENCIES: Final = 200
"""More than any hand-written package.json; an install of so many takes minutes under a project's limits."""
MOST_NAME: Final = 214
MOST_RANGE: Final = 256
MOST_SHOWN: Final = 60
"""Characters of a refused value that are told again."""

_NAME = re.compile(r"(?:@(?P<scope>[a-z0-9~-][a-z0-9._~-]*)/)?(?P<name>[a-z0-9~-][a-z0-9._~-]*)")
# The registry refuses them: one is the folder of installed packages, the other a file that browsers ask for.
_RESERVED = frozenset({"node_modules", "favicon.ico"})

_NUMBER = r"(?:0|[1-9][0-9]{0,15})"
_PART = rf"(?:{_NUMBER}|[xX*])"
_PRERELEASE = (
    r"(?:-(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
)
_BUILD = r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_PARTIAL = rf"[v=\s]*{_PART}(?:\.{_PART}(?:\.{_PART}{_PRERELEASE}{_BUILD})?)?"
_COMPARATOR = re.compile(rf"(?:[<>]=?|=|~>?|\^)?\s*{_PARTIAL}")
_HYPHEN = re.compile(rf"\s*{_PARTIAL}\s+-\s+{_PARTIAL}\s*")

_CHANNELS = (
    "alpha|beta|canary|current|dev|edge|experimental|insiders|latest|legacy|lts|maintenance|next|nightly|pre|preview"
    "|prerelease|rc|release|snapshot|stable|test"
)
_TAG = re.compile(rf"(?:v?[0-9]+(?:\.[0-9x]+)*-)?(?:{_CHANNELS})(?:[-._]?[0-9A-Za-z._-]{{0,40}})?")

_ELSEWHERE: Final[Mapping[str, str]] = {
    "git": "Git repositories",
    "github": "Git repositories",
    "gitlab": "Git repositories",
    "bitbucket": "Git repositories",
    "gist": "Git repositories",
    "ssh": "Git repositories",
    "http": "URLs",
    "https": "URLs",
    "file": "files",
    "link": "files",
    "portal": "files",
    "workspace": "workspaces",
}


def check_dependencies(dependencies: object) -> dict[str, str]:
    """The dependencies as name and range. Raises Invalid that names the entry: `dependencies.expresss`."""
    if not isinstance(dependencies, Mapping):
        raise Invalid("dependencies must be an object of names and version ranges", field="dependencies")
    if len(dependencies) > MOST_DEPENDENCIES:
        raise Invalid(
            f"a new project has at most {MOST_DEPENDENCIES} dependencies, got {len(dependencies)}; "
            "add the others to package.json",
            field="dependencies",
        )
    return {str(name): _check_entry(name, range) for name, range in dependencies.items()}


def _check_entry(name: object, range: object) -> str:
    field = f"dependencies.{shortened(name)}"
    try:
        check_name(name)
        return check_range(range)
    except ValueError as error:
        raise Invalid(f"{shortened(name)}: {error}" if str(name) else str(error), field=field) from None


def check_name(name: object) -> str:
    """The name. Raises ValueError saying what is wrong with it."""
    if not isinstance(name, str) or not name:
        raise ValueError("a package name is missing")
    if len(name) > MOST_NAME:
        raise ValueError(f"a package name has at most {MOST_NAME} characters, this one has {len(name)}")
    match = _NAME.fullmatch(name)
    if match is None:
        if _NAME.fullmatch(name.lower()):
            raise ValueError(f"package names are in lower case; did you mean {name.lower()}?")
        raise ValueError(
            "no package name: it has lower-case letters, digits, dots, dashes and underscores, does not begin with a "
            "dot or underscore, and may have a scope in front, as in @scope/name"
        )
    if match["name"] in _RESERVED and match["scope"] is None:
        raise ValueError("the registry does not allow this package name")
    return name


def check_range(text: object) -> str:
    """The range or tag, trimmed. Raises ValueError saying what is wrong with it."""
    if not isinstance(text, str):
        raise ValueError("the version range must be a string such as ^4.18.2")
    if len(text) > MOST_RANGE:
        raise ValueError(f"a version range has at most {MOST_RANGE} characters, this one has {len(text)}")
    text = text.strip(" ")
    if text.startswith("npm:"):
        return _check_alias(text)
    _refuse_elsewhere(text)
    if not text.isprintable() or not (is_range(text) or _TAG.fullmatch(text)):
        raise ValueError(f"{shortened(text)} is neither a version range such as ^4.18.2 nor a usual tag such as latest")
    return text


def is_range(text: str) -> bool:
    """Whether node-semver reads `text` as a range: comparators, hyphens, x and *, joined by spaces and ||."""
    return all(_is_conjunction(part) for part in text.split("||"))


def shortened(value: object) -> str:
    """What was sent, short and printable enough for a message."""
    text = "".join(character if character.isprintable() else "�" for character in str(value)[: MOST_SHOWN + 1])
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"


def _is_conjunction(text: str) -> bool:
    if _HYPHEN.fullmatch(text):
        return True
    # An operator may stand apart from its version; once they are together, spaces only separate comparators.
    joined = re.sub(r"([<>=~^])\s+", r"\1", text)
    return all(_COMPARATOR.fullmatch(part) for part in joined.split())


def _check_alias(text: str) -> str:
    target = text.removeprefix("npm:")
    at = target.find("@", 1)
    name, range = (target, "") if at < 0 else (target[:at], target[at + 1 :])
    check_name(name)
    if ":" in range:
        raise ValueError("an alias names a package of the registry and a version range: npm:name@range")
    return f"npm:{name}@{check_range(range)}" if range else f"npm:{name}"


def _refuse_elsewhere(text: str) -> None:
    scheme = re.split(r"[:+]", text, maxsplit=1)[0].lower() if ":" in text else ""
    kind = _ELSEWHERE.get(scheme)
    if kind is None and text.startswith(("./", "../", "/", "~/")):
        kind = "files"
    if kind is None and re.fullmatch(r"[^@\s/:]+/[^@\s/:]+", text):
        kind = "Git repositories"
    if kind:
        raise ValueError(
            f"{kind} are not accepted here, only versions from the registry; "
            "create the project without it and run npm install with it in a terminal"
        )
