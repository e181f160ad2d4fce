"""Accounts and the access hashes they hold."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store.tables import Account, Peer
from mtproto_bridge.store.upsert import Upsert

_PEER = Upsert(Peer, ("account_id", "peer_id"), ("access_hash", "username", "name"))


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


async def get_account(session: AsyncSession, account: AccountId) -> Account | None:
    """One account's row."""
    return await session.get(Account, account)


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
    columns = select(Peer.peer_id, Peer.access_hash, Peer.username, Peer.name)  # thrice as fast as rows with a class
    rows = await session.execute(columns.where(Peer.account_id == account))
    return [KnownPeer(*row) for row in rows]


async def save_peers(session: AsyncSession, account: AccountId, peers: Iterable[KnownPeer]) -> None:
    """Keep access hashes, the newest word on each peer."""
    for peer in peers:
        await _PEER.run(session, asdict(peer) | {"account_id": account})
