"""Diagnostics that a server tells only when asked, told to a client that only listens."""

import json
from typing import Any

import pytest

from server.services.diagnostics import Diagnostics

PROBLEM = {"message": "no"}


class Between:
    """A client and a server of these capabilities, with the diagnostics between."""

    def __init__(self, **capabilities: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self.diagnostics = Diagnostics(self.asked.append)
        self.client("initialize", id=1)
        self.server(id=1, result={"capabilities": capabilities})

    def client(self, method: str, uri: str | None = None, version: int | None = None, **message: Any) -> None:
        document = {"uri": uri} if version is None else {"uri": uri, "version": version}
        self.diagnostics.sent({"method": method, "params": {"textDocument": document} if uri else {}, **message})

    def server(self, **message: Any) -> Any:
        """What the client hears of a message of the server's."""
        told = self.diagnostics.received(json.dumps(message))
        return None if told is None else json.loads(told)

    def answer(self, **message: Any) -> Any:
        """The same for the answer to what was asked last."""
        return self.server(id=self.asked[-1]["id"], **message)

    def uris(self) -> list[str]:
        return [request["params"]["textDocument"]["uri"] for request in self.asked]


@pytest.fixture
def between() -> Between:
    return Between(diagnosticProvider={"interFileDependencies": True})


def test_after_each_change_all_open_documents_are_asked_about_in_turn(between: Between) -> None:
    between.client("textDocument/didOpen", "file:///a", 1)
    between.client("textDocument/didOpen", "file:///b", 1)
    assert between.uris() == ["file:///a"], "one request at a time"
    told = between.answer(result={"kind": "full", "items": [PROBLEM]})
    assert told["method"] == "textDocument/publishDiagnostics"
    assert told["params"] == {"uri": "file:///a", "version": 1, "diagnostics": [PROBLEM]}
    between.client("textDocument/didChange", "file:///b", 2)
    assert between.answer(result={"kind": "full", "items": []})["params"]["version"] == 1
    assert between.uris() == ["file:///a", "file:///b", "file:///b"], "what changed comes first"
    assert between.answer(result={"kind": "full", "items": []})["params"]["version"] == 2
    between.answer(result={"kind": "full", "items": []})
    assert between.uris()[3:] == ["file:///a"]
    between.answer(result={"kind": "full", "items": []})
    assert len(between.asked) == 4, "all are told"
    between.client("textDocument/didSave", "file:///a")
    between.answer(result={"kind": "full", "items": []})
    assert between.uris()[4:] == ["file:///a", "file:///b"]


def test_no_news_errors_and_closed_documents_are_not_told(between: Between) -> None:
    between.client("textDocument/didOpen", "file:///a", 1)
    assert between.answer(result={"kind": "unchanged", "resultId": "1"}) is None
    between.client("textDocument/didChange", "file:///a", 2)
    assert between.answer(error={"code": -32802, "message": "cancelled"}) is None
    between.client("textDocument/didChange", "file:///a", 3)
    between.client("textDocument/didClose", "file:///a")
    assert between.answer(result={"kind": "full", "items": [PROBLEM]}) is None
    assert len(between.asked) == 3


def test_all_else_passes_unchanged(between: Between) -> None:
    between.client("textDocument/didOpen", "file:///a", 1)
    number = between.asked[-1]["id"]
    for text in ('{"id": 7, "result": null}', f'{{"id":"{number}","method":"x"}}', f'"{number}"', "no json " + number):
        assert between.diagnostics.received(text) == text


@pytest.mark.parametrize("capabilities", [{}, {"diagnosticProvider": None}])
def test_a_server_that_does_not_offer_it_is_not_asked(capabilities: dict[str, Any]) -> None:
    between = Between(**capabilities)
    between.client("textDocument/didOpen", "file:///a", 1)
    assert not between.asked


def test_a_client_that_asks_by_itself_is_left_to_it(between: Between) -> None:
    between.client("textDocument/diagnostic", "file:///a", id=2)
    between.client("textDocument/didOpen", "file:///a", 1)
    assert not between.asked
    assert between.server(id=2, result={"kind": "full", "items": []})["id"] == 2


def test_what_it_remembers_is_bounded(between: Between, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.services.diagnostics.MOST_OPEN", 2)
    for name in "abc":
        between.client("textDocument/didOpen", f"file:///{name}", 1)
    for _ in range(5):
        between.answer(result={"items": []})
    assert set(between.uris()) == {"file:///a", "file:///b"}


def test_an_answer_that_is_too_long_is_left_out(between: Between) -> None:
    between.client("textDocument/didOpen", "file:///a", 1)
    assert between.answer(result={"kind": "full", "items": [{"message": "x" * 1_100_000}]}) is None
    between.client("textDocument/didChange", "file:///a", 2)
    assert between.answer(result={"kind": "full", "items": [PROBLEM]})["params"]["diagnostics"] == [PROBLEM]
