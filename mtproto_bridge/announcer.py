"""Brings events from the store to the bot: each at least once, in the order they became true."""

import asyncio
from contextlib import suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.limits import MOST_EVENTS
from mtproto_bridge.queue.redis import Outage, QueueServer
from mtproto_bridge.store import Store, outbox

AT_ONCE = 100
LOOK_EVERY = 5.0
"""Seconds between two looks for what another bridge left behind."""
LONGEST = 2.0
"""Seconds that a server may take for one lot."""

log = structlog.get_logger()


async def announce(store: Store, server: QueueServer, keys: Keys) -> None:
    """Bring events over until cancelled. What could not be brought stays in the store."""
    while True:
        store.has_news.clear()
        try:
            while await _bring(store, server, keys):
                pass
        except (SQLAlchemyError, *Outage) as error:
            log.warning("events.waiting", reason=type(error).__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await store.has_news.wait()


async def _bring(store: Store, server: QueueServer, keys: Keys) -> int:
    async with store.begin() as session:  # a crash before its end leaves them in both places: told twice, not never
        bodies = await outbox.take(session, AT_ONCE)
        adding = (server.ask("XADD", keys.events(), "MAXLEN", "~", MOST_EVENTS, "*", "event", one) for one in bodies)
        async with asyncio.timeout(LONGEST):  # SQLite has one writer, and that is us meanwhile
            await asyncio.gather(*adding)
        if bodies:
            await server.ask("SPUBLISH", keys.events(), "news")
    return len(bodies)
