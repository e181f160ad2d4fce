"""The accounts of this bridge: each connected at most once, when first needed."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import structlog

from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store import Store, accounts
from mtproto_bridge.store.accounts import KnownPeer
from mtproto_bridge.telegram.connecting import Connector
from mtproto_bridge.telegram.errors import translate
from mtproto_bridge.telegram.gateway import AccountLost, SessionSealed
from mtproto_bridge.telegram.sessions import BridgeSession, KeyRing, SessionKeyError
from mtproto_bridge.telegram.telethon_gateway import TelethonGateway

CONNECT_SECONDS = 15.0

log = structlog.get_logger()


class AccountPool:
    """Gateways by account. Only the holder of an account's lane may ask for one."""

    def __init__(self, store: Store, keys: KeyRing, connector: Connector) -> None:
        self._store = store
        self._keys = keys
        self._connector = connector
        self._gateways: dict[AccountId, TelethonGateway] = {}
        self._opened: dict[AccountId, bytes] = {}
        """The sealed sessions the gateways were made from."""
        self._locks: defaultdict[AccountId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def gateway(self, account: AccountId) -> TelethonGateway:
        """The account's gateway, connected now if it was not.

        Raises:
            AccountLost: it is logged out.
            SessionSealed: its session cannot be opened.
            NotReached: Telegram cannot be reached.
        """
        connected = self._gateways.get(account)
        if connected and connected.is_connected:
            return connected
        async with self._locks[account]:
            connected = self._gateways.get(account)
            if connected and connected.is_connected:
                return connected
            if connected:  # Telethon gave up on the connection: begin anew
                await connected.close()
            self._gateways.pop(account, None)
            self._gateways[account] = connected = await self._connect(account)
            return connected

    async def _connect(self, account: AccountId) -> TelethonGateway:
        async with self._store.begin() as session:
            row = await accounts.get_account(session, account)
            known = await accounts.known_peers(session, account)
        if row is None or row.state != "ready":
            raise AccountLost("logged out")
        try:
            saved = self._keys.open(account, row.session)
        except SessionKeyError as error:
            log.error("account.sealed", account=account, reason=str(error))  # noqa: TRY400 - the sentence says it all
            raise SessionSealed from error

        async def keep(peers: Sequence[KnownPeer]) -> None:
            async with self._store.begin() as session:
                await accounts.save_peers(session, account, peers)

        telethon_session = BridgeSession.resume(saved, known)
        client = self._connector.client(telethon_session)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.connect()
        except BaseException as error:
            await client.disconnect()  # also when cancelled: nothing may stay half connected
            if isinstance(error, Exception):
                raise translate(error) from error
            raise
        log.info("account.connected", account=account)
        self._opened[account] = row.session
        return TelethonGateway(client, telethon_session, keep)

    async def let_go(self, account: AccountId) -> None:
        """Disconnect an account, so that another bridge may connect it."""
        async with self._locks[account]:
            connected = self._gateways.pop(account, None)
            if connected:
                await connected.close()
                log.info("account.disconnected", account=account)

    async def mark_lost(self, account: AccountId) -> None:
        """Telegram says that the session is void: only a new login helps."""
        await self.let_go(account)
        async with self._store.begin() as session:
            row = await accounts.get_account(session, account)
            # After a new login it is the old session that is void, not the account's present one.
            if row and row.state == "ready" and row.session == self._opened.get(account):
                log.error("account.lost", account=account, help="python -m mtproto_bridge login")
                await accounts.mark_logged_out(session, account)
