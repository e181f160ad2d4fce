"""The store keeps what it is told, on SQLite and on PostgreSQL alike."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import StatementError

from mtproto_bridge.actions.describing import describe_link
from mtproto_bridge.actions.watched import describe_watched
from mtproto_bridge.protocol.ids import AccountId, AffiliationId, BalanceId, BotId, WatchedId
from mtproto_bridge.protocol.replies import Affiliations, Program
from mtproto_bridge.protocol.requests import Sort
from mtproto_bridge.store import (
    Store,
    accounts,
    affiliations,
    audit,
    balances,
    open_store,
    people,
    programs,
    tables,
    watched,
)
from mtproto_bridge.store import links as store_links
from mtproto_bridge.store.accounts import KnownPeer
from mtproto_bridge.store.database import StoreError, sqlite_url
from mtproto_bridge.store.installation import installation_id
from mtproto_bridge.telegram.gateway import Connection, FoundBot

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ACCOUNT = AccountId(2**40 + 1)
QUIZ, CHESS = BotId(2**40 + 2), BotId(2**40 + 3)
ANNA, BORIS = 2**40 + 4, 2**40 + 5
"""Ids of Telegram do not fit into 32 bits."""
PATIENCE = 60


@pytest.fixture
async def balance(store: Store) -> BalanceId:
    """A channel that Anna manages, on a logged-in account."""
    async with store.begin() as session:
        await accounts.save_account(session, ACCOUNT, name="Op", username=None, sealed=b"sealed")
        return await register(session, managers=[ANNA])


async def register(session: Any, peer: int = 2**40, **changes: Any) -> BalanceId:
    values: dict[str, Any] = {
        "kind": "channel",
        "peer_id": peer,
        "title": "News",
        "username": None,
        "account": ACCOUNT,
        "managers": [],
    }
    return await balances.register(session, **(values | changes))


def link(url: str = "https://t.me/quiz_bot?start=_tgr_1", bot: BotId = QUIZ, **changes: Any) -> Connection:
    values: dict[str, Any] = {
        "bot_id": bot,
        "bot_username": "quiz_bot",
        "bot_title": "Quiz",
        "url": url,
        "date": NOW,
        "commission_permille": 250,
        "duration_months": 6,
        "participants": 2**33,
        "revenue": 2**34,
        "revoked": False,
    }
    return Connection(**(values | changes))


def program(bot: BotId = QUIZ, **changes: Any) -> Program:
    values = {"bot_id": bot, "username": "Quiz_bot", "title": "Quiz", "commission_permille": 250, "duration_months": 6}
    return Program.model_validate(values | changes)


async def links(store: Store) -> dict[str, tuple[bool, bool]]:
    """Every link's last letter, whether it is current, and whether it is revoked."""
    async with store.begin() as session:
        rows = await session.scalars(select(tables.Affiliation))
        return {row.url[-1]: (row.current, row.revoked) for row in rows}


# -- opening -------------------------------------------------------------------------------------------------------


async def test_the_migrations_make_exactly_the_tables_of_the_code(store: Store) -> None:
    def differences(connection: SyncConnection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, tables.Base.metadata)

    async with store._engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_store_can_be_opened_again_with_all_that_is_in_it(url: str) -> None:
    first = await open_store(url)
    async with first.begin() as session:
        await accounts.save_account(session, ACCOUNT, name="Op", username=None, sealed=b"sealed")
    second = await open_store(url)
    async with second.begin() as session:
        assert await accounts.all_accounts(session) == {ACCOUNT: True}
    await first.close()
    await second.close()


async def test_two_who_open_an_empty_store_at_once_both_get_it_whole(url: str) -> None:
    opened = await asyncio.gather(*(open_store(url) for _ in range(4)))
    installations = set()
    for store in opened:
        async with store.begin() as session:
            assert await session.scalar(select(func.count()).select_from(tables.Account)) == 0
            installations.add(await installation_id(session))
        await store.close()
    assert len(installations) == 1


async def test_every_store_is_an_installation_of_its_own_from_its_first_opening_on(tmp_path: Path) -> None:
    found = []
    for folder in ("a", "b", "a"):
        store = await open_store(sqlite_url(tmp_path / folder))
        async with store.begin() as session:
            found.append(await installation_id(session))
        await store.close()
    assert found[0] == found[2] != found[1]
    assert all(len(one) == 32 for one in found)


async def test_two_processes_that_open_an_empty_store_at_once_both_get_it_whole(url: str) -> None:
    script = (
        "import asyncio, sys\n"
        "from mtproto_bridge.store import open_store\n"
        "async def main():\n"
        "    store = await open_store(sys.argv[1])\n"
        "    await store.close()\n"
        "asyncio.run(main())"
    )
    running = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, url), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        for _ in range(2)
    ]
    async with asyncio.timeout(PATIENCE):
        said = [(await one.communicate())[0] for one in running]
    assert [one.returncode for one in running] == [0, 0], said


async def test_a_unit_of_work_happens_whole_or_not_at_all(store: Store) -> None:
    async def half() -> None:
        async with store.begin() as session:
            await accounts.save_account(session, ACCOUNT, name="Op", username=None, sealed=b"sealed")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await half()
    async with store.begin() as session:
        assert await accounts.all_accounts(session) == {}


async def test_units_of_work_at_the_same_time_all_happen(store: Store, balance: BalanceId) -> None:
    async def note(person: int) -> None:
        async with store.begin() as session:
            await balances.note_proof(session, balance, person, allowed=True, at=NOW)

    await asyncio.gather(*(note(person) for person in range(1, 21)))
    async with store.begin() as session:
        assert await session.scalar(select(func.count()).select_from(tables.Manager)) == 21


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("garbage", "DATABASE_URL is not a database URL; try sqlite:///"),
        ("", "DATABASE_URL is not a database URL; try sqlite:///"),
        ("mysql://u:hunter2@h/d", "DATABASE_URL names mysql; Starling speaks sqlite and postgresql."),
        ("postgresql://u:hunter2@127.0.0.1:1/d", "DATABASE_URL: the database postgresql+asyncpg://u:***@127.0.0.1:1/d"),
    ],
)
async def test_a_database_that_cannot_be_used_is_a_sentence_without_its_password(url: str, sentence: str) -> None:
    with pytest.raises(StoreError) as caught:
        await open_store(url)
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")
    assert "hunter2" not in str(caught.value)


async def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "starling.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        await open_store(sqlite_url(tmp_path))
    assert (tmp_path / "starling.db").read_bytes().startswith(b"something else"), "and it is left as it was"


async def test_a_data_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError):
        await open_store(sqlite_url(tmp_path / "data"))


# Not run: it would leave a connection behind, which some later test would be blamed for.
async def test_a_store_of_a_newer_starling_is_a_sentence(url: str) -> None:
    store = await open_store(url)
    async with store.begin() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await store.close()
    with pytest.raises(StoreError):
        await open_store(url)


# -- time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=11))])
async def test_a_moment_comes_back_as_the_same_moment_in_utc(store: Store, balance: BalanceId, zone: timezone) -> None:
    moment = NOW.replace(microsecond=123_456).astimezone(zone)
    async with store.begin() as session:
        await balances.mark_listed(session, balance, moment)
    async with store.begin() as session:
        row, _ = await balances.find(session, balance, ANNA)
    assert row is not None
    assert row.listed_at == moment
    assert row.listed_at.utcoffset() == timedelta()


async def test_a_moment_without_a_zone_is_refused(store: Store, balance: BalanceId) -> None:
    with pytest.raises(StatementError, match="a naive datetime"):
        async with store.begin() as session:
            await balances.mark_listed(session, balance, NOW.replace(tzinfo=None))


# -- accounts ------------------------------------------------------------------------------------------------------


async def test_an_account_logged_in_again_has_its_newest_session_and_may_serve(store: Store) -> None:
    async with store.begin() as session:
        await accounts.save_account(session, ACCOUNT, name="Op", username=None, sealed=b"old")
        await accounts.save_account(session, AccountId(5), name="Other", username="o", sealed=b"other")
        assert await accounts.lose(session, ACCOUNT, sealed=b"older", after="logged_out") is None
        assert await accounts.lose(session, ACCOUNT, sealed=b"old", after="logged_out") == "ready"
    async with store.begin() as session:
        assert list((await accounts.all_accounts(session)).items()) == [(5, True), (ACCOUNT, False)]
        assert await accounts.lose(session, AccountId(404), sealed=b"", after="banned") is None
        await accounts.save_account(session, ACCOUNT, name="Op", username=None, sealed=b"new")
    async with store.begin() as session:
        row = await accounts.get_account(session, ACCOUNT)
        assert row is not None
        assert (row.session, row.state) == (b"new", "ready")
        assert (await accounts.all_accounts(session))[ACCOUNT]


async def test_access_hashes_are_kept_per_account_and_the_newest_word_counts(store: Store) -> None:
    biggest, smallest = KnownPeer(-(2**40), 2**63 - 1, None, "News"), KnownPeer(7, -(2**63), "bot", "Bot")
    async with store.begin() as session:
        for number in (1, 2):
            await accounts.save_account(session, AccountId(number), name="", username=None, sealed=b"")
        await session.flush()
        await accounts.save_peers(session, AccountId(1), [KnownPeer(7, 5, None, None), biggest])
        await accounts.save_peers(session, AccountId(1), [smallest])
        await accounts.save_peers(session, AccountId(2), [KnownPeer(7, 6, None, None)])
    async with store.begin() as session:
        assert set(await accounts.known_peers(session, AccountId(1))) == {biggest, smallest}
        await session.execute(delete(tables.Account).where(tables.Account.id == 1))
        assert await accounts.known_peers(session, AccountId(1)) == []
        assert len(await accounts.known_peers(session, AccountId(2))) == 1


async def test_accounts_are_listed_with_the_channels_they_serve(store: Store, balance: BalanceId) -> None:
    del balance  # a channel of the first account's
    async with store.begin() as session:
        await register(session, kind="account")
        await register(session, peer=2**40 + 9)
        await accounts.save_account(session, AccountId(5), name="Other", username="o", sealed=b"other")
    async with store.begin() as session:
        found = [(one.id, one.username, one.state, one.channels) for one in await accounts.listed(session)]
    assert found == [(5, "o", "ready", 0), (ACCOUNT, None, "ready", 2)]


async def test_an_account_that_is_leaving_has_no_lane_and_gets_it_back_when_it_stays(store: Store) -> None:
    async with store.begin() as session:
        await accounts.save_account(session, ACCOUNT, name="Op", username=None, sealed=b"s")
    async with store.begin() as session:
        assert await accounts.set_state(session, ACCOUNT, before="ready", after="leaving")
        assert not await accounts.set_state(session, ACCOUNT, before="ready", after="leaving"), "it is another by now"
        assert await accounts.all_accounts(session) == {}
        assert await accounts.set_state(session, ACCOUNT, before="leaving", after="ready")
        assert await accounts.all_accounts(session) == {ACCOUNT: True}


async def test_a_session_is_replaced_or_erased_only_if_it_is_still_the_one_that_was_read(
    store: Store, balance: BalanceId
) -> None:
    """Who logs in while keys are rotated, or the account is removed, keeps the new session."""
    async with store.begin() as session:
        await accounts.save_account(session, ACCOUNT, name="Op", username=None, sealed=b"old")
        await accounts.save_peers(session, ACCOUNT, [KnownPeer(7, 5, None, None)])
    async with store.begin() as session:
        assert not await accounts.reseal(session, ACCOUNT, before=b"older", after=b"new")
        assert await accounts.reseal(session, ACCOUNT, before=b"old", after=b"new")
        assert not await accounts.erase(session, ACCOUNT, sealed=b"old")
        assert len(await accounts.known_peers(session, ACCOUNT)) == 1
    async with store.begin() as session:
        assert await accounts.erase(session, ACCOUNT, sealed=b"new")
    async with store.begin() as session:
        row = await accounts.get_account(session, ACCOUNT)
        assert row is not None
        assert (row.session, row.state) == (b"", "removed")
        assert await accounts.known_peers(session, ACCOUNT) == []
        assert await accounts.all_accounts(session) == {ACCOUNT: False}, "who asks its lane is told so"
        assert await balances.routes(session) == {balance: ACCOUNT}, "its balances stay known"


# -- balances ------------------------------------------------------------------------------------------------------


async def test_registering_again_renews_a_balance_and_takes_no_manager_away(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        await balances.note_proof(session, balance, ANNA, allowed=True, at=NOW)
        again = await register(session, title="Newer", managers=[ANNA, BORIS])
        other = await register(session, kind="account", managers=[BORIS])
    assert (again == balance, other == balance) == (True, False)
    async with store.begin() as session:
        rows = await balances.managed_by(session, ANNA)
        assert [(one.id, one.title, manager.allowed) for one, manager in rows] == [(balance, "Newer", True)]
        assert [one.id for one, _ in await balances.managed_by(session, BORIS)] == [balance, other]
        assert await balances.routes(session) == {balance: ACCOUNT, other: ACCOUNT}


async def test_a_channel_that_another_account_takes_over_is_looked_at_soon(store: Store, balance: BalanceId) -> None:
    other = AccountId(ACCOUNT + 1)
    async with store.begin() as session:
        await accounts.save_account(session, other, name="Other", username=None, sealed=b"sealed")
        await balances.set_health(session, balance, before="ok", after="account_lost", at=NOW, account=ACCOUNT)
    for account, due in ((ACCOUNT, False), (other, True)):
        async with store.begin() as session:
            await register(session, account=account)
            assert bool(await balances.health_due(session, account, NOW - timedelta(days=1))) is due


async def test_one_new_channel_registered_by_many_at_once_is_one_balance_for_all(
    store: Store, balance: BalanceId
) -> None:
    async def bring(person: int) -> BalanceId:
        async with store.begin() as session:
            return await register(session, 2**40 + 9, managers=[BORIS, person])

    (made,) = set(await asyncio.gather(*(bring(person) for person in range(1, 11))))
    assert made != balance
    async with store.begin() as session:
        of_it = select(tables.Manager.person_id).where(tables.Manager.balance_id == made)
        assert set(await session.scalars(of_it)) == {BORIS, *range(1, 11)}


async def test_who_is_refused_and_was_never_a_manager_is_not_written_down(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        await balances.note_proof(session, balance, BORIS, allowed=False, at=NOW)
        assert (await balances.find(session, balance, BORIS))[1] is None
        await balances.note_proof(session, balance, BORIS, allowed=True, at=NOW)
    async with store.begin() as session:
        await balances.note_proof(session, balance, BORIS, allowed=False, at=NOW + timedelta(minutes=1))
    async with store.begin() as session:
        ((_, manager),) = await balances.managed_by(session, BORIS)
        assert (manager.allowed, manager.checked_at) == (False, NOW + timedelta(minutes=1))


async def test_a_balance_is_found_with_what_is_known_of_one_person(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        found, manager = await balances.find(session, balance, ANNA)
        assert (found and found.id, manager and manager.person_id) == (balance, ANNA)
        found, manager = await balances.find(session, balance, BORIS)
        assert (found and found.id, manager) == (balance, None)
        assert await balances.find(session, BalanceId(404), ANNA) == (None, None)


# -- links ---------------------------------------------------------------------------------------------------------


async def test_of_a_balances_links_for_a_program_the_last_one_saved_is_the_current_one(
    store: Store, balance: BalanceId
) -> None:
    async with store.begin() as session:
        first = await affiliations.save(session, balance, link("1"), NOW)
        await affiliations.save(session, balance, link("c", bot=CHESS), NOW)
        second = await affiliations.save(session, balance, link("2"), NOW)
        assert first.id != second.id
    assert {url for url, (current, _) in (await links(store)).items() if current} == {"2", "c"}
    async with store.begin() as session:
        found = await store_links.page(session, [balance], ANNA, sort="date", offset=0, limit=9)
        assert ({one.affiliation.url for one in found.links if one.affiliation}, found.own) == ({"2", "c"}, 2)
        await affiliations.save(session, balance, link("1"), NOW)
        assert await affiliations.joined_bots(session, [balance]) == {(balance, QUIZ), (balance, CHESS)}
    assert {url for url, (current, _) in (await links(store)).items() if current} == {"1", "c"}, "a revived one"


async def test_a_link_seen_again_is_the_same_link_with_its_newest_figures(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        first = await affiliations.save(session, balance, link("1"), NOW)
    later = NOW + timedelta(hours=1)
    async with store.begin() as session:
        seen = link("1", participants=3, revenue=4, revoked=True, duration_months=None)
        again = await affiliations.save(session, balance, seen, later)
    assert again.id == first.id
    async with store.begin() as session:
        row = await affiliations.by_id(session, AffiliationId(again.id))
        assert row is not None
        assert (row.participants, row.revenue, row.revoked, row.duration_months) == (3, 4, True, None)
        assert row.seen_at == later


async def test_the_same_url_at_another_balance_is_another_link(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        other = await register(session, peer=2**40 + 9)
        one = await affiliations.save(session, balance, link("1"), NOW)
        two = await affiliations.save(session, other, link("1"), NOW)
        assert one.id != two.id
        assert await affiliations.joined_bots(session, [balance, other]) == {(balance, QUIZ), (other, QUIZ)}
        assert await affiliations.joined_bots(session, []) == set()


async def test_what_a_whole_list_no_longer_holds_is_dead_and_nothing_of_another_balance(
    store: Store, balance: BalanceId
) -> None:
    async with store.begin() as session:
        other = await register(session, peer=2**40 + 9)
        await affiliations.save(session, balance, link("1"), NOW)
        await affiliations.save(session, balance, link("c", bot=CHESS), NOW)
        await affiliations.save(session, other, link("o"), NOW)
        await affiliations.save_list(session, balance, [link("c", bot=CHESS)], NOW)
    assert await links(store) == {"1": (True, True), "c": (True, False), "o": (True, False)}
    async with store.begin() as session:
        await affiliations.save_list(session, balance, [], NOW)
        assert await affiliations.joined_bots(session, [balance, other]) == {(other, QUIZ)}


async def test_of_a_whole_list_the_newest_link_of_a_program_is_the_current_one(
    store: Store, balance: BalanceId
) -> None:
    async with store.begin() as session:
        await affiliations.save_list(session, balance, [link("2"), link("1", revoked=True)], NOW)
    assert await links(store) == {"2": (True, False), "1": (False, True)}


async def test_a_list_overwrites_nothing_that_was_done_since_it_was_begun(store: Store, balance: BalanceId) -> None:
    """Joined anew, revoked, and joined first, each while the list was on its way; what was not touched is renewed."""
    later = NOW + timedelta(seconds=1)
    revoked, joined = BotId(300), BotId(400)
    async with store.begin() as session:
        await affiliations.save(session, balance, link("1"), NOW)
        await affiliations.save(session, balance, link("2"), later)
        await affiliations.save(session, balance, link("r", bot=revoked, revoked=True), later)
        await affiliations.save(session, balance, link("j", bot=joined), later)
        await affiliations.save(session, balance, link("c", bot=CHESS), NOW)
        listed = [link("1"), link("r", bot=revoked), link("c", bot=CHESS, participants=9)]
        await affiliations.save_list(session, balance, listed, NOW)
    assert await links(store) == {
        "1": (False, False),
        "2": (True, False),
        "r": (True, True),
        "j": (True, False),
        "c": (True, False),
    }
    async with store.begin() as session:
        found = await affiliations.current(session, balance, CHESS)
        assert found is not None
        assert found.participants == 9


async def test_a_link_is_listed_with_its_balance_and_the_end_of_its_program(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        await affiliations.save(session, balance, link("1"), NOW)
        await affiliations.save(session, balance, link("c", bot=CHESS, date=NOW - timedelta(days=1)), NOW)
        await programs.remember(session, program(end_date=NOW + timedelta(days=1)), NOW)
    async with store.begin() as session:
        found = await store_links.page(session, [balance], ANNA, sort="date", offset=0, limit=9)
    assert (found.own, found.watched) == (2, 0)
    first, second = found.links
    assert first.affiliation is not None
    assert first.balance is not None
    assert first.program is not None
    assert (first.affiliation.url, first.balance.id) == ("1", balance)
    assert first.program.end_date == NOW + timedelta(days=1)
    assert second.affiliation is not None
    assert second.affiliation.url == "c"
    assert (second.program, second.watched) == (None, None)


async def test_a_list_that_says_nothing_new_writes_no_link_anew(
    store: Store, balance: BalanceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person may have thousands, and their list is read anew every minute somebody looks."""
    listed = [link("1"), link("c", bot=CHESS), link("r", bot=BotId(300))]
    async with store.begin() as session:
        await affiliations.save_list(session, balance, listed, NOW)
    saved: list[str] = []
    save = affiliations.save

    async def spying(session: Any, balance: BalanceId, connection: Connection, at: datetime) -> tables.Affiliation:
        saved.append(connection.url)
        return await save(session, balance, connection, at)

    monkeypatch.setattr(affiliations, "save", spying)
    later = NOW + timedelta(minutes=1)
    async with store.begin() as session:
        await affiliations.save_list(session, balance, [link("1"), link("c", bot=CHESS, participants=9)], later)
        rows = (await session.scalars(select(tables.Affiliation))).all()
    assert saved == ["c"]
    assert {one.url: (one.revoked, one.seen_at) for one in rows} == {
        "1": (False, later),
        "c": (False, later),
        "r": (True, later),
    }


MANY = 23


@pytest.fixture
async def many(store: Store, balance: BalanceId) -> list[BalanceId]:
    """Two balances with more links than a page holds; every figure is shared by several of them."""
    async with store.begin() as session:
        other = await register(session, peer=2**40 + 9)
        for number in range(MANY):
            await affiliations.save(
                session,
                (balance, other)[number % 2],
                link(
                    str(number),
                    bot=BotId(100 + number),
                    date=NOW - timedelta(days=number % 3),
                    participants=number % 4,
                    revenue=number % 5,
                ),
                NOW,
            )
        await affiliations.save(session, balance, link("successor", bot=BotId(100), date=NOW), NOW)
    return [balance, other]


WATCHED = 7


@pytest.fixture
async def kept(store: Store) -> None:
    """Watched links of Anna's beside those, some as old as others; and one of Boris's."""
    async with store.begin() as session:
        await programs.remember(session, program(), NOW)
        for number in range(WATCHED + 1):
            person, at = (BORIS if number == WATCHED else ANNA), NOW - timedelta(days=number % 3)
            url = f"https://t.me/quiz_bot?start=_tgr_{number}"
            await watched.keep(session, person, url, FoundBot(QUIZ, "quiz_bot", "Quiz"), at)


@pytest.mark.usefixtures("kept")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sort=st.sampled_from(["date", "revenue", "participants"]), size=st.integers(1, MANY + 9), data=st.data())
async def test_paging_shows_every_current_and_every_watched_link_once_in_order(
    store: Store, many: list[BalanceId], sort: Sort, size: int, data: st.DataObject
) -> None:
    """The store is read only here, so that one serves all examples."""
    wanted = data.draw(st.sampled_from([many, many[:1], []]))
    shown: list[store_links.Listed] = []
    for offset in range(0, MANY + WATCHED + size, size):
        async with store.begin() as session:
            found = await store_links.page(session, wanted, ANNA, sort=sort, offset=offset, limit=size)
        assert len(found.links) <= size
        shown += found.links
    own = [one.affiliation for one in shown if one.affiliation]
    theirs = [one.watched for one in shown if one.watched]
    assert len({one.id for one in own}) == len(own) == found.own == {2: MANY, 1: 12, 0: 0}[len(wanted)]
    assert len({one.id for one in theirs}) == len(theirs) == found.watched == WATCHED
    assert all(one.current for one in own)
    assert all(one.program and one.program.bot_id == QUIZ for one in shown if one.watched)
    places = [_place(one, sort) for one in shown]
    assert places == sorted(places, reverse=True), "the newest, the most, first"


def _place(one: store_links.Listed, sort: Sort) -> tuple[Any, ...]:
    if one.watched:
        return (one.watched.added_at,) if sort == "date" else (-1, one.watched.added_at)
    assert one.affiliation
    date = one.affiliation.date
    return (date,) if sort == "date" else (getattr(one.affiliation, sort), date)


@pytest.mark.parametrize("sort", ["date", "revenue", "participants"])
@pytest.mark.usefixtures("kept")
async def test_a_page_is_told_in_the_order_it_was_read_in(store: Store, many: list[BalanceId], sort: Sort) -> None:
    """What travels are two lists; the one they make together is the store's."""
    async with store.begin() as session:
        found = await store_links.page(session, many, ANNA, sort=sort, offset=0, limit=99)
    told = Affiliations(
        affiliations=[
            describe_link(one.affiliation, one.balance, None, NOW)
            for one in found.links
            if one.affiliation and one.balance
        ],
        watched_links=[describe_watched(one.watched, None, NOW) for one in found.links if one.watched],
        page=0,
        pages=1,
        total=MANY + WATCHED,
        balances=2,
        sort=sort,
    )
    expected = [one.affiliation.id if one.affiliation else one.watched and one.watched.id for one in found.links]
    assert [int(one.id) for one in told.links] == expected


# -- the audit -----------------------------------------------------------------------------------------------------


async def test_the_audit_says_who_did_what_for_which_balance(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        await audit.write(session, at=NOW, person=ANNA, action="join", balance=balance, bot=QUIZ)
        await audit.write(session, at=NOW, person=BORIS, action="revoke", balance=balance, bot=QUIZ)
    async with store.begin() as session:
        rows = list(await session.scalars(select(tables.Audit).order_by(tables.Audit.id)))
    assert [(one.at, one.person_id, one.action, one.balance_id, one.bot_id) for one in rows] == [
        (NOW, ANNA, "join", balance, QUIZ),
        (NOW, BORIS, "revoke", balance, QUIZ),
    ]


# -- what the chores look for --------------------------------------------------------------------------------------


async def test_the_channel_looked_at_longest_ago_is_due_first_and_one_never_looked_at_before_all(
    store: Store, balance: BalanceId
) -> None:
    async with store.begin() as session:
        others = [await register(session, peer=2**40 + number, title=f"C{number}") for number in (1, 2)]
        for one, ago in ((balance, 30), (others[0], 40)):
            assert await balances.set_health(
                session, one, account=ACCOUNT, before="ok", after="ok", at=NOW - timedelta(hours=ago)
            )
    since, seen = NOW - timedelta(days=1), []
    async with store.begin() as session:
        while (due := await balances.health_due(session, ACCOUNT, since)) is not None:
            seen.append(due.id)
            assert await balances.set_health(
                session, BalanceId(due.id), account=ACCOUNT, before="ok", after="ok", at=NOW
            )
        assert seen == [others[1], others[0], balance]
        await balances.make_due(session, ACCOUNT, [2**40 + 1])
    async with store.begin() as session:
        due = await balances.health_due(session, ACCOUNT, since)
        assert due is not None
        assert due.id == others[0]


async def test_a_health_that_another_noted_meanwhile_is_not_overwritten(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        assert await balances.set_health(session, balance, account=ACCOUNT, before="ok", after="unreachable", at=NOW)
        assert not await balances.set_health(
            session, balance, account=ACCOUNT, before="ok", after="rights_missing", at=NOW
        )


async def test_what_was_seen_with_another_account_says_nothing_of_a_channel(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        other = AccountId(ACCOUNT + 1)
        assert not await balances.set_health(session, balance, account=other, before="ok", after="unreachable", at=NOW)


async def test_who_may_post_is_kept_of_known_managers_only(store: Store, balance: BalanceId) -> None:
    async with store.begin() as session:
        await balances.note_proof(session, balance, BORIS, allowed=True, at=NOW)
        await balances.note_posting(session, balance, {ANNA, 2**40 + 99}, NOW)
    async with store.begin() as session:
        managers = await session.scalars(select(tables.Manager).where(tables.Manager.balance_id == balance))
        assert {one.person_id: one.allowed for one in managers} == {ANNA: True, BORIS: False}


async def test_a_channel_is_idle_only_when_a_person_registered_it_and_it_has_no_live_link(
    store: Store, balance: BalanceId
) -> None:
    old = NOW - timedelta(days=91)

    async def idle() -> bool:
        async with store.begin() as session:
            found = await balances.idle(session, ACCOUNT, unused=NOW - timedelta(days=90), told=NOW - timedelta(days=7))
            return found is not None

    async def change(**values: Any) -> None:
        async with store.begin() as session:
            await session.execute(update(tables.Balance).where(tables.Balance.id == balance).values(**values))

    await change(used_at=old)
    assert not await idle()
    await change(registered_by=ANNA)
    assert await idle()
    async with store.begin() as session:
        assert await balances.note_idle(session, balance, NOW)
        assert not await balances.note_idle(session, balance, NOW), "it was told already"
    assert not await idle()
    await change(idle_told_at=NOW - timedelta(days=7))
    assert await idle()
    async with store.begin() as session:
        await balances.note_use(session, balance, NOW)
    assert await idle(), "it has no link"
    async with store.begin() as session:
        await affiliations.save(session, balance, link(), NOW)
        await balances.note_use(session, balance, NOW)
    assert not await idle()
    async with store.begin() as session:
        assert [one.bot_id for one in await affiliations.live_of(session, balance, 5)] == [QUIZ]


async def test_a_channel_of_a_banned_account_is_found_until_its_managers_were_told(
    store: Store, balance: BalanceId
) -> None:
    async with store.begin() as session:
        assert await balances.bereft(session) is None
        assert await accounts.lose(session, ACCOUNT, sealed=b"sealed", after="banned") == "ready"
    async with store.begin() as session:
        found = await balances.bereft(session)
        assert found is not None
        assert (found[0].id, found[1].id) == (balance, ACCOUNT)
        await balances.set_health(session, balance, account=ACCOUNT, before="ok", after="account_lost", at=NOW)
        assert await balances.bereft(session) is None
        await balances.remove(session, balance)
    async with store.begin() as session:
        assert await balances.routes(session) == {}


async def test_a_watched_link_is_one_row_that_later_looks_renew(store: Store) -> None:
    url, later = "https://t.me/quiz_bot?start=_tgr_AbC", NOW + timedelta(hours=1)
    async with store.begin() as session:
        await programs.remember(session, program(), NOW)
        first = await watched.keep(session, ANNA, url, FoundBot(QUIZ, "quiz_bot", "T" * 300), NOW)
        theirs = await watched.keep(session, BORIS, url, FoundBot(QUIZ, "quiz_bot", "Quiz"), NOW)
    async with store.begin() as session:
        await watched.note(session, first, alive=False, at=later)
        again = await watched.find(session, ANNA, WatchedId(first.id))
        assert again is not None
        assert (again.alive, again.checked_at, again.bot_title) == (False, later, "T" * 255)
        again = await watched.keep(session, ANNA, url, FoundBot(QUIZ, "quiz_bot", "Quiz"), later)
        assert (again.id, again.alive, again.bot_title, again.added_at) == (first.id, True, "Quiz", NOW)
        await watched.keep(session, ANNA, url + "d", FoundBot(CHESS, "chess_bot", "Chess"), later)
    async with store.begin() as session:
        page, total = await watched.page(session, ANNA, offset=0, limit=1)
        assert ([(one.bot_id, of) for one, of in page], total) == ([(CHESS, None)], 2)
        ((_, of),), _ = await watched.page(session, ANNA, offset=1, limit=1)
        assert of is not None
        assert await watched.find(session, ANNA, WatchedId(theirs.id)) is None
        await watched.forget(session, ANNA, WatchedId(theirs.id))
        await watched.forget(session, ANNA, WatchedId(first.id))
        assert (await watched.count(session, ANNA), await watched.count(session, BORIS)) == (1, 1)


async def test_accepting_the_terms_leaves_what_is_known_of_a_person_and_stays_when_that_is_renewed(
    store: Store,
) -> None:
    async with store.begin() as session:
        await people.note(session, ANNA, locale="ru", name="Anna")
        for person in (ANNA, BORIS):  # Boris was never met
            assert not await people.has_accepted_terms(session, person)
            await people.accept_terms(session, person, NOW)
            await people.accept_terms(session, person, NOW + timedelta(hours=1))
        await people.note(session, ANNA, locale="fa", name=None)
        await people.ban(session, BORIS, banned=True)
    async with store.begin() as session:
        for person, locale in ((ANNA, "fa"), (BORIS, "en")):
            row = await people.find(session, person)
            assert row is not None
            assert (row.locale, row.terms_accepted_at) == (locale, NOW)
            assert await people.has_accepted_terms(session, person)
