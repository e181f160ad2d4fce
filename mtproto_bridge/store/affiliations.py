"""The links of balances, as last read from Telegram."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import UnaryExpression, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AffiliationId, BalanceId, BotId
from mtproto_bridge.protocol.requests import Sort
from mtproto_bridge.store.tables import Affiliation, Balance, Program
from mtproto_bridge.telegram.gateway import Connection

_ORDER: dict[Sort, tuple[UnaryExpression[Any], ...]] = {
    "date": (Affiliation.date.desc(), Affiliation.id.desc()),
    "revenue": (Affiliation.revenue.desc(), Affiliation.id.desc()),
    "participants": (Affiliation.participants.desc(), Affiliation.id.desc()),
}


async def by_id(session: AsyncSession, affiliation: AffiliationId) -> Affiliation | None:
    """One link."""
    return await session.get(Affiliation, affiliation)


async def save(session: AsyncSession, balance: BalanceId, connection: Connection, seen_at: datetime) -> Affiliation:
    """Keep what Telegram says of a link; it is the newest of its balance and program."""
    pair = (Affiliation.balance_id == balance, Affiliation.bot_id == connection.bot_id)
    row = await session.scalar(
        select(Affiliation).where(Affiliation.balance_id == balance, Affiliation.url == connection.url)
    )
    if row is None:
        row = Affiliation(balance_id=balance, bot_id=connection.bot_id, url=connection.url, date=connection.date)
        session.add(row)
    row.bot_username, row.bot_title = connection.bot_username, connection.bot_title
    row.date, row.revoked, row.current, row.seen_at = connection.date, connection.revoked, True, seen_at
    row.commission_permille, row.duration_months = connection.commission_permille, connection.duration_months
    row.participants, row.revenue = connection.participants, connection.revenue
    await session.flush()
    await session.execute(
        update(Affiliation).where(*pair, Affiliation.id != row.id).values(current=False, revoked=True)
    )
    return row


async def settle_list(session: AsyncSession, balance: BalanceId, listed: Collection[str], seen_at: datetime) -> None:
    """After a whole list was read and saved: a link that is no longer in it is dead."""
    gone = update(Affiliation).where(Affiliation.balance_id == balance, Affiliation.url.not_in(listed))
    await session.execute(gone.values(revoked=True, seen_at=seen_at))


async def page(
    session: AsyncSession, balances: Iterable[BalanceId], *, sort: Sort, offset: int, limit: int
) -> tuple[list[tuple[Affiliation, Balance, datetime | None]], int]:
    """One page of the newest link per balance and program, with its balance and the program's end date."""
    mine = (Affiliation.balance_id.in_(list(balances)), Affiliation.current)
    total = await session.scalar(select(func.count()).select_from(Affiliation).where(*mine))
    rows = await session.execute(
        select(Affiliation, Balance, Program.end_date)
        .join(Balance, Balance.id == Affiliation.balance_id)
        .outerjoin(Program, Program.bot_id == Affiliation.bot_id)
        .where(*mine)
        .order_by(*_ORDER[sort])
        .offset(offset)
        .limit(limit)
    )
    return [(link, balance, end) for link, balance, end in rows], total or 0


async def joined_bots(session: AsyncSession, balances: Iterable[BalanceId]) -> set[tuple[BalanceId, BotId]]:
    """Which of these balances have a live link for which programs."""
    rows = await session.execute(
        select(Affiliation.balance_id, Affiliation.bot_id).where(
            Affiliation.balance_id.in_(list(balances)), Affiliation.current, Affiliation.revoked.is_(False)
        )
    )
    return {(BalanceId(balance), BotId(bot)) for balance, bot in rows}
