"""Around every handler: gives it its `talk`, turns failures into screens, lets the button rest."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, cast

import structlog
from aiogram import BaseMiddleware, Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message, TelegramObject
from redis.exceptions import RedisError

from bot.i18n import Texts
from bot.screens.errors import failure_screen
from bot.talk import Recent, Talk
from mtproto_bridge.client import Caller
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Origin

log = structlog.get_logger()


def failure_of(error: Exception) -> Failure:
    """What to tell the person about an exception."""
    if isinstance(error, BridgeError):
        return error.failure
    if isinstance(error, RedisError | OSError):
        return Failure(code=ErrorCode.UNAVAILABLE)
    return Failure(code=ErrorCode.INTERNAL)


class TalkMiddleware(BaseMiddleware):
    """An inner middleware: it runs when it is known which handler answers."""

    def __init__(self, recent: Recent, now: Callable[[], datetime]) -> None:
        self._recent = recent
        self._now = now

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:  # noqa: ANN401 - aiogram's own signature
        """Run the handler with a talk of its own."""
        talk = self._talk(event, data)
        if talk is None:
            return None
        data["talk"] = talk
        try:
            await _leave_question(event, data)
            return await handler(event, data)
        except TelegramForbiddenError:  # the person has blocked us meanwhile
            log.info("person.unreachable")
        except Exception as error:  # noqa: BLE001 - whatever happens, the person gets an answer
            await self._tell(talk, error)
        finally:
            await talk.rest()
        return None

    def _talk(self, event: TelegramObject, data: dict[str, Any]) -> Talk | None:
        bot, texts, trace = cast("Bot", data["bot"]), cast("Texts", data["texts"]), str(data["trace"])
        if isinstance(event, CallbackQuery) and event.message:
            origin = Origin(chat_id=event.message.chat.id, message_id=event.message.message_id, locale=texts.locale)
            self._recent.began(origin.chat_id, origin.message_id, trace)
            caller = Caller(actor=event.from_user.id, origin=origin, trace=trace)
            again = cast("CallbackData | None", data.get("callback_data"))
            return Talk(bot, texts, caller, query_id=event.id, again=again)
        if isinstance(event, Message) and event.from_user:
            origin = Origin(chat_id=event.chat.id, locale=texts.locale)
            self._recent.began(origin.chat_id, None, trace)
            return Talk(bot, texts, Caller(actor=event.from_user.id, origin=origin, trace=trace))
        return None

    async def _tell(self, talk: Talk, error: Exception) -> None:
        failure = failure_of(error)
        if isinstance(error, BridgeError):
            log.info("request.failed", code=failure.code)
        else:
            log.error("handler.failed", exc_info=error)
        screen = failure_screen(talk.texts, failure, now=self._now(), again=talk.again, trace=talk.caller.trace)
        try:
            await talk.show(screen)
        except TelegramAPIError as again:
            log.warning("failure.not_told", reason=type(again).__name__)


async def _leave_question(event: TelegramObject, data: dict[str, Any]) -> None:
    """A button or a command leaves a question that was open; the handler may open one anew."""
    is_answer = isinstance(event, Message) and not (event.text or "").startswith("/")
    if data.get("raw_state") and not is_answer:
        await cast("FSMContext", data["state"]).clear()
