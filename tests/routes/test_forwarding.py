from dataclasses import replace

import pytest

from server.routes.forwarding import SANDBOX, Road, end_to_end, to_app, to_browser
from server.routes.headers import Origin, parse_origin
from server.services.previews import Target
from tests.support.previews import OTHER, PROJECT

Pairs = list[tuple[bytes, bytes]]

HOST = Road(
    target=Target(PROJECT, 3000),
    origin=Origin("http", "3000-abc123.preview.localhost", 8000),
    client="192.0.2.7",
    sibling=lambda port: f"http://{port}-abc123.preview.localhost:8000",
    ide="http://127.0.0.1:8000",
)
PATH = Road(
    target=Target(PROJECT, 3000),
    origin=Origin("http", "127.0.0.1", 8000),
    client="192.0.2.7",
    prefix="/preview/abc123/3000/~grant",
    granted=True,
    keeps_cookies=False,
    ide="http://127.0.0.1:8000",
)


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ([(b"X-A", b"1")], [(b"x-a", b"1")]),
        ([(b"connection", b"close"), (b"x-a", b"1")], [(b"x-a", b"1")]),
        ([(b"Connection", b"X-A, x-b"), (b"x-a", b"1"), (b"X-B", b"2"), (b"x-c", b"3")], [(b"x-c", b"3")]),
        ([(b"connection", b"x-a"), (b"connection", b"x-b"), (b"x-a", b"1"), (b"x-b", b"2")], []),
        ([(b"keep-alive", b"1"), (b"te", b"trailers"), (b"trailer", b"x"), (b"upgrade", b"h2c")], []),
        ([(b"transfer-encoding", b"chunked"), (b"proxy-connection", b"x")], []),
        ([(b"proxy-authorization", b"x"), (b"proxy-authenticate", b"x")], []),
        ([(b"x-a", b"1"), (b"x-a", b"2")], [(b"x-a", b"1"), (b"x-a", b"2")]),
    ],
)
def test_what_is_for_the_next_hop_stays_there(headers: Pairs, kept: Pairs) -> None:
    assert end_to_end(headers) == kept


def sent(headers: Pairs, road: Road = HOST) -> dict[str, str]:
    return {name.decode().lower(): value.decode("latin-1") for name, value in to_app(headers, road)}


def test_the_app_is_addressed_as_localhost_and_told_the_rest_by_us_alone() -> None:
    forged = [
        (b"host", b"evil.test"),
        (b"forwarded", b"for=evil"),
        (b"x-forwarded-for", b"evil"),
        (b"x-forwarded-host", b"evil.test"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-port", b"1"),
        (b"x-forwarded-prefix", b"/evil"),
        (b"x-real-ip", b"evil"),
        (b"accept", b"*/*"),
    ]
    assert sent(forged) == {
        "host": "localhost:3000",
        "accept": "*/*",
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-host": "3000-abc123.preview.localhost:8000",
        "x-forwarded-proto": "http",
    }


@pytest.mark.parametrize("road", [HOST, PATH])
@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        (b"hutch_session=a; app=1; hutch_preview=b; x=2", "app=1; x=2"),
        (b"__Host-hutch_session=a;app=1", "app=1"),
        (b"__Secure-hutch_preview=a; HUTCH_SESSION=b; __host-hutch_x=c; app=1", "app=1"),
        (b"hutch_session=a", None),
        (b"hutchling=1; my_hutch_session=2", "hutchling=1; my_hutch_session=2"),
        (b"a=b=c;;  ; d", "a=b=c; d"),
    ],
)
def test_our_cookies_stay_here(road: Road, cookie: bytes, kept: str | None) -> None:
    assert sent([(b"cookie", cookie)], road).get("cookie") == kept


def test_credentials_of_ours_stay_here_and_the_apps_own_pass() -> None:
    headers = [(b"authorization", b"Basic abc"), (b"x-hutch-authorization", b"Bearer t")]
    assert "x-hutch-authorization" not in sent(headers)
    assert sent(headers)["authorization"] == "Basic abc"
    by_token = Road(target=PATH.target, origin=PATH.origin, client="c", prefix="/preview/abc123/3000", credential=True)
    assert "authorization" not in sent(headers, by_token)


@pytest.mark.parametrize(
    ("road", "origin", "expected"),
    [
        (HOST, b"http://3000-abc123.preview.localhost:8000", "http://localhost:3000"),
        (HOST, b"http://5173-abc123.preview.localhost:8000", "http://localhost:5173"),
        (HOST, b"http://3000-xyz789.preview.localhost:8000", "http://3000-xyz789.preview.localhost:8000"),
        (HOST, b"http://3000-abc123.preview.localhost", "http://3000-abc123.preview.localhost"),
        (HOST, b"https://3000-abc123.preview.localhost:8000", "https://3000-abc123.preview.localhost:8000"),
        (HOST, b"http://evil.test", "http://evil.test"),
        (HOST, b"null", "null"),
        (PATH, b"null", "http://localhost:3000"),
        (PATH, b"http://127.0.0.1:8000", "http://localhost:3000"),
        (PATH, b"http://evil.test", "http://evil.test"),
    ],
)
def test_the_app_sees_its_own_pages_as_its_own(road: Road, origin: bytes, expected: str) -> None:
    assert sent([(b"origin", origin)], road)["origin"] == expected


@pytest.mark.parametrize(
    ("road", "referer", "expected"),
    [
        (HOST, b"http://3000-abc123.preview.localhost:8000/a?b", "http://localhost:3000/a?b"),
        (HOST, b"http://5173-abc123.preview.localhost:8000/", "http://localhost:5173/"),
        (HOST, b"http://evil.test/a", "http://evil.test/a"),
        (HOST, b"/a", "/a"),
        (PATH, b"http://127.0.0.1:8000/preview/abc123/3000/~grant/a?b", "http://localhost:3000/a?b"),
        (PATH, b"http://127.0.0.1:8000/projects/abc123", None),
        (PATH, b"http://127.0.0.1:8000/preview/xyz789/3000/~other/a", None),
        (PATH, b"http://evil.test/", "http://evil.test/"),
        (PATH, b"http://[", "http://["),
    ],
)
def test_a_referer_shows_the_app_no_address_of_ours(road: Road, referer: bytes, expected: str | None) -> None:
    assert sent([(b"referer", referer)], road).get("referer") == expected


def test_a_length_beside_chunks_is_not_passed_on() -> None:
    assert "content-length" not in sent([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")])
    assert sent([(b"content-length", b"5")])["content-length"] == "5"


def test_bytes_beyond_ascii_pass() -> None:
    for value in ("Grüße".encode(), b"a\xffb"):
        assert (b"x-name", value) in to_app([(b"x-name", value)], HOST)


def answered(headers: Pairs, road: Road = HOST, *, framed: bool = False) -> Pairs:
    return [pair for pair in to_browser(headers, road, framed=framed) if pair[0] != b"origin-agent-cluster"]


@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        (b"a=b; Path=/; Domain=preview.localhost; HttpOnly", b"a=b; Path=/; HttpOnly"),
        (b"a=b;domain=.localhost", b"a=b"),
        (b"a=b; DOMAIN = x", b"a=b"),
        (b"domain=x", b"domain=x"),
        (b"hutch_preview=x", None),
        (b" hutch_session=x; Path=/", None),
        (b"__Host-hutch_session=x", None),
    ],
)
def test_an_apps_cookie_stays_on_its_host(cookie: bytes, kept: bytes | None) -> None:
    assert answered([(b"set-cookie", cookie)]) == ([] if kept is None else [(b"set-cookie", kept)])
    assert b"set-cookie" not in dict(answered([(b"set-cookie", cookie)], PATH))


@pytest.mark.parametrize(
    "cookie", [b"a=b; Path=/", b"a=b; Path=/; SameSite=Strict; secure", b"a=b; Path=/; Partitioned"]
)
def test_in_a_frame_an_apps_cookie_is_one_that_browsers_keep_there(cookie: bytes) -> None:
    kept = b"a=b; Path=/; SameSite=None; Secure; Partitioned"
    assert answered([(b"set-cookie", cookie)], replace(HOST, partitioned=True)) == [(b"set-cookie", kept)]


@pytest.mark.parametrize(
    ("road", "location", "expected"),
    [
        (HOST, b"http://localhost:3000/a?b#c", b"http://3000-abc123.preview.localhost:8000/a?b#c"),
        (HOST, b"http://127.0.0.1:3000", b"http://3000-abc123.preview.localhost:8000/"),
        (HOST, b"//localhost:3000/a", b"http://3000-abc123.preview.localhost:8000/a"),
        (HOST, b"http://[::1]:3000/a", b"http://3000-abc123.preview.localhost:8000/a"),
        (HOST, b"http://localhost:5000/a", b"http://5000-abc123.preview.localhost:8000/a"),
        (HOST, b"http://localhost.evil.test:3000/", b"http://localhost.evil.test:3000/"),
        (HOST, b"http://localhost:3000@evil.test/", b"http://localhost:3000@evil.test/"),
        (HOST, b"http://localhost:99999/", b"http://localhost:99999/"),
        (HOST, b"/a", b"/a"),
        (HOST, b"a", b"a"),
        (HOST, b"https://example.org/", b"https://example.org/"),
        (PATH, b"http://localhost:3000/a", b"http://127.0.0.1:8000/preview/abc123/3000/~grant/a"),
        (PATH, b"/a?b", b"/preview/abc123/3000/~grant/a?b"),
        (PATH, b"a", b"a"),
        (PATH, b"//evil.test/", b"//evil.test/"),
        (PATH, b"http://localhost:5000/a", b"http://localhost:5000/a"),
    ],
)
def test_redirects_to_the_app_itself_lead_to_its_preview(road: Road, location: bytes, expected: bytes) -> None:
    assert dict(answered([(b"location", location)], road))[b"location"] == expected


@pytest.mark.parametrize(
    ("road", "origin", "expected"),
    [
        (HOST, b"http://localhost:3000", b"http://3000-abc123.preview.localhost:8000"),
        (HOST, b"http://localhost:5173", b"http://5173-abc123.preview.localhost:8000"),
        (HOST, b"*", b"*"),
        (HOST, b"http://evil.test", b"http://evil.test"),
        (PATH, b"http://localhost:3000", b"null"),
        (PATH, b"https://evil.test", b"https://evil.test"),
    ],
)
def test_whom_the_app_allows_is_known_to_the_browser_by_another_name(
    road: Road, origin: bytes, expected: bytes
) -> None:
    assert dict(answered([(b"access-control-allow-origin", origin)], road))[b"access-control-allow-origin"] == expected


def test_what_would_bind_the_browser_beyond_the_host_is_left_out() -> None:
    binding = [(b"alt-svc", b"h3"), (b"strict-transport-security", b"max-age=1"), (b"date", b"x")]
    assert answered([*binding, (b"etag", b"1")]) == [(b"etag", b"1")]
    assert to_browser([(b"origin-agent-cluster", b"?0")], HOST) == [(b"origin-agent-cluster", b"?1")]
    assert answered([(b"clear-site-data", b'"cookies"')]) == []
    assert answered([(b"clear-site-data", b'"cookies", "storage"')]) == [(b"clear-site-data", b'"storage"')]
    assert b"cookies" not in dict(answered([(b"clear-site-data", b'"*"')]))[b"clear-site-data"]


def test_by_path_nothing_touches_the_ides_origin() -> None:
    harmful = [b"clear-site-data", b"service-worker-allowed", b"nel", b"report-to", b"accept-ch", b"set-cookie"]
    kept = answered([(name, b"x") for name in harmful], PATH)
    assert kept == [(b"content-security-policy", SANDBOX), (b"access-control-allow-origin", b"*")]
    assert b"allow-same-origin" not in SANDBOX and b"allow-top-navigation" not in SANDBOX


def test_the_apps_own_policy_stays_beside_the_sandbox() -> None:
    kept = answered([(b"content-security-policy", b"default-src *; sandbox allow-same-origin")], PATH)
    policies = [value for name, value in kept if name == b"content-security-policy"]
    assert policies == [b"default-src *; sandbox allow-same-origin", SANDBOX]


def test_anyone_may_ask_only_where_the_path_gives_leave() -> None:
    plain = Road(target=PATH.target, origin=PATH.origin, client="c", prefix="/preview/abc123/3000")
    assert b"access-control-allow-origin" not in dict(answered([], plain))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            [(b"x-frame-options", b"DENY")],
            [(b"content-security-policy", b"frame-ancestors 'self' http://127.0.0.1:8000")],
        ),
        (
            [(b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; img-src *")],
            [
                (
                    b"content-security-policy",
                    b"default-src 'self'; frame-ancestors 'self' http://127.0.0.1:8000; img-src *",
                )
            ],
        ),
        ([(b"etag", b"1")], [(b"etag", b"1")]),
    ],
)
def test_an_app_that_forbids_frames_is_shown_in_the_ides_alone(headers: Pairs, expected: Pairs) -> None:
    assert answered(headers, framed=True) == expected
    assert answered(headers) == headers


def test_another_project_is_no_sibling() -> None:
    origin = parse_origin(f"http://3000-{OTHER}.preview.localhost:8000")
    assert origin and HOST.sibling and parse_origin(HOST.sibling(3000)) != origin
