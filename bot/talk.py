"""What a handler needs to talk with the person: where, in which language, on whose behalf."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import structlog
from aiogram import Bot
from aiogram.filters.callback_data import CallbackData

from bot import delivery
from bot.i18n import Texts
from bot.screens.layout import Screen
from mtproto_bridge.client import Caller

T = TypeVar("T")

log = structlog.get_logger()

MOST_REMEMBERED = 10_000
SHOWN_WITHIN = timedelta(seconds=1)
"""How long an answer that is there waits for the message that says it is under way."""


class Recent:
    """What this process has lately worked on, so that a late answer does not cover something newer."""

    def __init__(self) -> None:
        self._on_message: OrderedDict[tuple[int, int], str] = OrderedDict()
        self._ours: OrderedDict[str, None] = OrderedDict()

    def began(self, chat_id: int, message_id: int | None, trace: str) -> None:
        """Work begins on a command, or on a tap on this message."""
        self._ours[trace] = None
        if len(self._ours) > MOST_REMEMBERED:
            self._ours.popitem(last=False)
        if message_id is None:
            return
        self._on_message.pop((chat_id, message_id), None)
        self._on_message[chat_id, message_id] = trace
        if len(self._on_message) > MOST_REMEMBERED:
            self._on_message.popitem(last=False)

    def is_ours(self, trace: str) -> bool:
        """Whether this process tells the person how it went, if only that it takes long."""
        return trace in self._ours

    def is_covered(self, chat_id: int, message_id: int | None, trace: str) -> bool:
        """Whether the message has been used for something newer."""
        return message_id is not None and self._on_message.get((chat_id, message_id), trace) != trace


class Talk:
    """One living message: commands send it, buttons edit the message they sit on."""

    def __init__(
        self,
        bot: Bot,
        texts: Texts,
        caller: Caller,
        *,
        query_id: str | None = None,
        again: CallbackData | None = None,
    ) -> None:
        """`caller.origin` says where; `query_id` is a pressed button that waits for its answer."""
        if caller.origin is None:
            raise ValueError("a talk is somewhere")
        self.texts = texts
        self.caller = caller
        self.again = again
        """What Try again does, should this fail; a handler may know better."""
        self._bot = bot
        self._place = caller.origin
        self._query_id = query_id

    async def us(self) -> str:
        """Our own username, as links to us name it."""
        return (await self._bot.me()).username or ""

    async def show(self, screen: Screen) -> None:
        """Put a screen on the living message; what is asked from now on is answered there."""
        shown_in = await delivery.show(self._bot, self._place.chat_id, self._place.message_id, screen)
        self._place = self._place.model_copy(update={"message_id": shown_in})
        self.caller = replace(self.caller, origin=self._place)

    async def say(self, screen: Screen) -> None:
        """Send a message of its own, and leave the living one as it is."""
        await delivery.send(self._bot, self._place.chat_id, screen)

    async def say_picture(self, png: bytes, caption: str) -> None:
        """Send a picture, a message of its own too; `caption` is HTML."""
        await delivery.send_picture(self._bot, self._place.chat_id, png, caption)

    async def working(self) -> None:
        """Show that an answer is on its way. A pressed button shows that by itself until it is answered."""
        if self._query_id is None:
            await delivery.typing(self._bot, self._place.chat_id)

    async def progress(self, screen: Screen) -> None:
        """For what takes seconds: let the button rest and say so in the message."""
        await self.rest()
        await self.show(screen)

    async def meanwhile(self, screen: Screen, work: Awaitable[T]) -> T:
        """For what takes long and is asked of somebody else: say so in the message while it is under way already.

        Raises:
            Exception: as `work`. What keeps the message from being shown is no reason to withhold the answer.
        """
        showing = asyncio.ensure_future(self.progress(screen))
        try:
            return await work
        finally:
            await asyncio.wait([showing], timeout=SHOWN_WITHIN.total_seconds())  # the answer is not to be covered by it
            if showing.cancel():
                await asyncio.wait([showing])
            elif error := showing.exception():
                log.info("progress.not_shown", reason=type(error).__name__)

    async def rest(self) -> None:
        """Answer the pressed button, once."""
        query_id, self._query_id = self._query_id, None
        if query_id is not None:
            await delivery.answer(self._bot, query_id)
