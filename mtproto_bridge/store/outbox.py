"""Events on their way to Redis, written in the transaction that makes them true: none is lost or told in vain."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.events import (
    Acted,
    Event,
    Hearer,
    Occurrence,
    RegistrationDecided,
    RegistrationWaits,
    parse_event,
)
from mtproto_bridge.store.database import NEWS
from mtproto_bridge.store.tables import NOBODY, Outbox


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


async def forget(session: AsyncSession, person: int) -> None:
    """Tell a person nothing of what waits here, and others nothing that names them."""
    for row in await session.scalars(select(Outbox).where(Outbox.body.contains(str(person)))):
        event = parse_event(row.body)
        left = _without(event, person) if event else None
        if left is None:
            await session.delete(row)
        else:
            row.body = left.model_dump_json()


def _without(event: Event, person: int) -> Event | None:
    """An event that does not name a person; None when there is nothing left to tell, or nobody."""
    what, hearers = event.what, [one for one in event.hearers if one.person_id != person]
    if isinstance(what, Acted) and what.person_id == person:
        what = what.model_copy(update={"person_id": NOBODY, "person_name": None})
    is_theirs = isinstance(what, RegistrationWaits | RegistrationDecided) and what.registration.person_id == person
    if is_theirs or not hearers:
        return None
    return event.model_copy(update={"what": what, "hearers": hearers})
