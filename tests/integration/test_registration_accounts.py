"""Which account takes a channel, and who takes over when one cannot: two accounts on the bridge."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from mtproto_bridge.protocol import ErrorCode
from mtproto_bridge.protocol.events import Acted, HealthChanged
from mtproto_bridge.protocol.ids import AccountId, BalanceId, BotId
from mtproto_bridge.store import accounts, balances, registrations, tables
from sandbox.serve import Sandbox
from sandbox.world import accounts as world_accounts
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.registration_fixtures import (
    DORA,
    FINDS,
    PATIENCE,
    VERA,
    Desk,
    asks,
    channel,
    desk,
    lane_of,
    refusal,
    sandbox_of_people,
    stored,
)
from tests.sandbox_fixtures import BOB, CAROL, NEWS, PLAZA, QUIZ

OPEN = {"registration": "open", "lease_seconds": 1.0}
OWNER, HELPER = asks(VERA, "Vera"), asks(DORA, "Dora")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Each of the two accounts may post in one channel, so they have as much room."""
    async with sandbox_of_people() as running:
        yield running
    assert not running.crashes
    assert not running.unimplemented


@pytest.fixture
async def site(sandbox: Sandbox) -> AsyncIterator[BridgeSite]:
    async with bridge_site(sandbox.mtproto, BOB, CAROL) as made:
        yield made


@pytest.fixture
async def starling(site: BridgeSite, sandbox: Sandbox) -> AsyncIterator[Desk]:
    async with site.bridge(**OPEN), desk(site, sandbox) as made:
        yield made


async def account_of(starling: Desk, balance: BalanceId) -> int:
    return (await starling.bridge.show_channel(OWNER, balance)).channel.account.id


# -- the order ----------------------------------------------------------------------------------------------------


async def test_the_account_with_most_room_takes_the_channel(starling: Desk, sandbox: Sandbox) -> None:
    sandbox.world.add(channel("Finds 1", FINDS + 1), channel("Finds 2", FINDS + 2))
    taken = [await starling.start(OWNER, FINDS + number) for number in range(3)]
    assert [one.account and one.account.id for one in taken] == [BOB, CAROL, BOB]


async def test_premium_means_more_room(starling: Desk, site: BridgeSite) -> None:
    async with stored(site) as session:
        await accounts.note_allowed(session, AccountId(CAROL), premium=True, may_connect=None, at=site.clock.now())
    at = await starling.start(OWNER)
    assert at.account
    assert at.account.id == CAROL


async def test_an_account_that_may_not_connect_is_the_last_resort(starling: Desk, site: BridgeSite) -> None:
    async with stored(site) as session:
        for account in (BOB, CAROL):
            await accounts.note_allowed(
                session, AccountId(account), premium=account == BOB, may_connect=account == CAROL, at=site.clock.now()
            )
    first = await starling.start(OWNER)
    assert first.account
    assert first.account.id == CAROL
    async with stored(site) as session:
        await accounts.note_full(session, AccountId(CAROL), site.clock.now())
    again = await starling.resume(OWNER, first)
    assert again.account
    assert again.account.id == BOB
    balance = await starling.register(OWNER)
    await starling.bridge.browse_programs(OWNER, page=0, size=6)
    refused = await refusal(starling.bridge.join(OWNER, balance, BotId(QUIZ), site.nonce()))
    assert (refused.code, refused.balance_title) == (ErrorCode.CONNECT_NOT_ALLOWED, "Finds")


async def test_what_an_account_may_is_known_from_its_log_in_on(sandbox: Sandbox) -> None:
    sandbox.world.people[BOB].premium, sandbox.world.people[BOB].may_connect = True, False
    async with bridge_site(sandbox.mtproto, BOB) as site, stored(site) as session:
        row = await accounts.row(session, AccountId(BOB))
        assert row
        assert (row.premium, row.may_connect) == (True, False)
        assert row.checked_at is None, "the bridge's first chore asks again"


# -- taking over --------------------------------------------------------------------------------------------------


async def test_another_account_takes_over_from_one_in_too_many_channels(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    sandbox.world.people[BOB].channels_limit = 1
    at = await starling.start(OWNER)
    assert at.account
    assert at.account.id == BOB
    came = (await starling.come_in(OWNER, at)).registration
    assert (came.state, came.account and came.account.id) == ("joined", CAROL)
    assert await starling.register(OWNER)
    sandbox.world.add(channel("Finds 1", FINDS + 1))
    site.clock.move(hours=23)
    following = await starling.start(OWNER, FINDS + 1)
    assert following.account
    assert following.account.id == CAROL, "for a day the full one is not tried again"
    site.clock.move(hours=2)
    assert [one.account for one in await _rooms(site)] == [BOB, CAROL]


async def _rooms(site: BridgeSite) -> list[registrations.Room]:
    async with stored(site) as session:
        return await registrations.rooms(session, site.clock.now())


async def test_without_any_room_the_registration_waits_for_better_times(starling: Desk, sandbox: Sandbox) -> None:
    for account in (BOB, CAROL):
        sandbox.world.people[account].channels_limit = 1
    at = await starling.start(OWNER)
    assert (await refusal(starling.come_in(OWNER, at))).code == ErrorCode.NO_CAPACITY
    assert (await refusal(starling.start(OWNER))).code == ErrorCode.NO_CAPACITY
    listed = await starling.bridge.list_channels(OWNER)
    assert [one.state for one in listed.registrations] == ["picked"]


async def test_another_account_takes_over_from_a_frozen_one(starling: Desk, sandbox: Sandbox) -> None:
    at = await starling.start(OWNER)
    world_accounts.freeze(sandbox.world, sandbox.world.people[BOB])
    came = (await starling.come_in(OWNER, at)).registration
    assert (came.state, came.account and came.account.id) == ("joined", CAROL)
    sandbox.world.add(channel("Finds 1", FINDS + 1))
    following = await starling.start(OWNER, FINDS + 1)
    assert following.account
    assert following.account.id == CAROL


async def test_another_account_takes_over_from_one_that_is_logged_out_on_the_way(
    starling: Desk, sandbox: Sandbox
) -> None:
    at = (await starling.come_in(OWNER, await starling.start(OWNER))).registration
    sandbox.world.end_sessions(BOB)
    at = (await starling.bridge.advance_registration(OWNER, at)).registration
    assert (at.state, at.account and at.account.id) == ("picked", CAROL)
    balance = await starling.register(OWNER)
    assert await account_of(starling, balance) == CAROL


async def test_a_lost_accounts_channel_is_registered_again_on_another_and_keeps_its_links(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    bridge = starling.bridge
    balance = await starling.register(OWNER)
    await starling.register(HELPER)
    await bridge.browse_programs(OWNER, page=0, size=6)
    link = (await bridge.join(OWNER, balance, BotId(QUIZ), site.nonce())).affiliation
    sandbox.world.end_sessions(BOB)
    assert (await refusal(bridge.show_affiliation(OWNER, balance, BotId(QUIZ)))).code == ErrorCode.ACCOUNT_UNAVAILABLE
    (lost,) = (await bridge.list_channels(OWNER)).channels
    assert (lost.balance.id, lost.health, lost.account.id, lost.links) == (balance, "account_lost", BOB, 1)
    assert (await bridge.show_channel(OWNER, balance)).channel.health == "account_lost"
    at = await starling.start(OWNER)
    assert (at.state, at.account and at.account.id) == ("picked", CAROL)
    assert await starling.register(OWNER) == balance
    shown = (await bridge.show_affiliation(OWNER, balance, BotId(QUIZ))).affiliation
    assert (shown.id, shown.url, shown.revoked) == (link.id, link.url, False)
    assert await account_of(starling, balance) == CAROL
    came = [one.what.person_id for one in await starling.told(Acted, 2) if one.what.action == "register"]  # type: ignore[union-attr]
    assert came == [DORA], "Vera managed it before: nobody is told of her again"


async def test_a_lost_accounts_channel_that_was_called_lost_is_well_again_and_the_others_are_told(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    balance = await starling.register(OWNER)
    sandbox.world.set_admin(FINDS, DORA, {"post_messages"})
    await starling.register(HELPER)
    sandbox.world.end_sessions(BOB)
    async with stored(site) as session:  # as the daily look notes it
        await session.execute(update(tables.Balance).where(tables.Balance.id == balance).values(health="account_lost"))
        await accounts.set_state(session, AccountId(BOB), before="ready", after="logged_out")
    await starling.register(OWNER)
    (event,) = await starling.told(HealthChanged)
    assert isinstance(event.what, HealthChanged)
    assert (event.what.before, event.what.health, event.what.account_name) == ("account_lost", "ok", "Carol")
    assert [one.person_id for one in event.hearers] == [DORA], "who mends it sees that it is done"


# -- removing what a lost account served --------------------------------------------------------------------------


async def test_a_lost_accounts_channel_can_be_removed_but_its_links_not_revoked(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    bridge = starling.bridge
    balance = await starling.register(OWNER)
    await bridge.browse_programs(OWNER, page=0, size=6)
    await bridge.join(OWNER, balance, BotId(QUIZ), site.nonce())
    sandbox.world.end_sessions(BOB)
    remove = bridge.remove_channel
    refused = await refusal(remove(OWNER, balance, site.nonce(), revoke_links=True))
    assert refused.code == ErrorCode.ACCOUNT_UNAVAILABLE
    assert (await refusal(remove(HELPER, balance, site.nonce(), revoke_links=False))).code == ErrorCode.NOT_A_MANAGER
    removed = await remove(OWNER, balance, site.nonce(), revoke_links=False)
    assert (removed.title, removed.revoked, removed.left_earning) == ("Finds", 0, 1)
    assert (await bridge.list_channels(OWNER)).channels == []


# -- several bridges ----------------------------------------------------------------------------------------------


async def test_two_bridges_register_side_by_side_and_share_the_accounts(site: BridgeSite, sandbox: Sandbox) -> None:
    sandbox.world.add(channel("Finds 1", FINDS + 1))
    async with (
        site.bridge(bridge_name="bridge-1", **OPEN) as first,
        site.bridge(bridge_name="bridge-2", **OPEN) as second,
        desk(site, sandbox) as starling,
    ):
        async with asyncio.timeout(PATIENCE):
            while not (len(first.owner.accounts) == len(second.owner.accounts) == 1):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        made = [await starling.register(OWNER), await starling.register(OWNER, FINDS + 1, "Finds 1")]
        assert {await account_of(starling, one) for one in made} == {BOB, CAROL}
        connected = [one.authorization for one in sandbox.mtproto.connections]
        assert sorted(one.account_id for one in connected if one and one.account_id) == [BOB, CAROL]


async def test_the_routes_in_the_queue_follow_the_store(starling: Desk, site: BridgeSite) -> None:
    balance = await starling.register(OWNER)
    async with asyncio.timeout(PATIENCE):
        while await lane_of(starling.bridge, balance) is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
    await starling.bridge.remove_channel(OWNER, balance, site.nonce(), revoke_links=False)
    async with asyncio.timeout(PATIENCE):
        while await lane_of(starling.bridge, balance) is not None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
    async with stored(site) as session:
        kept = await balances.routes(session)
    known = await starling.bridge._server.hash_all(starling.bridge._keys.routes())
    assert known == {str(one): str(account) for one, account in kept.items()}
    assert len(kept) == 6, "two accounts, their bots and a channel each"


def test_the_two_accounts_begin_alike() -> None:
    """Or the order above would prove nothing."""
    world = sandbox_of_people().world
    posting = {
        one: [c.id for c in world.channels.values() if c.has_right(one, "post_messages")] for one in (BOB, CAROL)
    }
    assert posting == {BOB: [NEWS], CAROL: [PLAZA]}
