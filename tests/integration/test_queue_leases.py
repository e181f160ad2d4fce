"""Leases that end while work is going on: stalls, suspends, outages, failovers."""

import asyncio
import time

import pytest

from mtproto_bridge.protocol import ErrorCode, Reply, Request
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue.leases import LIFE
from tests.queue_bridges import LeaseClock, Stub, serving
from tests.queue_fixtures import (
    LONG,
    ONE,
    PATIENCE,
    READ,
    SHORT,
    TWO,
    Place,
    Site,
    ask,
    failed,
    join,
    show,
    site_at,
    success,
    turns,
    until,
)

pytestmark = pytest.mark.alone


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> LeaseClock:
    return LeaseClock.of(monkeypatch)


# -- the end of a lease -----------------------------------------------------------------------------------------


async def test_no_work_starts_on_a_lease_that_is_two_thirds_old_until_it_is_renewed(
    site: Site, clock: LeaseClock
) -> None:
    stub = Stub()
    async with serving(site, stub) as bridge:
        await site.call(ask(show(1)))
        clock.ahead += LONG * LIFE * 2 / 3  # the keeper's next turn is a third of a lease away
        await site.submit(ask(show(2)))
        await until(lambda: bridge.owner._lanes[ONE].busy)
        await turns()
        assert stub.payloads == [show(1)]
        bridge.poke()
        await site.answers(2)
        assert stub.payloads == [show(1), show(2)]


async def test_an_event_loop_that_stalls_is_cut_off_by_the_watchdog_meanwhile(site: Site) -> None:
    stub, next_stub = Stub(), Stub()
    spans: list[tuple[float, float]] = []

    def stall(request: Request) -> Reply:
        if not spans:
            began = time.monotonic()
            time.sleep(SHORT * 1.3)  # that is the stall
            spans.append((began, time.monotonic()))
        return success(request)

    stub.answer = stall
    async with serving(site, stub, ttl=SHORT):
        await site.submit(ask(join(1)))
        replies = await site.answers()
        ((began, ended),) = spans
        assert [one.account for one in stub.cuts[:1]] == [ONE]
        assert began < stub.cuts[0].at < min(ended, began + SHORT), "before another may have the account"
        assert not stub.cuts[0].in_loop
        assert ONE in stub.gone, "it is let go, and then taken again"
    assert replies[0].failure is None
    assert [one.attempt for one in stub.handled + next_stub.handled] == [1, 2]


async def test_a_bridge_out_of_reach_of_its_server_disconnects_its_accounts_and_begins_nothing(place: Place) -> None:
    stub = Stub()
    stub.close(show(1))
    async with site_at(place.url) as site, serving(site, stub, ttl=SHORT) as bridge:
        await site.submit(ask(show(1)))
        await site.submit(ask(show(1)), at_once=0)
        await stub.until_handled(1)
        lease = stub.handled[0].lease
        await place.stop()
        stopped = time.monotonic()
        await until(lambda: stub.cuts and stub.gone)
        assert time.monotonic() - stopped < SHORT
        assert not lease.holds()
        await until(lambda: not bridge.accounts)
        stub.open()
        await turns()
        assert len(stub.handled) == 1
        await place.start()
        await site.answers(2)
    assert [one.attempt for one in stub.handled] == [1, 2, 1]


async def test_after_a_suspend_nothing_starts_and_a_failure_is_left_to_the_next_owner(
    site: Site, clock: LeaseClock
) -> None:
    """Who wakes after its lease is over cannot act, and its failing says nothing about the request."""
    stub, next_stub = Stub(), Stub()
    stub.close(join(1))
    stub.answer = lambda asked: failed(asked, ErrorCode.ACCOUNT_UNAVAILABLE)
    async with serving(site, stub) as bridge:
        await site.submit(ask(join(1)))
        await site.submit(ask(show(1)), at_once=0)
        await stub.until_handled(1)
        bridge.owner._watchdog._every = PATIENCE  # it was stopped, too
        clock.ahead += LONG
        stub.open()
        await until(lambda: stub.finished)
        await until(lambda: not bridge.accounts)
        assert stub.payloads == [join(1)], "nothing else started"
        assert await site.raw_replies() == []
        assert stub.gone == [ONE]
        bridge.owner.stop()
        await bridge.running
        await site.server.ask("DEL", site.keys.lease(ONE))  # it is over for the server as well
        async with serving(site, next_stub, name="next"):
            replies = await site.answers(2)
    assert [one.failure for one in replies] == [None, None]
    assert [(one.request.payload, one.attempt) for one in next_stub.handled] == [(join(1), 2), (show(1), 1)]


@pytest.mark.parametrize("taken", [False, True])
async def test_a_success_after_a_suspend_is_offered_and_kept_unless_another_owns_the_lane(
    site: Site, clock: LeaseClock, taken: bool
) -> None:
    stub = Stub()
    stub.close(join(1))
    async with serving(site, stub) as bridge:
        entry = await site.submit(ask(join(1)))
        await stub.until_handled(1)
        bridge.owner._watchdog._every = PATIENCE
        clock.ahead += LONG
        if taken:
            await site.server.ask("DEL", site.keys.lease(ONE))
            await site.take("another")
        stub.open()
        await until(lambda: stub.finished)
        await until(lambda: not bridge.accounts or not bridge.owner._lanes[ONE].busy)
        assert len(await site.raw_replies()) == (0 if taken else 1)
        assert [one for one, _ in await site.unfinished()] == ([entry] if taken else [])


# -- failovers --------------------------------------------------------------------------------------------------


async def test_after_a_failover_no_lane_changes_hands_for_one_lease_and_held_ones_go_on(place: Place) -> None:
    ttl = 2.0
    stub, accounts = Stub(), [ONE]

    async def known() -> list[AccountId]:
        return accounts

    async with site_at(place.url) as site, serving(site, stub, ttl=ttl, known=known) as bridge:
        await site.call(ask(READ))
        before = (await site.info())["run_id"]
        await place.restart()
        assert (await site.info())["run_id"] != before
        back = time.monotonic()
        accounts.append(TWO)
        await until(lambda: bridge.owner._careful_until > 0)
        noticed = time.monotonic()
        await site.submit(ask(READ), TWO)
        assert (await site.call(ask(READ))).failure is None, "what it holds, it serves"
        await until(lambda: TWO in bridge.accounts)
        waited = time.monotonic() - noticed
        assert ttl * LIFE - 0.1 < waited < ttl
        assert time.monotonic() - back < 2 * ttl
        await site.answers(3)
    assert stub.cuts == []
    assert stub.gone == [ONE, TWO]


async def test_a_server_that_forbids_info_is_served_all_the_same(site: Site) -> None:
    user = site.keys.prefix
    await site.server.ask("ACL", "SETUSER", user, "on", ">secret", "~*", "&*", "+@all", "-info")
    stub = Stub()
    async with site_at(site.url.replace("unix://", f"unix://{user}:secret@")) as other:
        other.keys = site.keys
        async with serving(other, stub, ttl=SHORT):
            assert (await site.call(ask(READ))).failure is None
            await asyncio.sleep(SHORT / 2)
            assert (await site.call(ask(READ))).failure is None
