"""Telegram says to wait: by account and method, and nothing else waits for it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from telethon import errors
from telethon.tl import functions, types

from mtproto_bridge.handling import Flooded
from mtproto_bridge.protocol import ErrorCode
from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.protocol.requests import BrowsePrograms, ShowProgram
from mtproto_bridge.telegram.errors import method_of, translate
from mtproto_bridge.telegram.gateway import FloodWait, Refused
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.integration.pool_fixtures import Office, joining, office_at, revoking
from tests.sandbox_fixtures import ALICE, BOB, CHESS, QUIZ

CONNECT = "payments.connectStarRefBot"


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    async with bridge_site(server, BOB, ALICE) as made:
        yield made


@pytest.fixture
async def office(site: BridgeSite) -> AsyncIterator[Office]:
    async with office_at(site) as made:
        for account in (ALICE, BOB):
            await made.browse(account, ALICE)
        yield made


async def test_a_flood_is_asked_about_once_and_refused_here_until_it_is_over(
    office: Office, server: MTProtoServer, world: World
) -> None:
    news = await office.balance(ALICE, "News")
    world.faults.set(Fault("flood_wait", CONNECT, seconds=42))
    told = await office.handle(BOB, ALICE, joining(news, QUIZ))
    assert isinstance(told, Flooded)
    retry_at = office.site.clock.now() + timedelta(seconds=42)
    assert (told.method, told.retry_at) == (CONNECT, retry_at)
    assert told.reply.failure
    assert (told.reply.failure.code, told.reply.failure.retry_at) == (ErrorCode.FLOOD_WAIT, retry_at)
    office.site.clock.move(seconds=41)
    again = await office.handle(BOB, ALICE, joining(news, CHESS))
    assert isinstance(again, Flooded)
    assert (again.method, again.retry_at) == (CONNECT, retry_at), "whatever it is called for"
    assert server.calls[CONNECT] == 1
    office.site.clock.move(seconds=1)
    assert (await office.done(BOB, ALICE, joining(news, QUIZ))).changed


async def test_a_flood_blocks_neither_another_method_nor_another_account(office: Office, world: World) -> None:
    news, own = await office.balance(ALICE, "News"), await office.balance(ALICE, "Alice")
    joined = await office.done(BOB, ALICE, joining(news, CHESS))
    world.faults.set(Fault("flood_wait", CONNECT, seconds=42, account_id=BOB))
    assert isinstance(await office.handle(BOB, ALICE, joining(news, QUIZ)), Flooded)
    assert (await office.done(BOB, ALICE, revoking(joined))).changed
    assert (await office.done(ALICE, ALICE, joining(own, QUIZ))).changed


async def test_a_flood_outlives_the_connection_and_comes_along_from_another_bridge(
    office: Office, server: MTProtoServer, world: World
) -> None:
    world.faults.set(Fault("flood_wait", "contacts.resolveUsername", seconds=42))
    search = ShowProgram(username="somebody_bot")
    assert isinstance(await office.handle(BOB, ALICE, search), Flooded)
    await office.actions.let_go(AccountId(BOB))
    assert isinstance(await office.handle(BOB, ALICE, search), Flooded)
    assert server.calls["contacts.resolveUsername"] == 1
    until = office.site.clock.now() + timedelta(seconds=7)
    office.actions.remember_floods(AccountId(ALICE), {"contacts.resolveUsername": until})
    told = await office.handle(ALICE, ALICE, search)
    assert isinstance(told, Flooded)
    assert told.retry_at == until


async def test_reading_all_dialogs_is_one_method(office: Office, server: MTProtoServer, world: World) -> None:
    gateway = await office.pool.gateway(AccountId(BOB), office.lease)
    read = server.calls["messages.getDialogs"]
    world.faults.set(Fault("flood_wait", "messages.getDialogs", seconds=42))
    for _ in range(2):
        with pytest.raises(FloodWait) as caught:
            await gateway.own_channels()
        assert (caught.value.method, caught.value.seconds) == ("messages.getDialogs", 42)
    assert server.calls["messages.getDialogs"] == read + 1
    assert (await gateway.me()).id == BOB


async def test_a_flooded_connect_is_not_tried_over_and_over(
    office: Office, server: MTProtoServer, world: World
) -> None:
    await office.pool.let_go(AccountId(BOB))
    world.faults.set(Fault("flood_wait", "help.getConfig", seconds=42))
    connected = server.calls["help.getConfig"]
    for _ in range(3):
        told = await office.handle(BOB, ALICE, ShowProgram(bot_id=BotId(QUIZ)))
        assert isinstance(told, Flooded)
        assert told.method == "help.getConfig"
    assert server.calls["help.getConfig"] == connected + 1
    office.site.clock.move(seconds=42)
    assert not isinstance(await office.handle(BOB, ALICE, BrowsePrograms()), Flooded)


async def test_telethon_remembers_no_flood_of_its_own(office: Office, world: World) -> None:
    """It would refuse by the wall clock, which nobody moves here."""
    gateway = await office.pool.gateway(AccountId(BOB), office.lease)
    world.faults.set(Fault("flood_wait", "users.getUsers", seconds=3_000))
    with pytest.raises(FloodWait):
        await gateway.me()
    assert gateway._client._flood_waited_requests == {}
    office.site.clock.move(seconds=3_000)
    assert (await gateway.me()).id == BOB


@pytest.mark.parametrize(
    "message", ["FLOOD_WAIT_9", "FLOOD_PREMIUM_WAIT_9", "SLOWMODE_WAIT_9", "FLOOD_TEST_PHONE_WAIT_9"]
)
def test_every_wait_of_telegrams_is_a_flood_of_its_method(message: str) -> None:
    call = functions.payments.ConnectStarRefBotRequest(types.InputPeerSelf(), types.InputUserSelf())
    wrapped = functions.InvokeWithoutUpdatesRequest(call)
    flood = translate(errors.rpc_message_to_error(types.RpcError(420, message), wrapped))
    assert isinstance(flood, FloodWait)
    assert (flood.method, flood.seconds) == (CONNECT, 9)


def test_a_frozen_account_is_no_flood() -> None:
    refused = translate(errors.rpc_message_to_error(types.RpcError(420, "FROZEN_METHOD_INVALID"), None))
    assert isinstance(refused, Refused)
    assert refused.message == "FROZEN_METHOD_INVALID"


@pytest.mark.parametrize(
    ("request_", "method"),
    [
        (functions.messages.GetDialogsRequest(None, 0, None, 0, 0), "messages.getDialogs"),
        (functions.PingRequest(1), "ping"),
        (functions.InvokeWithLayerRequest(1, functions.help.GetConfigRequest()), "help.getConfig"),
    ],
)
def test_methods_are_named_as_telegram_names_them(request_: object, method: str) -> None:
    assert method_of(request_) == method
