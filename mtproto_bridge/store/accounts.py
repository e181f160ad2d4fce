"""Accounts and the access hashes they hold."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store.tables import Account, Peer
from mtproto_bridge.store.upsert import Upsert

_PEER = Upsert(Peer, ("account_id", "peer_id"), ("access_hash", "username", "name"))


# Built once, and without classes: an account that changes hands waits for these.
_ACCOUNT = select(Account.name, Account.session, Account.state).where(Account.id == bindparam("account"))
_PEERS = select(Peer.peer_id, Peer.access_hash, Peer.username, Peer.name).where(Peer.account_id == bindparam("account"))


@dataclass(frozen=True)
class KnownAccount:
    """An account as it is kept."""

    name: str
    session: bytes
    """Sealed."""
    state: str


@dataclass(frozen=True)
class KnownPeer:
    """An access hash of one account, as it is kept."""

    peer_id: int
    access_hash: int
    username: str | None
    name: str | None


async def all_accounts(session: AsyncSession) -> dict[AccountId, bool]:
    """Every account and whether it may serve (a logged-out one may not), by id."""
    rows = await session.execute(select(Account.id, Account.state).order_by(Account.id))
    return {AccountId(account): state == "ready" for account, state in rows}


async def get_account(session: AsyncSession, account: AccountId) -> KnownAccount | None:
    """One account."""
    row = (await session.execute(_ACCOUNT, {"account": account})).one_or_none()
    return KnownAccount(*row) if row else None


async def save_account(
    session: AsyncSession, account: AccountId, *, name: str, username: str | None, sealed: bytes
) -> None:
    """Keep a logged-in account; logging in again replaces its session."""
    await session.merge(Account(id=account, name=name, username=username, session=sealed, state="ready"))


async def mark_logged_out(session: AsyncSession, account: AccountId) -> None:
    """The account serves nothing until it is logged in again."""
    row = await session.get(Account, account)
    if row:
        row.state = "logged_out"


async def known_peers(session: AsyncSession, account: AccountId) -> list[KnownPeer]:
    """Every access hash the account holds."""
    return [KnownPeer(*row) for row in await session.execute(_PEERS, {"account": account})]


async def save_peers(session: AsyncSession, account: AccountId, peers: Iterable[KnownPeer]) -> None:
    """Keep access hashes, the newest word on each peer."""
    for peer in peers:
        await _PEER.run(session, asdict(peer) | {"account_id": account})
