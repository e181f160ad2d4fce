"""Who holds a lane attends to its account about every minute, beside its requests and never in their way."""

import pytest

from mtproto_bridge.queue.rounds import EVERY, JITTER
from tests.queue_bridges import Bridge, LeaseClock, Stub, serving
from tests.queue_fixtures import ONE, READ, TWO, Site, ask, until

MINUTES = 3_600.0
"""A lease that lasts although the test's clock jumps on."""
SOON, LATE = EVERY * (1 - JITTER), EVERY * (1 + JITTER)


async def turn(bridge: Bridge, clock: LeaseClock, seconds: float) -> None:
    """The keeper has a turn, so much later."""
    clock.ahead += seconds
    taken = {account: lane.lease.renewed_at for account, lane in bridge.owner._lanes.items()}
    bridge.poke()
    await until(lambda: all(bridge.owner._lanes[one].lease.renewed_at > at for one, at in taken.items()))


async def test_an_account_is_attended_about_every_minute_and_not_right_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, stub = LeaseClock.of(monkeypatch), Stub()
    async with serving(site, stub, ONE, TWO, ttl=MINUTES) as bridge:
        await until(lambda: bridge.accounts == {ONE, TWO})
        await turn(bridge, clock, SOON - 5)
        assert not stub.attended
        for round_ in (1, 2, 3):
            await turn(bridge, clock, LATE)
            await until(lambda: sorted(stub.attended) == sorted([ONE, TWO] * round_))  # noqa: B023 - awaited here


async def test_as_long_as_there_is_more_it_goes_on_at_the_next_turns(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, stub = LeaseClock.of(monkeypatch), Stub()
    stub.more_chores = True
    async with serving(site, stub, ttl=MINUTES) as bridge:
        await until(lambda: bridge.accounts == {ONE})
        await turn(bridge, clock, LATE)
        for count in (1, 2, 3):
            await until(lambda: len(stub.attended) == count and not bridge.owner._lanes[ONE]._rounds.task)  # noqa: B023
            await turn(bridge, clock, 5)


async def test_a_chore_under_way_holds_up_no_request_and_there_is_one_at_a_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, stub = LeaseClock.of(monkeypatch), Stub()
    stub.chores.clear()
    async with serving(site, stub, ttl=MINUTES) as bridge:
        await until(lambda: bridge.accounts == {ONE})
        await turn(bridge, clock, LATE)
        await until(lambda: stub.attended)
        await turn(bridge, clock, LATE)
        assert (await site.call(ask(READ), ONE)).failure is None
        assert stub.attended == [ONE]
        stub.chores.set()


async def test_a_lane_that_is_given_up_waits_for_the_chore_under_way_and_begins_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, stub = LeaseClock.of(monkeypatch), Stub()
    stub.chores.clear()
    async with serving(site, stub, ttl=MINUTES) as bridge:
        await until(lambda: bridge.accounts == {ONE})
        await turn(bridge, clock, LATE)
        await until(lambda: stub.attended)
        lane = bridge.owner._lanes[ONE]
        bridge.owner.stop()
        await until(lambda: lane.closing)
        assert not stub.gone, "the account is not let go while its chore goes on"
        clock.ahead += LATE
        lane.attend()
        stub.chores.set()
        await until(lambda: stub.gone)
        assert stub.attended == [ONE]
