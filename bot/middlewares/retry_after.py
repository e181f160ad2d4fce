"""On a flood wait of the Bot API: wait as long as told, then try once more, nothing cleverer."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

log = structlog.get_logger()


class RetryAfterMiddleware(BaseRequestMiddleware):
    """Retries a refused request after the time Telegram named; a second refusal is passed on."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the request."""
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter as refusal:
            log.warning("telegram.slow_down", seconds=refusal.retry_after, method=type(method).__name__)
            await self._sleep(refusal.retry_after)
            return await make_request(bot, method)
