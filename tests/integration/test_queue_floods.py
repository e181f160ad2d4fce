"""Telegram says to wait: the request is parked, or answered when it cannot wait that long."""

import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import pytest

from mtproto_bridge.handling import Outcome
from mtproto_bridge.protocol import ErrorCode, Request
from mtproto_bridge.protocol.requests import Payload
from mtproto_bridge.queue import work
from tests.queue_bridges import Stub, serving
from tests.queue_fixtures import ONE, READ, TWO, Site, ask, flooded, join, show, success, turns, until

pytestmark = pytest.mark.alone

WAIT = 0.4
METHOD = "payments.connectStarRefBot"


class Flood(Stub):
    """Telegram says once, for some payloads, to wait."""

    def __init__(self, *payloads: Payload, seconds: float = WAIT) -> None:
        super().__init__()
        self.answer = self._answer
        self.told_at: list[float] = []
        self._payloads = list(payloads)
        self._seconds = seconds

    def _answer(self, request: Request) -> Outcome:
        if request.payload not in self._payloads:
            return success(request)
        self._payloads.remove(request.payload)
        self.told_at.append(time.monotonic())
        return flooded(request, self._seconds, METHOD)


async def _are_none(attempts: Awaitable[dict[str, str]]) -> bool:
    return set((await attempts).values()) == {"0 "}


async def test_a_parked_request_runs_when_its_time_has_come_and_that_is_no_second_attempt(site: Site) -> None:
    stub = Flood(join(1))
    async with serving(site, stub):
        reply = await site.call(ask(join(1)))
        assert time.monotonic() - stub.told_at[0] >= WAIT
    assert reply.failure is None
    assert [one.attempt for one in stub.handled] == [1, 1]
    assert await site.unfinished() == []
    assert await site.attempts() == {}


async def test_behind_a_parked_request_who_acts_on_the_same_balance_waits_and_nobody_else_does(site: Site) -> None:
    stub = Flood(join(1))
    first, second = ask(join(1)), ask(join(1, bot=8))
    async with serving(site, stub, ONE, TWO):
        await site.submit(first)
        await site.submit(second)
        await until(lambda: stub.told_at)
        for other in (show(1), join(2), READ):
            await site.submit(ask(other))
        await site.call(ask(join(1)), TWO)
        replies = await site.answers(6)
    assert stub.payloads[0] == join(1)
    assert stub.payloads[-2:] == [join(1), join(1, bot=8)]
    assert [one.request_id for one in replies[-2:]] == [first.id, second.id]
    assert {one.failure for one in replies} == {None}


async def test_a_parked_request_holds_no_slot(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(work, "MOST_AT_DESK", 1)
    stub = Flood(join(1), READ, seconds=30)
    async with serving(site, stub):
        await site.submit(ask(join(1)))
        await site.submit(ask(READ))
        await until(lambda: len(stub.told_at) == 2)
        assert (await site.call(ask(show(2)))).failure is None
        assert len(await site.unfinished()) == 2


async def test_a_flood_beyond_the_deadline_is_answered_at_once_and_noted(site: Site) -> None:
    """A second before the deadline is the latest: work has to start by then."""
    stub = Flood(join(1), seconds=9.5)
    async with serving(site, stub):
        reply = await site.call(ask(join(1), within=10))
        assert reply.failure
        assert reply.failure.code == ErrorCode.FLOOD_WAIT
        assert (await site.call(ask(join(1)))).failure is None
    assert await site.unfinished() == []
    floods = await site.server.hash_all(site.keys.floods(ONE))
    assert floods == {METHOD: str(int(reply.failure.retry_at.timestamp() * 1000))}  # type: ignore[union-attr]


async def test_the_next_owner_is_told_of_the_floods_and_parks_no_attempt_away(site: Site) -> None:
    stub, next_stub = Flood(join(1), seconds=30), Stub()
    async with serving(site, stub):
        await site.submit(ask(join(1)))
        await until(lambda: stub.told_at)
        await until(lambda: _are_none(site.attempts()))
    async with serving(site, next_stub, name="next"):
        await site.answers()
    floods = next_stub.floods[ONE]
    assert list(floods) == [METHOD]
    assert timedelta(0) < floods[METHOD] - datetime.now(UTC) <= timedelta(seconds=30)
    assert [one.attempt for one in next_stub.handled] == [1], "it may ask the handler, which knows of the flood"


async def test_an_account_without_floods_has_nothing_to_remember(site: Site) -> None:
    stub = Stub()
    async with serving(site, stub):
        await site.call(ask(READ))
    assert stub.floods == {}


async def test_a_parked_request_keeps_no_bridge_from_stopping(site: Site) -> None:
    stub = Flood(join(1), seconds=30)
    async with serving(site, stub) as bridge:
        await site.submit(ask(join(1)))
        await until(lambda: stub.told_at)
        await turns()
        began = time.monotonic()
        await bridge.stop()
        assert time.monotonic() - began < 2
    assert len(await site.unfinished()) == 1


async def test_behind_a_parked_read_nobody_waits(site: Site) -> None:
    stub = Flood(show(1), seconds=30)
    async with serving(site, stub):
        await site.submit(ask(show(1)))
        await until(lambda: stub.told_at)
        for payload in (join(1), show(1)):
            assert (await site.call(ask(payload))).failure is None
    assert len(await site.unfinished()) == 1


async def test_what_was_begun_before_and_is_parked_is_not_feared_any_more(site: Site) -> None:
    """It did no harm: what is begun one at a time goes on without it, and it without them."""
    stub = Flood(join(1))
    stub.close(join(2))
    await site.begin_and_die(ask(join(1)))
    await site.begin_and_die(ask(join(2)))
    async with serving(site, stub):
        await until(lambda: stub.payloads == [join(1), join(2), join(1)])
        stub.open()
        assert {one.failure for one in await site.answers(2)} == {None}


async def test_what_was_parked_by_an_owner_that_is_gone_was_not_begun_before(site: Site) -> None:
    stub, next_stub = Flood(join(1), seconds=30), Stub()
    next_stub.close(join(2))
    async with serving(site, stub):
        await site.submit(ask(join(1)))
        await until(lambda: stub.told_at)
        await until(lambda: _are_none(site.attempts()))
    token = await site.take("dead")
    await site.begin(token, await site.submit(ask(join(2))))
    await site.end_lease()
    next_stub.close(join(1))
    async with serving(site, next_stub, name="next"):
        await until(lambda: len(next_stub.handled) == 2)  # side by side
        next_stub.open()
        await site.answers(2)
    assert sorted(one.attempt for one in next_stub.handled) == [1, 2]
