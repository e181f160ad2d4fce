"""What becomes of accounts: lost and back, frozen and thawed, banned; and who is told of it."""

from collections.abc import AsyncIterator

import pytest
import structlog
from cryptography.fernet import Fernet
from sqlalchemy import update

from mtproto_bridge.actions.context import Rules
from mtproto_bridge.protocol import ErrorCode
from mtproto_bridge.protocol.events import AccountChanged, AccountGone, Event
from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.protocol.requests import ShowAffiliation, ShowProgram
from mtproto_bridge.store import accounts, tables
from mtproto_bridge.telegram.sessions import KeyRing
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World, links
from sandbox.world import accounts as standing
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.integration.pool_fixtures import Office, joining, office_at
from tests.sandbox_fixtures import ALICE, BOB, CAROL, CHESS, NEWS, QUIZ

OPERATORS = frozenset({9001, 9002})
LOOK = ShowProgram(bot_id=BotId(QUIZ))


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    """Bob's account serves Alice's channel News."""
    async with bridge_site(server, BOB) as made:
        yield made


@pytest.fixture
async def office(site: BridgeSite) -> AsyncIterator[Office]:
    async with office_at(site, Rules(operators=OPERATORS)) as made:
        yield made


async def state(office: Office, account: int) -> str:
    async with office.store.begin() as session:
        return next(one.state for one in await accounts.listed(session) if one.id == account)


def changes(events: list[Event]) -> list[tuple[str, str]]:
    """Every event is one of an account's state, told to all operators: before and after."""
    for one in events:
        assert {hearer.person_id for hearer in one.hearers} == OPERATORS
        assert isinstance(one.what, AccountChanged)
    return [(one.what.before, one.what.state) for one in events if isinstance(one.what, AccountChanged)]


# -- lost and back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "words", "becomes"),
    [
        (401, "AUTH_KEY_UNREGISTERED", "logged_out"),
        (401, "SESSION_REVOKED", "logged_out"),
        (401, "SESSION_EXPIRED", "logged_out"),
        (406, "AUTH_KEY_DUPLICATED", "logged_out"),
        (401, "USER_DEACTIVATED", "banned"),
        (401, "USER_DEACTIVATED_BAN", "banned"),
    ],
)
async def test_what_telegram_says_of_a_lost_account_decides_its_state(
    office: Office, world: World, code: int, words: str, becomes: str
) -> None:
    await office.browse(BOB, ALICE)
    world.faults.set(Fault("error", "users.getFullUser", code=code, message=words))
    assert (await office.failed(BOB, ALICE, LOOK)).code == ErrorCode.ACCOUNT_UNAVAILABLE
    assert await state(office, BOB) == becomes
    assert changes(await office.told()) == [("ready", becomes)]
    assert (await office.failed(BOB, ALICE, LOOK)).code == ErrorCode.ACCOUNT_UNAVAILABLE, "without asking again"


async def test_operators_hear_and_the_log_says_once_that_an_account_is_lost_and_once_that_it_is_back(
    office: Office, site: BridgeSite, world: World
) -> None:
    await office.browse(BOB, ALICE)
    world.end_sessions(BOB)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            assert (await office.failed(BOB, ALICE, LOOK)).code == ErrorCode.ACCOUNT_UNAVAILABLE
        await office.attend(BOB)
        assert changes(await office.told()) == [("ready", "logged_out")]
        await site.log_in(world.people[BOB], operator_ids=OPERATORS)
        for _ in range(2):
            await office.handle(BOB, ALICE, LOOK)
        assert changes(await office.told()) == [("logged_out", "ready")]
    said = [one["event"] for one in logs if one["event"] in ("account.lost", "account.back")]
    assert said == ["account.lost", "account.back"]


async def test_an_account_that_is_removed_and_logged_in_again_was_not_lost(office: Office, site: BridgeSite) -> None:
    async with office.store.begin() as session:
        await session.execute(update(tables.Account).values(state="removed", session=b""))
    await site.log_in(site.server.world.people[BOB], operator_ids=OPERATORS)
    assert await office.told() == []


async def test_a_loss_is_noticed_though_nobody_asks_for_anything(office: Office, world: World) -> None:
    await office.attend(BOB)
    world.end_sessions(BOB)
    office.site.clock.move(minutes=15)
    await office.attend(BOB)
    assert changes(await office.told()) == [("ready", "logged_out")]


# -- frozen --------------------------------------------------------------------------------------------------------


async def test_a_frozen_account_reads_on_refuses_to_act_and_heals_by_itself(office: Office, world: World) -> None:
    bob, news = world.people[BOB], await office.balance(ALICE, "News")
    await office.browse(BOB, ALICE)
    await office.attend(BOB)
    standing.freeze(world, bob)
    for _ in range(2):
        assert (await office.failed(BOB, ALICE, joining(news, QUIZ))).code == ErrorCode.FROZEN
    assert changes(await office.told()) == [("ready", "frozen")]
    assert (await office.failed(BOB, ALICE, ShowAffiliation(balance_id=news, bot_id=BotId(QUIZ)))).code == (
        ErrorCode.NOT_JOINED
    ), "it is asked as ever"
    office.site.clock.move(hours=1)
    await office.attend(BOB)
    assert await office.told() == [], "it is frozen still"
    standing.thaw(bob)
    office.site.clock.move(hours=1)
    await office.attend(BOB)
    assert changes(await office.told()) == [("frozen", "ready")]
    await office.done(BOB, ALICE, joining(news, QUIZ))


async def test_a_freeze_is_noticed_within_a_day_though_nobody_acts(office: Office, world: World) -> None:
    await office.attend(BOB)
    standing.freeze(world, world.people[BOB])
    office.site.clock.move(hours=23)
    await office.attend(BOB)
    assert await state(office, BOB) == "ready"
    office.site.clock.move(hours=1)
    await office.attend(BOB)
    assert changes(await office.told()) == [("ready", "frozen")]


async def test_a_log_in_thaws_nothing(office: Office, site: BridgeSite, world: World) -> None:
    standing.freeze(world, world.people[BOB])
    await office.attend(BOB)
    async with office.store.begin() as session:  # its key was lost: else it is logged in well enough
        await session.execute(update(tables.Account).values(session=b"sealed with another key"))
    await site.log_in(world.people[BOB], operator_ids=OPERATORS)
    assert await state(office, BOB) == "frozen"
    assert changes(await office.told()) == [("ready", "frozen")]


async def test_once_a_day_telegram_is_asked_what_an_account_may_do(office: Office, world: World) -> None:
    world.people[BOB].premium, world.people[BOB].may_connect = True, False
    await office.attend(BOB)
    async with office.store.begin() as session:
        row = await accounts.row(session, BOB)  # type: ignore[arg-type] # an id
        assert row is not None
        assert (row.premium, row.may_connect, row.checked_at) == (True, False, office.site.clock.now())


# -- banned --------------------------------------------------------------------------------------------------------


async def test_the_managers_of_a_banned_accounts_channel_are_told_once_and_how_each_link_is(
    server: MTProtoServer, world: World
) -> None:
    async with bridge_site(server, CAROL, BOB) as site, office_at(site, Rules(operators=OPERATORS)) as office:
        news = await office.balance(ALICE, "News")
        await office.browse(BOB, ALICE)
        for bot in (QUIZ, CHESS):
            await office.done(BOB, ALICE, joining(news, bot))
        await office.attend(BOB)
        await office.attend(CAROL)
        assert await office.told() == []
        standing.deactivate(world, world.people[BOB], "banned")
        dead = next(one for one in world.links if one.bot_id == CHESS)
        links.edit(world, ALICE, NEWS, dead.url, revoked=True)
        assert (await office.failed(BOB, ALICE, LOOK)).code == ErrorCode.ACCOUNT_UNAVAILABLE
        assert changes(await office.told()) == [("ready", "banned")]
        await office.attend(BOB)
        assert await office.told() == [], "that is for the desk to do"
        await office.attend(CAROL)
        await office.attend(CAROL)
        (event,) = await office.told()
        assert {one.person_id for one in event.hearers} == {ALICE, BOB}, "who may post, the account's owner as well"
        assert isinstance(event.what, AccountGone)
        assert (event.what.balance.title, event.what.account_name) == ("News", "Bob")
        assert {one.bot_title: one.alive for one in event.what.links} == {"Quiz": True, "Chess": False}
        async with office.store.begin() as session:
            balance = await session.get(tables.Balance, news)
            assert balance is not None
            assert balance.health == "account_lost"


async def test_without_another_account_the_managers_are_told_all_the_same(office: Office, world: World) -> None:
    news = await office.balance(ALICE, "News")
    await office.browse(BOB, ALICE)
    await office.done(BOB, ALICE, joining(news, QUIZ))
    standing.deactivate(world, world.people[BOB], "deleted")
    await office.attend(BOB)
    await office.attend(BOB)
    lost, gone = await office.told()
    assert changes([lost]) == [("ready", "banned")]
    assert isinstance(gone.what, AccountGone)
    assert [one.alive for one in gone.what.links] == [None], "it cannot be asked"


@pytest.fixture
async def bereft(server: MTProtoServer, world: World) -> AsyncIterator[Office]:
    """News has two links; the account that served it was banned just now. Carol's lane is the desk."""
    async with bridge_site(server, CAROL, BOB) as site, office_at(site) as office:
        news = await office.balance(ALICE, "News")
        await office.browse(BOB, ALICE)
        for bot in (QUIZ, CHESS):
            await office.done(BOB, ALICE, joining(news, bot))
        standing.deactivate(world, world.people[BOB], "banned")
        await office.failed(BOB, ALICE, LOOK)
        yield office


async def links_told(office: Office) -> list[bool | None]:
    (event,) = await office.told()
    assert isinstance(event.what, AccountGone)
    return [one.alive for one in event.what.links]


async def test_checking_the_links_of_lost_channels_takes_no_more_than_one_persons_share_and_waits_for_it(
    bereft: Office, server: MTProtoServer
) -> None:
    while bereft.actions._shared.resolves.take(0) is None:
        pass
    before = server.calls["contacts.resolveUsername"]
    for link in range(2):
        await bereft.attend(CAROL)
        assert await bereft.told() == [], "not before all links were looked at"
        assert server.calls["contacts.resolveUsername"] == before + link
        bereft.site.clock.move(seconds=20)
    await bereft.attend(CAROL)
    assert await links_told(bereft) == [True, True]
    assert server.calls["contacts.resolveUsername"] == before + 2


async def test_managers_of_a_lost_channel_are_told_after_some_hours_whatever_could_be_seen(bereft: Office) -> None:
    for hours in (6, 0):
        while bereft.actions._shared.resolves.take(0) is None:
            pass
        await bereft.attend(CAROL)
        bereft.site.clock.move(hours=hours)
    assert await links_told(bereft) == [None, None]


async def test_a_desk_whose_session_cannot_be_opened_tells_of_lost_channels_all_the_same(bereft: Office) -> None:
    await bereft.pool.let_go(AccountId(CAROL))
    bereft.pool._keys = KeyRing([Fernet.generate_key()])
    await bereft.attend(CAROL)
    assert await links_told(bereft) == [None, None]
