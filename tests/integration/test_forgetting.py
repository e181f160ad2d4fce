"""Forgetting a person on a real bridge: what is erased, what becomes of their channels, and that it counts once."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from mtproto_bridge.actions.context import Rules
from mtproto_bridge.protocol import ErrorCode, Reply, Request
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.protocol.replies import Balances, Channels, Forgotten
from mtproto_bridge.protocol.requests import BanPerson, ForgetPerson, ListBalances, ListChannels, Origin, Refresh
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.redis import QueueServer
from mtproto_bridge.store import balances, forgetting, people, tables
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World, links
from sandbox.world import accounts as standing
from tests.bridge_fixtures import bridge_site, caller, served
from tests.integration.pool_fixtures import Office, office_at
from tests.sandbox_fixtures import ALICE, BOB, NEWS, PLAZA, QUIZ

OPERATOR = 9001


@pytest.fixture
async def office(server: MTProtoServer) -> AsyncIterator[Office]:
    """Bob's account serves News, which Alice brought; both manage it, as Telegram said just now."""
    async with bridge_site(server, BOB) as site, office_at(site, Rules(operators=frozenset({OPERATOR}))) as made:
        await made.attend(BOB)
        async with made.store.begin() as session:
            await session.execute(update(tables.Balance).values(registered_by=ALICE))
        yield made


async def forget(office: Office, person: int, attempt: int = 1) -> Forgotten:
    outcome = await office.handle(BOB, person, ForgetPerson(), attempt=attempt)
    assert isinstance(outcome, Reply), outcome
    assert isinstance(outcome.result, Forgotten), outcome
    return outcome.result


async def balances_of_news(office: Office) -> int:
    async with office.store.begin() as session:
        news = tables.Balance.peer_id == NEWS
        return await session.scalar(select(func.count()).select_from(tables.Balance).where(news)) or 0


async def test_a_channel_is_left_when_its_last_manager_is_forgotten_and_its_links_live_on(
    office: Office, world: World
) -> None:
    links.connect(world, ALICE, NEWS, QUIZ)
    assert await forget(office, ALICE) == Forgotten(kept=1)
    await office.attend(BOB)
    assert world.channels[NEWS].is_member(BOB)
    assert await forget(office, BOB) == Forgotten(left=1)
    assert await office.attend(BOB) > 0
    assert not world.channels[NEWS].is_member(BOB)
    assert [one.revoked for one in world.links if one.balance_id == NEWS] == [False]
    assert await balances_of_news(office) == 0
    assert await office.told() == [], "there is nobody to tell"
    assert await forget(office, ALICE) == Forgotten(), "a second time is a success"


async def test_a_frozen_account_leaves_once_it_thaws(office: Office, world: World) -> None:
    await forget(office, ALICE)
    await forget(office, BOB)
    standing.freeze(world, world.people[BOB])
    await office.attend(BOB)
    assert world.channels[NEWS].is_member(BOB)
    standing.thaw(world.people[BOB])
    office.site.clock.move(hours=2)
    await office.attend(BOB)
    assert not world.channels[NEWS].is_member(BOB)


async def test_who_comes_back_before_the_account_has_left_keeps_the_channel(office: Office, world: World) -> None:
    await forget(office, ALICE)
    await forget(office, BOB)
    async with office.store.begin() as session:
        session.add(tables.Manager(balance_id=await _news(office), person_id=ALICE, allowed=True))
    await office.attend(BOB)
    assert world.channels[NEWS].is_member(BOB)
    assert await balances_of_news(office) == 1


async def _news(office: Office) -> int:
    async with office.store.begin() as session:
        found = await session.scalar(select(tables.Balance.id).where(tables.Balance.peer_id == NEWS))
    assert found
    return found


async def test_somebody_who_is_forgotten_is_a_stranger(office: Office) -> None:
    await forget(office, ALICE)
    outcome = await office.handle(BOB, ALICE, ListChannels())
    assert isinstance(outcome, Reply)
    assert outcome.result == Channels(channels=[], registrations=[])


async def test_being_forgotten_leaves_no_trace_of_having_asked(office: Office) -> None:
    request = Request(
        id="r",
        actor=ALICE,
        reply_to="test",
        trace="t",
        origin=Origin(chat_id=ALICE, name="Alice"),
        deadline=office.site.clock.now() + timedelta(seconds=20),
        nonce=office.site.nonce(),
        payload=ForgetPerson(),
    )
    outcome = await office.actions.handle(AccountId(BOB), request, lease=office.lease, attempt=1, stored=None)
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.result, Forgotten)
    async with office.store.begin() as session:
        assert await people.find(session, ALICE) is None


async def test_the_banned_may_be_forgotten_and_stay_banned(office: Office) -> None:
    await office.handle(BOB, OPERATOR, BanPerson(person_id=ALICE))
    assert (await forget(office, ALICE)).still_banned
    assert (await office.failed(BOB, ALICE, ListChannels())).code == ErrorCode.BANNED


async def test_a_confirmation_of_yesterday_forgets_nobody(office: Office) -> None:
    old = office.site.nonce()
    office.site.clock.move(days=1)
    outcome = await office.handle(BOB, ALICE, ForgetPerson(), nonce=old)
    assert isinstance(outcome, Reply)
    assert outcome.failure
    assert outcome.failure.code == ErrorCode.CONFIRMATION_EXPIRED


async def test_what_was_begun_and_comes_too_late_is_told_only_if_it_was_done(office: Office) -> None:
    async with office.store.begin() as session:
        await people.note(session, ALICE, locale="en", name="Alice")
    office.patience = timedelta(seconds=-1)
    assert (await office.failed(BOB, ALICE, ForgetPerson(), attempt=2)).code == ErrorCode.DEADLINE_PASSED
    async with office.store.begin() as session:
        await people.forget(session, ALICE)
    failed = await office.failed(BOB, ALICE, ForgetPerson(), attempt=2)
    assert failed.code == ErrorCode.DEADLINE_PASSED, "she manages News still"
    async with office.store.begin() as session:
        await forgetting.forget(session, ALICE)
        await people.ban(session, ALICE, banned=True)
    assert await forget(office, ALICE, attempt=2) == Forgotten(), "but for the ban"


async def listed(office: Office, person: int) -> list[str]:
    """What somebody sees of their balances, as the bot asks for them."""
    outcome = await office.handle(BOB, person, ListBalances())
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.result, Balances), outcome
    if not outcome.result.stale_accounts:
        return [one.title for one in outcome.result.balances]
    for account in outcome.result.stale_accounts:
        await office.handle(account, person, Refresh())
    outcome = await office.handle(BOB, person, ListBalances())
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.result, Balances), outcome
    assert outcome.result.stale_accounts == [], "once is enough"
    return [one.title for one in outcome.result.balances]


async def test_whose_own_account_is_here_finds_their_balances_again(office: Office) -> None:
    """His account, its bot, and the channel it was logged in with; none that others brought to it."""
    async with office.store.begin() as session:
        await session.execute(update(tables.Balance).values(registered_by=None))
        brought = {"kind": "channel", "title": "Brought", "account_id": BOB, "registered_by": ALICE}
        session.add(tables.Balance(peer_id=PLAZA, **brought))
    before = await listed(office, BOB)
    assert sorted(before) == ["Bob", "News", "Plain"]
    await forget(office, BOB)
    assert sorted(await listed(office, BOB)) == sorted(before)


async def test_whose_own_account_is_here_finds_their_channels_again(office: Office) -> None:
    async with office.store.begin() as session:
        await session.execute(update(tables.Balance).values(registered_by=None))
    await forget(office, BOB)
    outcome = await office.handle(BOB, BOB, ListChannels())
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.result, Channels)
    assert outcome.result.stale_accounts == [BOB]


async def test_a_stranger_has_no_account_asked_for_them(office: Office) -> None:
    await forget(office, ALICE)
    outcome = await office.handle(BOB, ALICE, ListBalances())
    assert isinstance(outcome, Reply)
    assert outcome.result == Balances(balances=[])


async def test_no_list_waits_for_an_account_that_is_lost(office: Office) -> None:
    await forget(office, BOB)
    async with office.store.begin() as session:
        await session.execute(update(tables.Account).values(state="logged_out"))
        assert not await balances.is_own_unknown(session, BOB)


async def test_requests_of_theirs_that_were_given_up_are_dropped(office: Office) -> None:
    server, keys = QueueServer(office.site.redis_url), Keys()
    try:
        for person in (ALICE, BOB):
            request = Request(
                id="r",
                actor=person,
                reply_to="bot-1",
                trace="t",
                deadline=office.site.clock.now(),
                payload=ListChannels(),
            )
            told = ("request", request.model_dump_json(), "account", BOB, "reason", "begun too often")
            await server.ask("XADD", keys.dead_letters(), "*", *told)
        await forget(office, ALICE)
        (left,) = await server.entries(keys.dead_letters())
        assert f'"actor":{BOB}' in left[1]["request"]
    finally:
        await server.close()


async def test_one_tap_counts_once_whatever_comes_between(server: MTProtoServer) -> None:
    """Through the queue: who came back meanwhile is not forgotten again by the old button."""
    async with bridge_site(server, BOB) as site, site.bridge(), site.client() as client:
        nonce = site.nonce()
        await served(client)
        assert await client.forget_me(caller(ALICE), nonce) == Forgotten(kept=1)
        assert await client.forget_me(caller(ALICE), nonce) == Forgotten(kept=1, replayed=True)
        assert await client.forget_me(caller(ALICE), site.nonce()) == Forgotten()
