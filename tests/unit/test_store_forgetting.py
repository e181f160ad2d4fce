"""Forgetting a person leaves no row that names them, on SQLite and on PostgreSQL alike."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mtproto_bridge.protocol import Origin
from mtproto_bridge.protocol.events import (
    Acted,
    Hearer,
    Occurrence,
    RegistrationDecided,
    RegistrationWaits,
    parse_event,
)
from mtproto_bridge.protocol.ids import BalanceId, RegistrationId
from mtproto_bridge.protocol.replies import Balance, Registration
from mtproto_bridge.store import Store, audit, balances, forgetting, outbox, people, registrations, tables, watched
from mtproto_bridge.store.forgetting import Erased
from mtproto_bridge.telegram.gateway import FoundBot
from tests.unit import test_store as fixtures
from tests.unit.test_store import ACCOUNT, ANNA, BORIS, NOW, QUIZ

balance = fixtures.balance

NAME = "Anna of the unlikely name"
NEWS, FINDS = 2**40, 2**40 + 100
OURS = Balance(id=BalanceId(1), kind="channel", title="News")
NOTHING = Erased(0, 0, still_banned=False)


async def everything(store: Store) -> str:
    """Every row of every table."""
    async with store.begin() as session:
        every = tables.Base.metadata.sorted_tables
        return "\n".join([str(row) for table in every for row in await session.execute(select(table))])


async def forget(store: Store, person: int = ANNA) -> Erased:
    async with store.begin() as session:
        return await forgetting.forget(session, person)


async def abandoned(store: Store) -> list[int]:
    """The channels that are to be left, one after the other."""
    found = []
    async with store.begin() as session:
        while one := await forgetting.abandoned(session, ACCOUNT, NOW):
            assert await forgetting.is_abandoned(session, BalanceId(one.id), ACCOUNT)
            found.append(one.peer_id)
            await balances.remove(session, BalanceId(one.id))
    return found


async def brought_by(store: Store, person: int | None) -> None:
    async with store.begin() as session:
        await session.execute(update(tables.Balance).values(registered_by=person))


def wish(person: int = ANNA) -> Registration:
    return Registration(
        id=RegistrationId(5), person_id=person, channel_id=FINDS, title="Finds", username=None, state="waiting"
    )


async def put(store: Store, what: Occurrence, *hearers: int) -> None:
    async with store.begin() as session:
        await outbox.put(session, NOW, [Hearer(person_id=one) for one in hearers], what)


async def register_channel(store: Store, state: Any, channel: int = FINDS, person: int = ANNA) -> None:
    async with store.begin() as session:
        await registrations.keep(
            session,
            person=person,
            channel_id=channel,
            title="Finds",
            username=None,
            state=state,
            account=None if state == "waiting" else ACCOUNT,
            origin=Origin(chat_id=person, name=NAME).model_dump_json(),
            at=NOW,
        )


@pytest.fixture
async def known(store: Store, balance: BalanceId) -> Store:
    """Anna did everything one can do here."""
    async with store.begin() as session:
        await people.note(session, ANNA, locale="ru", name=NAME)
        await balances.note_proof(session, balance, ANNA, allowed=True, at=NOW)
        await audit.write(session, at=NOW, person=ANNA, action="join", balance=balance, bot=QUIZ)
        bot = FoundBot(QUIZ, "quiz_bot", "Quiz")
        await watched.keep(session, ANNA, "https://t.me/quiz_bot?start=_tgr_hers", bot, NOW)
    await brought_by(store, ANNA)
    await register_channel(store, "verified", NEWS)
    await register_channel(store, "waiting")
    acted = Acted(action="join", person_id=ANNA, person_name=NAME, balance=OURS)
    await put(store, acted, ANNA, BORIS)
    await put(store, RegistrationWaits(registration=wish(), person_name=NAME), BORIS)
    return store


async def test_no_row_names_somebody_who_is_forgotten(known: Store) -> None:
    before = await everything(known)
    assert str(ANNA) in before
    assert NAME in before
    assert await forget(known) == Erased(left=1, kept=0, still_banned=False)
    after = await everything(known)
    assert str(ANNA) not in after
    assert NAME not in after
    assert "_tgr_hers" not in after
    assert await forget(known) == NOTHING, "a second time is a success"
    assert await everything(known) == after


async def test_what_was_done_stays_written_down_without_a_name(known: Store) -> None:
    await forget(known)
    async with known.begin() as session:
        (row,) = await session.scalars(select(tables.Audit))
        assert (row.person_id, row.action, row.bot_id, row.at) == (tables.NOBODY, "join", QUIZ, NOW)


async def test_others_are_told_what_happened_and_not_by_whom(known: Store) -> None:
    await put(known, RegistrationDecided(registration=wish()), ANNA)
    await put(known, RegistrationWaits(registration=wish(BORIS)), ANNA, BORIS)
    await forget(known)
    async with known.begin() as session:
        events = [parse_event(one) for one in await outbox.take(session, 10)]
    told = [([hearer.person_id for hearer in one.hearers], one.what) for one in events if one]
    assert told == [
        ([BORIS], Acted(action="join", person_id=tables.NOBODY, balance=OURS)),
        ([BORIS], RegistrationWaits(registration=wish(BORIS))),
    ]


async def test_others_lose_nothing(known: Store) -> None:
    async with known.begin() as session:
        await people.note(session, BORIS, locale="en", name="Boris")
        await audit.write(session, at=NOW, person=BORIS, action="join", balance=1, bot=QUIZ)
    await register_channel(known, "waiting", person=BORIS)
    await forget(known)
    async with known.begin() as session:
        assert await people.find(session, BORIS)
        assert await registrations.of(session, BORIS, FINDS)
        assert BORIS in list(await session.scalars(select(tables.Audit.person_id)))


async def test_a_banned_person_stays_banned_and_nothing_else_is_kept(known: Store) -> None:
    async with known.begin() as session:
        await people.ban(session, ANNA, banned=True)
    for _ in range(2):
        assert (await forget(known)).still_banned
    after = await everything(known)
    assert after.count(str(ANNA)) == 1
    assert NAME not in after
    async with known.begin() as session:
        row = await people.find(session, ANNA)
        assert row
        assert (row.banned, row.locale) == (True, "en")


@pytest.mark.parametrize(
    ("other", "brought_by"),
    [({"allowed": True}, BORIS), ({"allowed": False}, BORIS), ({"allowed": False, "checked_at": NOW}, tables.NOBODY)],
    ids=["may act", "was never asked", "may not act now"],
)
async def test_a_channel_stays_with_its_other_managers(known: Store, other: dict[str, Any], brought_by: int) -> None:
    """It counts as brought by one who may act for it; who may not now is not left without it the day they are asked."""
    async with known.begin() as session:
        session.add(tables.Manager(balance_id=1, person_id=BORIS, **other))
    assert await forget(known) == Erased(left=0, kept=int(brought_by == BORIS), still_banned=False)
    assert await abandoned(known) == []
    async with known.begin() as session:
        assert (await session.get_one(tables.Balance, 1)).registered_by == brought_by


async def test_a_manager_of_a_forgotten_ones_channel_who_loses_the_right_for_a_day_keeps_it(known: Store) -> None:
    async with known.begin() as session:
        session.add(tables.Manager(balance_id=1, person_id=BORIS, allowed=True))
    await forget(known)
    async with known.begin() as session:
        await balances.note_posting(session, BalanceId(1), (), NOW)
    assert await abandoned(known) == []


async def test_channels_of_a_forgotten_one_count_against_the_limit_of_who_has_them_now(known: Store) -> None:
    async with known.begin() as session:
        session.add(tables.Manager(balance_id=1, person_id=BORIS, allowed=True))
    await forget(known)
    async with known.begin() as session:
        assert await registrations.count_of(session, BORIS, NOW) == 1
        assert await registrations.count_of(session, ANNA, NOW) == 0


async def test_the_last_who_goes_leaves_a_channel_that_a_forgotten_one_brought(known: Store) -> None:
    async with known.begin() as session:
        session.add(tables.Manager(balance_id=1, person_id=BORIS, allowed=True))
    await forget(known)
    assert await abandoned(known) == []
    assert await forget(known, BORIS) == Erased(left=1, kept=0, still_banned=False)
    assert await abandoned(known) == [NEWS]


async def test_what_the_operator_handed_over_stays_with_the_operator(known: Store) -> None:
    await brought_by(known, None)
    assert await forget(known) == NOTHING, "nobody here has it, and no account leaves it"
    assert await abandoned(known) == []


async def test_a_channel_that_somebody_else_is_registering_is_not_left_meanwhile(known: Store) -> None:
    await forget(known)
    await register_channel(known, "promoted", NEWS, BORIS)
    assert await abandoned(known) == []
    async with known.begin() as session:
        await session.execute(update(tables.Registration).values(updated_at=NOW - timedelta(days=2)))
    assert await abandoned(known) == [NEWS], "nobody goes on with that"


WATCHED: dict[str, Any] = {"bot_id": QUIZ, "bot_username": "quiz_bot", "bot_title": "Quiz", "alive": True}


@pytest.mark.parametrize(
    "row",
    [
        tables.Person(id=ANNA, locale="en", banned=False),
        tables.Person(id=ANNA, locale="en", banned=True, name=NAME),
        tables.Manager(balance_id=1, person_id=ANNA),
        tables.Audit(at=NOW, person_id=ANNA, action="join", balance_id=1, bot_id=QUIZ),
        tables.Watched(person_id=ANNA, url="t.me", checked_at=NOW, added_at=NOW, **WATCHED),
        tables.Registration(
            person_id=ANNA, channel_id=FINDS, title="Finds", state="waiting", created_at=NOW, updated_at=NOW
        ),
        tables.Balance(kind="channel", peer_id=FINDS, title="Finds", account_id=ACCOUNT, registered_by=ANNA),
    ],
    ids=lambda row: type(row).__name__,
)
async def test_somebody_is_not_forgotten_as_long_as_one_row_names_them(known: Store, row: tables.Base) -> None:
    await forget(known)
    async with known.begin() as session:
        assert await forgetting.is_forgotten(session, ANNA)
        await session.merge(row)
        await session.flush()
        assert not await forgetting.is_forgotten(session, ANNA)


async def test_somebody_forgotten_of_whom_only_a_ban_is_kept_is_forgotten(known: Store) -> None:
    async with known.begin() as session:
        await people.ban(session, ANNA, banned=True)
        assert not await forgetting.is_forgotten(session, ANNA)
    await forget(known)
    async with known.begin() as session:
        assert await forgetting.is_forgotten(session, ANNA)


@pytest.mark.parametrize(("state", "left"), [("picked", []), ("joined", [FINDS]), ("promoted", [FINDS])])
async def test_an_account_leaves_what_it_came_into_for_a_registration(
    store: Store, balance: BalanceId, state: str, left: list[int]
) -> None:
    del balance
    await register_channel(store, state)
    await forget(store)
    assert await abandoned(store) == left


async def test_a_channel_that_is_a_balance_already_is_not_made_one_of_nobodys(known: Store) -> None:
    """Boris was about to become its second manager."""
    await register_channel(known, "promoted", NEWS, BORIS)
    await forget(known, BORIS)
    assert await abandoned(known) == []
    async with known.begin() as session:
        found = await balances.managed_by(session, ANNA)
        assert [one.registered_by for one, _ in found] == [ANNA]
