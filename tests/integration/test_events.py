"""What the bridge tells unasked reaches the bot, also when that was away; who is banned is told so."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from mtproto_bridge import app
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import BridgeError, ErrorCode, Origin
from mtproto_bridge.protocol.events import AccountChanged, Event, Hearer
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store import outbox, people
from sandbox.mtproto.server import MTProtoServer
from tests.bridge_fixtures import BridgeSite, bridge_site, served
from tests.sandbox_fixtures import ALICE, BOB

PATIENCE = 10


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    async with bridge_site(server, ALICE) as made:
        yield made


def lost(number: int) -> AccountChanged:
    return AccountChanged(account_id=AccountId(number), name="Vera", before="ready", state="logged_out")


async def put(bridge: app.Bridge, number: int) -> None:
    async with bridge.store.begin() as session:
        await outbox.put(session, datetime.now(UTC), [Hearer(person_id=BOB)], lost(number))


class Listener:
    """A bot that hears."""

    def __init__(self, site: BridgeSite) -> None:
        self.heard: list[Event] = []
        self._more = asyncio.Event()
        self.client = BridgeClient.at(site.redis_url, name="bot-1", on_event=self._hear, now=site.clock.now)

    async def _hear(self, event: Event) -> bool:
        self.heard.append(event)
        self._more.set()
        return True

    async def until(self, count: int) -> list[AccountId]:
        async with asyncio.timeout(PATIENCE):
            while len(self.heard) < count:
                self._more.clear()
                await self._more.wait()
        return [one.what.account_id for one in self.heard if isinstance(one.what, AccountChanged)]


async def test_events_are_heard_in_order_and_those_that_came_meanwhile_after_a_start(site: BridgeSite) -> None:
    async with site.bridge() as bridge:
        await put(bridge, 1)
        await put(bridge, 2)
        first = Listener(site)
        await first.client.start()
        assert await first.until(2) == [1, 2]
        await put(bridge, 3)
        assert await first.until(3) == [1, 2, 3]
        await first.client.close()
        await put(bridge, 4)
        second = Listener(site)
        await second.client.start()
        assert await second.until(1) == [4], "what was taken care of is not told again"
        await second.client.close()


async def test_an_event_that_cannot_be_told_does_not_hold_up_the_next(site: BridgeSite) -> None:
    async with site.bridge() as bridge:
        listener = Listener(site)
        hear = listener._hear

        async def stumble(event: Event) -> bool:
            await hear(event)
            if len(listener.heard) == 1:
                raise RuntimeError
            return True

        listener.client._on_event = stumble
        await listener.client.start()
        await put(bridge, 1)
        await put(bridge, 2)
        assert await listener.until(2) == [1, 2]
        await listener.client.close()


async def test_an_event_that_is_not_taken_care_of_comes_again_and_holds_up_no_other(site: BridgeSite) -> None:
    async with site.bridge() as bridge:
        listener = Listener(site)
        hear = listener._hear

        async def put_off(event: Event) -> bool:
            return await hear(event) and len(listener.heard) > 1

        listener.client._on_event = put_off
        await put(bridge, 1)
        await listener.client.start()
        assert await listener.until(1) == [1]
        await put(bridge, 2)
        assert sorted(await listener.until(3)) == [1, 1, 2]
        await listener.client.close()


async def test_the_banned_are_told_so_and_are_welcome_again_afterwards(site: BridgeSite) -> None:
    async with site.bridge() as bridge, site.client() as client:
        await served(client)
        bob = Caller(BOB, Origin(chat_id=BOB, locale="ru", name="Bob"))
        await client.list_balances(bob)
        async with bridge.store.begin() as session:
            found = await people.find(session, BOB)
            await people.ban(session, BOB, banned=True)
        assert found is not None
        assert (found.locale, found.name) == ("ru", "Bob")
        site.clock.move(seconds=31)
        with pytest.raises(BridgeError) as refused:
            await client.list_balances(bob)
        assert refused.value.code is ErrorCode.BANNED
        async with bridge.store.begin() as session:
            await people.ban(session, BOB, banned=False)
        site.clock.move(seconds=31)
        await client.list_balances(bob)
