"""The last net: failures outside any handler, as when the storage of open questions is out of reach."""

from collections.abc import Callable
from datetime import datetime

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import ErrorEvent

from bot import delivery
from bot.i18n import Texts
from bot.languages import Languages
from bot.middlewares.context import person_of
from bot.middlewares.talking import failure_of
from bot.screens.errors import failure_screen
from bot.screens.inline import failed

log = structlog.get_logger()


async def tell_of_failure(
    event: ErrorEvent, bot: Bot, languages: Languages, now: Callable[[], datetime], texts: Texts | None = None
) -> None:
    """Log it, and tell the person in a new message: what had been shown may still be right.

    `texts`: in the person's language, where it failed after that was known.
    """
    trace = str(event.update.update_id)
    log.error("update.failed", exc_info=event.exception, trace=trace)
    query, message = event.update.callback_query, event.update.message
    if query:
        await delivery.answer(bot, query.id)
    person = person_of(event.update)
    if person is None or (message and message.chat.id != person.id):
        return
    texts = texts or languages.of_app(person)
    if event.update.inline_query:  # asked in some other chat: it is answered there
        told = failed(texts, failure_of(event.exception), now())
        await delivery.answer_inline(bot, event.update.inline_query.id, told)
        return
    screen = failure_screen(texts, failure_of(event.exception), now=now(), trace=trace)
    try:
        await delivery.send(bot, person.id, screen)
    except TelegramAPIError as error:
        log.warning("failure.not_told", reason=type(error).__name__)
