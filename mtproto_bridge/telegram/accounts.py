"""The accounts of this bridge: each connected at most once, when first needed, as long as its lease holds."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mtproto_bridge.handling import Lease
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store import Store, accounts
from mtproto_bridge.store.accounts import KnownAccount, KnownPeer
from mtproto_bridge.store.database import KEPT_CONNECTIONS
from mtproto_bridge.telegram.connecting import INTRODUCTION, Connector
from mtproto_bridge.telegram.errors import translated
from mtproto_bridge.telegram.floods import Floods
from mtproto_bridge.telegram.gateway import AccountLost, NotReached, SessionSealed
from mtproto_bridge.telegram.leased import Permit
from mtproto_bridge.telegram.sessions import BridgeSession, KeyRing, SessionKeyError
from mtproto_bridge.telegram.telethon_gateway import TelethonGateway

CONNECT_SECONDS = 15.0

log = structlog.get_logger()


class AccountPool:
    """Gateways by account. Only the holder of an account's lane may ask for one."""

    def __init__(
        self,
        store: Store,
        keys: KeyRing,
        connector: Connector,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._keys = keys
        self._connector = connector
        self._clients: dict[AccountId, _Client] = {}
        self._floods: defaultdict[AccountId, Floods] = defaultdict(lambda: Floods(now))
        self._lost: set[AccountId] = set()
        """Given up since they were last connected."""

    async def gateway(self, account: AccountId, lease: Lease) -> TelethonGateway:
        """The account's gateway under this lease, connected now if it was not.

        Raises:
            AccountLost: it is logged out, banned or removed.
            SessionSealed: its session cannot be opened.
            FloodWait: Telegram said to wait with connecting.
            NotReached: Telegram cannot be reached, or the lease is over.
        """
        while lease.holds():
            client = self._clients.get(account)
            if client is None:
                client = self._clients[account] = _Client(lease, partial(self._connect, account))
            if client.serves(lease):
                return await client.gateway()
            await self._end(account, client)
        raise NotReached("the lease is over")

    def connected(self, account: AccountId, lease: Lease) -> TelethonGateway | None:
        """The account's gateway under this lease, if it is connected."""
        client = self._clients.get(account)
        return client.made() if client and client.serves(lease) else None

    async def warm_up(self) -> None:
        """What an account that changes hands waits for takes ten times as long the first time: let that be now."""
        with suppress(SQLAlchemyError, OSError):  # a database that grants fewer connections serves all the same
            await asyncio.gather(*(self._kept(AccountId(0)) for _ in range(KEPT_CONNECTIONS)))

    async def _kept(self, account: AccountId) -> tuple[KnownAccount | None, list[KnownPeer]]:
        async with self._store.begin() as session:
            return await accounts.get_account(session, account), await accounts.known_peers(session, account)

    async def _connect(self, account: AccountId, client: "_Client") -> TelethonGateway:
        row, known = await self._kept(account)
        if row is None or row.state not in accounts.SERVING:
            raise AccountLost("none of ours")
        try:
            saved = self._keys.open(account, row.session)
        except SessionKeyError as error:
            log.error("account.sealed", account=account, reason=str(error))  # noqa: TRY400 - the sentence says it all
            raise SessionSealed from error
        client.sealed = row.session

        async def keep(peers: Sequence[KnownPeer]) -> None:
            async with self._store.begin() as session:
                await accounts.save_peers(session, account, peers)

        telethon_session = BridgeSession.resume(saved, known, row.updates)
        telethon = self._connector.client(telethon_session, client.permit)
        floods = self._floods[account]
        try:
            with floods.watch(INTRODUCTION), translated():
                async with asyncio.timeout(CONNECT_SECONDS):
                    await telethon.connect()
        except BaseException:
            await telethon.disconnect()  # also when cancelled: nothing may stay half connected
            raise
        log.info("account.back" if account in self._lost else "account.connected", account=account)
        self._lost.discard(account)
        return TelethonGateway(telethon, telethon_session, keep, floods)

    async def let_go(self, account: AccountId) -> None:
        """Disconnect an account, or stop connecting it, so that another bridge may connect it."""
        client = self._clients.get(account)
        if client:
            await self._end(account, client)
            log.info("account.disconnected", account=account)

    async def _end(self, account: AccountId, client: "_Client") -> None:
        await client.end()
        if self._clients.get(account) is client:
            del self._clients[account]

    def cut(self, account: AccountId) -> None:
        """Shut an account's socket at once, from any thread, and send nothing more on it."""
        client = self._clients.get(account)
        if client:
            client.permit.cut()

    def remember_floods(self, account: AccountId, floods: Mapping[str, datetime]) -> None:
        """Wait with these methods until then: Telegram said so when the account was another bridge's."""
        self._floods[account].remember(floods)

    async def give_up(self, account: AccountId) -> bytes:
        """Disconnect an account whose session Telegram called void; answers that session, as it was sealed.

        After a new login it is not the account's present one. Empty when the account was not connected at all.
        """
        client = self._clients.get(account)
        await self.let_go(account)
        if client is None or not client.sealed:
            return b""
        self._lost.add(account)
        return client.sealed


class _Client:
    """An account under one lease: being connected, connected, or ended."""

    def __init__(self, lease: Lease, connect: Callable[["_Client"], Awaitable[TelethonGateway]]) -> None:
        self.permit = Permit(lease)
        self.sealed = b""
        """The session it was made from."""
        self._lease = lease
        self._connecting = asyncio.ensure_future(connect(self))
        self._ending: asyncio.Task[None] | None = None

    def serves(self, lease: Lease) -> bool:
        """Whether it is good for this lease; one whose connection broke is good for nothing."""
        if lease is not self._lease or self._ending or not self.permit.is_open():
            return False
        made = self.made()
        return made.is_connected if made else not self._connecting.done()

    def made(self) -> TelethonGateway | None:
        """The gateway, once it is there."""
        done = self._connecting.done() and not self._connecting.cancelled() and not self._connecting.exception()
        return self._connecting.result() if done else None

    async def gateway(self) -> TelethonGateway:
        """Wait until it is connected; everybody who waits hears the same."""
        await asyncio.wait([self._connecting])
        if self._connecting.cancelled():
            raise NotReached("let go")
        return self._connecting.result()

    async def end(self) -> None:
        """Disconnect; who waits for a connection is told NotReached."""
        self._ending = self._ending or asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        self._connecting.cancel()
        await asyncio.wait([self._connecting])
        made = self.made()
        if made:
            await made.close()
