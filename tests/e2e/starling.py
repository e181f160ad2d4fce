"""All of Starling in one place, and people who talk with it: what the transcripts are written in."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiogram.client.session.middlewares.base import BaseRequestMiddleware
from telethon.tl.functions.contacts import ResolveUsernameRequest

from bot.app import App, compose
from sandbox.botapi import InlineAnswer, InlineQuery, Message, wire
from sandbox.botapi.model import CallbackQuery
from sandbox.serve import Sandbox
from sandbox.world import World
from tests.bridge_fixtures import BridgeSite, bridge_site, served
from tests.sandbox_fixtures import account

VERA, NADIA, SAM, DMITRI, OLGA = 1001, 1002, 1003, 1004, 1009
GARDENS, CLUB = 5000001, 5000002
"""Nadia's channels: Quiet Gardens is public, Garden Club is private."""


@dataclass
class Starling:
    """The sandbox, the bridge and the bot, all real, all running."""

    sandbox: Sandbox
    _site: BridgeSite | None = None
    """Where bridges run in this process, where they do."""
    settings: dict[str, object] = field(default_factory=dict)
    """What the operator decides: the bridge's settings."""
    overheard_by: BaseRequestMiddleware | None = None
    """Who hears each call of the bot's that comes from now on."""
    bot: App | None = None
    """The bot that runs."""
    _bridge: AsyncExitStack = field(default_factory=AsyncExitStack)
    _bot: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def site(self) -> BridgeSite:
        assert self._site
        return self._site

    def person(self, person_id: int) -> "Someone":
        return Someone(self, person_id)

    def switch(self, **switches: object) -> None:
        """Let what Telegram does not document be so."""
        self.world.switches = self.world.switches.model_copy(update=switches)

    async def start_bridge(self) -> None:
        settings = {"lease_seconds": 15} | self.settings
        await self._bridge.enter_async_context(self.site.bridge(**settings))
        async with self.site.client("waiting") as client:
            await served(client)

    async def restart_bridge(self) -> None:
        """Stop the bridge in good order and start another one on the same store."""
        await self.stop_bridge()
        await self.start_bridge()

    async def stop_bridge(self) -> None:
        await self._bridge.aclose()
        self._bridge = AsyncExitStack()

    async def start_bot(self) -> None:
        bot = compose(
            token=str(self.sandbox.our_bot.token),
            queue_url=self.site.redis_url,
            bot_api_url=self.sandbox.botapi.base_url,
            now=self.site.clock.now,
        )
        if self.overheard_by:
            bot.bot.session.middleware(self.overheard_by)
        self.bot = bot
        talking = asyncio.create_task(bot.run(handle_signals=False))
        self._bot.push_async_callback(lambda: talking)
        self._bot.push_async_callback(bot.stop)
        await bot.started.wait()

    async def stop_bot(self) -> None:
        await self._bot.aclose()
        self._bot = AsyncExitStack()

    async def restart_bot(self) -> None:
        """Stop the bot in good order and start another one on the same queue."""
        await self.stop_bot()
        await self.start_bot()

    async def follows(self, url: str) -> None:
        """Somebody new opens a referral link in a real client; raises STARREF_EXPIRED for a dead one."""
        username, _, token = url.removeprefix("https://t.me/").partition("?start=_tgr_")
        async with account(self.sandbox.mtproto, SAM) as client:
            await client(ResolveUsernameRequest(username, referer=token))


@dataclass
class Someone:
    """A person in their private chat with the bot."""

    starling: Starling
    id: int

    @property
    def screen(self) -> Message:
        """The bot's newest message."""
        return self.starling.sandbox.botapi.chats.chat(self.id).last_from_bot

    @property
    def url(self) -> str:
        """The link on the screen, as its Copy button has it."""
        return self.screen.button("Copy link").copy_text or ""

    async def says(self, text: str, *, sees: str) -> Message:
        """Write to the bot, and wait for an answer that says `sees`."""
        chats = self.starling.sandbox.botapi.chats
        said = chats.say(self.id, text)
        await chats.chat(self.id).until(
            lambda chat: any(one.from_bot and one.id > said.id and sees in one.text for one in chat.messages)
        )
        return self.screen

    async def presses(self, button: str, *, sees: str, on: Message | None = None) -> Message:
        """Press a button of the newest message (or of an older one), and wait until the chat says `sees`."""
        chats = self.starling.sandbox.botapi.chats
        query = chats.press(self.id, (on or self.screen).id, button)
        await self._until_answered(query, sees)
        return self.screen

    def taps(self, button: str, *, on: Message) -> None:
        """Press a button of a message, and wait for nothing."""
        self.starling.sandbox.botapi.chats.press(self.id, on.id, button)

    async def types_inline(self, text: str, *, group: str | None = None) -> tuple[InlineQuery, InlineAnswer]:
        """Type the bot's name and this in the chat with it, or in a group, and wait for what is offered."""
        query = self.starling.sandbox.botapi.inline.types(self.id, text, group=group)
        return query, await self.starling.sandbox.botapi.inline.answered(query)

    def picks_result(self, query: InlineQuery, title: str) -> Message:
        """Send one of the things that were offered."""
        return self.starling.sandbox.botapi.inline.picks(query, title)

    async def picks(self, channel_id: int, *, sees: str, adds_bot: bool = True) -> Message:
        """Choose a channel in the picker that is shown; `adds_bot` false: with an app too old to add the bot."""
        self.starling.sandbox.botapi.chats.share_channel(self.id, channel_id, adds_bot=adds_bot)
        return await self.is_shown(sees)

    async def makes_channel(self, title: str, *, sees: str) -> int:
        """Create a channel in the picker that is shown, and choose it; returns its id."""
        before = set(self.starling.world.channels)
        self.starling.sandbox.botapi.chats.share_new_channel(self.id, title)
        await self.is_shown(sees)
        return next(iter(set(self.starling.world.channels) - before))

    async def is_shown(self, sees: str) -> Message:
        """Wait until the bot's newest message says this."""
        await self.starling.sandbox.botapi.chats.chat(self.id).until(lambda _: sees in self.newest)
        return self.screen

    async def sees_on(self, message: Message, sees: str) -> None:
        """Wait until a message, which need not be the newest, says this."""
        chat = self.starling.sandbox.botapi.chats.chat(self.id)
        await chat.until(lambda _: sees in chat.message(message.id).text)

    @property
    def newest(self) -> str:
        """What the bot's newest message says; nothing before it has said anything."""
        said = [one for one in self.starling.sandbox.botapi.chats.chat(self.id).messages if one.from_bot]
        return said[-1].text if said else ""

    async def forges(self, data: str, *, sees: str) -> Message:
        """Send callback data that no button of theirs carries, and wait until the newest message says `sees`."""
        await self._until_answered(self.sends_data(data), sees)
        return self.screen

    def sends_data(self, data: str) -> CallbackQuery:
        """Press a button of the newest message that is not there, as a modified app can."""
        chats = self.starling.sandbox.botapi.chats
        chat, shown = chats.chat(self.id), self.screen
        query = CallbackQuery(f"forged{len(chats.queries)}", self.id, chat.id, shown.id, data, pressed_at=chats.wall())
        chats.queries[query.id] = query
        content = dict(wire.message(self.starling.world, chats.bot, chat, shown))
        chats.updates.push("callback_query", wire.callback_query(chats.person(self.id), query, content))
        return query

    async def _until_answered(self, query: CallbackQuery, sees: str) -> None:
        chat = self.starling.sandbox.botapi.chats.chat(self.id)
        await chat.until(lambda _: query.answer is not None and sees in self.screen.text)


@asynccontextmanager
async def running_starling(
    *,
    log_in: tuple[int, ...] = (VERA,),
    sandbox: Sandbox | None = None,
    newcomers: Collection[int] = (),
    **settings: object,
) -> AsyncIterator[Starling]:
    """Everything started, with these people's accounts on the bridge; at the end nothing unimplemented was met.

    All but `newcomers` have accepted the terms before.
    """
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(sandbox or Sandbox.load())
        site = await stack.enter_async_context(bridge_site(place.mtproto, newcomers=newcomers))
        starling = Starling(place, site, settings)
        for person in log_in:
            await site.log_in(place.world.people[person])
        await starling.start_bridge()
        stack.push_async_callback(starling.stop_bridge)
        await starling.start_bot()
        try:
            yield starling
        finally:
            await starling.stop_bot()
        assert not place.crashes
        assert not place.unimplemented
