"""People who talk to the bot: their language, their name, which terms they accepted, and who is banned."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.events import Hearer
from mtproto_bridge.protocol.requests import TERMS_VERSION
from mtproto_bridge.store.tables import Manager, Person
from mtproto_bridge.store.upsert import Upsert

_MET = Upsert(Person, ("id",), ("locale", "name"))
_BANNED = Upsert(Person, ("id",), ("banned",))
_ACCEPTED = Upsert(Person, ("id",), ("terms_version", "terms_accepted_at"))
_UNKNOWN: dict[str, object] = {"locale": "en", "name": None}

MORE_THAN_A_BAN = or_(
    ~Person.banned, Person.name.is_not(None), Person.terms_version.is_not(None), Person.locale != _UNKNOWN["locale"]
)
"""Of a person's row: it says more than that somebody is banned of whom nothing else is known."""


async def find(session: AsyncSession, person: int) -> Person | None:
    """What is known of a person."""
    return await session.get(Person, person)


async def note(session: AsyncSession, person: int, *, locale: str, name: str | None) -> None:
    """Keep a person's language and name."""
    await _MET.run(session, {"id": person, "locale": locale, "name": name, "banned": False})


async def ban(session: AsyncSession, person: int, *, banned: bool) -> None:
    """Ban a person, met or not, or let them be again."""
    await _BANNED.run(session, _UNKNOWN | {"id": person, "banned": banned})


async def forget(session: AsyncSession, person: int) -> bool:
    """Erase a person, but for a ban; whether they are banned."""
    row = await find(session, person)
    is_banned = row is not None and row.banned
    await session.execute(delete(Person).where(Person.id == person))
    if is_banned:
        await ban(session, person, banned=True)
    return is_banned


async def has_accepted_terms(session: AsyncSession, person: int) -> bool:
    """Whether a person accepted the terms as they are now."""
    return await session.scalar(select(Person.terms_version).where(Person.id == person)) == TERMS_VERSION


async def accept_terms(session: AsyncSession, person: int, at: datetime) -> None:
    """A person accepts the terms as they are now; when they did so first stays."""
    if await has_accepted_terms(session, person):
        return
    accepted: dict[str, object] = {"terms_version": TERMS_VERSION, "terms_accepted_at": at}
    await _ACCEPTED.run(session, _UNKNOWN | accepted | {"id": person, "banned": False})


async def banned(session: AsyncSession) -> list[int]:
    """The ids of banned people."""
    return list(await session.scalars(select(Person.id).where(Person.banned).order_by(Person.id)))


async def count(session: AsyncSession) -> int:
    """How many people there are."""
    return await session.scalar(select(func.count()).select_from(Person)) or 0


async def hearers(session: AsyncSession, people: Iterable[int]) -> list[Hearer]:
    """These people with the language each is told things in; the banned are told nothing."""
    wanted = sorted(set(people))
    rows = await session.execute(select(Person.id, Person.locale, Person.banned).where(Person.id.in_(wanted)))
    known = {person: (locale, shut_out) for person, locale, shut_out in rows}
    met = ((person, *known.get(person, ("en", False))) for person in wanted)
    return [Hearer(person_id=person, locale=locale) for person, locale, shut_out in met if not shut_out]


async def managers_but(session: AsyncSession, balance: int, actor: int | None) -> list[Hearer]:
    """Who manages a balance as last known, without the one who acted: they are told."""
    allowed = select(Manager.person_id).where(Manager.balance_id == balance, Manager.allowed)
    return await hearers(session, [one for one in await session.scalars(allowed) if one != actor])
