"""Rotating keys: at every moment the key file opens every session, whatever is interrupted."""

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge import rotation
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.rotation import rotate
from mtproto_bridge.store import Store, accounts, open_store, tables
from mtproto_bridge.store.database import sqlite_url
from mtproto_bridge.telegram.key_file import locked, rewrite
from mtproto_bridge.telegram.sessions import KeyRing, SessionKeyError, TelegramSession

OLD = Fernet.generate_key()
NUMBERS = [AccountId(number) for number in (1, 2, 3)]
STEPS = 1 + len(NUMBERS) + 1
"""The new key, each session, the old key."""


def session_of(account: int) -> TelegramSession:
    return TelegramSession(AccountId(account), 2, "149.154.167.50", 443, bytes([account]) * 256)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "keys" / "session.key"
    made.parent.mkdir()
    made.write_bytes(OLD + b"\n")
    return made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Three accounts, and one that was removed."""
    made = await open_store(sqlite_url(tmp_path / "data"))
    async with made.begin() as session:
        for number in NUMBERS:
            sealed = KeyRing([OLD]).seal(session_of(number))
            await accounts.save_account(session, number, name="", username=None, sealed=sealed)
        await accounts.save_account(session, AccountId(4), name="", username=None, sealed=b"x")
        await session.flush()
        assert await accounts.erase(session, AccountId(4), sealed=b"x")
    yield made
    await made.close()


async def sealed(store: Store) -> dict[AccountId, bytes]:
    async with store.begin() as session:
        return {one.id: one.session for one in await accounts.listed(session) if one.session}


async def all_open(store: Store, ring: KeyRing) -> bool:
    return {ring.open(one, kept) for one, kept in (await sealed(store)).items()} == set(map(session_of, NUMBERS))


def keys_in(path: Path) -> list[bytes]:
    return path.read_bytes().split()


def alone(path: Path) -> bool:
    """Whether nothing is left beside it, with keys in it maybe."""
    return [one.name for one in path.parent.iterdir()] == [path.name]


def private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600


def ignore(_: str) -> None:
    """Nobody reads along."""


async def test_every_session_opens_with_the_new_key_alone_and_the_old_one_is_gone(store: Store, path: Path) -> None:
    said: list[str] = []
    await rotate(store, path, said.append)
    (key,) = keys_in(path)
    assert key != OLD
    assert await all_open(store, KeyRing([key]))
    assert [line for line in said if line.startswith("Account")] == [
        f"Account {number} is sealed with the new key ({number} of 3)." for number in NUMBERS
    ]
    assert private(path)
    assert alone(path)
    assert not any(word in line for line in said for word in (key.decode(), OLD.decode()))


@pytest.mark.parametrize("step", range(STEPS))
async def test_interrupted_after_any_step_every_session_opens_and_the_next_run_ends_it(
    store: Store, path: Path, step: int
) -> None:
    """Each step says a line when it is done; the interruption comes there."""
    running = KeyRing.load(path)
    left = step

    def interrupt(_: str) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1

    with pytest.raises(KeyboardInterrupt):
        await rotate(store, path, interrupt)
    begun = keys_in(path)
    assert (OLD in begun) == (step < STEPS - 1), "kept until nothing is sealed with it"
    assert await all_open(store, KeyRing.load(path))
    assert await all_open(store, running), "a bridge that began with the old key"
    if len(begun) > 1:
        await rotate(store, path, ignore)
        assert keys_in(path) == begun[:1], "the key it was begun with"
    assert await all_open(store, KeyRing(begun[:1]))


@pytest.mark.parametrize("write", [1, 2])
async def test_interrupted_within_a_write_of_the_file_it_is_as_it_was(
    store: Store, path: Path, write: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the new key, or of the new key alone."""
    fsync, files = os.fsync, 0

    def interrupt(descriptor: int) -> None:
        nonlocal files
        files += stat.S_ISREG(os.fstat(descriptor).st_mode)
        if files == write:
            raise KeyboardInterrupt
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        await rotate(store, path, ignore)
    monkeypatch.undo()
    assert OLD in keys_in(path)
    assert alone(path)
    assert await all_open(store, KeyRing.load(path))
    path.with_name("session.key.new").write_bytes(b"half a k")  # what a kill -9 leaves there
    await rotate(store, path, ignore)
    assert OLD not in keys_in(path)
    assert await all_open(store, KeyRing.load(path))


async def test_when_the_old_key_goes_every_session_would_outlast_a_power_loss(
    store: Store, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What SQLite committed lies in a log beside its file, which it does not write through at once."""
    saved = tmp_path / "after"
    saved.mkdir()

    def copy_and_rewrite(file: Path, keys: list[bytes]) -> None:
        shutil.copy(tmp_path / "data" / "starling.db", saved / "starling.db")  # without the log
        rewrite(file, keys)

    monkeypatch.setattr(rotation, "rewrite", copy_and_rewrite)
    await rotate(store, path, ignore)
    copied = await open_store(sqlite_url(saved))
    assert await all_open(copied, KeyRing(keys_in(path)))
    await copied.close()


async def test_a_file_that_cannot_be_written_is_a_sentence_and_nothing_changed(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    before = await sealed(store)
    monkeypatch.setattr(os, "fsync", read_only)
    with pytest.raises(SessionKeyError, match=r"cannot be replaced \(Read-only file system\).*run the command again"):
        await rotate(store, path, ignore)
    assert keys_in(path) == [OLD]
    assert await sealed(store) == before


async def test_with_a_wrong_key_nothing_is_changed(store: Store, path: Path) -> None:
    """One session that no key opens is enough: dropping keys could make it worse."""
    async with store.begin() as session:
        foreign = KeyRing([Fernet.generate_key()]).seal(session_of(2))
        await session.execute(update(tables.Account).where(tables.Account.id == 2).values(session=foreign))
    before = await sealed(store)
    with pytest.raises(SessionKeyError, match=r"account 2 was sealed with another key: put back the key file"):
        await rotate(store, path, ignore)
    assert keys_in(path) == [OLD]
    assert await sealed(store) == before


async def test_another_accounts_session_is_not_sealed_anew_in_the_place_it_was_moved_to(
    store: Store, path: Path
) -> None:
    async with store.begin() as session:
        moved = (await accounts.listed(session))[0].session
        await session.execute(update(tables.Account).where(tables.Account.id == 2).values(session=moved))
    with pytest.raises(SessionKeyError, match="account 2 is another account's"):
        await rotate(store, path, ignore)
    assert keys_in(path) == [OLD]


async def test_a_log_in_with_the_old_key_meanwhile_is_kept_and_sealed_anew(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from another machine, which our lock does not reach: right before our writing, and right after it."""
    reseal, to_come = accounts.reseal, {AccountId(1): "before", AccountId(2): "after"}
    done: list[tuple[AccountId, bool]] = []

    async def log_in(unit: AsyncSession, number: AccountId) -> None:
        fresh = KeyRing([OLD]).seal(session_of(number))
        await accounts.save_account(unit, number, name="new", username=None, sealed=fresh)
        await unit.flush()

    async def meanwhile(unit: AsyncSession, account: AccountId, *, before: bytes, after: bytes) -> bool:
        when = to_come.pop(account, "")
        if when == "before":
            await log_in(unit, account)
        done.append((account, await reseal(unit, account, before=before, after=after)))
        if when == "after":
            await log_in(unit, account)
        return done[-1][1]

    monkeypatch.setattr(accounts, "reseal", meanwhile)
    await rotate(store, path, ignore)
    assert done == [(1, False), (2, True), (3, True), (1, True), (2, True)]
    (key,) = keys_in(path)
    assert await all_open(store, KeyRing([key]))


async def test_only_one_command_changes_keys_at_a_time(path: Path) -> None:
    async with locked(path), locked(path):  # two log-ins may
        with pytest.raises(SessionKeyError, match="run the command again when that is done"):
            async with locked(path, alone=True):
                pass
    async with locked(path, alone=True):
        waiting = asyncio.create_task(_enter(path))
        await asyncio.sleep(0.05)
        assert not waiting.done(), "a log-in waits for a rotation"
    await waiting


async def _enter(path: Path) -> None:
    async with locked(path):
        pass


def test_a_link_to_the_key_file_stays_one(tmp_path: Path, path: Path) -> None:
    link = tmp_path / "link.key"
    link.symlink_to(path)
    rewrite(link, [OLD, OLD])
    assert link.is_symlink()
    assert path.read_bytes() == (OLD + b"\n") * 2
