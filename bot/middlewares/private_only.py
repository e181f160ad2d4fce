"""Private chats only; in a group the bot says so once and then stays silent."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from aiogram import BaseMiddleware, Bot
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramAPIError
from aiogram.fsm.storage.base import BaseStorage, StorageKey
from aiogram.types import CallbackQuery, Message, TelegramObject

from bot import delivery
from bot.i18n import Texts
from bot.screens.menu import group_notice

DESTINY = "group-notice"

log = structlog.get_logger()


class PrivateOnlyMiddleware(BaseMiddleware):
    """Lets updates of private chats through. It is remembered in the storage which groups were told."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage
        self._one_at_a_time = asyncio.Lock()

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:  # noqa: ANN401 - aiogram's own signature
        """Pass the event on, or turn the group away."""
        bot = cast("Bot", data["bot"])
        if isinstance(event, CallbackQuery):
            if event.message and event.message.chat.type == ChatType.PRIVATE:
                return await handler(event, data)
            await delivery.answer(bot, event.id)
        elif isinstance(event, Message):
            if event.chat.type == ChatType.PRIVATE:
                return await handler(event, data)
            if await self._is_for_us(bot, event):
                await self._tell_once(bot, event.chat.id, data["texts"])
        return None

    async def _is_for_us(self, bot: Bot, message: Message) -> bool:
        words = (message.text or "").split(maxsplit=1)
        if not words or not words[0].startswith("/"):
            return False
        addressed = words[0].partition("@")[2]
        return not addressed or addressed.lower() == ((await bot.me()).username or "").lower()

    async def _tell_once(self, bot: Bot, chat_id: int, texts: Texts) -> None:
        key = StorageKey(bot_id=bot.id, chat_id=chat_id, user_id=chat_id, destiny=DESTINY)
        async with self._one_at_a_time:
            if await self._storage.get_data(key):
                return
            await self._storage.set_data(key, {"told": True})
        try:
            await delivery.send(bot, chat_id, group_notice(texts, (await bot.me()).username or ""))
        except TelegramAPIError as error:  # we may not be allowed to write there: then nobody is told
            log.info("group.not_told", reason=type(error).__name__)
