"""Events on their way to Redis, written in the transaction that makes them true: none is lost or told in vain."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.events import Event, Hearer, Occurrence
from mtproto_bridge.store.database import NEWS
from mtproto_bridge.store.tables import Outbox


async def put(session: AsyncSession, at: datetime, hearers: Sequence[Hearer], what: Occurrence) -> None:
    """Tell these people once the transaction is committed; nobody is told nothing."""
    if hearers:
        event = Event(id=secrets.token_hex(8), at=at, hearers=list(hearers), what=what)
        session.add(Outbox(body=event.model_dump_json()))
        session.info[NEWS] = True


async def take(session: AsyncSession, limit: int) -> list[str]:
    """Take the oldest events out; they stay if the transaction fails. Two who take at once take different ones."""
    oldest = select(Outbox.id).order_by(Outbox.id).limit(limit).with_for_update(skip_locked=True)
    ids = list(await session.scalars(oldest))
    if not ids:
        return []
    taken = await session.execute(delete(Outbox).where(Outbox.id.in_(ids)).returning(Outbox.id, Outbox.body))
    return [body for _, body in sorted((number, body) for number, body in taken)]
