"""Balances, who manages them, and which account serves them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AccountId, BalanceId
from mtproto_bridge.protocol.replies import BalanceKind, Health
from mtproto_bridge.store.tables import Balance, Manager
from mtproto_bridge.store.upsert import Upsert

_PROVEN = Upsert(Manager, ("balance_id", "person_id"), ("allowed", "checked_at"))
# Built once: building a statement costs more than running it, and this one runs whenever somebody acts.
_FIND = (
    select(Balance, Manager)
    .outerjoin(Manager, and_(Manager.balance_id == Balance.id, Manager.person_id == bindparam("person")))
    .where(Balance.id == bindparam("balance"))
)


async def find(session: AsyncSession, balance: BalanceId, person: int) -> tuple[Balance | None, Manager | None]:
    """One balance, and what is known of the person as its manager."""
    row = (await session.execute(_FIND, {"balance": balance, "person": person})).one_or_none()
    return (row[0], row[1]) if row else (None, None)


async def managed_by(session: AsyncSession, person: int) -> list[tuple[Balance, Manager]]:
    """The balances a person is written down for, with what Telegram last said of that."""
    query = select(Balance, Manager).join(Manager, Manager.balance_id == Balance.id)
    rows = await session.execute(query.where(Manager.person_id == person).order_by(Balance.id))
    return [(balance, manager) for balance, manager in rows]


async def note_proof(session: AsyncSession, balance: BalanceId, person: int, *, allowed: bool, at: datetime) -> None:
    """Keep what Telegram just said of a person and a balance; a manager met for the first time is written down."""
    told: dict[str, object] = {"balance_id": balance, "person_id": person, "allowed": allowed, "checked_at": at}
    if allowed:
        await _PROVEN.run(session, told)
    else:
        known = (Manager.balance_id == balance, Manager.person_id == person)
        await session.execute(update(Manager).where(*known).values(allowed=False, checked_at=at))


async def register(  # noqa: PLR0913 - what a balance is
    session: AsyncSession,
    *,
    kind: BalanceKind,
    peer_id: int,
    title: str,
    username: str | None,
    account: AccountId,
    managers: Iterable[int],
) -> BalanceId:
    """Write a balance down, or renew what is known of it; managers are added, none is removed."""
    row = await session.scalar(select(Balance).where(Balance.kind == kind, Balance.peer_id == peer_id))
    if row is None:
        row = Balance(kind=kind, peer_id=peer_id, title=title, username=username, account_id=account)
        session.add(row)
    row.title, row.username, row.account_id = title, username, account
    await session.flush()
    for person in managers:
        if await session.get(Manager, (row.id, person)) is None:
            session.add(Manager(balance_id=row.id, person_id=person))
    return BalanceId(row.id)


async def make_due(session: AsyncSession, account: AccountId, channels: Iterable[int] | None = None) -> None:
    """Have the health of an account's channels looked at soon: of all, or of those with these ids."""
    of_account = (Balance.account_id == account, Balance.kind == "channel")
    which = of_account if channels is None else (*of_account, Balance.peer_id.in_(list(channels)))
    await session.execute(update(Balance).where(*which).values(health_at=None))


async def note_health(
    session: AsyncSession, balance: BalanceId, *, before: Health, health: Health, at: datetime
) -> bool:
    """Keep a channel's health; False when somebody else noted another one than `before` meanwhile."""
    noted = update(Balance).where(Balance.id == balance, Balance.health == before).values(health=health, health_at=at)
    return await session.scalar(noted.returning(Balance.id)) is not None


async def routes(session: AsyncSession) -> dict[BalanceId, AccountId]:
    """Which account serves each balance."""
    rows = await session.execute(select(Balance.id, Balance.account_id))
    return {BalanceId(balance): AccountId(account) for balance, account in rows}


async def mark_listed(session: AsyncSession, balance: BalanceId, at: datetime) -> None:
    """Remember when the balance's links were read from Telegram."""
    await session.execute(update(Balance).where(Balance.id == balance).values(listed_at=at))
