"""`python -m mtproto_bridge rotate-keys`: a new key for all sessions, while bridges run.

It may be interrupted anywhere and run again, because at each moment the file opens every session: the new key is in
it before anything is sealed with it, and the old one until nothing is.
"""

from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet

from mtproto_bridge.app import database_url
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store import Store, accounts, open_store
from mtproto_bridge.store.accounts import ListedAccount
from mtproto_bridge.telegram.key_file import locked, rewrite
from mtproto_bridge.telegram.sessions import KeyRing, SessionKeyError

Say = Callable[[str], object]


async def rotate_keys(settings: BridgeSettings, say: Say) -> int:
    """Seal every session with a new key, and drop the old one; answers the exit code.

    Raises:
        SessionKeyError: a session does not open, or the file cannot be written.
        StoreError: the store cannot be used.
    """
    store = await open_store(database_url(settings))
    try:
        async with locked(settings.session_key_file, alone=True):
            await rotate(store, settings.session_key_file, say)
    finally:
        await store.close()
    return 0


async def rotate(store: Store, path: Path, say: Say) -> None:
    """As `rotate_keys`; the file's lock is held."""
    ring = KeyRing.load(path)
    for one in await _with_session(store):
        ring.open(one.id, one.session)  # a key that is missing is found before anything is changed
    if len(ring.keys) == 1:
        ring = KeyRing([Fernet.generate_key(), *ring.keys])
        rewrite(path, ring.keys)
        say(f"A new key is in {path}; the old one is kept until nothing is sealed with it.")
    else:
        say(f"{path} holds {len(ring.keys)} keys: a rotation that was begun is brought to its end, with the first.")
    newest = KeyRing(ring.keys[:1])
    while waiting := [one for one in await _with_session(store) if not _opens(newest, one)]:
        for number, one in enumerate(waiting, 1):
            sealed = ring.seal(ring.open(one.id, one.session))
            async with store.begin() as unit:
                done = await accounts.reseal(unit, one.id, before=one.session, after=sealed)
            if done:  # else it was logged in again or removed meanwhile: the next round looks
                say(f"Account {one.id} is sealed with the new key ({number} of {len(waiting)}).")
    await store.settle()  # else a power loss could bring sessions back that only the old key opens
    rewrite(path, newest.keys)
    say("Every session is sealed with the new key, and the old one is gone from the file.")
    say("Back the file up. Older backups of the store open with the old key only: make a new one.")


async def _with_session(store: Store) -> list[ListedAccount]:
    async with store.begin() as unit:
        return [one for one in await accounts.listed(unit) if one.session]


def _opens(ring: KeyRing, account: ListedAccount) -> bool:
    try:
        ring.open(account.id, account.session)
    except SessionKeyError:
        return False
    return True
