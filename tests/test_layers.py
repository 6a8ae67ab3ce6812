"""Calls go one way: routes → services → runtimes and storage. The imports are read from the source."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEAVES = {"server.errors", "server.models"}

# What a module whose name begins with the key may import of ours; "itself" is always allowed.
ALLOWED: dict[str, set[str]] = {
    "server.supervisor": set(),
    "server.models": set(),
    "server.errors": set(),
    "server.config": {"server.models"},
    "server.wire": {"server.errors"},
    "server.edge": set(),
    "server.storage": LEAVES,
    "server.runtimes": LEAVES | {"server.supervisor.protocol"},
    "server.services": LEAVES | {"server.storage", "server.runtimes.base", "server.runtimes.link"},
    "server.routes": LEAVES | {"server.services", "server.config", "server.wire", "server.runtimes.link"},
    "server.middleware": LEAVES | {"server.routes", "server.services"},
}
# The composition root and the command line know everything.
FREE = {"server.app", "server.serve", "server.__main__", "server.doctor", "server"}
# Only these may import the engines of other people.
ONLY_IN = {
    "aiodocker": {"server.runtimes.docker"},
    "sqlalchemy": {"server.storage"},
}
NEVER_IN_SERVICES = ("starlette", "uvicorn")


def module_of(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def imports_of(source: str, module: str, package: bool) -> set[str]:
    """The absolute names of the modules that `source` imports, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: len(module.split(".")) - node.level + package] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            found |= {prefix} | {f"{prefix}.{alias.name}" for alias in node.names}
    return found


def modules() -> dict[str, set[str]]:
    return {
        module_of(path): imports_of(path.read_text(), module_of(path), path.name == "__init__.py")
        for path in sorted((ROOT / "server").rglob("*.py"))
    }


def within(name: str, prefixes: set[str]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def wrong_directions(found: dict[str, set[str]]) -> list[str]:
    wrong = []
    for module, imported in found.items():
        if module in FREE:
            continue
        layer = next((name for name in ALLOWED if within(module, {name})), None)
        if layer is None:
            wrong.append(f"{module} belongs to no layer")
            continue
        allowed = ALLOWED[layer] | {layer, "server"} if layer else set()
        for name in imported & found.keys() - {"server"}:
            if not within(name, allowed - {"server"}):
                wrong.append(f"{module} imports {name}")
    return wrong


def cycles(found: dict[str, set[str]]) -> list[str]:
    """Modules that reach themselves. An import of a package's name counts for the package alone."""
    graph = {module: imported & found.keys() - {module} for module, imported in found.items()}
    looping = []
    for start in graph:
        seen: set[str] = set()
        todo = list(graph[start])
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(graph[name])
        if start in seen:
            looping.append(start)
    return looping


def test_calls_go_one_way() -> None:
    assert wrong_directions(modules()) == []


def test_there_are_no_cycles() -> None:
    assert cycles(modules()) == []


def test_third_parties_stay_behind_their_adapters() -> None:
    wrong = []
    for module, imported in modules().items():
        for library, homes in ONLY_IN.items():
            if within(module, homes):
                continue
            if any(within(name, {library}) for name in imported):
                wrong.append(f"{module} imports {library}")
        if within(module, {"server.services"}) and any(within(name, set(NEVER_IN_SERVICES)) for name in imported):
            wrong.append(f"{module} knows HTTP")
    assert wrong == []


def test_the_check_sees_a_wrong_direction_and_a_cycle() -> None:
    found = {
        "server.services.a": {"server.routes.b"},
        "server.routes.b": {"server.services.a"},
    }
    assert wrong_directions(found) == ["server.services.a imports server.routes.b"]
    assert cycles(found) == ["server.services.a", "server.routes.b"]
