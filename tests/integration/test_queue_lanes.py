"""Who serves what: fair shares, handing over, dying."""

import asyncio
import time

import pytest

from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue import work
from tests.queue_bridges import Bridge, Stub, serving
from tests.queue_fixtures import ONE, READ, SHORT, TWO, Site, ask, join, numbered, show, turns, until

pytestmark = pytest.mark.alone


def shares(*bridges: Bridge) -> list[int]:
    return sorted(len(one.accounts) for one in bridges)


# -- shares -----------------------------------------------------------------------------------------------------


async def test_the_lane_of_an_account_that_is_listed_no_more_is_given_up(site: Site) -> None:
    """So that whoever removes the account may connect as it."""
    known = [ONE, TWO]

    async def listed() -> list[AccountId]:
        return list(known)

    async with serving(site, Stub(), name="a", ttl=SHORT, known=listed) as bridge:
        await until(lambda: bridge.accounts == {ONE, TWO})
        known[:] = [TWO, AccountId(3)]  # as many as before: its share is no reason
        await until(lambda: bridge.accounts == set(known))
        assert await site.server.get(site.keys.lease(ONE)) is None
        assert bridge.stub.gone == [ONE]


async def test_three_bridges_come_to_hold_three_of_nine_accounts_each_and_never_one_twice(site: Site) -> None:
    accounts, stubs = numbered(9), [Stub(), Stub(), Stub()]
    async with (
        serving(site, stubs[0], *accounts, name="a", ttl=SHORT) as a,
        serving(site, stubs[1], *accounts, name="b", ttl=SHORT) as b,
        serving(site, stubs[2], *accounts, name="c", ttl=SHORT) as c,
    ):
        await until(lambda: shares(a, b, c) == [3, 3, 3])
        for account in accounts:
            await site.call(ask(READ), account)
        assert a.accounts | b.accounts | c.accounts == set(accounts)
        for bridge in (a, b, c):
            assert {one.account for one in bridge.stub.handled} == bridge.accounts
    assert sum(len(stub.gone) for stub in stubs) >= 9


async def test_a_bridge_that_joins_gets_idle_lanes_first_and_a_busy_one_when_it_is_drained(site: Site) -> None:
    first, second = Stub(), Stub()
    first.close(join(1))
    begun, behind = ask(join(1)), ask(show(1))
    async with serving(site, first, ONE, TWO, name="a") as a:
        await until(lambda: a.accounts == {ONE, TWO})
        await site.submit(begun, ONE)
        await site.submit(behind, ONE)
        await first.until_handled(1)
        async with serving(site, second, ONE, TWO, name="b") as b:
            await site.until_living(2)
            a.poke()
            await until(lambda: (a.accounts, b.accounts) == ({ONE}, {TWO}))
            a.owner.stop()
            await until(lambda: a.owner._lanes[ONE].closing)
            b.poke()
            await turns()
            assert b.accounts == {TWO}, "it is drained first"
            first.open()
            replies = await site.answers(2)
            assert b.accounts == {ONE, TWO}
    assert [one.request_id for one in replies] == [begun.id, behind.id]
    assert first.finished == [begun]
    assert [(one.request, one.attempt) for one in second.handled] == [(behind, 1)]


async def test_no_request_is_lost_or_out_of_order_while_lanes_change_hands(site: Site) -> None:
    accounts = numbered(4)
    stubs = [Stub(), Stub()]
    sent: dict[AccountId, list[str]] = {account: [] for account in accounts}

    async def send(count: int) -> None:
        for number in range(count):
            account = accounts[number % 4]
            request = ask(show(account))
            sent[account].append(request.id)
            await site.submit(request, account)

    async with serving(site, stubs[0], *accounts, name="a", ttl=SHORT):
        await send(80)
        async with serving(site, stubs[1], *accounts, name="b", ttl=SHORT) as b:
            while len(b.accounts) < 2:
                await send(20)
            await send(80)
        await send(80)
        replies = await site.answers(sum(map(len, sent.values())))
    handled = [one for stub in stubs for one in stub.handled]
    assert {one.attempt for one in handled} == {1}
    assert stubs[1].handled
    answered = [one.request_id for one in replies]
    for ids in sent.values():
        of_account = set(ids)
        assert [one for one in answered if one in of_account] == ids


async def test_a_leaving_bridges_lanes_are_served_by_the_others_at_once(site: Site) -> None:
    """They are told: their own next turn would be 18 s away."""
    accounts = numbered(4)
    async with serving(site, Stub(), *accounts, name="a") as a:
        await until(lambda: len(a.accounts) == 4)
        async with serving(site, Stub(), *accounts, name="b") as b:
            await site.until_living(2)
            a.poke()
            await until(lambda: shares(a, b) == [2, 2])
            left = time.monotonic()
            await b.stop()
            await until(lambda: len(a.accounts) == 4)
            assert time.monotonic() - left < 0.5


async def test_a_bridge_that_alone_is_left_serves_everything_within_one_ttl_of_the_others_death(site: Site) -> None:
    """In the worst case: its own turn comes just before the dead one's leases end."""
    ttl, stub = 2.0, Stub()
    async with (
        serving(site, stub, ONE, TWO, name="a", ttl=ttl) as a,
        serving(site, Stub(), ONE, TWO, name="b", ttl=ttl) as b,
    ):
        await until(lambda: shares(a, b) == [1, 1])
        a.poke()
        await asyncio.sleep(0.05)
        b.poke()
        await asyncio.sleep(0.05)
        died = time.monotonic()
        await b.kill()
        await until(lambda: len(a.accounts) == 2)
        assert time.monotonic() - died < ttl


async def test_a_killed_bridges_requests_are_begun_anew_within_one_ttl(site: Site) -> None:
    stub, next_stub = Stub(), Stub()
    stub.close(join(1))
    begun, waiting = ask(join(1)), ask(show(1))
    async with serving(site, stub, name="a", ttl=SHORT) as a:
        await until(lambda: a.accounts)
        await site.submit(begun)
        await site.submit(waiting, at_once=0)
        await stub.until_handled(1)
        async with serving(site, next_stub, name="b", ttl=SHORT):
            await site.until_living(2)
            died = time.monotonic()
            await a.kill()
            replies = await site.answers(2)
            assert time.monotonic() - died < SHORT
    assert [one.request_id for one in replies] == [begun.id, waiting.id]
    assert [(one.request, one.attempt) for one in next_stub.handled] == [(begun, 2), (waiting, 1)]


# -- handing over -----------------------------------------------------------------------------------------------


async def test_a_stopped_bridge_ends_what_it_began_and_leaves_the_rest_to_the_next_at_once(site: Site) -> None:
    stub, next_stub = Stub(), Stub()
    stub.close(join(1))
    first, second = ask(join(1)), ask(show(1))
    async with serving(site, stub) as bridge:
        await site.submit(first)
        await site.submit(second)
        await stub.until_handled(1)
        bridge.owner.stop()
        await until(lambda: bridge.owner._lanes[ONE].closing)
        stub.open()
    assert stub.finished == [first]
    assert stub.gone == [ONE], "the account is disconnected before the lane is free"
    assert stub.cuts == [], "nothing was cut off"
    async with serving(site, next_stub, name="bridge-2"):  # its lease would last another minute
        replies = await site.answers(2)
    assert [one.request_id for one in replies] == [first.id, second.id]
    assert [(one.request, one.attempt) for one in next_stub.handled] == [(second, 1)]


async def test_a_bridge_that_takes_long_to_end_keeps_its_lane_until_it_has(site: Site) -> None:
    """Otherwise two bridges would be connected as one account, and Telegram would void its key."""
    stub, next_stub = Stub(), Stub()
    stub.close(join(1))
    slow = ask(join(1))
    async with serving(site, stub, ttl=SHORT) as bridge:
        await site.submit(slow)
        await stub.until_handled(1)
        async with serving(site, next_stub, name="bridge-2", ttl=SHORT) as next_bridge:
            bridge.owner.stop()
            await asyncio.sleep(SHORT * 1.5)  # a lease and more
            assert not next_bridge.accounts
            stub.open()
            assert (await site.answers())[0].failure is None
            await site.call(ask(READ))
    assert stub.finished == [slow]
    assert next_stub.payloads == [READ]


async def test_what_does_not_end_in_time_is_dropped_and_begun_anew_by_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "DRAIN_SECONDS", 0.05)
    stub, next_stub = Stub(), Stub()
    stub.close(join(1))
    async with serving(site, stub):
        await site.submit(ask(join(1)))
        await stub.until_handled(1)
    assert stub.gone == [ONE]
    async with serving(site, next_stub, name="bridge-2"):
        await site.answers()
    assert [one.attempt for one in next_stub.handled] == [2]


async def test_a_bridge_can_be_cancelled_and_still_disconnects_and_releases(site: Site) -> None:
    stub = Stub()
    async with serving(site, stub) as bridge:
        await until(lambda: bridge.accounts)
        bridge.running.cancel()
        await asyncio.wait([bridge.running])
        assert stub.gone == [ONE]
        assert await site.take("another")
        bridge.owner.killed = True  # there is nothing more to stop


async def test_a_bridge_whose_lease_was_taken_stops_working_and_lets_the_account_go(site: Site) -> None:
    stub, next_stub = Stub(), Stub()
    stub.close(join(1))
    asked = ask(join(1))
    async with serving(site, stub, ttl=SHORT) as bridge:
        await site.submit(asked)
        await stub.until_handled(1)
        await site.server.ask("DEL", site.keys.lease(ONE))
        token = await site.take("another")
        await until(lambda: stub.gone and not bridge.accounts)
        assert not stub.handled[0].lease.holds()
        stub.open()
        await turns()
        assert stub.finished == []
        await site.release(token)
        async with serving(site, next_stub, name="bridge-2", ttl=SHORT):
            (reply,) = await site.answers()
    assert reply.request_id == asked.id
    assert len(await site.raw_replies()) == 1
