"""Registrations of channels, and how much room the accounts have for more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AccountId, BalanceId, RegistrationId
from mtproto_bridge.protocol.replies import UNDER_WAY, RegistrationState
from mtproto_bridge.store.tables import Account, Balance, Registration
from mtproto_bridge.store.upsert import Upsert

UNTOUCHED = timedelta(days=1)
"""A registration that nobody went on with for so long holds no place any more; who goes on with it begins again."""

_COLUMNS = ("title", "username", "state", "account_id", "balance_id", "origin", "updated_at")
_KEEP = Upsert(Registration, ("person_id", "channel_id"), _COLUMNS, returning="id")


@dataclass(frozen=True)
class Room:
    """How an account that may serve stands with channels."""

    account: AccountId
    premium: bool
    may_connect: bool | None
    full_at: datetime | None
    held: int
    """Channels it serves, and those it is about to."""


async def by_id(session: AsyncSession, registration: RegistrationId) -> Registration | None:
    """One registration."""
    return await session.get(Registration, registration)


async def of(session: AsyncSession, person: int, channel_id: int) -> Registration | None:
    """A person's registration of a channel."""
    mine = (Registration.person_id == person, Registration.channel_id == channel_id)
    return await session.scalar(select(Registration).where(*mine))


async def keep(  # noqa: PLR0913 - what a registration is
    session: AsyncSession,
    *,
    person: int,
    channel_id: int,
    title: str,
    username: str | None,
    state: RegistrationState,
    account: AccountId | None,
    balance: BalanceId | None = None,
    origin: str | None,
    at: datetime,
) -> Registration:
    """Write down where a person's registration of a channel stands."""
    told: dict[str, object] = {
        "person_id": person,
        "channel_id": channel_id,
        "title": title,
        "username": username,
        "state": state,
        "account_id": account,
        "balance_id": balance,
        "origin": origin,
        "created_at": at,
        "updated_at": at,
    }
    number = await _KEEP.run(session, told)
    return await session.get_one(Registration, number, populate_existing=True)


async def change(  # noqa: PLR0913 - where it stands, and since when
    session: AsyncSession,
    registration: RegistrationId,
    *,
    before: RegistrationState | None = None,
    state: RegistrationState,
    account: AccountId | None,
    balance: BalanceId | None = None,
    at: datetime,
) -> Registration | None:
    """Write down where it stands now; None when it is gone, or no longer as it was thought to be.

    Without `balance` it stays with the one it is of, if any: once that is forgotten, so is it.
    """
    still = [Registration.id == registration, *([Registration.state == before] if before else [])]
    told = {"state": state, "account_id": account, "updated_at": at} | ({"balance_id": balance} if balance else {})
    changed = await session.scalar(update(Registration).where(*still).values(told).returning(Registration.id))
    present = await session.get(Registration, registration, populate_existing=True)
    return present if changed else None


async def open_of(session: AsyncSession, person: int, now: datetime) -> Sequence[Registration]:
    """A person's registrations that wait or are under way, the oldest first."""
    waits_or_goes_on = or_(Registration.state == "waiting", _is_under_way(now))
    mine = select(Registration).where(Registration.person_id == person, waits_or_goes_on)
    return (await session.scalars(mine.order_by(Registration.id))).all()


async def under_way(session: AsyncSession, now: datetime) -> Sequence[Registration]:
    """Everybody's registrations under way, the oldest first."""
    return (await session.scalars(select(Registration).where(_is_under_way(now)).order_by(Registration.id))).all()


async def waiting(session: AsyncSession, limit: int) -> tuple[Sequence[Registration], int]:
    """The registrations that wait for the operator's word, the oldest first, and how many there are in all."""
    wait = Registration.state == "waiting"
    total = await session.scalar(select(func.count()).select_from(Registration).where(wait))
    rows = await session.scalars(select(Registration).where(wait).order_by(Registration.id).limit(limit))
    return rows.all(), total or 0


async def count_of(session: AsyncSession, person: int, now: datetime) -> int:
    """How many channels a person has registered, or is about to."""
    brought = await session.scalar(select(func.count(Balance.id)).where(Balance.registered_by == person))
    new = (Registration.person_id == person, ~_is_registered())
    coming = await session.scalar(
        select(func.count(Registration.id)).where(*new, or_(Registration.state == "waiting", _is_under_way(now)))
    )
    return (brought or 0) + (coming or 0)


async def coming_by(session: AsyncSession, channel_id: int, now: datetime) -> AccountId | None:
    """The account through which somebody else is registering the channel, if that may serve."""
    comes = (Registration.channel_id == channel_id, _is_under_way(now), Account.state == "ready")
    ids = select(Account.id).join(Registration, Registration.account_id == Account.id).where(*comes)
    found = await session.scalar(ids.order_by(Registration.id).limit(1))
    return AccountId(found) if found else None


async def is_begun(session: AsyncSession, channel_id: int, now: datetime) -> bool:
    """Whether somebody's registration of a channel waits, goes on, or was given up with the account in the channel."""
    unfinished = or_(Registration.state.in_(("waiting", "joined", "promoted")), _is_under_way(now))
    begun = exists().where(Registration.channel_id == channel_id, unfinished)
    return bool(await session.scalar(select(begun)))


async def rooms(session: AsyncSession, now: datetime) -> list[Room]:
    """How the accounts that may serve stand with channels, by id."""
    serves = (Balance.account_id == Account.id, Balance.kind == "channel")
    comes = (Registration.account_id == Account.id, _is_under_way(now), ~_is_registered())
    served = select(func.count(Balance.id)).where(*serves).correlate(Account).scalar_subquery()
    coming = select(func.count(Registration.channel_id.distinct())).where(*comes).correlate(Account).scalar_subquery()
    columns = (Account.id, Account.premium, Account.may_connect, Account.full_at, served + coming)
    rows = await session.execute(select(*columns).where(Account.state == "ready").order_by(Account.id))
    return [Room(AccountId(account), *rest) for account, *rest in rows]


def comes_anew(now: datetime) -> ColumnElement[bool]:
    """Whether somebody is registering a balance's channel."""
    return exists().where(Registration.channel_id == Balance.peer_id, _is_under_way(now))


def is_under_way(row: Registration, now: datetime) -> bool:
    """Whether an account holds a place for it."""
    return row.state in UNDER_WAY and row.updated_at > now - UNTOUCHED


def _is_under_way(now: datetime) -> ColumnElement[bool]:
    return and_(Registration.state.in_(UNDER_WAY), Registration.updated_at > now - UNTOUCHED)


def _is_registered() -> ColumnElement[bool]:
    return exists().where(Balance.kind == "channel", Balance.peer_id == Registration.channel_id)
