"""The links of balances, as last read from Telegram."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AffiliationId, BalanceId, BotId
from mtproto_bridge.protocol.links import ReferralLink
from mtproto_bridge.store.tables import Affiliation, Program
from mtproto_bridge.store.upsert import Upsert
from mtproto_bridge.telegram.gateway import Connection

_NEWEST_FIRST = (Affiliation.date.desc(), Affiliation.id.desc())
LIVE = (Affiliation.current, Affiliation.revoked.is_(False))
"""What a link is that works, as last seen."""
_LINKS = cast("Table", Affiliation.__table__)
_FACTS = tuple(one.name for one in fields(Connection))
_TOLD = (*_FACTS, "current", "seen_at")
_KEPT = select(*(_LINKS.c[name] for name in _TOLD))
_UPSERT = Upsert(Affiliation, ("balance_id", "url"), _TOLD, returning="id")
_SUPERSEDE = (
    update(_LINKS)
    .where(
        _LINKS.c.balance_id == bindparam("of_balance"),
        _LINKS.c.bot_id == bindparam("of_bot"),
        _LINKS.c.id != bindparam("newest"),
        _LINKS.c.current,
    )
    .values(current=False)
)


async def by_id(session: AsyncSession, affiliation: AffiliationId) -> Affiliation | None:
    """One link."""
    return await session.get(Affiliation, affiliation)


async def current(session: AsyncSession, balance: BalanceId, bot: BotId) -> Affiliation | None:
    """The newest link of a balance for a program, as last seen."""
    return await session.scalar(
        select(Affiliation).where(Affiliation.balance_id == balance, Affiliation.bot_id == bot, Affiliation.current)
    )


async def by_link(session: AsyncSession, balances: Iterable[BalanceId], link: ReferralLink) -> Affiliation | None:
    """Which of these balances' links somebody pasted; usernames are case-insensitive, tokens are not."""
    rows = await session.scalars(
        select(Affiliation).where(
            Affiliation.balance_id.in_(list(balances)), func.lower(Affiliation.bot_username) == link.username.lower()
        )
    )
    return next((one for one in rows if one.url.endswith(f"={link.prefix}{link.token}")), None)


async def save(session: AsyncSession, balance: BalanceId, connection: Connection, seen_at: datetime) -> Affiliation:
    """Keep what Telegram says of a link; it is the newest of its balance and program."""
    told = asdict(connection) | {"balance_id": balance, "current": True, "seen_at": seen_at}
    newest = await _UPSERT.run(session, told)
    await session.execute(_SUPERSEDE, {"of_balance": balance, "of_bot": connection.bot_id, "newest": newest})
    return Affiliation(id=newest, **told)


async def save_list(
    session: AsyncSession, balance: BalanceId, listed: Sequence[Connection], begun_at: datetime
) -> None:
    """Keep a balance's whole list, newest link first, as Telegram told it from `begun_at` on.

    A link that is no longer in it is dead. What was done with a program since then is newer than the list.
    """
    kept = (await session.execute(_KEPT.where(_LINKS.c.balance_id == balance))).all()
    touched = {row.bot_id for row in kept if row.seen_at > begun_at}
    known = {row.url: Connection(*row[: len(_FACTS)]) for row in kept if row.current}
    links_for = Counter(one.bot_id for one in listed)
    same = {one.url for one in listed if known.get(one.url) == one and links_for[one.bot_id] == 1}
    for connection in reversed(listed):  # oldest first: the newest of a pair is its current one
        if connection.bot_id not in touched and connection.url not in same:
            await save(session, balance, connection, begun_at)
    older = update(_LINKS).where(_LINKS.c.balance_id == balance, _LINKS.c.seen_at <= begun_at)
    gone = older.where(_LINKS.c.url.not_in([one.url for one in listed]))
    await session.execute(older.where(_LINKS.c.url.in_(same)).values(seen_at=begun_at))
    await session.execute(gone.values(revoked=True, seen_at=begun_at))


async def live_page(
    session: AsyncSession, balances: Iterable[BalanceId], now: datetime, *, offset: int, limit: int
) -> tuple[Sequence[Affiliation], int]:
    """One page of the links of these balances that work, as last seen, the newest first; and how many in all."""
    live = (Affiliation.balance_id.in_(list(balances)), *LIVE, or_(Program.end_date.is_(None), Program.end_date > now))
    of_program = Program.bot_id == Affiliation.bot_id
    total = await session.scalar(
        select(func.count()).select_from(Affiliation).outerjoin(Program, of_program).where(*live)
    )
    found = select(Affiliation).outerjoin(Program, of_program).where(*live).order_by(*_NEWEST_FIRST)
    return (await session.scalars(found.offset(offset).limit(limit))).all(), total or 0


async def live_links(session: AsyncSession, balances: Iterable[BalanceId]) -> dict[BalanceId, int]:
    """How many live links these balances have, as last seen."""
    live = (Affiliation.balance_id.in_(list(balances)), *LIVE)
    counted = select(Affiliation.balance_id, func.count()).where(*live).group_by(Affiliation.balance_id)
    return {BalanceId(balance): links for balance, links in await session.execute(counted)}


async def live_of(session: AsyncSession, balance: BalanceId, limit: int) -> list[Affiliation]:
    """The live links of a balance, as last seen, the newest first."""
    live = (Affiliation.balance_id == balance, *LIVE)
    newest = select(Affiliation).where(*live).order_by(*_NEWEST_FIRST)
    return list(await session.scalars(newest.limit(limit)))


async def joined_bots(session: AsyncSession, balances: Iterable[BalanceId]) -> set[tuple[BalanceId, BotId]]:
    """Which of these balances have a live link for which programs."""
    rows = await session.execute(
        select(Affiliation.balance_id, Affiliation.bot_id).where(Affiliation.balance_id.in_(list(balances)), *LIVE)
    )
    return {(BalanceId(balance), BotId(bot)) for balance, bot in rows}
