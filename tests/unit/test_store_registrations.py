"""Registrations in the store, and how much room the accounts have, on SQLite and on PostgreSQL alike."""

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import AccountId, BalanceId, RegistrationId
from mtproto_bridge.store import Store, accounts, balances, registrations
from mtproto_bridge.store.registrations import UNTOUCHED, Room
from mtproto_bridge.store.tables import Registration
from tests.unit import test_store as fixtures
from tests.unit.test_store import ACCOUNT, ANNA, BORIS, NOW, register

balance = fixtures.balance

OTHER = AccountId(ACCOUNT + 1)
FIRST = 2**40 + 100
"""The first of the channels that are being registered; News, which is registered, has the id 2**40."""


async def keep(session: AsyncSession, channel: int = FIRST, **changes: Any) -> Registration:
    values: dict[str, Any] = {
        "person": ANNA,
        "channel_id": channel,
        "title": "Finds",
        "username": None,
        "state": "picked",
        "account": ACCOUNT,
        "origin": None,
        "at": NOW,
    }
    return await registrations.keep(session, **(values | changes))


async def test_a_person_has_one_registration_of_a_channel(store: Store, balance: BalanceId) -> None:
    del balance
    async with store.begin() as session:
        first = await keep(session, title="Finds", state="waiting", account=None)
    async with store.begin() as session:
        again = await keep(session, title="Renamed", at=NOW + timedelta(hours=1))
        assert (again.id, again.title, again.state, again.created_at) == (first.id, "Renamed", "picked", NOW)
        assert (await keep(session, person=BORIS)).id != first.id
        found = await registrations.of(session, ANNA, FIRST)
        assert found
        assert found.id == first.id


async def test_a_change_is_made_to_what_is_as_it_was_thought_to_be(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        number = RegistrationId((await keep(session, state="waiting", account=None)).id)
    later = NOW + timedelta(minutes=1)
    async with store.begin() as session:
        change = registrations.change
        done = await change(session, number, before="waiting", state="picked", account=ACCOUNT, at=later)
        assert done
        assert (done.state, done.account_id, done.updated_at) == ("picked", ACCOUNT, later)
        assert await change(session, number, before="waiting", state="refused", account=None, at=later) is None
        verified = await change(session, number, state="verified", account=ACCOUNT, balance=balance, at=later)
        assert verified
    async with store.begin() as session:
        await balances.remove(session, balance)
    async with store.begin() as session:
        assert await registrations.by_id(session, number) is None, "gone with its channel"


async def test_what_nobody_goes_on_with_holds_no_place_and_counts_for_nobody(store: Store, balance: BalanceId) -> None:
    del balance
    async with store.begin() as session:
        await keep(session)
        await keep(session, FIRST + 1, state="joined")
        await keep(session, FIRST + 2, state="waiting", account=None)
        await keep(session, FIRST + 3, state="refused", account=None)
    async with store.begin() as session:
        assert await registrations.count_of(session, ANNA, NOW) == 3
        assert [one.channel_id - FIRST for one in await registrations.under_way(session, NOW)] == [0, 1]
        assert [one.channel_id - FIRST for one in await registrations.open_of(session, ANNA, NOW)] == [0, 1, 2]
        assert await registrations.coming_by(session, FIRST, NOW) == ACCOUNT
        waiting, total = await registrations.waiting(session, 5)
        assert ([one.channel_id - FIRST for one in waiting], total) == ([2], 1)
        later = NOW + UNTOUCHED
        assert await registrations.count_of(session, ANNA, later) == 1, "operators are not to be asked without end"
        assert await registrations.under_way(session, later) == []
        assert await registrations.coming_by(session, FIRST, later) is None
        assert [one.held for one in await registrations.rooms(session, later)] == [1]


async def test_room_is_what_is_neither_served_nor_coming(store: Store, balance: BalanceId) -> None:
    del balance
    async with store.begin() as session:
        await accounts.save_account(session, OTHER, name="Other", username=None, sealed=b"sealed")
        await accounts.note_allowed(session, OTHER, premium=True, may_connect=False, at=NOW)
        await accounts.note_full(session, OTHER, NOW)
        await register(session, kind="account")
        await keep(session, 2**40, state="promoted")
        for person in (ANNA, BORIS):
            await keep(session, person=person)
    async with store.begin() as session:
        assert await registrations.rooms(session, NOW) == [
            Room(ACCOUNT, premium=False, may_connect=None, full_at=None, held=2),
            Room(OTHER, premium=True, may_connect=False, full_at=NOW, held=0),
        ], "News, and Finds once: two people wait for the same channel"
        await accounts.set_state(session, ACCOUNT, before="ready", after="logged_out")
    async with store.begin() as session:
        assert [one.account for one in await registrations.rooms(session, NOW)] == [OTHER]


async def test_a_channel_brought_by_a_person_counts_for_them_and_for_nobody_else(
    store: Store, balance: BalanceId
) -> None:
    async with store.begin() as session:
        row, _ = await balances.find(session, balance, ANNA)
        assert row
        row.registered_by = ANNA
        await keep(session, 2**40, state="promoted")
        await keep(session, 2**40, state="promoted", person=BORIS)
    async with store.begin() as session:
        assert await registrations.count_of(session, ANNA, NOW) == 1
        assert await registrations.count_of(session, BORIS, NOW) == 0
        found = await balances.of_channel(session, 2**40)
        assert found
        assert (found[0].id, found[1]) == (balance, "ready")


async def test_only_who_looked_last_tells_of_a_channels_health(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        assert await balances.set_health(session, balance, account=ACCOUNT, before="ok", after="unreachable", at=NOW)
        assert not await balances.set_health(
            session, balance, account=ACCOUNT, before="ok", after="unreachable", at=NOW
        )
