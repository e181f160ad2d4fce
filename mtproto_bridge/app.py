"""The bridge's composition root: what `python -m mtproto_bridge run` is made of."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from mtproto_bridge.actions.context import Rules
from mtproto_bridge.actions.dispatch import Actions
from mtproto_bridge.announcer import announce
from mtproto_bridge.desk import QueueDesk
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue import checks, embedded
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.lanes import LaneOwner
from mtproto_bridge.queue.redis import Outage, QueueServer, reach
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store import Store, accounts, balances, open_store
from mtproto_bridge.store.database import sqlite_url
from mtproto_bridge.store.installation import installation_id
from mtproto_bridge.telegram.accounts import AccountPool
from mtproto_bridge.telegram.connecting import Connector, OtherServer
from mtproto_bridge.telegram.sessions import KeyRing
from processes.tasks import end

log = structlog.get_logger()


class QueueError(Exception):
    """The queue's server cannot be used; the text says why and what to do."""


def connector(settings: BridgeSettings) -> Connector:
    """How this bridge connects to Telegram, or to the sandbox when told to.

    Raises:
        ServerSettingError: MTPROTO_SERVER or its key cannot be used.
    """
    server = None
    if settings.mtproto_server:
        server = OtherServer.parse(settings.mtproto_server, settings.mtproto_public_key_file)
        server.use()
    return Connector(settings.api_id, settings.api_hash.get_secret_value(), server)


def database_url(settings: BridgeSettings) -> str:
    """Where the store is."""
    return settings.database_url.get_secret_value() if settings.database_url else sqlite_url(settings.data_dir)


@dataclass(frozen=True)
class Bridge:
    """A composed bridge: `await bridge.serve()` works until `bridge.owner.stop()`."""

    owner: LaneOwner
    store: Store
    directory: "Directory"

    async def serve(self) -> None:
        """Serve until stopped, then hand every lane over."""
        await self.owner.run(self.directory.accounts)


@asynccontextmanager
async def compose(
    settings: BridgeSettings, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> AsyncIterator[Bridge]:
    """Everything a bridge is made of, closed at the end.

    Raises:
        EmbeddedServerError, QueueError, StoreError, SessionKeyError, ServerSettingError: with a sentence.
    """
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(queue_server(settings, start=True))
        store = await open_store(database_url(settings))
        stack.push_async_callback(store.close)
        pool = AccountPool(store, await _key_ring(settings, store), connector(settings), now)
        keys = Keys(settings.queue_prefix)
        await inspect(settings, server, store)
        await pool.warm_up()
        actions = Actions(pool, store, now, rules=_rules(settings), desk=QueueDesk(server, keys, now))
        owner = LaneOwner(server, keys, settings.bridge_name, actions, ttl=settings.lease_seconds, now=now)
        announcing = asyncio.create_task(announce(store, server, keys))
        stack.push_async_callback(end, announcing)
        yield Bridge(owner, store, Directory(store, server, keys))


async def run(settings: BridgeSettings) -> None:
    """Serve until SIGTERM or SIGINT; raises as `compose`."""
    async with compose(settings) as bridge:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, bridge.owner.stop)
        if settings.nobody_approves:
            log.warning("registration.nobody_approves", help="set OPERATOR_IDS, or REGISTRATION to open or closed")
        log.info("bridge.ready", name=settings.bridge_name)
        await bridge.serve()
    log.info("bridge.stopped")


@asynccontextmanager
async def queue_server(settings: BridgeSettings, *, start: bool = False) -> AsyncIterator[QueueServer]:
    """The queue's server; the embedded one is started where wanted.

    Raises:
        EmbeddedServerError, QueueError: with a sentence.
    """
    async with AsyncExitStack() as stack:
        if start and not settings.redis_url:
            started = await asyncio.to_thread(embedded.start, settings.data_dir)
            stack.callback(started.stop)
        server = QueueServer(queue_url(settings))
        stack.push_async_callback(server.close)
        try:
            await reach(server, attempts=25 if start else 1)
        except Outage as error:
            if settings.redis_url:
                raise QueueError(checks.no_answer(error)) from error
            raise QueueError(
                "The embedded server is not running: start the bridge (python -m mtproto_bridge run) first."
            ) from error
        yield server


@contextmanager
def outages_told() -> Iterator[None]:
    """For commands: a server that goes out of reach on the way is a sentence.

    Raises:
        QueueError: in place of an Outage.
    """
    try:
        yield
    except Outage as error:
        raise QueueError(checks.no_answer(error)) from error


def queue_url(settings: BridgeSettings) -> str:
    """Where the queue is.

    Raises:
        EmbeddedServerError: with a sentence.
    """
    if settings.redis_url:
        return settings.redis_url.get_secret_value()
    return embedded.url_of(embedded.socket_path(settings.data_dir))


async def inspect(settings: BridgeSettings, server: QueueServer, store: Store) -> None:
    """See that the server is good for our queue, and ours.

    Raises:
        QueueError: it is not.
        Outage: it is out of reach.
    """
    async with store.begin() as session:
        installation = await installation_id(session)
    keys = Keys(settings.queue_prefix)
    for finding in await checks.inspect(server.ask, queue_url(settings), keys, installation):
        if finding.fatal:
            raise QueueError(finding.sentence)
        log.warning("queue.unwise", sentence=finding.sentence)


def _rules(settings: BridgeSettings) -> Rules:
    return Rules(settings.registration, settings.registration_limit, settings.operator_ids)


async def _key_ring(settings: BridgeSettings, store: Store) -> KeyRing:
    async with store.begin() as session:
        known = await accounts.all_accounts(session)
    if known:
        return KeyRing.load(settings.session_key_file)
    log.warning("account.none", help="python -m mtproto_bridge login")
    ring, _ = KeyRing.load_or_create(settings.session_key_file)
    return ring


class Directory:
    """Tells the queue which accounts there are, the clients which lane serves what: rebuilt from SQL each time."""

    def __init__(self, store: Store, server: QueueServer, keys: Keys) -> None:
        self._store = store
        self._server = server
        self._keys = keys
        self._written: dict[str, str] = {}

    async def accounts(self) -> list[AccountId]:
        """Every account. A logged-out or removed one keeps its lane: who asks is told so, and a new login heals it."""
        async with self._store.begin() as session:
            known = await accounts.all_accounts(session)
            routes = await balances.routes(session)
        if known:
            await self._server.put(self._keys.desk(), str(next(iter(known))))
        await self._write_routes({str(balance): str(account) for balance, account in routes.items()})
        return list(known)

    async def _write_routes(self, routes: dict[str, str]) -> None:
        """Only what changed, unless the server knows more or less than we do: this is asked several times a lease."""
        if await self._server.ask("HLEN", self._keys.routes()) != len(routes):
            self._written = await self._server.hash_all(self._keys.routes())
        changed, gone = dict(routes.items() - self._written.items()), self._written.keys() - routes.keys()
        if changed:
            await self._server.hash_put(self._keys.routes(), changed)
        if gone:
            await self._server.ask("HDEL", self._keys.routes(), *gone)
        self._written = routes
