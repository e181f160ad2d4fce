"""Accounts and the access hashes they hold."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.store.tables import Account, Balance, Peer
from mtproto_bridge.store.upsert import Upsert
from mtproto_bridge.telegram.limits import free_channels

State = Literal["arriving", "ready", "frozen", "logged_out", "banned", "leaving", "removed"]
"""`arriving`: the console that logs it in still speaks for it. `frozen`: it may read, not act. `banned`: or deleted,
at Telegram and for good. `leaving`: about to be removed, bridges give its lane up. `removed`: kept for the balances
that name it."""
SERVING: tuple[State, ...] = ("ready", "frozen")
"""States in which an account can be connected."""

_PEER = Upsert(Peer, ("account_id", "peer_id"), ("access_hash", "username", "name"))


# Built once, and without classes: an account that changes hands waits for these.
_ACCOUNT = select(Account.name, Account.session, Account.state, Account.updates).where(
    Account.id == bindparam("account")
)
_PEERS = select(Peer.peer_id, Peer.access_hash, Peer.username, Peer.name).where(Peer.account_id == bindparam("account"))


@dataclass(frozen=True)
class KnownAccount:
    """An account as it is kept."""

    name: str
    session: bytes
    """Sealed."""
    state: str
    updates: str | None
    """Where its updates stand, as `telegram.hearing` writes it."""


@dataclass(frozen=True)
class KnownPeer:
    """An access hash of one account, as it is kept."""

    peer_id: int
    access_hash: int
    username: str | None
    name: str | None


@dataclass(frozen=True)
class ListedAccount:
    """An account as an operator sees it."""

    id: AccountId
    name: str
    username: str | None
    state: str
    session: bytes
    """Sealed; empty when it was erased."""
    channels: int
    """Registered channels that it serves."""
    premium: bool = False

    @property
    def free(self) -> int:
        """How many more it may take; none unless it can act."""
        return free_channels(self.channels, premium=self.premium) if self.state == "ready" else 0


async def all_accounts(session: AsyncSession) -> dict[AccountId, bool]:
    """Every account with a lane and whether it may serve (a lost or removed one may not).

    The first is the desk: of those that may serve, one that may act as well if there is any, by id.
    """
    rank = case({state: number for number, state in enumerate(SERVING)}, value=Account.state, else_=len(SERVING))
    having = select(Account.id, Account.state).where(Account.state != "leaving")
    rows = await session.execute(having.order_by(rank, Account.id))
    return {AccountId(account): state in SERVING for account, state in rows}


async def listed(session: AsyncSession, only: AccountId | None = None) -> list[ListedAccount]:
    """Every account there is or was, by id; or one of them."""
    query = (
        select(Account, func.count(Balance.id))
        .outerjoin(Balance, and_(Balance.account_id == Account.id, Balance.kind == "channel"))
        .group_by(Account.id)
        .order_by(Account.id)
        .execution_options(populate_existing=True)
    )
    rows = await session.execute(query if only is None else query.where(Account.id == only))
    return [
        ListedAccount(AccountId(one.id), one.name, one.username, one.state, one.session, channels, one.premium)
        for one, channels in rows
    ]


async def row(session: AsyncSession, account: AccountId) -> Account | None:
    """One account with all that is known of it."""
    return await session.get(Account, account)


async def barred(session: AsyncSession) -> set[AccountId]:
    """The accounts that Telegram does not let join programs. Those of which it said nothing are not among them."""
    return {AccountId(one) for one in await session.scalars(select(Account.id).where(Account.may_connect.is_(False)))}


async def shown(session: AsyncSession) -> list[ListedAccount]:
    """The accounts an operator has to do with: a removed one only while channels wait for another."""
    return [one for one in await listed(session) if one.state != "removed" or one.channels]


async def get_account(session: AsyncSession, account: AccountId) -> KnownAccount | None:
    """One account."""
    row = (await session.execute(_ACCOUNT, {"account": account})).one_or_none()
    return KnownAccount(*row) if row else None


async def save_account(  # noqa: PLR0913 - what an account is
    session: AsyncSession,
    account: AccountId,
    *,
    name: str,
    username: str | None,
    sealed: bytes,
    arriving: bool = False,
) -> str | None:
    """Keep a logged-in account; logging in again replaces its session. Answers the state it was in, if it was known.

    A frozen one stays so until Telegram says otherwise: what it allows the account is asked anew. An `arriving` one
    is not connected until it arrives.
    """
    before = await session.scalar(select(Account.state).where(Account.id == account))
    state = "arriving" if arriving else arrived(before)
    known = Account(id=account, name=name, username=username, session=sealed, state=state, checked_at=None)
    await session.merge(known)
    await session.flush()
    return before


def arrived(before: str | None) -> State:
    """What an account that was logged in becomes, by what it was before."""
    return "frozen" if before == "frozen" else "ready"


async def started_bot(session: AsyncSession, account: AccountId) -> BotId | None:
    """The bot at which the account pressed Start last."""
    found = await session.scalar(select(Account.started_bot).where(Account.id == account))
    return BotId(found) if found else None


async def note_started(session: AsyncSession, account: AccountId, bot: BotId) -> None:
    """The account pressed Start at this bot."""
    await session.execute(update(Account).where(Account.id == account).values(started_bot=bot))


async def set_state(session: AsyncSession, account: AccountId, *, before: str, after: str) -> bool:
    """Change an account's state; False when it is another one by now."""
    return await _change(session, account, Account.state == before, state=after)


async def lose(session: AsyncSession, account: AccountId, *, sealed: bytes, after: State) -> str | None:
    """An account with this session serves nothing any more; what it was before, None when that was known or undone."""
    before = await session.scalar(select(Account.state).where(Account.id == account))
    if before not in SERVING:
        return None
    still = and_(Account.state == before, Account.session == sealed)
    return before if await _change(session, account, still, state=after) else None


async def reseal(session: AsyncSession, account: AccountId, *, before: bytes, after: bytes) -> bool:
    """Replace a sealed session; False when it is another one by now."""
    return await _change(session, account, Account.session == before, session=after)


async def erase(session: AsyncSession, account: AccountId, *, sealed: bytes) -> bool:
    """Forget this session and the account's access hashes; False when it has another session by now."""
    erased = await _change(session, account, Account.session == sealed, session=b"", state="removed")
    if erased:
        await session.execute(delete(Peer).where(Peer.account_id == account))
    return erased


async def note_full(session: AsyncSession, account: AccountId, at: datetime) -> None:
    """Telegram said that the account is in too many channels."""
    await session.execute(update(Account).where(Account.id == account).values(full_at=at))


async def note_allowed(
    session: AsyncSession, account: AccountId, *, premium: bool, may_connect: bool | None, at: datetime | None
) -> None:
    """Keep what Telegram said it allows an account; without `at` it is soon asked again."""
    told = update(Account).where(Account.id == account)
    await session.execute(told.values(premium=premium, may_connect=may_connect, checked_at=at))


async def _change(db: AsyncSession, account: AccountId, still: ColumnElement[bool], **values: object) -> bool:
    """Change an account that is still as it was thought to be."""
    changed = update(Account).where(Account.id == account, still).values(values).returning(Account.id)
    return bool(await db.scalar(changed))


async def save_updates(session: AsyncSession, account: AccountId, updates: str | None) -> None:
    """Keep where an account's updates stand."""
    await session.execute(update(Account).where(Account.id == account).values(updates=updates))


async def known_peers(session: AsyncSession, account: AccountId) -> list[KnownPeer]:
    """Every access hash the account holds."""
    return [KnownPeer(*row) for row in await session.execute(_PEERS, {"account": account})]


async def save_peers(session: AsyncSession, account: AccountId, peers: Iterable[KnownPeer]) -> None:
    """Keep access hashes, the newest word on each peer."""
    for peer in peers:
        await _PEER.run(session, asdict(peer) | {"account_id": account})
