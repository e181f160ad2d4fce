"""Links that people made in Telegram itself, and have us watch."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import WatchedId
from mtproto_bridge.protocol.links import ReferralLink
from mtproto_bridge.protocol.requests import LONGEST_TITLE
from mtproto_bridge.store.tables import Program, Watched
from mtproto_bridge.store.upsert import Upsert
from mtproto_bridge.telegram.gateway import FoundBot

LOOK_LIFE = timedelta(days=1)
"""How long a link counts as alive where nobody looks at it before it is posted."""
_KEPT = Upsert(
    Watched, ("person_id", "url"), ("bot_id", "bot_username", "bot_title", "alive", "checked_at"), returning="id"
)


async def find(session: AsyncSession, person: int, watched: WatchedId) -> Watched | None:
    """One of a person's watched links."""
    row = await session.get(Watched, watched)
    return row if row and row.person_id == person else None


async def by_link(session: AsyncSession, person: int, link: ReferralLink) -> Watched | None:
    """The person's watched link that somebody pasted; usernames are case-insensitive, tokens are not."""
    rows = await session.scalars(
        select(Watched).where(Watched.person_id == person, func.lower(Watched.bot_username) == link.username.lower())
    )
    return next((one for one in rows if one.url.endswith(f"={link.prefix}{link.token}")), None)


async def count(session: AsyncSession, person: int) -> int:
    """How many links a person has watched."""
    return await session.scalar(select(func.count()).select_from(Watched).where(Watched.person_id == person)) or 0


async def keep(session: AsyncSession, person: int, url: str, bot: FoundBot, at: datetime) -> Watched:
    """Write a live link down, or renew what is known of it."""
    told: dict[str, object] = {
        "person_id": person,
        "url": url,
        "bot_id": bot.id,
        "bot_username": bot.username,
        "bot_title": bot.title[:LONGEST_TITLE],
        "alive": True,
        "checked_at": at,
        "added_at": at,
    }
    kept = await _KEPT.run(session, told)
    return await session.get_one(Watched, kept, populate_existing=True)


async def page(
    session: AsyncSession, person: int, *, offset: int, limit: int
) -> tuple[Sequence[tuple[Watched, Program | None]], int]:
    """One page of a person's watched links, newest first, with their programs as last seen; and how many in all."""
    rows = await session.execute(
        select(Watched, Program)
        .outerjoin(Program, Program.bot_id == Watched.bot_id)
        .where(Watched.person_id == person)
        .order_by(Watched.added_at.desc(), Watched.id.desc())
        .offset(offset)
        .limit(limit)
    )
    return [(row, program) for row, program in rows], await count(session, person)


async def live_page(
    session: AsyncSession, person: int, now: datetime, *, offset: int, limit: int
) -> tuple[Sequence[tuple[Watched, Program | None]], int]:
    """One page of a person's watched links that were seen alive within the last day; and how many in all."""
    live = (
        Watched.person_id == person,
        Watched.alive,
        Watched.checked_at > now - LOOK_LIFE,
        or_(Program.end_date.is_(None), Program.end_date > now),
    )
    of_program = Program.bot_id == Watched.bot_id
    total = await session.scalar(select(func.count()).select_from(Watched).outerjoin(Program, of_program).where(*live))
    found = select(Watched, Program).outerjoin(Program, of_program).where(*live)
    rows = await session.execute(found.order_by(Watched.added_at.desc(), Watched.id.desc()).offset(offset).limit(limit))
    return [(row, program) for row, program in rows], total or 0


async def note(session: AsyncSession, row: Watched, *, alive: bool, at: datetime) -> None:
    """Keep what a look found; a link that was forgotten meanwhile stays so."""
    await session.execute(update(Watched).where(Watched.id == row.id).values(alive=alive, checked_at=at))
    row.alive, row.checked_at = alive, at


async def forget(session: AsyncSession, person: int, watched: WatchedId) -> None:
    """Watch a person's link no more."""
    await session.execute(delete(Watched).where(Watched.id == watched, Watched.person_id == person))
