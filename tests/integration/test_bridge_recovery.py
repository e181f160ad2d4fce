"""The bridge after things went wrong: found in review, each with its scenario."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.exceptions import ResponseError
from telethon.errors import AuthKeyNotFound

from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import AccountId, BalanceId, BotId
from mtproto_bridge.queue.redis import Entry
from mtproto_bridge.store import accounts
from mtproto_bridge.telegram.errors import translate
from mtproto_bridge.telegram.gateway import AccountLost
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, ScriptedConsole, bridge_site, caller, served
from tests.sandbox_fixtures import ALICE, BOB, QUIZ

OWNER, STRANGER = caller(ALICE), caller(424242)


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    async with bridge_site(server, BOB) as made:
        yield made


@pytest.fixture
async def client(site: BridgeSite) -> AsyncIterator[BridgeClient]:
    async with site.bridge(), site.client() as made:
        await served(made)
        yield made


async def channel_of(client: BridgeClient) -> BalanceId:
    await client.browse_programs(OWNER, page=0, size=6)
    (balance,) = (await client.list_balances(OWNER)).balances
    return balance.id


async def test_an_account_whose_connection_telethon_gave_up_is_connected_anew(
    site: BridgeSite, server: MTProtoServer
) -> None:
    async with site.bridge() as bridge, site.client() as client:
        await served(client)
        channel = await channel_of(client)
        pool = bridge.owner._handler._accounts  # type: ignore[attr-defined] # reaching for the dead connection
        gateway = await pool._clients[AccountId(BOB)].gateway()
        await gateway._client.disconnect()  # what Telethon's last failed reconnect leaves behind
        assert (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).changed
        assert len(server.connections) == 1


async def test_a_log_in_is_kept_when_its_channels_cannot_be_read(server: MTProtoServer, world: World) -> None:
    async with bridge_site(server) as site:
        world.faults.set(Fault("flood_wait", "messages.getDialogs", seconds=300))
        console: ScriptedConsole = await site.log_in(world.people[BOB])
        assert "could not be read now (wait 300 s)" in console.said[-2]
        async with site.bridge() as bridge, bridge.store.begin() as session:
            assert await accounts.all_accounts(session) == {BOB: True}


async def test_a_wrong_key_file_logs_nobody_out(site: BridgeSite) -> None:
    wrong = site.folder / "keys" / "wrong.key"
    wrong.write_bytes(b"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n")
    async with site.bridge(session_key_file=wrong) as bridge, site.client() as client:
        await served(client)
        with pytest.raises(BridgeError) as caught:
            await client.browse_programs(OWNER, page=0, size=6)
        assert caught.value.code == ErrorCode.ACCOUNT_UNAVAILABLE
        async with bridge.store.begin() as session:
            assert await accounts.all_accounts(session) == {BOB: True}
    async with site.bridge(), site.client() as client:
        assert (await client.browse_programs(OWNER, page=0, size=6)).total == 2


async def test_ending_an_old_session_after_a_new_log_in_leaves_the_account_alive(
    site: BridgeSite, world: World
) -> None:
    async with site.bridge(lease_seconds=60) as bridge, site.client() as client:
        await served(client)
        channel = await channel_of(client)
        world.end_sessions(BOB)
        async with bridge.store.begin() as session:
            await accounts.set_state(session, AccountId(BOB), before="ready", after="logged_out")  # by another bridge
        await site.log_in(world.people[BOB])  # before this one noticed that its old session is void
        with pytest.raises(BridgeError):
            await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
        assert (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).changed


def test_a_key_telegram_forgot_is_a_lost_account() -> None:
    assert isinstance(translate(AuthKeyNotFound()), AccountLost)


async def test_many_first_questions_at_once_are_all_answered(client: BridgeClient, server: MTProtoServer) -> None:
    asked = [client.browse_programs(caller(1_000 + n), page=0, size=6) for n in range(16)]
    assert {answer.total for answer in await asyncio.gather(*asked)} == {2}
    assert server.calls["payments.getSuggestedStarRefBots"] == 3, "one crawl of three orders serves all who wait for it"


async def test_nobody_is_told_they_have_nothing_because_telegram_could_not_be_asked(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    await channel_of(client)
    site.clock.move(seconds=61)
    world.faults.set(Fault("flood_wait", "channels.getParticipants", times=2, seconds=60))
    with pytest.raises(BridgeError) as caught:
        await client.list_affiliations(OWNER, page=0, size=6)
    assert caught.value.code == ErrorCode.FLOOD_WAIT
    assert (await client.list_affiliations(STRANGER, page=0, size=6)).balances == 0, "who has none is told so"


async def test_one_balance_in_trouble_does_not_hide_the_others(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    await channel_of(client)
    site.clock.move(seconds=61)
    world.faults.set(Fault("error", "channels.getParticipants", code=400, message="SOMETHING_NEW"))
    assert [one.kind for one in (await client.list_balances(caller(BOB))).balances] == ["account", "bot"]


async def test_the_reader_of_answers_outlives_what_a_failover_sends(
    client: BridgeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that changes its role may refuse in words that are no lost connection."""
    entries, refused = client._server.entries, asyncio.Event()

    async def once_refused(*asked: Any) -> list[Entry]:
        if not refused.is_set():
            refused.set()
            raise ResponseError("LOADING the dataset is in memory soon")
        return await entries(*asked)

    monkeypatch.setattr(client._server, "entries", once_refused)
    client._server._line.hang_up()  # it looks again
    await refused.wait()
    assert (await client.browse_programs(OWNER, page=0, size=6)).total == 2
