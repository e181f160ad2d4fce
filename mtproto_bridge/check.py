"""`python -m mtproto_bridge check`: what is wrong with a set-up, a sentence each."""

from collections.abc import AsyncIterator

from sqlalchemy.exc import SQLAlchemyError

from mtproto_bridge.app import connector, database_url
from mtproto_bridge.overview import WORDS
from mtproto_bridge.queue import checks, embedded
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.redis import Outage, QueueServer
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store import Store, accounts, open_store
from mtproto_bridge.store.database import StoreError
from mtproto_bridge.store.installation import installation_id
from mtproto_bridge.telegram.connecting import ServerSettingError
from mtproto_bridge.telegram.sessions import KeyRing, SessionKeyError

Finding = tuple[bool | None, str]
"""Whether it is fine, None for what is only to be known, and the sentence."""


NOBODY_APPROVES = (
    "Channels wait for an operator's word (REGISTRATION=approval), but OPERATOR_IDS is empty: set it to your own "
    "Telegram user id, or REGISTRATION to open or closed."
)


async def findings(settings: BridgeSettings) -> AsyncIterator[Finding]:
    """Look at the queue, the store, the key, the accounts and the server setting; logs nobody in."""
    async for finding in _queue(settings):
        yield finding
    if settings.nobody_approves:
        yield None, NOBODY_APPROVES
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
        async for finding in _server(settings, store):
            yield finding
        async for finding in _accounts(settings, store):
            yield finding
    except SQLAlchemyError as error:
        yield False, f"The store cannot be read ({type(error).__name__})."
    finally:
        await store.close()


async def _queue(settings: BridgeSettings) -> AsyncIterator[Finding]:
    if not settings.redis_url:
        try:
            socket = embedded.socket_path(settings.data_dir)
        except embedded.EmbeddedServerError as error:
            yield False, str(error)
        else:
            yield True, f"The embedded server is used, at {socket}; `run` starts it."
        return
    server = QueueServer(settings.redis_url.get_secret_value())
    try:
        await server.ask("PING")
        yield True, "The server at REDIS_URL answers."
    except Outage as error:
        yield False, checks.no_answer(error)
    finally:
        await server.close()


async def _server(settings: BridgeSettings, store: Store) -> AsyncIterator[Finding]:
    """What the server is like; one that does not answer was spoken of before."""
    if not settings.redis_url:
        return
    url = settings.redis_url.get_secret_value()
    async with store.begin() as session:
        installation = await installation_id(session)
    server = QueueServer(url)
    try:
        found = await checks.inspect(server.ask, url, Keys(settings.queue_prefix), installation, claim=False)
    except Outage:
        found = []
    finally:
        await server.close()
    for one in found:
        yield (False if one.fatal else None), one.sentence


async def _accounts(settings: BridgeSettings, store: Store) -> AsyncIterator[Finding]:
    async with store.begin() as session:
        known = [one for one in await accounts.listed(session) if one.state != "removed"]
    if not known:
        yield False, "No account is logged in: run `python -m mtproto_bridge login`."
        return
    try:
        ring = KeyRing.load(settings.session_key_file)
    except SessionKeyError as error:
        yield False, str(error)
        return
    for one in known:
        if one.state != "ready":
            yield False, f"Account {one.id} is {WORDS.get(one.state, one.state)}."
        if one.state not in accounts.SERVING:
            continue
        try:
            ring.open(one.id, one.session)
            yield True, f"Account {one.id} ({one.name}) has a session that opens."
        except SessionKeyError as error:
            yield False, str(error)
