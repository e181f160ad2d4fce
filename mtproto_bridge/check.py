"""`python -m mtproto_bridge check`: what is wrong with a set-up, a sentence each."""

from collections.abc import AsyncIterator

from sqlalchemy.exc import SQLAlchemyError

from mtproto_bridge.app import connector, database_url
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue import embedded
from mtproto_bridge.queue.redis import QueueServer, reachable
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store import Store, accounts, open_store
from mtproto_bridge.store.database import StoreError
from mtproto_bridge.telegram.connecting import ServerSettingError
from mtproto_bridge.telegram.sessions import KeyRing, SessionKeyError

Finding = tuple[bool, str]
"""Whether it is fine, and the sentence."""


async def findings(settings: BridgeSettings) -> AsyncIterator[Finding]:
    """Look at the queue, the store, the key, the accounts and the server setting; logs nobody in."""
    yield await _queue(settings)
    try:
        connector(settings)
    except ServerSettingError as error:
        yield False, str(error)
    try:
        store = await open_store(database_url(settings))
    except StoreError as error:
        yield False, str(error)
        return
    try:
        yield True, "The store is there and in its newest form."
        async for finding in _accounts(settings, store):
            yield finding
    except SQLAlchemyError as error:
        yield False, f"The store cannot be read ({type(error).__name__})."
    finally:
        await store.close()


async def _queue(settings: BridgeSettings) -> Finding:
    if settings.redis_url:
        server = QueueServer(settings.redis_url.get_secret_value())
        try:
            answers = await reachable(server)
        finally:
            await server.close()
        if answers:
            return True, "The server at REDIS_URL answers."
        return False, "REDIS_URL: the server does not answer; start it, or leave REDIS_URL out."
    try:
        socket = embedded.socket_path(settings.data_dir)
    except embedded.EmbeddedServerError as error:
        return False, str(error)
    return True, f"The embedded server is used, at {socket}; `run` starts it."


async def _accounts(settings: BridgeSettings, store: Store) -> AsyncIterator[Finding]:
    async with store.begin() as session:
        known = await accounts.all_accounts(session)
        rows = {account: await accounts.get_account(session, account) for account in known}
    if not known:
        yield False, "No account is logged in: run `python -m mtproto_bridge login`."
        return
    try:
        ring = KeyRing.load(settings.session_key_file)
    except SessionKeyError as error:
        yield False, str(error)
        return
    for account, row in rows.items():
        if row is None or not known[account]:
            yield False, f"Account {account} is logged out: run `python -m mtproto_bridge login`."
            continue
        try:
            ring.open(AccountId(account), row.session)
            yield True, f"Account {account} ({row.name}) has a session that opens."
        except SessionKeyError as error:
            yield False, str(error)
