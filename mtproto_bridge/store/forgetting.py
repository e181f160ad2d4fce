"""Forgetting a person. What they did stays in the audit, without saying who it was."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AccountId, BalanceId
from mtproto_bridge.store import balances, outbox, people, registrations
from mtproto_bridge.store.tables import NOBODY, Audit, Balance, Manager, Person, Registration, Watched

_MAY_ACT = or_(Manager.allowed, Manager.checked_at.is_(None))
"""Telegram said so last, or was never asked."""
_OF_BALANCE = Manager.balance_id == Balance.id
_ABANDONED = (Balance.kind == "channel", Balance.registered_by == NOBODY, ~exists().where(_OF_BALANCE))
"""What somebody brought who is forgotten, and nobody else manages. Who may not post there today may tomorrow: what
is theirs alone is released only as what nobody uses is."""
_HEIR = select(func.min(Manager.person_id)).where(_OF_BALANCE, _MAY_ACT).scalar_subquery()
_NAMES = (Manager.person_id, Registration.person_id, Watched.person_id, Audit.person_id, Balance.registered_by)


@dataclass(frozen=True)
class Erased:
    """What becomes of the channels of somebody who is forgotten, and whether they stay banned."""

    left: int
    """Nobody else manages them."""
    kept: int
    """Somebody else may act for them."""
    still_banned: bool


async def forget(session: AsyncSession, person: int) -> Erased:
    """Erase everything that names a person, but for a ban."""
    await _give_up_registrations(session, person)
    manages = (Manager.person_id == person, _MAY_ACT, Balance.kind == "channel")
    managed = list(await session.scalars(select(Balance.id).join(Manager).where(*manages)))
    await session.execute(delete(Manager).where(Manager.person_id == person))
    brought_by = func.coalesce(_HEIR, NOBODY)  # so it counts against somebody's limit, as long as there is somebody
    await session.execute(update(Balance).where(Balance.registered_by == person).values(registered_by=brought_by))
    left = await _count(session, managed, *_ABANDONED)
    kept = await _count(session, managed, exists().where(_OF_BALANCE, _MAY_ACT))
    await session.execute(delete(Watched).where(Watched.person_id == person))
    await session.execute(update(Audit).where(Audit.person_id == person).values(person_id=NOBODY))
    await outbox.forget(session, person)
    still_banned = await people.forget(session, person)
    return Erased(left, kept, still_banned)


async def _count(session: AsyncSession, of: list[int], *which: ColumnElement[bool]) -> int:
    return await session.scalar(select(func.count(Balance.id)).where(Balance.id.in_(of), *which)) or 0


async def is_forgotten(session: AsyncSession, person: int) -> bool:
    """Whether nothing that lasts names a person, but for a ban."""
    named = [exists().where(column == person) for column in _NAMES]
    known = exists().where(Person.id == person, people.MORE_THAN_A_BAN)
    return not await session.scalar(select(or_(known, *named)))


async def _give_up_registrations(session: AsyncSession, person: int) -> None:
    """Where an account came in for them and the channel is no balance, it is one that nobody manages: it is left."""
    mine = Registration.person_id == person
    is_inside = (Registration.state.in_(("joined", "promoted")), Registration.account_id.is_not(None))
    for row in await session.scalars(select(Registration).where(mine, *is_inside)):
        if await balances.of_channel(session, row.channel_id):
            continue
        number = await balances.register_channel(session, row, AccountId(row.account_id or NOBODY))
        await session.execute(update(Balance).where(Balance.id == number).values(registered_by=NOBODY))
    await session.execute(delete(Registration).where(mine))


async def abandoned(session: AsyncSession, account: AccountId, now: datetime) -> Balance | None:
    """A channel of an account that nobody manages any more, and nobody is registering anew."""
    comes_anew = registrations.comes_anew(now)
    found = select(Balance).where(Balance.account_id == account, *_ABANDONED, ~comes_anew)
    return await session.scalar(found.order_by(Balance.id).limit(1))


async def is_abandoned(session: AsyncSession, balance: BalanceId, account: AccountId) -> bool:
    """Whether that is still so, under a lock."""
    still = select(Balance.id).where(Balance.id == balance, Balance.account_id == account, *_ABANDONED)
    return await session.scalar(still.with_for_update()) is not None
