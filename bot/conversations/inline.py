"""Inline mode: `@us` in any chat offers the person's links, `@us word` finds programs.

What is offered is the person's own, so Telegram is told to give it to nobody else, and to keep none of it.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import structlog
from aiogram import Bot, Router
from aiogram.types import InlineQuery

from bot import delivery
from bot.callbacks import ProgramsPage
from bot.i18n import Texts
from bot.middlewares.talking import failure_of
from bot.screens import inline
from bot.screens.inline import CARDS_A_PAGE, Offered
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import ErrorCode

_OFFSET = re.compile(r"([0-9]{1,6})\.([0-9]{1,12})", re.ASCII)
"""The page, and the reading of Telegram's lists it is a page of."""

log = structlog.get_logger()


@dataclass
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    newest: str = ""


class Turns:
    """One query of a person is worked on at a time, and of those that wait only the newest: people type fast."""

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[int, _Turn] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, query: InlineQuery) -> AsyncIterator[bool]:
        """Wait for the person's turn; whether the query is still the newest."""
        turn = self._turns.setdefault(query.from_user.id, _Turn())
        turn.newest = query.id
        async with turn.lock:
            yield turn.newest == query.id


async def answer(  # noqa: PLR0913 - what aiogram hands over
    query: InlineQuery, bot: Bot, bridge: BridgeClient, texts: Texts, trace: str, turns: Turns
) -> None:
    """Answer an inline query: it has no chat, so whatever is wrong is said above its empty results."""
    async with turns.of(query) as is_newest:
        if not is_newest:
            return
        try:
            offered = await _offered(query, bot, bridge, texts, trace)
        except Exception as error:  # whatever happens, the person gets an answer
            code = failure_of(error).code
            if code is ErrorCode.INTERNAL:
                log.exception("handler.failed")
            else:
                log.info("request.failed", code=code)
            offered = inline.failed(texts)
        await delivery.answer_inline(bot, query.id, offered)


async def _offered(query: InlineQuery, bot: Bot, bridge: BridgeClient, texts: Texts, trace: str) -> Offered:
    caller = Caller(actor=query.from_user.id, trace=trace)
    offset = _OFFSET.fullmatch(query.offset)
    page, crawl = (int(offset[1]), int(offset[2])) if offset else (0, 0)
    words = ProgramsPage(words=query.query).words
    if not words:
        return inline.links(texts, await bridge.list_cards(caller, page=page, size=CARDS_A_PAGE))
    found = await bridge.browse_programs(caller, page=page, size=CARDS_A_PAGE, words=words, crawl=crawl or None)
    if page and found.crawl != crawl:  # a page of another reading would repeat some programs, and skip others
        return Offered()
    return inline.programs(texts, found, (await bot.me()).username or "")


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="inline")
    found.inline_query.register(answer)
    return found
