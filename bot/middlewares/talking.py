"""Around every handler: gives it its `talk`, turns failures into screens, lets the button rest."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast

import structlog
from aiogram import BaseMiddleware, Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError, TelegramNetworkError, TelegramServerError
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, ChatMemberUpdated, Message, TelegramObject, User
from redis.exceptions import RedisError

from bot.i18n import Texts
from bot.screens.errors import failure_screen
from bot.talk import Recent, Talk
from mtproto_bridge.client import Caller
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Origin

_TROUBLE = (TelegramNetworkError, TelegramServerError)
"""Nobody's fault; and their words quote the token."""

log = structlog.get_logger()


def failure_of(error: Exception) -> Failure:
    """What to tell the person about an exception."""
    if isinstance(error, BridgeError):
        return error.failure
    if isinstance(error, RedisError | OSError):
        return Failure(code=ErrorCode.UNAVAILABLE)
    if isinstance(error, _TROUBLE):
        return Failure(code=ErrorCode.NO_ANSWER)
    return Failure(code=ErrorCode.INTERNAL)


@asynccontextmanager
async def telling(talk: Talk, now: Callable[[], datetime]) -> AsyncIterator[None]:
    """Whatever goes wrong in the block, the person is told, and a pressed button rests."""
    try:
        yield
    except TelegramForbiddenError:  # the person has blocked us meanwhile
        log.info("person.unreachable")
    except Exception as error:  # noqa: BLE001 - whatever happens, the person gets an answer
        await _tell(talk, error, now())
    finally:
        await talk.rest()


async def _tell(talk: Talk, error: Exception, now: datetime) -> None:
    failure = failure_of(error)
    if isinstance(error, (BridgeError, *_TROUBLE)):
        log.info("request.failed", code=failure.code)
    else:
        log.error("handler.failed", exc_info=error)
    screen = failure_screen(talk.texts, failure, now=now, again=talk.again, trace=talk.caller.trace)
    try:
        await talk.show(screen)
    except TelegramAPIError as again:
        log.warning("failure.not_told", reason=type(again).__name__)


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
        async with telling(talk, self._now):
            await _leave_question(event, data)
            return await handler(event, data)
        return None

    def _talk(self, event: TelegramObject, data: dict[str, Any]) -> Talk | None:
        bot, texts, trace = cast("Bot", data["bot"]), cast("Texts", data["texts"]), str(data["trace"])
        if isinstance(event, CallbackQuery) and event.message:
            caller = _caller(event.from_user, event.message.chat.id, event.message.message_id, texts, trace)
            self._recent.began(event.message.chat.id, event.message.message_id, trace)
            again = cast("CallbackData | None", data.get("callback_data"))
            return Talk(bot, texts, caller, query_id=event.id, again=again)
        if isinstance(event, Message) and event.from_user:
            self._recent.began(event.chat.id, None, trace)
            return Talk(bot, texts, _caller(event.from_user, event.chat.id, None, texts, trace))
        if isinstance(event, ChatMemberUpdated):  # it happened in a channel, and is talked about in private
            self._recent.began(event.from_user.id, None, trace)
            return Talk(bot, texts, _caller(event.from_user, event.from_user.id, None, texts, trace))
        return None


def _caller(person: User, chat_id: int, message_id: int | None, texts: Texts, trace: str) -> Caller:
    origin = Origin(chat_id=chat_id, message_id=message_id, locale=texts.locale, name=person.full_name)
    return Caller(actor=person.id, origin=origin, trace=trace)


async def _leave_question(event: TelegramObject, data: dict[str, Any]) -> None:
    """A button or a command leaves a question that was open; the handler may open one anew."""
    is_answer = isinstance(event, Message) and not (event.text or "").startswith("/")
    if data.get("raw_state") and not is_answer:
        await cast("FSMContext", data["state"]).clear()
