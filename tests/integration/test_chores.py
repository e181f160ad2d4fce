"""What is done for channels unasked: their health, who may post, whether they are used at all."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mtproto_bridge.actions import chores
from mtproto_bridge.actions.context import Rules
from mtproto_bridge.actions.dispatch import CONNECTS_AT_ONCE
from mtproto_bridge.protocol.events import Acted, ChannelIdle, ChannelReleased, Event, HealthChanged
from mtproto_bridge.protocol.ids import BalanceId
from mtproto_bridge.store import tables
from mtproto_bridge.telegram.hearing import DIFFERENCE_EVERY
from mtproto_bridge.telegram.telethon_gateway import TelethonGateway
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World, channels, links
from sandbox.world import accounts as standing
from sandbox.world.faults import Fault
from sandbox.world.model import AdminRight
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.integration.pool_fixtures import Office, joining, office_at, revoking
from tests.sandbox_fixtures import ALICE, BOB, CAROL, NEWS, QUIZ

ADMINS = "channels.getParticipants"
POST: frozenset[AdminRight] = frozenset({"post_messages"})
NONE: frozenset[AdminRight] = frozenset()


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    """Bob's account serves News; Alice, who created it, and Bob manage it."""
    async with bridge_site(server, BOB) as made:
        yield made


@pytest.fixture
async def office(site: BridgeSite) -> AsyncIterator[Office]:
    async with office_at(site, Rules(operators=frozenset({9001}))) as made:
        yield made


@pytest.fixture
async def looked_at(office: Office) -> Office:
    """Everything was looked at just now, and was well."""
    await office.attend(BOB)
    assert await office.told() == []
    return office


def health_changes(events: list[Event]) -> list[tuple[str, str, str]]:
    changed = [one.what for one in events]
    return [(one.balance.title, one.before, one.health) for one in changed if isinstance(one, HealthChanged)]


async def news_of(office: Office) -> tables.Balance:
    async with office.store.begin() as session:
        found = await session.scalar(select(tables.Balance).where(tables.Balance.peer_id == NEWS))
    assert found is not None
    return found


async def change(office: Office, **values: Any) -> None:
    async with office.store.begin() as session:
        await session.execute(update(tables.Balance).where(tables.Balance.peer_id == NEWS).values(**values))


# -- when ----------------------------------------------------------------------------------------------------------


async def test_an_account_with_nothing_due_is_not_connected(looked_at: Office, server: MTProtoServer) -> None:
    await looked_at.pool.let_go(BOB)  # type: ignore[arg-type] # an id
    before = server.calls.copy()
    looked_at.site.clock.move(hours=23)
    assert await looked_at.attend(BOB) == 0
    assert server.calls == before


async def test_accounts_are_not_connected_all_at_once(office: Office, server: MTProtoServer) -> None:
    for _ in range(CONNECTS_AT_ONCE):
        assert office.actions._connects.take(0) is None  # as many others just were
    connected = server.calls["help.getConfig"]
    assert await office.attend(BOB) == 0
    assert server.calls["help.getConfig"] == connected
    office.site.clock.move(seconds=2)
    assert await office.attend(BOB) == 2, "its standing, and the channel"


async def test_an_account_that_is_connected_anyway_need_not_wait_for_that(office: Office) -> None:
    await office.browse(BOB, ALICE)
    while office.actions._connects.take(0) is None:
        pass
    assert await office.attend(BOB) == 2


async def test_a_flood_of_one_call_holds_up_no_other_chore(office: Office, world: World) -> None:
    world.faults.set(Fault("flood_wait", "help.getAppConfig", seconds=300))
    await office.attend(BOB)
    assert (await news_of(office)).health_at == office.site.clock.now()
    async with office.store.begin() as session:
        assert await session.scalar(select(tables.Account.checked_at)) is None, "that is due still"


# -- health --------------------------------------------------------------------------------------------------------


async def test_managers_hear_once_that_a_right_was_lost_and_once_that_it_is_back(
    looked_at: Office, world: World
) -> None:
    office = looked_at
    for rights, said in ((NONE, ("ok", "rights_missing")), (POST, ("rights_missing", "ok"))):
        world.set_admin(NEWS, BOB, rights)
        for _ in range(2):
            office.site.clock.move(days=1)
            await office.attend(BOB)
        (event,) = await office.told()
        assert health_changes([event]) == [("News", *said)]
        assert {one.person_id for one in event.hearers} == {ALICE, BOB}


async def test_a_channel_that_put_the_account_out_is_unreachable(looked_at: Office, world: World) -> None:
    channels.remove(world, ALICE, world.channels[NEWS], BOB)
    looked_at.site.clock.move(days=1)
    await looked_at.attend(BOB)
    assert health_changes(await looked_at.told()) == [("News", "ok", "unreachable")]


async def test_what_telegram_refuses_for_one_channel_is_put_off_and_changes_nothing(
    looked_at: Office, world: World, server: MTProtoServer
) -> None:
    looked_at.site.clock.move(days=1)
    world.faults.set(Fault("error", ADMINS, message="SOMETHING_NEW"))
    before = server.calls[ADMINS]
    await looked_at.attend(BOB)
    assert server.calls[ADMINS] == before + 1
    assert await looked_at.told() == []
    assert (await news_of(looked_at)).health == "ok"


async def test_who_may_post_no_more_hears_nothing_more(looked_at: Office, world: World) -> None:
    world.set_admin(NEWS, CAROL, {"post_messages"})
    await change(looked_at, health_at=None)
    await looked_at.attend(BOB)
    async with looked_at.store.begin() as session:
        session.add(tables.Manager(balance_id=(await news_of(looked_at)).id, person_id=CAROL, allowed=True))
    for rights, hearers in ((POST, {ALICE, BOB, CAROL}), (NONE, {ALICE, BOB})):
        world.set_admin(NEWS, CAROL, rights)
        for own in (POST, NONE):
            world.set_admin(NEWS, BOB, own)
            await change(looked_at, health_at=None)
            await looked_at.attend(BOB)
        assert {one.person_id for one in (await looked_at.told())[-1].hearers} == hearers


# -- hearing of it -------------------------------------------------------------------------------------------------


async def test_a_connected_account_is_told_at_once_and_so_are_the_managers(looked_at: Office, world: World) -> None:
    await looked_at.attend(BOB)  # from here on its updates are followed
    world.set_admin(NEWS, BOB, {"edit_messages"})
    await looked_at.browse(BOB, ALICE)  # what was pushed before an answer has been heard when that comes
    await looked_at.attend(BOB)
    assert health_changes(await looked_at.told()) == [("News", "ok", "rights_missing")]


async def test_what_happened_while_nobody_was_connected_is_caught_up_on_by_the_next(
    looked_at: Office, world: World, server: MTProtoServer
) -> None:
    await looked_at.attend(BOB)
    await looked_at.pool.let_go(BOB)  # type: ignore[arg-type] # an id
    world.set_admin(NEWS, BOB, {"edit_messages"})
    async with office_at(looked_at.site) as next_one:
        before = server.calls.copy()
        await next_one.browse(BOB, ALICE)
        assert (server.calls - before)["updates.getDifference"] == 0, "connecting is one call"
        await next_one.attend(BOB)
        assert health_changes(await next_one.told()) == [("News", "ok", "rights_missing")]


async def test_the_difference_is_asked_once_a_connection_and_every_quarter_of_an_hour(
    looked_at: Office, server: MTProtoServer
) -> None:
    await looked_at.attend(BOB)
    for past, asked in ((timedelta(0), 0), (timedelta(minutes=14), 0), (timedelta(minutes=1), 1)):
        before = server.calls["updates.getDifference"]
        looked_at.site.clock.move(seconds=past.total_seconds())
        await looked_at.attend(BOB)
        assert server.calls["updates.getDifference"] == before + asked


@pytest.mark.parametrize(
    ("code", "words", "looked_at_again"),
    [(400, "PERSISTENT_TIMESTAMP_INVALID", 1), (500, "PERSISTENT_TIMESTAMP_OUTDATED", 0)],
)
async def test_only_after_a_state_that_telegram_does_not_know_every_channel_is_looked_at(
    looked_at: Office, world: World, server: MTProtoServer, code: int, words: str, looked_at_again: int
) -> None:
    """The other is a fault of Telegram's own, which passes; nothing was missed for good."""
    await looked_at.attend(BOB)
    looked_at.site.clock.move(seconds=DIFFERENCE_EVERY.total_seconds())
    world.faults.set(Fault("error", "updates.getDifference", code=code, message=words))
    before = server.calls[ADMINS]
    await looked_at.attend(BOB)
    assert server.calls[ADMINS] == before + looked_at_again


# -- channels that nobody uses -------------------------------------------------------------------------------------


async def test_a_channel_without_a_live_link_for_long_is_released_after_a_notice(
    looked_at: Office, world: World
) -> None:
    office, start = looked_at, looked_at.site.clock.now()
    await change(office, registered_by=ALICE, used_at=start)
    office.site.clock.move(days=89)
    await office.attend(BOB)
    assert await office.told() == []
    office.site.clock.move(days=1)
    for _ in range(2):
        await office.attend(BOB)
    (event,) = await office.told()
    assert isinstance(event.what, ChannelIdle)
    assert event.what.release_at == office.site.clock.now() + chores.NOTICE
    office.site.clock.move(days=6)
    await office.attend(BOB)
    assert await office.told() == []
    office.site.clock.move(days=1)
    await office.attend(BOB)
    (event,) = await office.told()
    assert isinstance(event.what, ChannelReleased)
    assert {one.person_id for one in event.hearers} == {ALICE, BOB}
    assert not world.channels[NEWS].is_member(BOB)
    async with office.store.begin() as session:
        assert await session.scalar(select(tables.Balance).where(tables.Balance.peer_id == NEWS)) is None


async def test_what_the_operator_handed_over_is_never_released(looked_at: Office) -> None:
    await change(looked_at, used_at=looked_at.site.clock.now())
    looked_at.site.clock.move(days=400)
    await looked_at.attend(BOB)
    assert await looked_at.told() == []


async def test_a_live_link_keeps_a_channel_and_a_new_one_saves_it(looked_at: Office) -> None:
    office = looked_at
    await change(office, registered_by=ALICE, used_at=office.site.clock.now())
    await office.browse(BOB, ALICE)
    news = BalanceId((await news_of(office)).id)
    link = await office.done(BOB, ALICE, joining(news, QUIZ))
    office.site.clock.move(days=100)
    await office.attend(BOB)
    assert (await news_of(office)).used_at == office.site.clock.now()
    await office.done(BOB, ALICE, revoking(link))
    office.site.clock.move(days=90)
    await office.attend(BOB)
    assert [type(one.what) for one in await office.told() if not isinstance(one.what, Acted)] == [ChannelIdle]
    await office.done(BOB, ALICE, joining(news, QUIZ))
    office.site.clock.move(days=7)
    await office.attend(BOB)
    kept = await news_of(office)
    assert (kept.idle_told_at, kept.used_at) == (None, office.site.clock.now())
    assert {type(one.what) for one in await office.told()} <= {Acted}


async def test_a_link_that_was_made_elsewhere_counts(looked_at: Office, world: World) -> None:
    """The channel's owner made it in Telegram itself; the store knows nothing of it."""
    await change(looked_at, registered_by=ALICE, used_at=looked_at.site.clock.now() - chores.UNUSED)
    links.connect(world, ALICE, NEWS, QUIZ)
    await looked_at.attend(BOB)
    assert await looked_at.told() == []
    assert (await news_of(looked_at)).used_at == looked_at.site.clock.now()


async def test_a_frozen_account_releases_nothing(looked_at: Office, world: World) -> None:
    await change(looked_at, registered_by=ALICE, used_at=looked_at.site.clock.now() - chores.UNUSED)
    standing.freeze(world, world.people[BOB])
    looked_at.site.clock.move(days=1)
    await looked_at.attend(BOB)
    assert [one.what.kind for one in await looked_at.told()] == ["account_changed"]


async def test_a_channel_that_was_left_already_is_released_all_the_same(looked_at: Office, world: World) -> None:
    told = looked_at.site.clock.now() - chores.NOTICE
    await change(looked_at, registered_by=ALICE, used_at=told - chores.UNUSED, idle_told_at=told)
    channels.leave(world, BOB, world.channels[NEWS])
    await looked_at.attend(BOB)
    assert [one.what.kind for one in await looked_at.told()] == ["health_changed", "channel_released"]


@pytest.mark.parametrize("meanwhile", ["moves", "is_used"])
async def test_a_channel_that_moves_or_is_used_while_the_account_leaves_is_kept(
    looked_at: Office, site: BridgeSite, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    office = looked_at
    await site.log_in(site.server.world.people[CAROL])
    told = office.site.clock.now() - chores.NOTICE
    await change(office, registered_by=ALICE, used_at=told - chores.UNUSED, idle_told_at=told)
    await office.browse(BOB, ALICE)
    news, leave = BalanceId((await news_of(office)).id), TelethonGateway.leave_channel

    async def leave_channel(gateway: TelethonGateway, channel_id: int) -> None:
        if meanwhile == "moves":
            await change(office, account_id=CAROL)
        else:
            await office.done(BOB, ALICE, joining(news, QUIZ))
        await leave(gateway, channel_id)

    monkeypatch.setattr(TelethonGateway, "leave_channel", leave_channel)
    await office.attend(BOB)
    assert (await news_of(office)).id == news
    assert not [one for one in await office.told() if isinstance(one.what, ChannelReleased)]


# -- the index -----------------------------------------------------------------------------------------------------


async def test_of_two_who_find_the_index_old_one_reads_it(looked_at: Office, server: MTProtoServer) -> None:
    read = "payments.getSuggestedStarRefBots"
    await looked_at.browse(BOB, ALICE)
    once = server.calls[read]
    looked_at.site.clock.move(minutes=11)
    await asyncio.gather(looked_at.attend(BOB), looked_at.attend(BOB))
    assert server.calls[read] == 2 * once
