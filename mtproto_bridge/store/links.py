"""A person's links in one list: those of their balances, and those they have watched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Integer,
    Subquery,
    and_,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import BalanceId
from mtproto_bridge.protocol.requests import Sort
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
    whose = {"balances": list(balances), "person": person}
    rows = await session.execute(_PAGES[sort], whose | {"offset": offset, "limit": limit})
    own, theirs = (await session.execute(_COUNTS, whose)).one()
    return Page([Listed(*row) for row in rows], own, theirs)


# Statements are built once: building these costs more than running them.
_MINE = and_(Affiliation.balance_id.in_(bindparam("balances", expanding=True)), Affiliation.current)
_THEIRS = Watched.person_id == bindparam("person", type_=BigInteger)
_COUNTS = select(
    select(func.count()).select_from(Affiliation).where(_MINE).scalar_subquery(),
    select(func.count()).select_from(Watched).where(_THEIRS).scalar_subquery(),
)


def _page(sort: Sort) -> Executable:
    listed = _listed()
    offset, limit = bindparam("offset", type_=Integer), bindparam("limit", type_=Integer)
    shown = select(listed).order_by(*_order(listed, sort)).offset(offset).limit(limit).subquery("shown")
    return (
        select(Affiliation, Balance, Watched, Program)
        .select_from(shown)
        .outerjoin(Affiliation, and_(Affiliation.id == shown.c.id, shown.c.is_watched == 0))
        .outerjoin(Balance, Balance.id == Affiliation.balance_id)
        .outerjoin(Watched, and_(Watched.id == shown.c.id, shown.c.is_watched == 1))
        .outerjoin(Program, Program.bot_id == shown.c.bot_id)
        .order_by(*_order(shown, sort))
    )


def _listed() -> Subquery:
    own = select(
        literal(0).label("is_watched"),
        Affiliation.id,
        Affiliation.bot_id,
        Affiliation.date,
        Affiliation.revenue,
        Affiliation.participants,
    ).where(_MINE)
    theirs = select(literal(1), Watched.id, Watched.bot_id, Watched.added_at, literal(0), literal(0))
    return union_all(own, theirs.where(_THEIRS)).subquery("listed")


def _order(listed: Subquery, sort: Sort) -> list[ColumnElement[Any]]:
    """Watched links have no counters: they come last where these decide. The id leaves no two links equal."""
    by_date = [listed.c.date.desc(), listed.c.is_watched, listed.c.id.desc()]
    return by_date if sort == "date" else [listed.c.is_watched, listed.c[sort].desc(), *by_date]


_PAGES: Mapping[Sort, Executable] = {sort: _page(sort) for sort in get_args(Sort)}
