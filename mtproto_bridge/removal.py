"""`python -m mtproto_bridge accounts remove ID`: log an account out at Telegram and erase its key.

Telegram voids a key that is used from two places, and a bridge may be connected with this one. So the account is
marked first, at which bridges give its lane up, and nothing is sent until its lease is ours (docs/queue.md).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from mtproto_bridge.app import QueueError, connector, database_url, inspect, outages_told, queue_server
from mtproto_bridge.console import Console
from mtproto_bridge.overview import printable
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.leases import HeldLease, Leases, bridge_of
from mtproto_bridge.queue.redis import Outage, QueueServer
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store import Store, accounts, open_store
from mtproto_bridge.store.accounts import ListedAccount
from mtproto_bridge.telegram.gateway import AccountLost, FloodWait, NotReached, Refused
from mtproto_bridge.telegram.key_file import locked
from mtproto_bridge.telegram.login import log_out
from mtproto_bridge.telegram.sessions import KeyRing, SessionKeyError
from processes.tasks import end

NAME = "accounts-remove"
"""Under which the lease is taken."""
HANDOVER_SECONDS = 15.0
"""How long a living bridge may take to finish what it began and to disconnect; a dead one's lease comes on top."""
ASK_EVERY = 0.1


class _StillServed(Exception):  # noqa: N818 - a fact
    """A bridge did not give the account up in time; the text names it."""


async def remove(settings: BridgeSettings, account: int, console: Console, *, yes: bool, forget: bool) -> int:
    """Remove one account after asking (unless `yes`); answers the exit code.

    With `forget` it is erased here also when Telegram did not log it out.

    Raises:
        QueueError, EmbeddedServerError: without the queue nobody knows whether a bridge is connected as it.
        StoreError, SessionKeyError, ServerSettingError: with a sentence.
    """
    store = await open_store(database_url(settings))
    try:
        async with store.begin() as session:
            found = next((one for one in await accounts.listed(session) if one.id == account), None)
        if found is None or found.state == "removed":
            was = "was removed before" if found else "is none of ours"
            console.say(f"Account {account} {was}: `python -m mtproto_bridge accounts` lists them.")
            return 1
        console.say(f"{account} ({printable(found.name)}) is to be logged out at Telegram, and its key erased here.")
        console.say(
            f"Channels it serves: {found.channels}. They stay known, with their managers and links, but nobody serves "
            "them until another account that may post in them is logged in."
        )
        if not (yes or _agreed(console)):
            console.say("Nothing was removed.")
            return 1
        async with _queue(settings) as server:
            with outages_told():
                await inspect(settings, server, store)
                return await _remove(settings, store, server, found, console, forget=forget)
    finally:
        await store.close()


def _agreed(console: Console) -> bool:
    with suppress(EOFError):
        return console.ask("Remove it? Type yes: ").lower() == "yes"
    return False


@asynccontextmanager
async def _queue(settings: BridgeSettings) -> AsyncIterator[QueueServer]:
    """The queue's server. An embedded one that is not running is started: then no bridge can start meanwhile."""
    async with AsyncExitStack() as stack:
        try:
            server = await stack.enter_async_context(queue_server(settings))
        except QueueError:
            if settings.redis_url:
                raise
            server = await stack.enter_async_context(queue_server(settings, start=True))
        yield server


async def _remove(  # noqa: PLR0913 - what it takes
    settings: BridgeSettings,
    store: Store,
    server: QueueServer,
    account: ListedAccount,
    console: Console,
    *,
    forget: bool,
) -> int:
    console.say("Waiting until no bridge is connected as this account …")
    try:
        async with (
            _leaving(store, account),
            _sole_use(settings, server, account.id) as lease,
            locked(settings.session_key_file),
        ):
            return await _log_out_and_erase(settings, store, account.id, lease, console, forget=forget)
    except _StillServed as still:
        console.say(f"{still} still serves it, so nothing was removed: stop that bridge, then run the command again.")
        return 1


@asynccontextmanager
async def _leaving(store: Store, account: ListedAccount) -> AsyncIterator[None]:
    """Bridges give its lane up; unless it is removed in the end, they get it back."""
    before = "ready" if account.state == "leaving" else account.state
    async with store.begin() as session:
        await accounts.set_state(session, account.id, before=account.state, after="leaving")
    try:
        yield
    finally:
        async with store.begin() as session:
            await accounts.set_state(session, account.id, before="leaving", after=before)


@asynccontextmanager
async def _sole_use(settings: BridgeSettings, server: QueueServer, account: AccountId) -> AsyncIterator[HeldLease]:
    """Hold the account's lease until the end of the block, without counting as a bridge.

    Raises:
        _StillServed: a bridge kept it.
    """
    keys = Keys(settings.queue_prefix)
    leases = Leases(server, keys, NAME, settings.lease_seconds)
    clock = asyncio.get_running_loop().time
    latest = clock() + settings.lease_seconds + HANDOVER_SECONDS
    while not (taken := (await leases.take([account], 1)).leases):
        if clock() > latest:
            raise _StillServed(bridge_of(await server.get(keys.lease(account))) or "A bridge")
        await asyncio.sleep(ASK_EVERY)
    (lease,) = taken
    renewing = asyncio.create_task(_renew(leases, lease))
    try:
        yield lease
    finally:
        await end(renewing)
        with suppress(*Outage):  # it then ends by itself
            await leases.release(lease)


async def _renew(leases: Leases, lease: HeldLease) -> None:
    while True:
        await asyncio.sleep(leases.renew_every)
        with suppress(*Outage):  # without a renewal nothing is sent after its end
            _, lost = await leases.renew([lease], leaving=True)
            lease.given_up |= bool(lost)


async def _log_out_and_erase(  # noqa: PLR0913 - what it takes
    settings: BridgeSettings,
    store: Store,
    account: AccountId,
    lease: HeldLease,
    console: Console,
    *,
    forget: bool,
) -> int:
    async with store.begin() as session:
        row = await accounts.get_account(session, account)
    sealed = row.session if row else b""
    trouble = await _log_out(settings, account, sealed, lease)
    if trouble:
        console.say(trouble)
        if not forget:
            console.say("Nothing was removed here. To erase it all the same, run the command with --forget.")
            return 1
    async with store.begin() as session:
        erased = await accounts.erase(session, account, sealed=sealed)
    if not erased:
        console.say("It was logged in again meanwhile, and that log-in was kept: run the command again to remove it.")
        return 1
    if trouble:
        console.say(
            f"Account {account} is erased here. If it is still logged in at Telegram, end that in its app: "
            "Settings, Devices, Starling bridge."
        )
    else:
        console.say(f"Account {account} is logged out at Telegram, and its key and access hashes are erased.")
    return 0


async def _log_out(settings: BridgeSettings, account: AccountId, sealed: bytes, lease: HeldLease) -> str | None:
    """Why it did not work, in a sentence; None when it did."""
    try:
        saved = KeyRing.load(settings.session_key_file).open(account, sealed)
        await log_out(connector(settings), saved, lease)
    except SessionKeyError as error:
        return str(error)
    except AccountLost as error:
        return f"Its session is void already: Telegram says {error}."
    except FloodWait as flood:
        return f"Telegram asks to wait {flood.seconds:.0f} seconds before logging out."
    except Refused as refused:
        return f"Telegram did not log it out ({refused.message})."
    except NotReached as error:
        return f"Telegram cannot be reached from here ({error}); check the network."
    return None
