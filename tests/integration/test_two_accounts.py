"""Several accounts on one bridge, and several bridges for one account."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mtproto_bridge.app import Bridge
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import BalanceId, BotId
from mtproto_bridge.removal import remove
from mtproto_bridge.store import tables
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Channel, World, accounts
from tests.bridge_fixtures import LEASE_SECONDS, BridgeSite, ScriptedConsole, bridge_site, caller, served
from tests.sandbox_fixtures import ALICE, BOB, CHESS, QUIZ, START, small_world

PATIENCE = 20
GARDEN = 80003
"""Alice's own channel: Bob is not in it."""
OWNER = caller(ALICE)
LONG = {"lease_seconds": 60}
"""The keeper writes desk and routes anew every third of it: not during a test."""


@pytest.fixture
def world() -> World:
    """Alice's account serves Garden, Bob's, logged in first, serves News."""
    made = small_world()
    made.add(Channel(GARDEN, "Garden", ALICE, created=START - timedelta(days=2)))
    return made


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    async with bridge_site(server, BOB, ALICE) as made:
        yield made


@pytest.fixture
async def bridge(site: BridgeSite) -> AsyncIterator[Bridge]:
    async with site.bridge(**LONG) as serving:
        yield serving


@pytest.fixture
async def client(site: BridgeSite, bridge: Bridge) -> AsyncIterator[BridgeClient]:
    del bridge
    async with site.client() as made:
        await ready(made)
        yield made


async def ready(client: BridgeClient) -> None:
    await served(client)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - what changes it runs in this loop
            await asyncio.sleep(0.01)


async def channel(client: BridgeClient, title: str) -> BalanceId:
    return next(one.id for one in (await client.list_balances(OWNER)).balances if one.title == title)


async def refusal(call: Awaitable[object]) -> ErrorCode:
    with pytest.raises(BridgeError) as caught:
        await call
    return caught.value.code


def connections_of(server: MTProtoServer, account: int) -> int:
    found = (one.authorization for one in server.connections)
    return sum(1 for one in found if one and one.account_id == account)


# -- several accounts --------------------------------------------------------------------------------------------


async def test_a_program_the_desk_found_is_joined_by_an_account_that_never_met_its_bot(
    client: BridgeClient, site: BridgeSite, bridge: Bridge, server: MTProtoServer
) -> None:
    found = (await client.show_program(OWNER, username="quiz_bot")).program
    resolved = server.calls["contacts.resolveUsername"]
    joined = await client.join(OWNER, await channel(client, "News"), found.bot_id, site.nonce())
    assert joined.changed
    assert server.calls["contacts.resolveUsername"] == resolved + 1, "the second account had to meet it"
    async with bridge.store.begin() as session:
        rows = await session.execute(select(tables.Peer).where(tables.Peer.peer_id == QUIZ))
        hashes = {row.account_id: row.access_hash for (row,) in rows}
    assert set(hashes) == {ALICE, BOB}
    assert hashes[ALICE] != hashes[BOB], "an access hash is good for one account"


async def test_a_persons_lists_cover_the_balances_of_every_account(client: BridgeClient, site: BridgeSite) -> None:
    balances = (await client.list_balances(OWNER)).balances
    assert [one.title for one in balances] == ["News", "Alice", "Garden", "Quiz"]
    await client.browse_programs(OWNER, page=0, size=6)
    for title, bot in (("News", QUIZ), ("Garden", CHESS)):
        await client.join(OWNER, await channel(client, title), BotId(bot), site.nonce())
    site.clock.move(seconds=61)
    found = await client.list_affiliations(OWNER, page=0, size=6)
    assert {(one.balance.title, one.bot_id) for one in found.affiliations} == {("News", QUIZ), ("Garden", CHESS)}
    assert (found.total, found.balances, found.stale_accounts) == (2, 4, [])


async def test_what_a_logged_out_account_serves_is_left_out_and_the_rest_is_shown(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    assert len((await client.list_balances(OWNER)).balances) == 4
    world.end_sessions(BOB)
    site.clock.move(seconds=61)
    shown = await client.list_balances(OWNER)
    assert [one.title for one in shown.balances] == ["Alice", "Garden", "Quiz"]
    assert shown.stale_accounts == [BOB], "so that the bot can say that something is missing"


async def test_a_balance_that_moved_is_served_by_its_new_account(
    client: BridgeClient, site: BridgeSite, bridge: Bridge, world: World
) -> None:
    await client.browse_programs(OWNER, page=0, size=6)
    news = await channel(client, "News")
    async with bridge.store.begin() as session:
        await session.execute(update(tables.Balance).where(tables.Balance.id == news).values(account_id=ALICE))
    accounts.freeze(world, world.people[BOB])  # what the old account would do would fail
    await client._server.hash_put(client._keys.routes(), {str(news): str(BOB)})
    assert (await client.join(OWNER, news, BotId(QUIZ), site.nonce())).changed
    assert client._routes == {news: ALICE}, "noted for the next time"


async def test_a_balance_whose_account_nobody_noted_is_found_through_the_desk(
    client: BridgeClient, site: BridgeSite
) -> None:
    await client.browse_programs(OWNER, page=0, size=6)
    news = await channel(client, "News")
    await client._server.ask("DEL", client._keys.routes())
    assert (await client.join(OWNER, news, BotId(QUIZ), site.nonce())).changed


@pytest.mark.alone
async def test_a_balance_whose_account_is_lost_is_served_again_once_another_account_has_it(
    site: BridgeSite, world: World
) -> None:
    async with site.bridge(lease_seconds=1), site.client() as client:
        await ready(client)
        await client.browse_programs(OWNER, page=0, size=6)
        news = await channel(client, "News")
        assert (await client.join(OWNER, news, BotId(QUIZ), site.nonce())).changed
        world.end_sessions(BOB)
        assert await refusal(client.show_affiliation(OWNER, news, BotId(QUIZ))) == ErrorCode.ACCOUNT_UNAVAILABLE
        assert await remove(site.settings(), ALICE, ScriptedConsole([]), yes=True, forget=False) == 0
        await site.log_in(world.people[ALICE])  # who may post there as well
        async with asyncio.timeout(PATIENCE):
            while await client._server.hash_get(client._keys.routes(), str(news)) != str(ALICE):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await client.show_affiliation(OWNER, news, BotId(QUIZ))).affiliation.url


@pytest.mark.alone
async def test_when_the_desks_account_is_logged_out_another_becomes_the_desk(site: BridgeSite, world: World) -> None:
    async with site.bridge(lease_seconds=1), site.client() as client:
        await ready(client)
        assert (await client.browse_programs(OWNER, page=0, size=6)).total == 2
        world.end_sessions(ALICE)
        assert await refusal(client.show_program(OWNER, username="chess_bot")) == ErrorCode.ACCOUNT_UNAVAILABLE
        async with asyncio.timeout(PATIENCE):
            while await client._desk() != BOB:  # noqa: ASYNC110 - its keeper runs in this loop
                await asyncio.sleep(0.05)
        assert (await client.show_program(OWNER, username="chess_bot")).program.bot_id == CHESS


@pytest.mark.alone
async def test_an_account_logged_in_while_the_bridge_runs_is_served_without_a_restart(server: MTProtoServer) -> None:
    async with bridge_site(server) as site, site.bridge(lease_seconds=1), site.client() as client:
        assert not await client.has_account()
        assert await refusal(client.list_balances(OWNER)) == ErrorCode.ACCOUNT_UNAVAILABLE
        await site.log_in(server.world.people[ALICE])
        async with asyncio.timeout(PATIENCE):
            while not await client.has_account():  # noqa: ASYNC110 - its keeper runs in this loop
                await asyncio.sleep(0.05)
        balances = (await client.list_balances(OWNER)).balances
        assert [one.title for one in balances] == ["Alice", "News", "Garden", "Quiz"]


# -- several bridges, one after the other and at once --------------------------------------------------------------


async def test_a_restarted_bridge_still_addresses_a_private_channel(site: BridgeSite, server: MTProtoServer) -> None:
    """The access hash is in the store: only listing all dialogs would bring it back."""
    async with site.bridge(**LONG), site.client() as client:
        await ready(client)
        await client.browse_programs(OWNER, page=0, size=6)
        news = await channel(client, "News")
        link = (await client.join(OWNER, news, BotId(QUIZ), site.nonce())).affiliation
    assert not server.connections, "a stopped bridge disconnects"
    listed, resolved = server.calls["messages.getDialogs"], server.calls["contacts.resolveUsername"]
    async with site.bridge(**LONG), site.client() as client:
        await ready(client)
        assert (await client.revoke(OWNER, news, link.id, site.nonce())).changed
        assert (await client.join(OWNER, news, BotId(QUIZ), site.nonce())).changed
    assert server.calls["messages.getDialogs"] == listed
    assert server.calls["contacts.resolveUsername"] == resolved


@pytest.mark.alone
async def test_two_bridges_never_connect_one_account_twice_and_the_second_takes_over(
    site: BridgeSite, server: MTProtoServer
) -> None:
    both = {ALICE, BOB}
    async with site.client() as client, AsyncExitStack() as stack:
        first = await stack.enter_async_context(site.bridge(bridge_name="bridge-1"))
        await until(lambda: first.owner.accounts == both)
        async with site.bridge(bridge_name="bridge-2") as second:
            await until(lambda: len(first.owner.accounts) == len(second.owner.accounts) == 1)
            news = await channel(client, "News")
            await client.browse_programs(OWNER, page=0, size=6)
            link = (await client.join(OWNER, news, BotId(QUIZ), site.nonce())).affiliation
            assert first.owner.accounts | second.owner.accounts == both
            assert connections_of(server, ALICE) <= 1
            assert connections_of(server, BOB) <= 1
            await stack.aclose()
            stopped = time.monotonic()
            assert (await client.revoke(OWNER, news, link.id, site.nonce())).changed
            assert (await client.browse_programs(OWNER, page=0, size=6)).total == 2
            assert time.monotonic() - stopped < LEASE_SECONDS
            assert second.owner.accounts == both
            assert (connections_of(server, ALICE), connections_of(server, BOB)) == (1, 1)
