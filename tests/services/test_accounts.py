from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from server.errors import NotFound, NotSignedIn, TooMany
from server.models import Project, ProjectId
from server.services.accounts import ACTIONS, SESSION_LIFETIME, TRUST_FOR, Accounts, Actor
from server.services.attempts import ATTEMPTS
from server.storage.database import Database, sqlite_url
from tests.support.previews import PROJECT, TOKEN, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(tmp_path: Path, clock: Clock) -> AsyncIterator[Database]:
    database = Database(sqlite_url(tmp_path / "hutch.db"))
    await database.open()
    await database.projects.add(Project(PROJECT, "one", "node", clock.now()))
    yield database
    await database.close()


@pytest.fixture
def accounts(database: Database, clock: Clock) -> Accounts:
    return Accounts(database, TOKEN, now=clock.now, clock=clock.time)


async def test_the_token_signs_in_and_the_session_is_known_by_its_secret(accounts: Accounts) -> None:
    secret = await accounts.sign_in(TOKEN, source="here")
    actor = await accounts.authenticate(session=secret)
    assert actor is not None and actor.session is not None
    assert await accounts.authenticate(session=secret + "x") is None
    assert await accounts.authenticate(session="") is None
    assert await accounts.authenticate() is None


async def test_only_the_hash_of_a_session_is_kept(accounts: Accounts, database: Database) -> None:
    secret = await accounts.sign_in(TOKEN, source="here")
    actor = await accounts.authenticate(session=secret)
    assert actor and actor.session and len(actor.session) == 64
    assert await database.sessions.get(secret) is None
    assert await database.sessions.get(actor.session) is not None


async def test_a_bearer_token_is_enough_and_overrules_the_session(accounts: Accounts) -> None:
    assert await accounts.authenticate(bearer=TOKEN) == Actor()
    secret = await accounts.sign_in(TOKEN, source="here")
    assert await accounts.authenticate(session=secret, bearer="wrong") is None
    assert await accounts.authenticate(bearer="ü" * 20) is None
    assert await accounts.authenticate(bearer="") is None


async def test_signing_in_again_makes_a_new_session_and_ends_the_presented_one(accounts: Accounts) -> None:
    first = await accounts.sign_in(TOKEN, source="here")
    second = await accounts.sign_in(TOKEN, source="here", replacing=first)
    assert first != second
    assert await accounts.authenticate(session=first) is None
    assert await accounts.authenticate(session=second) is not None


async def test_a_planted_session_never_becomes_valid(accounts: Accounts) -> None:
    secret = await accounts.sign_in(TOKEN, source="here", replacing="planted")
    assert secret != "planted"
    assert await accounts.authenticate(session="planted") is None


async def test_signing_out_ends_the_session_at_once_and_tells_who_watches(accounts: Accounts) -> None:
    secret = await accounts.sign_in(TOKEN, source="here")
    other = await accounts.sign_in(TOKEN, source="here")
    actor = await accounts.authenticate(session=secret)
    assert actor
    told: list[str] = []
    ending = accounts.ending(actor)
    forget = ending.watch(lambda: told.append("forgotten"))
    forget()
    ending.watch(lambda: told.append("ended"))
    await accounts.sign_out(actor)
    assert told == ["ended"]
    assert await accounts.authenticate(session=secret) is None
    assert await accounts.authenticate(session=other) is not None


async def test_another_servers_sign_out_is_noticed_within_seconds(
    accounts: Accounts, database: Database, clock: Clock
) -> None:
    secret = await accounts.sign_in(TOKEN, source="here")
    actor = await accounts.authenticate(session=secret)
    assert actor and actor.session
    await database.sessions.delete(actor.session)
    clock.seconds += TRUST_FOR + 0.1
    assert await accounts.authenticate(session=secret) is None


async def test_a_session_lives_30_days_from_its_last_use(accounts: Accounts, clock: Clock) -> None:
    secret = await accounts.sign_in(TOKEN, source="here")
    for _ in range(3):
        clock.seconds += (SESSION_LIFETIME - timedelta(hours=2)).total_seconds()
        assert await accounts.authenticate(session=secret) is not None
    clock.seconds += SESSION_LIFETIME.total_seconds() + 1
    assert await accounts.authenticate(session=secret) is None
    assert await accounts.sweep() == 1


async def test_a_new_token_ends_the_sessions_of_the_old_one(accounts: Accounts, database: Database) -> None:
    secret = await accounts.sign_in(TOKEN, source="here")
    assert await Accounts(database, TOKEN).authenticate(session=secret) is not None
    assert await Accounts(database, "another-token-altogether").authenticate(session=secret) is None


async def test_wrong_tokens_are_limited_by_source(accounts: Accounts, clock: Clock) -> None:
    for _ in range(ATTEMPTS):
        with pytest.raises(NotSignedIn):
            await accounts.sign_in("wrong", source="attacker")
    with pytest.raises(TooMany) as refused:
        await accounts.sign_in(TOKEN, source="attacker")
    assert 1 <= refused.value.retry_after <= 10
    await accounts.sign_in(TOKEN, source="someone else")
    clock.seconds += refused.value.retry_after
    await accounts.sign_in(TOKEN, source="attacker")


@pytest.mark.parametrize("action", sorted(ACTIONS))
async def test_nobody_may_do_anything(accounts: Accounts, action: str) -> None:
    target = PROJECT if ACTIONS[action].on_project else None
    with pytest.raises(NotSignedIn):
        await accounts.require(None, action, target)
    await accounts.require(Actor(), action, target)


async def test_nobody_learns_whether_a_project_exists(accounts: Accounts) -> None:
    with pytest.raises(NotSignedIn):
        await accounts.require(None, "project.read", ProjectId("nosuch"))


@pytest.mark.parametrize("id", ["nosuch", "ABC123", "../etc", "", "abc123 ", "a" * 40, "abc123\n"])
async def test_a_project_that_does_not_exist_is_not_found(accounts: Accounts, id: str) -> None:
    with pytest.raises(NotFound):
        await accounts.require(Actor(), "project.read", ProjectId(id))


async def test_what_is_not_in_the_table_can_not_be_asked(accounts: Accounts) -> None:
    with pytest.raises(KeyError):
        await accounts.require(Actor(), "project.burn", PROJECT)
    with pytest.raises(ValueError):
        await accounts.require(Actor(), "project.read")
    with pytest.raises(ValueError):
        await accounts.require(Actor(), "projects.list", PROJECT)


def test_every_action_says_what_it_is() -> None:
    assert all(action.description for action in ACTIONS.values())


async def test_derived_keys_differ_by_purpose_and_token(accounts: Accounts, database: Database) -> None:
    assert accounts.derive_key("a") != accounts.derive_key("b")
    assert accounts.derive_key("a") == Accounts(database, TOKEN).derive_key("a")
    assert accounts.derive_key("a") != Accounts(database, "another-token-altogether").derive_key("a")
