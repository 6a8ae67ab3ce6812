from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.errors import NotFound, NotSignedIn
from server.models import Project
from server.services.accounts import Accounts, Actor
from server.services.domains import domain_conflict, neighbour_conflict
from server.services.previews import (
    GRANT_LIFETIME,
    TRUST_FOR,
    Kind,
    Previews,
    Target,
    is_grant,
    parse_target,
)
from server.services.share_links import ShareLinks
from server.services.tickets import MOST_TICKETS, TICKET_LIFETIME
from server.storage.database import Database, sqlite_url
from tests.support.previews import DOMAIN, OTHER, PROJECT, TOKEN, Clock, LocalWorkspaces

TARGET = Target(PROJECT, 3000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(tmp_path: Path, clock: Clock) -> AsyncIterator[Database]:
    database = Database(sqlite_url(tmp_path / "hutch.db"))
    await database.open()
    for id in (PROJECT, OTHER):
        await database.projects.add(Project(id, id, "node", clock.now()))
    yield database
    await database.close()


@pytest.fixture
def accounts(database: Database, clock: Clock) -> Accounts:
    return Accounts(database, TOKEN, now=clock.now, clock=clock.time)


@pytest.fixture
def links(database: Database, clock: Clock) -> ShareLinks:
    return ShareLinks(database, now=clock.now, clock=clock.time)


@pytest.fixture
def previews(accounts: Accounts, links: ShareLinks, clock: Clock) -> Previews:
    return Previews(LocalWorkspaces(), accounts, links, domain=DOMAIN, now=clock.time)


async def signed_in(accounts: Accounts) -> Actor:
    actor = await accounts.authenticate(session=await accounts.sign_in(TOKEN, source="test"))
    assert actor
    return actor


@pytest.mark.parametrize(
    "label",
    [
        "",
        "3000",
        "3000-",
        "-abc123",
        "0-abc123",
        "08080-abc123",
        "65536-abc123",
        "99999-abc123",
        "+80-abc123",
        "8e3-abc123",
        "３０００-abc123",
        "3000-ABC123",
        "3000-abc",
        "3000-1bc123",
        "3000-abc-123",
        "3000-abc123.evil",
        "8080@evil-abc123",
        "3000-abc123@evil",
        "3000--abc123",
        "x.3000-abc123",
        "127.1",
        "[::1]-abc123",
        "3000%2dabc123",
        "3000-abc123\n",
        "3000-" + "a" * 33,
        "1" * 5000 + "-abc123",
    ],
)
def test_only_a_port_and_an_id_are_a_target(label: str) -> None:
    assert parse_target(label) is None


@pytest.mark.parametrize("port", [1, 80, 3000, 65535])
def test_a_target_is_a_port_and_an_id(port: int) -> None:
    assert parse_target(f"{port}-abc123") == Target(PROJECT, port)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "ide.example.org", "evilpreview.localhost", "[::1]"])
def test_hosts_outside_the_domain_are_the_ides(previews: Previews, host: str) -> None:
    assert previews.parse_host(host) is None


@pytest.mark.parametrize(
    "host",
    [
        "preview.localhost",
        "preview.localhost.",
        "x.preview.localhost",
        "3000-abc123.preview.localhost.",
        "3000-abc123.x.preview.localhost",
        "x.3000-abc123.preview.localhost",
        ".preview.localhost",
    ],
)
def test_within_the_domain_no_name_is_the_ides(previews: Previews, host: str) -> None:
    with pytest.raises(NotFound):
        previews.parse_host(host)


def test_a_host_is_named_as_its_target(previews: Previews) -> None:
    assert previews.parse_host("3000-ABC123.Preview.LOCALHOST") == TARGET
    assert previews.origin(TARGET, "http://127.0.0.1:8000") == "http://3000-abc123.preview.localhost:8000"
    assert previews.url(PROJECT, 80, "https://ide.example.org") == "https://80-abc123.preview.localhost/"


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("example.org", "preview.example.org"),
        ("EXAMPLE.org.", "preview.example.org"),
        ("example.org", "a.b.example.org"),
        ("preview.example.org", "preview.example.org"),
        ("ide.preview.example.org", "preview.example.org"),
    ],
)
def test_an_ide_that_previews_could_set_cookies_for_is_refused(host: str, domain: str) -> None:
    reason = domain_conflict(host, domain)
    assert reason and "HUTCH_PREVIEW_DOMAIN" in reason


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("127.0.0.1", "preview.localhost"),
        ("::1", "preview.localhost"),
        ("[::1]", "preview.localhost"),
        ("localhost", "preview.localhost"),
        ("ide.example.org", "preview.example.org"),
        ("ide.example.org", "example-previews.net"),
        ("ample.org", "preview.example.org"),
        ("0.0.0.0", "preview.localhost"),
    ],
)
def test_other_ides_are_not(host: str, domain: str) -> None:
    assert domain_conflict(host, domain) is None


@pytest.mark.parametrize(
    ("host", "domain", "shared"),
    [
        ("ide.example.org", "preview.example.org", "example.org"),
        ("IDE.example.org", "a.b.Example.org", "example.org"),
        ("ide.example.co.uk", "preview.example.co.uk", "example.co.uk"),
        ("ide.10-0-0-1.nip.io", "preview.10-0-0-1.nip.io", "10-0-0-1.nip.io"),
        ("ide.example.org", "example-previews.org", None),
        ("ide.example.co.uk", "previews.co.uk", None),
        ("mine.duckdns.org", "previews.duckdns.org", None),
        ("ide.localhost", "preview.localhost", None),
        ("10.0.0.1", "preview.0.0.1", None),
    ],
)
def test_previews_beside_the_ide_could_set_cookies_above_both(host: str, domain: str, shared: str | None) -> None:
    reason = neighbour_conflict(host, domain)
    assert reason is None if shared is None else reason and f"cookies for {shared}," in reason


async def test_a_ticket_is_good_once(previews: Previews, accounts: Accounts) -> None:
    ticket = previews.issue_ticket(await signed_in(accounts), TARGET, "/x")
    assert previews.redeem_ticket(ticket, TARGET).onward == "/x"
    with pytest.raises(NotSignedIn):
        previews.redeem_ticket(ticket, TARGET)


async def test_a_ticket_is_good_for_half_a_minute(previews: Previews, accounts: Accounts, clock: Clock) -> None:
    actor = await signed_in(accounts)
    late = previews.issue_ticket(actor, TARGET, "/")
    clock.seconds += TICKET_LIFETIME - 0.1
    in_time = previews.issue_ticket(actor, TARGET, "/")
    clock.seconds += 0.2
    with pytest.raises(NotSignedIn):
        previews.redeem_ticket(late, TARGET)
    previews.redeem_ticket(in_time, TARGET)


@pytest.mark.parametrize("other", [Target(PROJECT, 3001), Target(OTHER, 3000)])
async def test_a_ticket_is_good_on_its_host(previews: Previews, accounts: Accounts, other: Target) -> None:
    ticket = previews.issue_ticket(await signed_in(accounts), TARGET, "/")
    with pytest.raises(NotSignedIn):
        previews.redeem_ticket(ticket, other)
    # Tried elsewhere it is in wrong hands: it is not good here either any more.
    with pytest.raises(NotSignedIn):
        previews.redeem_ticket(ticket, TARGET)


async def test_tickets_are_bounded(previews: Previews, accounts: Accounts) -> None:
    actor = await signed_in(accounts)
    tickets = [previews.issue_ticket(actor, TARGET, "/") for _ in range(MOST_TICKETS + 1)]
    with pytest.raises(NotSignedIn):
        previews.redeem_ticket(tickets[0], TARGET)
    previews.redeem_ticket(tickets[-1], TARGET)


async def test_a_grant_counts_for_its_own_target_and_place(previews: Previews, accounts: Accounts) -> None:
    actor = await signed_in(accounts)
    grant = previews.grant(actor, TARGET, Kind.HOST)
    found = await previews.examine(grant, TARGET, Kind.HOST)
    assert found and found.holder == actor
    assert await previews.examine(grant, Target(PROJECT, 3001), Kind.HOST) is None
    assert await previews.examine(grant, Target(OTHER, 3000), Kind.HOST) is None
    assert await previews.examine(grant, TARGET, Kind.PATH) is None
    assert await previews.examine("p" + grant[1:], TARGET, Kind.PATH) is None


async def test_a_grant_can_not_be_made_or_changed(previews: Previews, accounts: Accounts) -> None:
    grant = previews.grant(await signed_in(accounts), TARGET, Kind.HOST)
    kind, expires, session, mac = grant.split(".")
    forged = [
        f"{kind}.{int(expires) + 1}.{session}.{mac}",
        f"{kind}.{expires}.-.{mac}",
        f"{kind}.{expires}.{session}.{'A' * 43}",
        f"{kind}.{expires}.{session}.",
        grant + ".",
        grant + "\n",
        "",
    ]
    assert [await previews.examine(text, TARGET, Kind.HOST) for text in forged] == [None] * len(forged)
    assert is_grant(grant) and not is_grant("bob")


async def test_a_grant_is_of_one_domain_and_one_token(
    previews: Previews, accounts: Accounts, clock: Clock, links: ShareLinks
) -> None:
    grant = previews.grant(await signed_in(accounts), TARGET, Kind.HOST)
    elsewhere = Previews(LocalWorkspaces(), accounts, links, domain="preview.example.org", now=clock.time)
    assert await elsewhere.examine(grant, TARGET, Kind.HOST) is None


async def test_a_grant_outlives_the_server(
    previews: Previews, accounts: Accounts, clock: Clock, links: ShareLinks
) -> None:
    grant = previews.grant(await signed_in(accounts), TARGET, Kind.HOST)
    restarted = Previews(LocalWorkspaces(), accounts, links, domain=DOMAIN, now=clock.time)
    assert await restarted.examine(grant, TARGET, Kind.HOST)


async def test_a_grant_ends_with_its_session(previews: Previews, accounts: Accounts, clock: Clock) -> None:
    actor = await signed_in(accounts)
    grant = previews.grant(actor, TARGET, Kind.HOST)
    assert await previews.examine(grant, TARGET, Kind.HOST)
    await accounts.sign_out(actor)
    clock.seconds += TRUST_FOR + 0.1
    assert await previews.examine(grant, TARGET, Kind.HOST) is None


async def test_a_grant_ends_after_12_hours_and_is_due_before(
    previews: Previews, accounts: Accounts, clock: Clock
) -> None:
    grant = previews.grant(await signed_in(accounts), TARGET, Kind.HOST)
    found = await previews.examine(grant, TARGET, Kind.HOST)
    assert found and not previews.is_due(found)
    clock.seconds += GRANT_LIFETIME - 10
    found = await previews.examine(grant, TARGET, Kind.HOST)
    assert found and previews.is_due(found)
    clock.seconds += 11
    assert await previews.examine(grant, TARGET, Kind.HOST) is None


async def test_a_grant_for_a_project_that_is_gone_is_none(previews: Previews, accounts: Accounts) -> None:
    gone = Target(parse_target("3000-nosuch").project, 3000)  # type: ignore[union-attr]
    grant = previews.grant(await signed_in(accounts), gone, Kind.HOST)
    assert await previews.examine(grant, gone, Kind.HOST) is None
