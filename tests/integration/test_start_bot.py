"""An account presses Start at our bot, once: the bot can name, and so promote, only who did."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from mtproto_bridge.actions.our_bot import press_start
from mtproto_bridge.app import database_url
from mtproto_bridge.handling import OurBot
from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.our_bot import introduce
from mtproto_bridge.queue.redis import QueueServer
from mtproto_bridge.store import Store, accounts, open_store
from mtproto_bridge.telegram.floods import Floods
from mtproto_bridge.telegram.gateway import Refused
from mtproto_bridge.telegram.sessions import BridgeSession
from mtproto_bridge.telegram.telethon_gateway import TelethonGateway
from sandbox.serve import Sandbox
from sandbox.world import Person
from sandbox.world.faults import Fault
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import VERA
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.sandbox_fixtures import account

sandbox = fixtures.sandbox
LATER = "It presses Start at the bot when it is first needed: no bot has been heard of yet."


@pytest.fixture
def vera(sandbox: Sandbox) -> Person:
    return sandbox.world.people[VERA]


@pytest.fixture
async def site(sandbox: Sandbox) -> AsyncIterator[BridgeSite]:
    async with bridge_site(sandbox.mtproto) as made:
        yield made


@pytest.fixture
def ours(sandbox: Sandbox) -> OurBot:
    return OurBot(BotId(sandbox.our_bot.id), sandbox.our_bot.username)


async def introduced(site: BridgeSite, bot: OurBot) -> None:
    """As the bot does when it starts."""
    server = QueueServer(site.redis_url)
    await introduce(server, Keys(), bot)
    await server.close()


@asynccontextmanager
async def kept(site: BridgeSite) -> AsyncIterator[Store]:
    store = await open_store(database_url(site.settings()))
    yield store
    await store.close()


async def started(site: BridgeSite) -> BotId | None:
    async with kept(site) as store, store.begin() as session:
        return await accounts.started_bot(session, AccountId(VERA))


def heard(sandbox: Sandbox) -> list[str]:
    """What the account has said to our bot."""
    return [one.text for one in sandbox.botapi.chats.history(VERA)]


async def test_at_log_in_start_is_pressed_and_the_bot_knows_the_account(
    site: BridgeSite, sandbox: Sandbox, vera: Person, ours: OurBot
) -> None:
    await introduced(site, ours)
    assert not sandbox.botapi.chats.has_started(VERA)
    console = await site.log_in(vera)
    assert console.said[-1] == f"It pressed Start at @{ours.username}, which knows it from now on."
    assert sandbox.botapi.chats.has_started(VERA)
    assert heard(sandbox) == ["/start"]
    assert [one.kind for one in sandbox.botapi.chats.updates.pending] == ["message"]
    assert await started(site) == ours.id


async def test_at_the_next_log_in_it_is_not_pressed_again(
    site: BridgeSite, sandbox: Sandbox, vera: Person, ours: OurBot
) -> None:
    await introduced(site, ours)
    await site.log_in(vera)
    async with kept(site) as store, store.begin() as session:
        await accounts.set_state(session, AccountId(VERA), before="ready", after="logged_out")
    console = await site.log_in(vera)
    assert not any("Start" in line for line in console.said)
    assert heard(sandbox) == ["/start"]


async def test_another_bot_in_its_place_is_started_too(
    site: BridgeSite, sandbox: Sandbox, vera: Person, ours: OurBot
) -> None:
    await introduced(site, ours)
    await site.log_in(vera)
    other = next(one for one in sandbox.world.bots.values() if one.id != ours.id)
    async with kept(site) as store, account(sandbox.mtproto, VERA) as client:
        gateway = gateway_of(client)
        assert await press_start(gateway, store, AccountId(VERA), OurBot(BotId(other.id), other.username))
        assert not await press_start(gateway, store, AccountId(VERA), OurBot(BotId(other.id), other.username))
    assert await started(site) == other.id
    assert other.id in vera.started_bots


@pytest.mark.parametrize("queue", ["silent", "gone"])
async def test_a_bot_that_nobody_knows_is_started_later(
    site: BridgeSite, sandbox: Sandbox, vera: Person, queue: str
) -> None:
    changes = {"redis_url": SecretStr("redis://127.0.0.1:1/0")} if queue == "gone" else {}
    console = await site.log_in(vera, **changes)
    assert console.said[-1] == LATER
    assert heard(sandbox) == []
    assert await started(site) is None


async def test_what_telegram_refuses_is_said_and_done_when_it_is_needed(
    site: BridgeSite, sandbox: Sandbox, vera: Person, ours: OurBot
) -> None:
    await introduced(site, ours)
    sandbox.world.faults.set(Fault("flood_wait", "messages.sendMessage", seconds=9))
    console = await site.log_in(vera)
    assert console.said[-1].startswith(f"It could not press Start at @{ours.username} now (wait 9 s): it does when")
    assert await started(site) is None
    async with kept(site) as store, account(sandbox.mtproto, VERA) as client:
        assert await press_start(gateway_of(client), store, AccountId(VERA), ours)
    assert heard(sandbox) == ["/start"]


async def test_a_username_that_no_bot_has_is_refused(sandbox: Sandbox) -> None:
    async with account(sandbox.mtproto, VERA) as client:
        gateway = gateway_of(client)
        for username in ("nobody_at_all", str(sandbox.world.people[1002].username)):
            with pytest.raises(Refused, match="USERNAME_NOT_OCCUPIED"):
                await gateway.start_bot(username)


async def test_a_bot_the_account_has_met_is_not_resolved_again(sandbox: Sandbox, ours: OurBot) -> None:
    async with account(sandbox.mtproto, VERA) as client:
        gateway = gateway_of(client)
        for _ in range(2):
            assert await gateway.start_bot(ours.username) == ours.id
    assert sandbox.mtproto.calls["contacts.resolveUsername"] == 1


def gateway_of(client: object) -> TelethonGateway:
    """The account as an action has it."""

    async def keep(_: object) -> None:
        pass

    session = BridgeSession()
    client.session.process_entities = session.process_entities  # type: ignore[attr-defined] # Telethon is untyped
    return TelethonGateway(client, session, keep, Floods())
