"""Events are written in the transaction that makes them true, for those who are to hear of them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mtproto_bridge.protocol.events import AccountChanged, Event, Hearer
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store import Store, open_store, outbox, people

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NADIA, SAM, STRANGER = 1002, 1003, 1004


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(f"sqlite:///{tmp_path / 'starling.db'}")
    yield opened
    await opened.close()


def lost(number: int) -> AccountChanged:
    return AccountChanged(account_id=AccountId(number), name="Vera", before="ready", state="logged_out")


async def _put(store: Store, failing: Exception | None = None) -> None:
    async with store.begin() as session:
        await outbox.put(session, NOW, [Hearer(person_id=NADIA)], lost(1))
        if failing:
            raise failing


async def _take(store: Store, failing: Exception) -> None:
    async with store.begin() as session:
        assert len(await outbox.take(session, 10)) == 1
        raise failing


async def test_events_come_out_once_in_the_order_they_became_true(store: Store) -> None:
    async with store.begin() as session:
        for number in (1, 2, 3):
            await outbox.put(session, NOW, [Hearer(person_id=NADIA)], lost(number))
    assert store.has_news.is_set()
    taken = []
    for _ in range(3):
        async with store.begin() as session:
            taken += [Event.model_validate_json(one) for one in await outbox.take(session, 2)]
    assert [one.what for one in taken] == [lost(1), lost(2), lost(3)]
    assert len({one.id for one in taken}) == 3
    assert taken[0].at == NOW


async def test_what_did_not_become_true_is_not_told(store: Store) -> None:
    with pytest.raises(RuntimeError):
        await _put(store, RuntimeError())
    assert not store.has_news.is_set()
    async with store.begin() as session:
        assert await outbox.take(session, 10) == []


async def test_what_could_not_be_brought_over_stays(store: Store) -> None:
    await _put(store)
    with pytest.raises(ConnectionError):
        await _take(store, ConnectionError())
    async with store.begin() as session:
        assert len(await outbox.take(session, 10)) == 1


async def test_what_nobody_is_to_hear_is_not_written(store: Store) -> None:
    async with store.begin() as session:
        await outbox.put(session, NOW, [], lost(1))
    async with store.begin() as session:
        assert await outbox.take(session, 10) == []


async def test_each_hears_in_their_own_language_and_the_banned_hear_nothing(store: Store) -> None:
    async with store.begin() as session:
        await people.note(session, NADIA, locale="ru", name="Nadia")
        await people.note(session, SAM, locale="en", name="Sam")
        await people.ban(session, SAM, banned=True)
        heard = await people.hearers(session, [SAM, STRANGER, NADIA, NADIA])
    assert heard == [Hearer(person_id=NADIA, locale="ru"), Hearer(person_id=STRANGER, locale="en")]


async def test_a_ban_keeps_what_is_known_and_can_be_lifted(store: Store) -> None:
    async with store.begin() as session:
        await people.note(session, SAM, locale="fa", name="Sam")
        await people.ban(session, SAM, banned=True)
        await people.note(session, SAM, locale="fa", name="Samuel")
        assert await people.banned(session) == [SAM], "a new name is no pardon"
        await people.ban(session, SAM, banned=False)
        assert await people.banned(session) == []
        found = await people.find(session, SAM)
    assert found is not None
    assert (found.locale, found.name) == ("fa", "Samuel")
