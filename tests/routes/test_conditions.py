from datetime import UTC, datetime

import pytest
from starlette.datastructures import Headers

from server.errors import BadRequest
from server.routes.conditions import (
    Unsatisfiable,
    is_unchanged,
    may_read,
    requirement,
    version_headers,
    wanted_range,
)
from server.storage.roots import Entry

MOMENT = datetime(2026, 11, 20, 12, 30, 15, 500_000, UTC)
FILE = Entry(b"file", "file", 1000, int(MOMENT.timestamp() * 1e9), 7)
FOLDER = Entry(b"folder", "directory", 0, 0, 8)
ETAG = FILE.etag or ""
THEN, BEFORE, LATER = (f"Fri, 20 Nov 2026 12:30:{second} GMT" for second in (15, 14, 16))


@pytest.mark.parametrize(
    ("headers", "over_file", "over_nothing"),
    [
        ({}, True, True),
        ({"If-Match": ETAG}, True, False),
        ({"If-Match": f'"other", {ETAG}'}, True, False),
        ({"If-Match": '"other"'}, False, False),
        ({"If-Match": f"W/{ETAG}"}, False, False),
        ({"If-Match": "*"}, True, False),
        ({"If-None-Match": "*"}, False, True),
        ({"If-None-Match": ETAG}, False, True),
        ({"If-None-Match": f"W/{ETAG}"}, False, True),
        ({"If-None-Match": '"other"'}, True, True),
        ({"If-Match": ETAG, "If-None-Match": "*"}, False, False),
        ({"If-Unmodified-Since": THEN}, True, True),
        ({"If-Unmodified-Since": BEFORE}, False, True),
        ({"If-Unmodified-Since": BEFORE, "If-Match": ETAG}, True, False),
        ({"If-Unmodified-Since": "no date"}, True, True),
    ],
)
def test_what_a_write_requires(headers: dict[str, str], over_file: bool, over_nothing: bool) -> None:
    require = requirement(Headers(headers))
    assert require(FILE) is over_file
    assert require(None) is over_nothing


def test_a_folder_has_no_version() -> None:
    assert not requirement(Headers({"If-Match": ETAG}))(FOLDER)
    assert requirement(Headers({"If-Match": "*"}))(FOLDER)


@pytest.mark.parametrize("value", ["", "abc", '"open', 'W/"', '"a" "b"', "*, *", '"a",', '"a\0"', ',"a"'])
def test_what_is_no_list_of_versions_is_refused(value: str) -> None:
    for name in ("If-Match", "If-None-Match"):
        with pytest.raises(BadRequest, match=name):
            requirement(Headers({name: value}))


def test_headers_that_come_twice_are_one_list() -> None:
    raw = [(b"if-match", b'"other"'), (b"if-match", ETAG.encode())]
    assert requirement(Headers(raw=raw))(FILE)


@pytest.mark.parametrize(
    ("headers", "unchanged"),
    [
        ({}, False),
        ({"If-None-Match": ETAG}, True),
        ({"If-None-Match": f'W/{ETAG}, "x"'}, True),
        ({"If-None-Match": "*"}, True),
        ({"If-None-Match": '"other"'}, False),
        ({"If-None-Match": '"other"', "If-Modified-Since": LATER}, False),
        ({"If-Modified-Since": THEN}, True),
        ({"If-Modified-Since": BEFORE}, False),
        ({"If-Modified-Since": "Fri, 99 Nov"}, False),
    ],
)
def test_when_a_reader_has_it_already(headers: dict[str, str], unchanged: bool) -> None:
    assert is_unchanged(Headers(headers), FILE) is unchanged


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({}, True),
        ({"If-Match": ETAG}, True),
        ({"If-Match": "*"}, True),
        ({"If-Match": '"other"'}, False),
        ({"If-Unmodified-Since": BEFORE}, False),
        ({"If-Unmodified-Since": LATER}, True),
    ],
)
def test_when_a_reader_wants_another_version(headers: dict[str, str], may: bool) -> None:
    assert may_read(Headers(headers), FILE) is may


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=990-5000", (990, 1000)),
        ("bytes=500-", (500, 1000)),
        ("bytes=-1", (999, 1000)),
        ("bytes=-5000", (0, 1000)),
        ("bytes= 1-2 ", (1, 3)),
        ("bytes=0-9,20-29", None),
        ("bytes=-", None),
        ("bytes=9-5", None),
        ("bytes=a-b", None),
        ("bytes=--5", None),
        ("bytes=+1-2", None),
        ("bytes=1-2-3", None),
        ("bytes=0-" + "9" * 20, None),
        ("bytes=\N{ARABIC-INDIC DIGIT ONE}-2", None),
        ("lines=1-2", None),
        ("", None),
    ],
)
def test_which_bytes_are_wanted(value: str, wanted: tuple[int, int] | None) -> None:
    headers = Headers(raw=[(b"range", value.encode("latin-1", "replace"))])
    assert wanted_range(headers, FILE) == wanted


@pytest.mark.parametrize("value", ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=9999999999999999999-"])
def test_a_range_after_the_end_is_told(value: str) -> None:
    with pytest.raises(Unsatisfiable):
        wanted_range(Headers({"Range": value}), FILE)


def test_an_empty_file_has_no_range() -> None:
    with pytest.raises(Unsatisfiable):
        wanted_range(Headers({"Range": "bytes=0-"}), Entry(b"empty", "file", 0, 0, 1))


@pytest.mark.parametrize(
    ("required", "wanted"), [(ETAG, (0, 10)), ('"other"', None), (f"W/{ETAG}", None), (THEN, None), ("nonsense", None)]
)
def test_a_range_of_another_version_is_the_whole_file(required: str, wanted: tuple[int, int] | None) -> None:
    assert wanted_range(Headers({"Range": "bytes=0-9", "If-Range": required}), FILE) == wanted


def test_the_versions_headers() -> None:
    assert version_headers(FILE) == {"ETag": ETAG, "Last-Modified": THEN}
