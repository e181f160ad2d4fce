"""A channel, its people, our bot's Bot API half and a bridge: what the tests of registrations share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from aiogram import Bot
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import BridgeError, Failure, Origin
from mtproto_bridge.protocol.events import Event
from mtproto_bridge.protocol.ids import AccountId, BalanceId
from mtproto_bridge.protocol.replies import Registration, RegistrationPage
from mtproto_bridge.store import open_store
from mtproto_bridge.store.database import sqlite_url
from sandbox.serve import Sandbox
from sandbox.world import Bot as WorldBot
from sandbox.world import Channel, Person
from sandbox.world.model import AdminRight
from tests.botapi_fixtures import aiogram_bot
from tests.bridge_fixtures import BridgeSite
from tests.channel_fixtures import THREE, chat_id
from tests.sandbox_fixtures import START, small_world

VERA, DORA, EVE = 1011, 1012, 1013
"""Vera owns the channel Finds, Dora may post in it, Eve only edits."""
OPERATOR = 1019
FINDS = 80011
"""Vera's private channel."""
OURS = 7000001
PATIENCE = 20
LONG = {"lease_seconds": 60}


def sandbox_of_people() -> Sandbox:
    """The small world, with a channel whose people want it registered, and our bot in it with the three rights."""
    world = small_world()
    people = ((VERA, "Vera"), (DORA, "Dora"), (EVE, "Eve"), (OPERATOR, "Olga"))
    world.add(*(Person(number, name, phone=f"999662{number}") for number, name in people))
    ours = WorldBot(OURS, "Starling", "starling_bot", owner_id=OPERATOR, token=f"{OURS}:AAStarlingSandboxToken")
    world.add(ours, channel("Finds", FINDS))
    return Sandbox(world, ours)


def channel(title: str, number: int, owner: int = VERA) -> Channel:
    """A channel that our bot was let into."""
    admins: dict[int, set[AdminRight]] = {OURS: set(THREE), DORA: {"post_messages"}, EVE: {"edit_messages"}}
    return Channel(number, title, owner, admins=admins, created=START)


def asks(person: int, name: str | None = None, locale: str = "en") -> Caller:
    """Somebody who asks in their chat with the bot."""
    return Caller(person, Origin(chat_id=person, locale=locale, name=name))


@dataclass
class Desk:
    """Our bot, as far as the bridge needs it: it makes invites, promotes, and takes what it is told."""

    bridge: BridgeClient
    bot: Bot
    sandbox: Sandbox
    heard: list[Event]

    async def start(self, who: Caller, number: int = FINDS, title: str = "Finds") -> Registration:
        """Somebody picks a channel."""
        return (await self.bridge.start_registration(who, number, title=title)).registration

    async def invite(self, number: int = FINDS) -> str:
        """A one-use invite of ten minutes."""
        until = self.sandbox.world.clock.now() + timedelta(minutes=10)
        made = await self.bot.create_chat_invite_link(chat_id(number), member_limit=1, expire_date=until)
        return made.invite_link

    async def come_in(self, who: Caller, at: Registration) -> RegistrationPage:
        """The account comes in by an invite."""
        return await self.bridge.advance_registration(who, at, invite=await self.invite(at.channel_id))

    async def promote(self, at: Registration) -> None:
        """Give the account its right, and no other."""
        assert at.account
        self.knows(at.account.id)
        await self.bot.promote_chat_member(chat_id(at.channel_id), at.account.id, can_post_messages=True)

    def knows(self, person: int) -> None:
        """They pressed Start at our bot."""
        self.sandbox.botapi.chats.say(person, "/start")

    async def register(self, who: Caller, number: int = FINDS, title: str = "Finds") -> BalanceId:
        """From the tap to the balance."""
        at = await self.start(who, number, title)
        while at.state != "verified":
            if at.state == "picked":
                at = (await self.come_in(who, at)).registration
            if at.state == "joined":
                await self.promote(at)
            at = (await self.bridge.advance_registration(who, at)).registration
        assert at.balance_id
        return at.balance_id

    async def resume(self, who: Caller, at: Registration) -> Registration:
        """Continue."""
        return (await self.bridge.resume_registration(who, at.id)).registration

    async def told(self, kind: type[object], count: int = 1) -> list[Event]:
        """What was told of one kind, once so much was."""
        async with asyncio.timeout(PATIENCE):
            while len(found := [one for one in self.heard if isinstance(one.what, kind)]) < count:  # noqa: ASYNC110 - as below
                await asyncio.sleep(0.01)
        return found


async def refusal(call: Awaitable[object]) -> Failure:
    """How the bridge refused."""
    with pytest.raises(BridgeError) as caught:
        await call
    return caught.value.failure


def switch(sandbox: Sandbox, **values: object) -> None:
    """Set what Telegram does not document."""
    sandbox.world.switches = sandbox.world.switches.model_copy(update=values)


@asynccontextmanager
async def desk(site: BridgeSite, sandbox: Sandbox) -> AsyncIterator[Desk]:
    """Our bot with a client of the bridge that hears events; waits until a bridge serves."""
    heard: list[Event] = []

    async def hear(event: Event) -> bool:
        heard.append(event)
        return True

    client = BridgeClient.at(site.redis_url, name="bot-1", now=site.clock.now, on_event=hear)
    await client.start()
    try:
        async with aiogram_bot(sandbox.botapi) as bot:
            async with asyncio.timeout(PATIENCE):
                while not await client.has_account():  # noqa: ASYNC110 - its keeper runs in this loop
                    await asyncio.sleep(0.01)
            yield Desk(client, bot, sandbox, heard)
    finally:
        await client.close()


@asynccontextmanager
async def stored(site: BridgeSite) -> AsyncIterator[AsyncSession]:
    """The store of a site, beside its bridges."""
    store = await open_store(sqlite_url(site.data_dir))
    try:
        async with store.begin() as session:
            yield session
    finally:
        await store.close()


async def lane_of(client: BridgeClient, balance: BalanceId) -> AccountId | None:
    """Which account the queue's hash says serves a balance."""
    found = await client._server.hash_get(client._keys.routes(), str(balance))
    return AccountId(int(found)) if found else None
