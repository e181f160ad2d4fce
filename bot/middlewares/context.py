"""For every update: a trace in the log, and the person's language."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, Update, User
from structlog.contextvars import bound_contextvars

from bot.languages import Languages

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


def person_of(update: Update) -> User | None:
    """Who caused an update of the kinds we ask for."""
    event = update.message or update.callback_query or update.my_chat_member or update.inline_query
    return event.from_user if event else None


class ContextMiddleware(BaseMiddleware):
    """Gives handlers `trace` and `texts`, and every log line of this update the trace."""

    def __init__(self, languages: Languages) -> None:
        self._languages = languages

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:  # noqa: ANN401 - aiogram's own signature
        """Run the rest of the chain with both set."""
        person = person_of(event) if isinstance(event, Update) else None
        data["trace"] = trace = secrets.token_hex(6)
        with bound_contextvars(trace=trace):
            data["texts"] = await self._languages.of(person)
            return await handler(event, data)
