"""The index of programs: readings of Telegram's lists side by side, searched, filtered and paged."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.protocol.replies import Program
from mtproto_bridge.protocol.requests import ProgramSort
from mtproto_bridge.store import Store, programs, tables
from mtproto_bridge.store.programs import KEPT, Wanted

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
FIRST = int(NOW.timestamp())
QUIZ = BotId(2**40 + 2)
ANYTHING = Wanted()


def program(bot: int = QUIZ, **changes: Any) -> Program:
    values = {"bot_id": bot, "username": f"App{bot}_bot", "title": "Quiz", "commission_permille": 250}
    return Program.model_validate(values | {"duration_months": 6} | changes)


async def read(store: Store, at: datetime = NOW, **orders: list[Program]) -> int:
    """Keep a reading; answers its number."""
    async with store.begin() as session:
        await programs.keep_crawl(session, orders, at)  # type: ignore[arg-type] # the names of the orders
    return int(at.timestamp())


async def found(
    store: Store, crawl: int = FIRST, wanted: Wanted = ANYTHING, *, offset: int = 0, limit: int = 50
) -> list[int]:
    async with store.begin() as session:
        rows, total = await programs.page(session, crawl, wanted, offset=offset, limit=limit)
    assert offset or limit < 50 or total == len(rows)
    return [row.bot_id for row in rows]


@pytest.mark.parametrize("sort", ["profit", "revenue", "date"])
async def test_each_order_is_telegrams_own(store: Store, sort: ProgramSort) -> None:
    orders = {"profit": [1, 2, 3], "revenue": [3, 1, 2], "date": [2, 3, 1]}
    await read(store, NOW, **{name: [program(bot) for bot in bots] for name, bots in orders.items()})
    assert await found(store, wanted=Wanted(sort)) == orders[sort]


async def test_what_is_in_one_list_only_is_in_that_list_only(store: Store) -> None:
    await read(store, profit=[program(1)], date=[program(1), program(2)])
    assert await found(store) == [1]
    assert await found(store, wanted=Wanted("date")) == [1, 2]
    assert await found(store, wanted=Wanted("revenue")) == []


@pytest.mark.parametrize(
    ("wanted", "bots"),
    [
        (Wanted(min_permille=300), [2, 3]),
        (Wanted(forever=True), [3]),
        (Wanted(min_permille=800), []),
        (Wanted(words="farm"), [2]),
        (Wanted(words="tiny FARM"), [2]),
        (Wanted(words="app3_"), [3]),
        (Wanted(words="@app1_bot"), [1]),
        (Wanted(words="викторина"), [3]),
        (Wanted(words="%"), []),
        (Wanted(words="_"), [1, 2, 3]),
        (Wanted(words="quiz farm"), []),
    ],
)
async def test_programs_are_filtered_and_searched_in_any_script(store: Store, wanted: Wanted, bots: list[int]) -> None:
    quiz, farm = program(1), program(2, title="Tiny Farm", commission_permille=300)
    await read(store, profit=[quiz, farm, program(3, title="ВИКТОРИНА", commission_permille=500, duration_months=None)])
    assert await found(store, wanted=wanted) == bots


async def test_who_pages_through_a_reading_meets_each_program_once_whatever_changes_meanwhile(store: Store) -> None:
    bots = list(range(1, 10))
    crawl = await read(store, profit=[program(bot) for bot in bots])
    seen = await found(store, crawl, Wanted(min_permille=200), limit=4)
    newer = await read(store, NOW + timedelta(minutes=5), profit=[program(bot, commission_permille=1) for bot in bots])
    async with store.begin() as session:
        await programs.remember(session, program(6, commission_permille=1), NOW)
    for offset in (4, 8):
        seen += await found(store, crawl, Wanted(min_permille=200), offset=offset, limit=4)
    assert seen == bots
    assert await found(store, newer, Wanted(min_permille=200)) == []


async def test_old_readings_are_forgotten_but_not_the_programs(store: Store) -> None:
    crawl = await read(store, profit=[program(1), program(2)])
    later = NOW + KEPT + timedelta(seconds=1)
    newest = await read(store, later, profit=[program(2, title="New name")])
    async with store.begin() as session:
        assert not await programs.has_crawl(session, crawl)
        assert await programs.newest_crawl(session) == newest
        assert await session.scalar(select(func.count()).select_from(tables.Listed)) == 1
        assert await programs.username_of(session, BotId(1)) == "App1_bot"
        assert await programs.username_of(session, BotId(404)) is None
    assert await found(store, newest, Wanted(words="new name")) == [2]


async def test_the_newest_reading_stays_however_old(store: Store) -> None:
    crawl = await read(store, profit=[program(1)])
    async with store.begin() as session:
        assert await programs.newest_crawl(session) == crawl


async def test_two_readings_in_one_second_are_one(store: Store) -> None:
    await read(store, profit=[program(1), program(2)])
    await read(store, profit=[program(2)])
    assert await found(store) == [2]


async def test_a_program_is_found_by_its_username_in_any_case(store: Store) -> None:
    await read(store, profit=[program(), program(7, username="chess_bot")])
    async with store.begin() as session:
        changed = program(username="Quiz_bot", title="T" * 300, duration_months=None, end_date=NOW)
        await programs.remember(session, changed, NOW)
    async with store.begin() as session:
        known = await programs.by_username(session, "qUIZ_BOT")
        assert known is not None
        assert (known.bot_id, known.title, known.duration_months) == (QUIZ, "T" * 255, None)
        assert await programs.by_username(session, "nobody_bot") is None
        assert await programs.end_date_of(session, QUIZ) == NOW
        assert await programs.end_date_of(session, BotId(7)) is None


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    bots=st.lists(st.integers(1, 40), unique=True, max_size=25),
    size=st.integers(1, 7),
    least=st.sampled_from([0, 200, 300]),
)
async def test_any_paging_neither_repeats_nor_skips(store: Store, bots: list[int], size: int, least: int) -> None:
    listed = [program(bot, commission_permille=100 + 10 * bot) for bot in bots]
    await read(store, profit=listed)
    wanted, seen = Wanted(min_permille=least), []
    for offset in range(0, len(bots) + size, size):
        seen += await found(store, FIRST, wanted, offset=offset, limit=size)
    assert seen == [one.bot_id for one in listed if one.commission_permille >= least]
