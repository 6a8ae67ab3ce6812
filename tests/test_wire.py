import json

import pytest

from server import wire
from server.errors import BadRequest


def test_each_message_is_understood() -> None:
    assert wire.parse_message('{"type":"ack","offset":7}') == wire.Ack(7)
    assert wire.parse_message('{"type":"resize","cols":80,"rows":24}') == wire.Resize(80, 24)
    assert wire.parse_message('{"type":"signal","signal":"INT"}') == wire.Signal("INT")
    assert wire.parse_message('{"type":"redraw"}') == wire.Redraw()
    assert wire.parse_message('{"type":"reply","data":"\\u001b[1;1R"}') == wire.Reply("\x1b[1;1R")
    assert wire.parse_message('{"type":"close"}') == wire.End()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ls -l\n",
        "[]",
        "null",
        "[" * 100_000,
        "{}",
        '{"type":"exec"}',
        '{"type":"ack"}',
        '{"type":"ack","offset":-1}',
        '{"type":"ack","offset":true}',
        '{"type":"ack","offset":1.5}',
        '{"type":"ack","offset":"9"}',
        json.dumps({"type": "ack", "offset": 2**63}),
        '{"type":"resize","cols":0,"rows":24}',
        '{"type":"resize","cols":80,"rows":-1}',
        '{"type":"resize","cols":1000000000,"rows":24}',
        '{"type":"reply"}',
        '{"type":"reply","data":""}',
        '{"type":"reply","data":["x"]}',
        json.dumps({"type": "reply", "data": "x" * 4097}),
        '{"type":"signal","signal":"SIGINT"}',
        '{"type":"signal","signal":["INT"]}',
    ],
)
def test_anything_else_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        wire.parse_message(text)
    assert "must be" in caught.value.detail
