"""A person's links in one list: those of their balances, and those they have watched."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import BalanceId
from mtproto_bridge.protocol.requests import Sort
from mtproto_bridge.store import watched
from mtproto_bridge.store.tables import Affiliation, Balance, Program, Watched


@dataclass(frozen=True)
class Listed:
    """One link, with its program as last seen: either of a balance, or watched."""

    affiliation: Affiliation | None
    balance: Balance | None
    watched: Watched | None
    program: Program | None


@dataclass(frozen=True)
class Page:
    """One page, and how many links there are in all."""

    links: Sequence[Listed]
    own: int
    watched: int


async def page(  # noqa: PLR0913 - whose links, and which of them
    session: AsyncSession, balances: Iterable[BalanceId], person: int, *, sort: Sort, offset: int, limit: int
) -> Page:
    """One page of the newest link per balance and program and of the person's watched links, in one order."""
    mine = and_(Affiliation.balance_id.in_(list(balances)), Affiliation.current)
    listed = _listed(mine, person)
    shown = select(listed).order_by(*_order(listed, sort)).offset(offset).limit(limit).subquery("shown")
    rows = await session.execute(
        select(Affiliation, Balance, Watched, Program)
        .select_from(shown)
        .outerjoin(Affiliation, and_(Affiliation.id == shown.c.id, shown.c.is_watched == 0))
        .outerjoin(Balance, Balance.id == Affiliation.balance_id)
        .outerjoin(Watched, and_(Watched.id == shown.c.id, shown.c.is_watched == 1))
        .outerjoin(Program, Program.bot_id == shown.c.bot_id)
        .order_by(*_order(shown, sort))
    )
    own = await session.scalar(select(func.count()).select_from(Affiliation).where(mine))
    return Page([Listed(*row) for row in rows], own or 0, await watched.count(session, person))


def _listed(mine: ColumnElement[bool], person: int) -> Subquery:
    own = select(
        literal(0).label("is_watched"),
        Affiliation.id,
        Affiliation.bot_id,
        Affiliation.date,
        Affiliation.revenue,
        Affiliation.participants,
    ).where(mine)
    theirs = select(literal(1), Watched.id, Watched.bot_id, Watched.added_at, literal(0), literal(0))
    return union_all(own, theirs.where(Watched.person_id == person)).subquery("listed")


def _order(listed: Subquery, sort: Sort) -> list[ColumnElement[Any]]:
    """Watched links have no counters: they come last where these decide. The id leaves no two links equal."""
    by_date = [listed.c.date.desc(), listed.c.is_watched, listed.c.id.desc()]
    return by_date if sort == "date" else [listed.c.is_watched, listed.c[sort].desc(), *by_date]
