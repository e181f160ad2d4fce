"""Operators are told once of each change of an account, however many notice it at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mtproto_bridge.actions.life import Life
from mtproto_bridge.protocol.events import AccountChanged, parse_event
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store import Store, accounts, open_store, outbox
from mtproto_bridge.store.database import sqlite_url
from mtproto_bridge.telegram.gateway import AccountLost

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ACCOUNT = AccountId(2**40 + 1)
OPERATOR = 2**40 + 2


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[list[Store]]:
    """Two bridges on one database."""
    both = [await open_store(sqlite_url(tmp_path)) for _ in range(2)]
    async with both[0].begin() as session:
        await accounts.save_account(session, ACCOUNT, name="Op", username=None, sealed=b"session")
    yield both
    for one in both:
        await one.close()


def lives(stores: list[Store]) -> list[Life]:
    return [Life(one, {OPERATOR}, lambda: NOW) for one in stores]


async def told(store: Store) -> list[tuple[str, str]]:
    async with store.begin() as session:
        events = [parse_event(one) for one in await outbox.take(session, 10)]
    return [(one.what.before, one.what.state) for one in events if one and isinstance(one.what, AccountChanged)]


async def test_two_bridges_tell_the_operator_once(stores: list[Store]) -> None:
    lost = AccountLost("SESSION_REVOKED")
    await asyncio.gather(*(one.lose(ACCOUNT, b"session", lost) for one in [*lives(stores), *lives(stores)]))
    assert await told(stores[0]) == [("ready", "logged_out")]
    await asyncio.gather(*(one.lose(ACCOUNT, b"session", AccountLost("USER_DEACTIVATED")) for one in lives(stores)))
    assert await told(stores[0]) == []


async def test_freezing_and_thawing_is_told_once_each(stores: list[Store]) -> None:
    for frozen, change in ((True, ("ready", "frozen")), (False, ("frozen", "ready"))):
        await asyncio.gather(*(one.freeze(ACCOUNT, frozen=frozen) for one in [*lives(stores), *lives(stores)]))
        assert await told(stores[1]) == [change]


async def test_the_end_of_an_older_session_is_no_loss(stores: list[Store]) -> None:
    await lives(stores)[0].lose(ACCOUNT, b"older", AccountLost("SESSION_REVOKED"))
    await lives(stores)[0].lose(ACCOUNT, b"", AccountLost("none of ours"))
    assert await told(stores[0]) == []
