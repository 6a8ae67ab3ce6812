import pytest

from server.models import Port, Run, State, StepState
from server.services.reports import Watch, parse_paths, parse_ports, parse_run, parse_terminals, parse_watch


def test_a_run_is_read_whole() -> None:
    run = parse_run(
        {
            "state": "exited",
            "code": 3,
            "signal": None,
            "steps": [{"name": "app", "state": "done", "startedAt": 1.5, "endedAt": 2, "code": 3, "detail": "why"}],
        }
    )
    assert (run.state, run.code, run.signal) == (State.EXITED, 3, None)
    step = run.steps[0]
    assert (step.name, step.state, step.code, step.detail) == ("app", StepState.DONE, 3, "why")
    assert step.started_at is not None and step.started_at.timestamp() == 1.5


@pytest.mark.parametrize(
    "hostile",
    [
        None,
        [],
        "running",
        {"state": ["running"]},
        {"state": "winning", "steps": {"a": 1}},
        {"steps": [1, None, {"startedAt": 1e300}, {"startedAt": -1}, {"name": 7, "code": "x"}]},
        {"code": 2**80, "signal": 9},
    ],
)
def test_nonsense_is_a_stopped_run(hostile: object) -> None:
    run = parse_run(hostile)
    assert run.state is State.STOPPED
    assert (run.code, run.signal) == (None, None)
    assert all(step.started_at is None for step in run.steps)


def test_text_is_cut_and_lists_are_bounded() -> None:
    run = parse_run({"state": "failed", "steps": [{"name": "n" * 1000, "detail": "d" * 10_000}] * 1000})
    assert len(run.steps) == 10
    assert len(run.steps[0].name) == 32
    assert run.steps[0].detail == "d" * 500


def test_paths_and_watching_are_believed_only_where_they_make_sense() -> None:
    assert parse_paths(["a", 7, "x" * 5000, "", None]) == ["a", ""]
    assert parse_paths("a") == []
    assert len(parse_paths(["a"] * 10_000)) <= 200
    assert parse_watch({"live": True, "detail": None}) == Watch(True, None)
    assert parse_watch({"live": 1, "detail": ["no"]}) == Watch() == parse_watch(None)


def test_ports_outside_the_range_are_left_out() -> None:
    ports = parse_ports(
        [
            {"port": 3000, "address": "0.0.0.0", "process": "node"},
            {"port": 0},
            {"port": 65536},
            {"port": "22"},
            {"port": True},
            7,
        ]
    )
    assert ports == (Port(3000, "0.0.0.0", "node"),)
    assert parse_run({}) == Run(State.STOPPED)


def test_only_terminals_are_listed_without_their_prefix() -> None:
    terminals = parse_terminals(
        [{"name": "terminal/main", "viewers": 2, "lastInputAt": 5}, {"name": "log"}, {"ended": 1}], "terminal/"
    )
    assert [(t.name, t.viewers, t.ended) for t in terminals] == [("main", 2, False)]
    assert terminals[0].active_at is not None and terminals[0].active_at.timestamp() == 5
