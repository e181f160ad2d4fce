"""What a lease of ours allows, on the lease clock."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue import clock, leases
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.leases import HeldLease, Leases
from mtproto_bridge.queue.redis import QueueServer
from mtproto_bridge.queue.watchdog import Watchdog
from tests.queue_fixtures import until

LIFE = 9.0


class Moment:
    """A clock that stands where it is put."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(leases, "lease_clock", lambda: self.now)


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Moment:
    return Moment(monkeypatch)


def a_lease() -> HeldLease:
    return HeldLease(AccountId(1), "a:1:x", LIFE, renewed_at=100.0)


@pytest.mark.parametrize(
    ("age", "may_start", "holds"),
    [(0.0, True, True), (5.99, True, True), (6.0, False, True), (8.99, False, True), (9.0, False, False)],
)
def test_work_starts_for_two_thirds_of_a_lease_which_holds_to_its_end(
    moment: Moment, age: float, may_start: bool, holds: bool
) -> None:
    lease = a_lease()
    moment.now += age
    assert (lease.may_start(), lease.holds()) == (may_start, holds)


def test_a_lease_that_was_renewed_is_as_good_as_new(moment: Moment) -> None:
    lease = a_lease()
    moment.now += LIFE
    lease.renewed_at = moment.now
    assert lease.may_start()


def test_a_lease_that_was_given_up_is_no_lease(moment: Moment) -> None:
    lease = a_lease()
    lease.given_up = True
    assert moment.now == lease.renewed_at
    assert not lease.holds()
    assert not lease.may_start()


class Slow(QueueServer):
    """Its answers take as long as the clock is told to move."""

    def __init__(self, moment: Moment, answers: list[object]) -> None:  # there is no server
        self._moment = moment
        self._answers = answers

    async def script(self, name: str, keys: object, *args: object) -> object:  # noqa: ARG002
        self._moment.now += 1.0
        return self._answers


async def test_a_lease_counts_from_before_the_server_was_asked(moment: Moment) -> None:
    """Otherwise it would hold for us when it is over for the server."""
    taken = await Leases(Slow(moment, ["a:1:x"]), Keys(), "a", 10.0).take([AccountId(1)], 1)
    (lease,) = taken.leases
    assert (lease.renewed_at, moment.now) == (100.0, 101.0)
    await Leases(Slow(moment, [1, 1]), Keys(), "a", 10.0).renew([lease])
    assert (lease.renewed_at, moment.now) == (101.0, 102.0)


async def test_what_was_lost_is_told_and_not_renewed(moment: Moment) -> None:
    lease = a_lease()
    living, lost = await Leases(Slow(moment, [3, 0]), Keys(), "a", 10.0).renew([lease])
    assert (living, lost, lease.renewed_at) == (3, [lease], 100.0)


async def test_when_a_lane_may_come_free_is_when_the_first_lease_of_others_ends(moment: Moment) -> None:
    answers: list[object] = [0, 1_500, "a:1:x", 700]
    taken = await Leases(Slow(moment, answers), Keys(), "a", 10.0).take([AccountId(one) for one in range(4)], 1)
    assert [one.account for one in taken.leases] == [2]
    assert taken.free_in == 0.7


def test_a_lease_lives_four_fifths_of_the_ttl_and_is_renewed_after_a_third_of_that() -> None:
    ours = Leases(QueueServer("redis://localhost"), Keys(), "a", 15.0)
    assert (ours.life, ours.renew_every) == (12.0, 4.0)


def test_the_lease_clock_counts_on() -> None:
    first = clock.lease_clock()
    assert clock.lease_clock() >= first


# -- the watchdog -----------------------------------------------------------------------------------------------


async def watched(cut: Callable[[HeldLease], None], held: list[HeldLease], losses: int) -> list[HeldLease]:
    """What the loop was told to be lost, once so many were."""
    lost: list[HeldLease] = []
    watchdog = Watchdog(lambda: list(held), cut, lost.append, 0.001)
    watchdog.start()
    try:
        await until(lambda: len(lost) >= losses)
        await asyncio.sleep(0.02)  # many looks more
    finally:
        watchdog.stop()
    return lost


async def test_a_lease_that_is_over_is_cut_once_in_the_thread_and_told_once_to_the_loop(moment: Moment) -> None:
    cut: list[tuple[HeldLease, int]] = []
    good, over = a_lease(), a_lease()
    over.renewed_at -= LIFE
    lost = await watched(lambda one: cut.append((one, threading.get_ident())), [good, over], 1)
    assert lost == [over]
    assert [one for one, _ in cut] == [over]
    assert cut[0][1] != threading.get_ident()
    assert good.holds()
    assert moment.now == 100.0


@pytest.mark.usefixtures("moment")
async def test_a_cut_that_fails_keeps_no_other_account_from_being_cut() -> None:
    both = [a_lease(), a_lease()]
    for one in both:
        one.renewed_at -= LIFE
    tried: list[HeldLease] = []

    def cut(one: HeldLease) -> None:
        tried.append(one)
        raise OSError("no such socket")

    lost = await watched(cut, both, 2)
    assert set(lost) == set(both) == set(tried)
