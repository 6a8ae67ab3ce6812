import json
import re
from collections.abc import Iterator
from typing import Any

from starlette.routing import BaseRoute, Route, WebSocketRoute

from server.app import routes
from server.middleware import unknown_sockets
from server.routes import api
from server.routes.openapi import description
from server.routes.openapi_table import METHODS

ROUTES: list[BaseRoute] = [route for route in routes if route is not unknown_sockets]
METHODS_OF_A_SOCKET = {"GET"}


def described() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, item in description()["paths"].items() for method in item}


def served(routes: list[BaseRoute]) -> set[tuple[str, str]]:
    found = set()
    for route in routes:
        assert isinstance(route, (Route, WebSocketRoute)), f"{route} is of a kind that this test does not know"
        if isinstance(route, WebSocketRoute):
            methods = METHODS_OF_A_SOCKET
        else:
            # Starlette adds HEAD to every GET; a route without methods takes them all.
            methods = route.methods - {"HEAD"} if route.methods else set(METHODS)
        found |= {(method, re.sub(r":\w+\}", "}", route.path)) for method in methods}
    return found


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in description()["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_every_route_is_described_and_nothing_else() -> None:
    assert described() == served(ROUTES)


def test_a_route_without_description_would_be_seen() -> None:
    undescribed = Route("/api/undescribed", endpoint=api.list_projects, methods=["PUT"])
    assert served([*ROUTES, undescribed]) - described() == {("PUT", "/api/undescribed")}


def test_references_lead_somewhere() -> None:
    document = description()
    references = [node["$ref"] for node in nodes(document) if "$ref" in node]
    assert len(references) > 50
    for reference in references:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_every_schema_is_used() -> None:
    text = json.dumps(description())
    unused = [name for name in description()["components"]["schemas"] if f'"#/components/schemas/{name}"' not in text]
    # They describe frames, which OpenAPI has no place for; the sockets' descriptions name them.
    assert sorted(unused) == ["Event", "StreamCommand", "StreamMessage"]
    for name in unused:
        assert any(name in operation.get("description", "") for _, _, operation in operations())


def test_parameters_in_the_path_are_declared() -> None:
    for path, _, operation in operations():
        declared = [item["name"] for item in operation["parameters"] if item["in"] == "path"]
        assert sorted(declared) == sorted(re.findall(r"\{(\w+)\}", path))
        assert all(item["required"] is True for item in operation["parameters"] if item["in"] == "path")


def test_parameters_are_declared_once() -> None:
    for path, method, operation in operations():
        keys = [(item["in"], item["name"].lower()) for item in operation["parameters"]]
        assert len(keys) == len(set(keys)), f"{method} {path}"


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))


def test_operations_are_whole() -> None:
    tags = {tag["name"] for tag in description()["tags"]}
    for path, method, operation in operations():
        assert operation["summary"], f"{method} {path}"
        assert set(operation["tags"]) <= tags
        statuses = operation["responses"].keys()
        assert all(re.fullmatch(r"[1-5][0-9]{2}", status) for status in statuses)
        assert any(status < "400" for status in statuses)
        assert all("$ref" in answer or answer["description"] for answer in operation["responses"].values())
        assert not (method in ("get", "head", "delete") and "requestBody" in operation)


def test_what_needs_a_sign_in_says_so() -> None:
    open_paths = {(method, path) for path, method, operation in operations() if operation.get("security") == []}
    assert open_paths == {
        ("get", "/login"),
        ("post", "/login"),
        ("get", "/healthz"),
        ("get", "/readyz"),
        ("get", "/api/openapi.json"),
        ("get", "/static/dist/{path}"),
    }
    for path, method, operation in operations():
        assert ("401" in operation["responses"]) == ((method, path) not in open_paths)


def test_records_require_only_what_they_have() -> None:
    for node in nodes(description()):
        if node.get("type") == "object" and "properties" in node:
            assert set(node.get("required", [])) <= node["properties"].keys()


def test_the_document_names_its_version() -> None:
    document = description()
    assert document["openapi"].startswith("3.1.")
    assert {"title", "version"} <= document["info"].keys()
