"""The index of programs: read anew from Telegram, in Telegram's own order, when somebody needs it and it is old."""

from datetime import timedelta

from mtproto_bridge.actions.context import Context
from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.protocol.replies import Program
from mtproto_bridge.store import programs

INDEX_LIFE = timedelta(minutes=5)
"""How old the index may be before it is read anew."""
CRAWL_PAGE = 100
MOST_CRAWLED = 1_000
"""Programs one crawl reads: the most profitable ones."""


async def renew(context: Context) -> None:
    """Read the index anew, unless it is young."""
    async with context.shared.crawling:
        async with context.store.begin() as session:
            crawled_at = await programs.crawled_at(session)
        if crawled_at is None or crawled_at < context.now() - INDEX_LIFE:
            await _crawl(context)


async def _crawl(context: Context) -> None:
    found: dict[BotId, Program] = {}
    offset: str | None = ""
    while offset is not None and len(found) < MOST_CRAWLED:
        page = await context.gateway.suggested(offset, CRAWL_PAGE)
        found.update({program.bot_id: program for program in page.programs})
        offset = page.next_offset
    async with context.store.begin() as session:
        await programs.replace_order(session, list(found.values()), context.now())
