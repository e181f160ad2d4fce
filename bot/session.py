"""The HTTP session to the Bot API."""

from typing import ClassVar

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType


class Session(AiohttpSession):
    """aiogram's, which keeps the classes it reads answers with.

    For each answer aiogram asks pydantic for `Response[<what the method returns>]`, and pydantic remembers such a class
    only as long as somebody else does. Nobody did: it was built anew each time, and that was most of what a call cost.
    """

    _kept: ClassVar[set[type]] = set()
    """A few at most: one for each kind of answer, whichever bot it is for."""

    def check_response(
        self, bot: Bot, method: TelegramMethod[TelegramType], status_code: int, content: str
    ) -> Response[TelegramType]:
        """Read an answer; raises as aiogram's does."""
        answer = super().check_response(bot, method, status_code, content)
        self._kept.add(type(answer))
        return answer

    async def close(self) -> None:
        """Close; aiogram's then waits a quarter of a second for TLS to end, also where there is none."""
        if self.api.base.startswith("https:"):
            await super().close()
        elif self._session:
            await self._session.close()
