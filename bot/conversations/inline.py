"""Inline mode: `@us` in any chat offers the person's links, `@us word` finds programs.

What is offered is the person's own, so Telegram is told to give it to nobody else, and to keep none of it.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine
from datetime import datetime

import structlog
from aiogram import Bot, Router
from aiogram.types import InlineQuery, Update

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


class Turns:
    """Of a person's queries the newest is worked on: people type fast, and what they typed before is not waited for."""

    def __init__(self) -> None:
        self._asking: dict[int, tuple[int, asyncio.Task[Offered]]] = {}
        """The newest query of each person who waits: the number of its update, and what asks the bridge."""

    async def take(self, person: int, number: int, asking: Coroutine[None, None, Offered]) -> Offered:
        """What is offered; nothing as soon as there is a newer query of the person's."""
        newest, older = self._asking.get(person, (0, None))
        if newest > number:
            asking.close()
            return Offered()
        if older:
            older.cancel()
        task = asyncio.create_task(asking)
        self._asking[person] = mine = number, task
        try:
            await asyncio.wait([task])
            return Offered() if task.cancelled() else task.result()
        finally:
            task.cancel()
            if self._asking.get(person) == mine:
                del self._asking[person]


async def answer(  # noqa: PLR0913 - what aiogram hands over
    query: InlineQuery,
    bot: Bot,
    bridge: BridgeClient,
    texts: Texts,
    trace: str,
    turns: Turns,
    event_update: Update,
    now: Callable[[], datetime],
) -> None:
    """Answer an inline query: it has no chat, so whatever is wrong is said above its empty results."""
    asking = _offered(query, bot, bridge, texts, trace)
    try:
        offered = await turns.take(query.from_user.id, event_update.update_id, asking)
    except Exception as error:  # whatever happens, the person gets an answer
        failure = failure_of(error)
        if failure.code is ErrorCode.INTERNAL:
            log.exception("handler.failed")
        else:
            log.info("request.failed", code=failure.code)
        offered = inline.failed(texts, failure, now())
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
