"""Forgetting a person. What they did stays in the audit, without saying who it was."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AccountId, BalanceId
from mtproto_bridge.store import balances, outbox, people, registrations
from mtproto_bridge.store.tables import NOBODY, Audit, Balance, Manager, Registration, Watched

_MAY_ACT = or_(Manager.allowed, Manager.checked_at.is_(None))
"""Telegram said so last, or was never asked."""
_ABANDONED = (
    Balance.kind == "channel",
    Balance.registered_by == NOBODY,
    ~exists().where(Manager.balance_id == Balance.id, _MAY_ACT),
)
"""What somebody brought who is forgotten, and nobody else may post in."""


@dataclass(frozen=True)
class Erased:
    """What becomes of the channels of somebody who is forgotten, and whether they stay banned."""

    left: int
    kept: int
    still_banned: bool


async def forget(session: AsyncSession, person: int) -> Erased:
    """Erase everything that names a person, but for a ban."""
    await _give_up_registrations(session, person)
    manages = (Manager.person_id == person, _MAY_ACT, Balance.kind == "channel")
    managed = list(await session.scalars(select(Balance.id).join(Manager).where(*manages)))
    await session.execute(delete(Manager).where(Manager.person_id == person))
    await session.execute(update(Balance).where(Balance.registered_by == person).values(registered_by=NOBODY))
    left = list(await session.scalars(select(Balance.id).where(Balance.id.in_(managed), *_ABANDONED)))
    await session.execute(delete(Watched).where(Watched.person_id == person))
    await session.execute(update(Audit).where(Audit.person_id == person).values(person_id=NOBODY))
    await outbox.forget(session, person)
    still_banned = await people.forget(session, person)
    return Erased(len(left), len(managed) - len(left), still_banned)


async def _give_up_registrations(session: AsyncSession, person: int) -> None:
    """Where an account came in for them and the channel is no balance, it is one that nobody manages: it is left."""
    mine = Registration.person_id == person
    is_inside = (Registration.state.in_(("joined", "promoted")), Registration.account_id.is_not(None))
    for row in await session.scalars(select(Registration).where(mine, *is_inside)):
        if await balances.of_channel(session, row.channel_id):
            continue
        number = await balances.register(
            session,
            kind="channel",
            peer_id=row.channel_id,
            title=row.title,
            username=row.username,
            account=AccountId(row.account_id or NOBODY),
            managers=[],
        )
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
