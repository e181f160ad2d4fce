"""The index of programs: Telegram's lists, in all of its orders, read anew in the background before they grow old."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import get_args

from mtproto_bridge.actions.context import Context
from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.protocol.replies import Program
from mtproto_bridge.protocol.requests import ProgramSort
from mtproto_bridge.store import Store, programs
from mtproto_bridge.telegram.gateway import Gateway

FRESH = timedelta(minutes=10)
"""How old the index may be before it is read anew in the background, as long as there is one."""
OLDEST = timedelta(hours=1)
"""How old it may be before who browses waits for a new one."""
CRAWL_PAGE = 100
MOST_CRAWLED = 1_000
"""Programs that are read of each order."""


async def have(context: Context) -> None:
    """See that there is an index that is not too old: who needs it waits for it."""

    async def gateway() -> Gateway:
        return context.gateway

    await renew(context.store, context.shared.crawling, gateway, context.now(), OLDEST, first=True)


async def renew(  # noqa: PLR0913 - what it is read with
    store: Store,
    crawling: asyncio.Lock,
    gateway: Callable[[], Awaitable[Gateway]],
    now: datetime,
    life: timedelta,
    *,
    first: bool = False,
) -> bool:
    """Read all of Telegram's lists anew when they are older than that, or `first` of all; whether they were read.

    Of several who ask at once, one reads.
    """
    async with crawling:
        async with store.begin() as session:
            newest = await programs.newest_crawl(session)
        is_due = first if newest is None else newest < (now - life).timestamp()
        if is_due:
            line = await gateway()
            orders: dict[ProgramSort, list[Program]] = {sort: await _read(line, sort) for sort in get_args(ProgramSort)}
            async with store.begin() as session:
                await programs.keep_crawl(session, orders, now)
    return is_due


async def _read(gateway: Gateway, sort: ProgramSort) -> list[Program]:
    found: dict[BotId, Program] = {}
    offset: str | None = ""
    while offset is not None and len(found) < MOST_CRAWLED:
        page = await gateway.suggested(sort, offset, CRAWL_PAGE)
        found.update({program.bot_id: program for program in page.programs if program.bot_id not in found})
        offset = page.next_offset
    return list(found.values())
