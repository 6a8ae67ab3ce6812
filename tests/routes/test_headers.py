import pytest

from server.routes import headers
from server.routes.headers import Origin

BAD_AUTHORITIES = [
    "",
    " ",
    "a b",
    "user@ide.test",
    "ide.test@evil.test",
    "ide.test/",
    "ide.test:",
    "ide.test:0",
    "ide.test:08000",
    "ide.test:65536",
    "ide.test:80 80",
    "ide.test:８０",
    "ide.test:-1",
    "ide.test,evil.test",
    "ide.test\r\nX: y",
    "ide.test#x",
    "ide.test?x",
    "ide.test\\x",
    "[::1",
    "::1",
    "[::1%25eth0]",
    "[v1.a]",
    "[1.2.3.4]",
    "-ide.test",
    "ıde.test",
    "a" * 300,
]

# The same corpus for every redirect there is.
UNSAFE_PATHS = [
    None,
    "",
    "evil.test",
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "\\/evil.test",
    "/\t/evil.test",
    "\t//evil.test",
    " //evil.test",
    "/\n/evil.test",
    "/x\r\nSet-Cookie: a=b",
    "/\x00/evil.test",
    "http://evil.test",
    "https:evil.test",
    "http:/evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "@evil.test",
    "http://localhost:1@evil.test/",
    "/x y",
    "/\u2028/evil.test",
    "/ü",
    "/" + "a" * 5000,
    "./x",
    "?x",
    "#x",
]


@pytest.mark.parametrize("text", BAD_AUTHORITIES)
def test_what_is_no_host_and_port_names_no_origin(text: str) -> None:
    assert headers.parse_authority("http", text) is None
    assert headers.parse_origin("http://" + text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://ide.test", Origin("http", "ide.test", 80)),
        ("http://IDE.test:80", Origin("http", "ide.test", 80)),
        ("https://ide.test", Origin("https", "ide.test", 443)),
        ("http://127.0.0.1:8000", Origin("http", "127.0.0.1", 8000)),
        ("http://[0:0::1]:8000", Origin("http", "[::1]", 8000)),
        ("http://my_host", Origin("http", "my_host", 80)),
    ],
)
def test_an_origin_compares_by_scheme_host_and_port(text: str, expected: Origin) -> None:
    assert headers.parse_origin(text) == expected


@pytest.mark.parametrize("text", ["null", "", "ide.test", "ftp://ide.test", "HTTP://ide.test", "http:ide.test", "*"])
def test_other_origins_are_none(text: str) -> None:
    assert headers.parse_origin(text) is None


def test_an_origin_is_written_as_browsers_do() -> None:
    assert str(Origin("http", "ide.test", 80)) == "http://ide.test"
    assert str(Origin("https", "[::1]", 8443)) == "https://[::1]:8443"


@pytest.mark.parametrize("text", UNSAFE_PATHS)
def test_a_redirect_never_leaves_the_origin(text: str | None) -> None:
    assert headers.safe_path(text) == "/"


@pytest.mark.parametrize("text", ["/", "/a/b?c=d&e=//x#f", "/@evil.test", "/a//b", "/%2f%2fevil", "/preview/x/1/"])
def test_a_path_of_this_origin_is_kept(text: str) -> None:
    assert headers.safe_path(text) == text


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([], None),
        ([(b"authorization", b"Basic abc")], None),
        ([(b"authorization", b"Bearer abc")], "abc"),
        ([(b"authorization", b"bearer  abc ")], "abc"),
        ([(b"authorization", b"Bearer abc"), (b"authorization", b"Bearer def")], ""),
        ([(b"authorization", b"Bearer ")], ""),
    ],
)
def test_a_bearer_token_is_one(sent: list[tuple[bytes, bytes]], expected: str | None) -> None:
    assert headers.bearer(sent) == expected


def test_cookies_are_found_by_their_whole_name() -> None:
    sent = [(b"cookie", b"xhutch=1; hutch=2;hutch=3 ; hutch"), (b"cookie", b"hutch=4=5")]
    assert headers.cookies(sent, "hutch") == ["2", "3", "4=5"]
