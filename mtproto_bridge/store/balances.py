"""Balances, who manages them, and which account serves them."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import and_, bindparam, case, delete, exists, false, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AccountId, BalanceId
from mtproto_bridge.protocol.replies import BalanceKind
from mtproto_bridge.store.accounts import SERVING
from mtproto_bridge.store.affiliations import LIVE
from mtproto_bridge.store.tables import Account, Affiliation, Balance, Manager, Registration
from mtproto_bridge.store.upsert import Upsert
from mtproto_bridge.telegram.gateway import FoundBot

_REGISTERED = Upsert(Balance, ("kind", "peer_id"), ("title", "username", "account_id"), returning="id")
_MET = Upsert(Manager, ("balance_id", "person_id"), ())
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


async def of_channel(session: AsyncSession, channel_id: int) -> tuple[Balance, str] | None:
    """The balance of a channel, and the state of the account that serves it."""
    served = select(Balance, Account.state).join(Account, Account.id == Balance.account_id)
    row = (await session.execute(served.where(Balance.kind == "channel", Balance.peer_id == channel_id))).one_or_none()
    return (row[0], row[1]) if row else None


async def channels_of(session: AsyncSession, person: int) -> list[tuple[Balance, Manager, Account]]:
    """The channels a person is written down for, with what Telegram last said of that, and who serves them."""
    query = (
        select(Balance, Manager, Account)
        .join(Manager, Manager.balance_id == Balance.id)
        .join(Account, Account.id == Balance.account_id)
        .where(Manager.person_id == person, Balance.kind == "channel")
    )
    rows = await session.execute(query.order_by(Balance.id))
    return [(balance, manager, account) for balance, manager, account in rows]


async def remove(session: AsyncSession, balance: BalanceId) -> None:
    """Forget a balance with its managers, links and registrations."""
    await session.execute(delete(Balance).where(Balance.id == balance))


async def set_health(  # noqa: PLR0913 - what was found, and of what
    session: AsyncSession, balance: BalanceId, *, account: AccountId, before: str, after: str, at: datetime
) -> bool:
    """Keep what health a channel was found to have with its account.

    False when it has another account meanwhile, or somebody else found something new.
    """
    still = (Balance.id == balance, Balance.account_id == account, Balance.health == before)
    told = update(Balance).where(*still).values(health=after, health_at=at).returning(Balance.id)
    return bool(await session.scalar(told))


async def note_asked(session: AsyncSession, balance: BalanceId, person: int, at: datetime) -> None:
    """Telegram was asked of a person and a balance, and could not say: what it said before stands."""
    known = (Manager.balance_id == balance, Manager.person_id == person)
    await session.execute(update(Manager).where(*known).values(checked_at=at))


async def note_proof(session: AsyncSession, balance: BalanceId, person: int, *, allowed: bool, at: datetime) -> None:
    """Keep what Telegram just said of a person and a balance; a manager met for the first time is written down."""
    told: dict[str, object] = {"balance_id": balance, "person_id": person, "allowed": allowed, "checked_at": at}
    if allowed:
        await _PROVEN.run(session, told)
    else:
        known = (Manager.balance_id == balance, Manager.person_id == person)
        await session.execute(update(Manager).where(*known).values(allowed=False, checked_at=at))


async def register_channel(session: AsyncSession, row: Registration, account: AccountId) -> BalanceId:
    """The channel of a registration becomes a balance of this account; who manages it is written down apart."""
    return await register(
        session,
        kind="channel",
        peer_id=row.channel_id,
        title=row.title,
        username=row.username,
        account=account,
        managers=[],
    )


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
    """Write a balance down, or renew what is known of it; managers are added, none is removed.

    What another account served before is looked at soon.
    """
    moves = (Balance.kind == kind, Balance.peer_id == peer_id, Balance.account_id != account)
    await session.execute(update(Balance).where(*moves).values(health_at=None))
    told: dict[str, object] = {"kind": kind, "peer_id": peer_id, "title": title, "username": username}
    number = await _REGISTERED.run(session, told | {"account_id": account})
    row = await session.get_one(Balance, number, populate_existing=True)
    for person in managers:
        await _MET.run(session, {"balance_id": row.id, "person_id": person})
    return BalanceId(row.id)


async def register_bots(session: AsyncSession, account: AccountId, owned: Iterable[FoundBot]) -> None:
    """Write down the bots that an account's own person owns."""
    for bot in owned:
        await register(
            session,
            kind="bot",
            peer_id=bot.id,
            title=bot.title,
            username=bot.username,
            account=account,
            managers=[account],
        )


async def register_own(session: AsyncSession, account: AccountId) -> None:
    """Write down for an account's own person what its log-in handed over and they were forgotten for, but the bots."""
    own = await session.get_one(Account, account)
    title, username = own.name, own.username
    await register(
        session, kind="account", peer_id=account, title=title, username=username, account=account, managers=[account]
    )
    handed_over = (Balance.account_id == account, Balance.kind == "channel", Balance.registered_by.is_(None))
    known = exists().where(Manager.balance_id == Balance.id, Manager.person_id == account)
    for balance in await session.scalars(select(Balance.id).where(*handed_over, ~known)):
        await _MET.run(session, {"balance_id": balance, "person_id": account})


async def is_own_unknown(session: AsyncSession, person: int) -> bool:
    """Whether a person's own account serves, and is not written down as their balance: they were forgotten."""
    own = exists().where(Manager.person_id == person, Manager.balance_id == Balance.id, Balance.kind == "account")
    serves = exists().where(Account.id == person, Account.state.in_(SERVING))
    return bool(await session.scalar(select(and_(serves, ~own))))


async def make_due(session: AsyncSession, account: AccountId, channels: Iterable[int] | None = None) -> None:
    """Have the health of an account's channels looked at soon: of all, or of those with these ids."""
    of_account = (Balance.account_id == account, Balance.kind == "channel")
    which = of_account if channels is None else (*of_account, Balance.peer_id.in_(list(channels)))
    await session.execute(update(Balance).where(*which).values(health_at=None))


# -- what the chores look for --------------------------------------------------------------------------------------


async def health_due(session: AsyncSession, account: AccountId, since: datetime) -> Balance | None:
    """The channel of an account whose health was looked at longest ago, if not since then."""
    of_account = (Balance.account_id == account, Balance.kind == "channel")
    due = or_(Balance.health_at.is_(None), Balance.health_at <= since)
    oldest_first = (Balance.health_at.is_not(None), Balance.health_at, Balance.id)
    return await session.scalar(select(Balance).where(*of_account, due).order_by(*oldest_first).limit(1))


async def note_posting(session: AsyncSession, balance: BalanceId, posting: Collection[int], at: datetime) -> None:
    """Keep which of a channel's known managers may post there, as Telegram just said."""
    known = update(Manager).where(Manager.balance_id == balance)
    may_post = Manager.person_id.in_(posting)
    await session.execute(known.values(allowed=case((may_post, true()), else_=false()), checked_at=at))


async def note_use(session: AsyncSession, balance: BalanceId, at: datetime) -> None:
    """A balance is in use as long as it has a live link; then it is not to be released."""
    live = exists().where(Affiliation.balance_id == Balance.id, *LIVE)
    await session.execute(update(Balance).where(Balance.id == balance, live).values(used_at=at, idle_told_at=None))


async def idle(session: AsyncSession, account: AccountId, *, unused: datetime, told: datetime) -> Balance | None:
    """A channel that a person registered: unused since then and nobody told, or its managers told by then."""
    of_account = (Balance.account_id == account, Balance.kind == "channel", Balance.registered_by.is_not(None))
    to_tell = and_(Balance.idle_told_at.is_(None), Balance.used_at <= unused)
    return await session.scalar(
        select(Balance).where(*of_account, or_(to_tell, Balance.idle_told_at <= told)).order_by(Balance.id).limit(1)
    )


async def note_idle(session: AsyncSession, balance: BalanceId, at: datetime) -> bool:
    """A channel's managers are told that it will be released; False when they were already."""
    told = update(Balance).where(Balance.id == balance, Balance.idle_told_at.is_(None)).values(idle_told_at=at)
    return bool(await session.scalar(told.returning(Balance.id)))


async def bereft(session: AsyncSession) -> tuple[Balance, Account] | None:
    """A channel whose account is banned, and nobody told its managers yet; with that account."""
    served = select(Balance, Account).join(Account, Account.id == Balance.account_id)
    untold = (Account.state == "banned", Balance.kind == "channel", Balance.health != "account_lost")
    row = (await session.execute(served.where(*untold).order_by(Balance.id).limit(1))).one_or_none()
    return (row[0], row[1]) if row else None


# -- routes --------------------------------------------------------------------------------------------------------


async def routes(session: AsyncSession) -> dict[BalanceId, AccountId]:
    """Which account serves each balance."""
    rows = await session.execute(select(Balance.id, Balance.account_id))
    return {BalanceId(balance): AccountId(account) for balance, account in rows}


async def mark_listed(session: AsyncSession, balance: BalanceId, at: datetime) -> None:
    """Remember when the balance's links were read from Telegram."""
    await session.execute(update(Balance).where(Balance.id == balance).values(listed_at=at))
