"""What becomes of the requests in a lane: their order, their number, their attempts, their nonces."""

import asyncio
import json

import pytest

from mtproto_bridge.protocol import ErrorCode, Failure, Reply, Request
from mtproto_bridge.protocol.ids import NONCE_LIFE
from mtproto_bridge.protocol.requests import BrowsePrograms, Payload
from mtproto_bridge.queue.limits import MOST_AT_DESK, MOST_AT_ONCE, MOST_ATTEMPTS
from tests.queue_bridges import Stub, serving
from tests.queue_fixtures import ME, ONE, READ, TWO, Site, ask, failed, join, show, success, turns, until


def browse(page: int) -> BrowsePrograms:
    return BrowsePrograms(page=page)


# -- nonces -----------------------------------------------------------------------------------------------------


async def test_a_nonce_counts_per_actor_and_kind(site: Site) -> None:
    stub = Stub()
    first = ask(join(1))
    async with serving(site, stub):
        await site.call(first)
        changed = await site.call(ask(join(2), nonce=first.nonce))
        assert changed.failure == Failure(code=ErrorCode.CONFIRMATION_CHANGED)
        await site.call(ask(join(2), nonce=first.nonce, actor=78))
        await site.call(ask(join(1), nonce=first.nonce))
    assert [(one.request.actor, one.stored is not None) for one in stub.handled] == [
        (77, False),
        (78, False),
        (77, True),
    ]
    assert await site.unfinished() == []


async def test_a_success_is_kept_under_its_nonce_for_a_day_and_a_failure_is_not(site: Site) -> None:
    stub, first = Stub(), ask(join(1))
    assert first.nonce
    stub.answer = lambda asked: failed(asked, ErrorCode.FLOOD_WAIT)
    async with serving(site, stub):
        await site.call(first)
        stub.answer = success
        made = await site.call(ask(join(1), nonce=first.nonce))
        await site.call(ask(join(1), nonce=first.nonce))
    assert [one.stored for one in stub.handled] == [None, None, made]
    assert [one.attempt for one in stub.handled] == [1, 1, 1], "each is a request of its own"
    left = await site.server.ask("TTL", site.keys.nonce(ME.actor, "join", first.nonce))
    assert NONCE_LIFE.total_seconds() - 60 < left <= NONCE_LIFE.total_seconds()


# -- order and room ---------------------------------------------------------------------------------------------


async def test_a_balances_requests_keep_their_order_and_other_balances_do_not_wait(site: Site) -> None:
    stub = Stub()
    stub.close(join(1))
    async with serving(site, stub):
        first, second = ask(join(1)), ask(show(1))
        for one in (first, second):
            await site.submit(one)
        await stub.until_handled(1)
        other = await site.call(ask(show(2)))
        assert other.failure is None
        assert stub.payloads == [join(1), show(2)]
        stub.open()
        replies = await site.answers(3)
    assert [one.request_id for one in replies[1:]] == [first.id, second.id]


async def test_so_many_requests_of_one_account_run_side_by_side_and_no_more(site: Site) -> None:
    stub = Stub()
    payloads = [show(number) for number in range(MOST_AT_ONCE + 1)]
    stub.close(*payloads)
    async with serving(site, stub, ONE, TWO):
        for payload in payloads:
            await site.submit(ask(payload))
        await stub.until_handled(MOST_AT_ONCE)
        assert (await site.call(ask(READ), TWO)).failure is None, "another account has slots of its own"
        assert len(stub.handled) == MOST_AT_ONCE + 1
        assert payloads[-1] not in stub.payloads
        stub.open(payloads[0])
        await until(lambda: payloads[-1] in stub.payloads)
        stub.open()


async def test_a_join_is_served_while_the_desk_is_full_of_people_who_browse(site: Site) -> None:
    stub = Stub()
    pages: list[Payload] = [browse(page) for page in range(MOST_AT_ONCE + 2)]
    stub.close(*pages)
    async with serving(site, stub):
        for page in pages:
            await site.submit(ask(page))
        await stub.until_handled(MOST_AT_DESK)
        assert (await site.call(ask(join(1)))).failure is None
        assert stub.payloads == [*pages[:MOST_AT_DESK], join(1)]
        stub.open()
        await until(lambda: len(stub.finished) == len(pages) + 1)


# -- attempts ---------------------------------------------------------------------------------------------------


async def test_what_was_begun_by_an_owner_that_died_is_begun_again_as_the_next_attempt(site: Site) -> None:
    stub = Stub()
    await site.begin_and_die(ask(join(1)), times=2)
    await site.submit(ask(join(2)))
    async with serving(site, stub):
        await site.answers(2)
    assert sorted((one.request.payload.balance_id, one.attempt) for one in stub.handled) == [(1, 3), (2, 1)]  # type: ignore[union-attr]
    assert await site.attempts() == {}


async def test_what_was_begun_before_runs_one_at_a_time_in_all_lanes_and_holds_nobody_else_up(site: Site) -> None:
    """When one of these kills the bridge again, it takes no other with it."""
    stub = Stub()
    deadly = [join(number) for number in range(1, 4)]
    stub.close(*deadly)
    for payload in deadly[:2]:
        await site.begin_and_die(ask(payload))
    token = await site.take("dead", TWO)
    entry = await site.submit(ask(deadly[2]), TWO)
    await site.server.script("begin", site.work_keys(TWO), token, entry)
    await site.end_lease(TWO)
    async with serving(site, stub, ONE, TWO) as bridge:
        await until(lambda: bridge.accounts == {ONE, TWO})
        assert (await site.call(ask(show(9)))).failure is None
        await turns()
        assert set(stub.connected) == {ONE, TWO}, "which needs no waiting for each other"
        for done in range(3):
            begun = [one for one in stub.payloads if one in deadly]
            assert len(begun) == done + 1
            stub.open(begun[-1])
            await until(lambda done=done: len(stub.finished) == done + 2)  # type: ignore[misc]
            await until(lambda done=done: done == 2 or len(stub.handled) == done + 3)  # type: ignore[misc]
    assert {one.attempt for one in stub.handled if one.request.payload in deadly} == {2}


async def test_a_request_that_was_begun_too_often_is_given_up_and_said_so(site: Site) -> None:
    request = ask(join(1))
    await site.begin_and_die(request, times=MOST_ATTEMPTS)
    stub = Stub()
    async with serving(site, stub):
        (reply,) = await site.answers()
    assert reply.failure == Failure(code=ErrorCode.GAVE_UP)
    assert (reply.request_id, reply.origin) == (request.id, request.origin)
    assert stub.handled == []
    assert await site.unfinished() == []
    assert await site.attempts() == {}
    ((_, letter),) = await site.server.entries(site.keys.dead_letters())
    assert Request.model_validate_json(letter["request"]) == request


# -- what cannot be served --------------------------------------------------------------------------------------


@pytest.mark.parametrize("garbage", ["", "no json", "[]", '{"version": 1}', '{"kind": "\\ud800"}'])
async def test_what_is_no_request_at_all_is_dropped_and_stops_nothing(site: Site, garbage: str) -> None:
    await site.submit(garbage)
    await site.server.ask("XADD", site.keys.lane(ONE), "*", "something", "else")
    async with serving(site, Stub()):
        assert (await site.call(ask(READ))).failure is None
        await site.submit(garbage)
        await site.call(ask(READ))
        await site.submit(garbage)
        await site.call(ask(READ))
    assert await site.unfinished() == []


async def test_bytes_that_are_no_text_stop_nothing(site: Site) -> None:
    add = "redis.call('SPUBLISH', KEYS[1], redis.call('XADD', KEYS[1], '*', 'request', '\\255') .. ' - \\255')"
    await site.server.ask("EVAL", add, 1, site.keys.lane(ONE))
    async with serving(site, Stub()):
        assert (await site.call(ask(READ))).failure is None
        await site.server.ask("EVAL", add, 1, site.keys.lane(ONE))
        assert (await site.call(ask(READ))).failure is None
    assert await site.unfinished() == []


async def test_a_kind_this_bridge_does_not_know_is_answered_as_unsupported(site: Site) -> None:
    asked = ask(READ)
    newer = asked.model_dump(mode="json") | {"version": 2, "payload": {"kind": "levitate"}, "mood": "brave"}
    stub = Stub()
    async with serving(site, stub):
        await site.submit(json.dumps(newer))
        (reply,) = await site.answers()
    assert reply.failure == Failure(code=ErrorCode.UNSUPPORTED)
    assert (reply.request_id, reply.actor, reply.trace, reply.origin) == (asked.id, 77, "t", asked.origin)
    assert stub.handled == []


async def test_a_handler_that_breaks_its_promise_stops_nothing(site: Site) -> None:
    """The store may be gone while a failure is written down: the asker is told, the balance goes on."""
    stub = Stub()

    def crash(_: Request) -> Reply:
        raise RuntimeError("the store is gone")

    stub.answer = crash
    async with serving(site, stub):
        assert (await site.call(ask(show(1)))).failure == Failure(code=ErrorCode.INTERNAL)
        stub.answer = success
        assert (await site.call(ask(show(1)))).failure is None


# -- a server that refuses --------------------------------------------------------------------------------------


async def test_a_server_that_refuses_to_write_for_a_while_strands_no_balance(site: Site) -> None:
    """As NOREPLICAS or OOM do: the step is tried again, and what is behind it in its queue goes on."""
    stub = Stub()
    async with serving(site, stub) as bridge:
        await until(lambda: bridge.accounts)
        user, refused = site.keys.prefix, asyncio.Event()
        assert user
        script = bridge.owner._server.script
        tried: list[str] = []

        async def refuse(name: str, keys: list[str], *args: str | int) -> object:
            tried.append(name)
            if name in ("begin", "finish") and tried.count(name) <= 2:
                refused.set()
                return await bridge.owner._server.ask("EVAL", "return redis.error_reply('NOREPLICAS not enough')", 0)
            return await script(name, keys, *args)

        bridge.owner._server.script = refuse  # type: ignore[method-assign,assignment]
        requests = [ask(join(1)), ask(show(1)), ask(join(1))]
        for request in requests:
            await site.submit(request)
        replies = await site.answers(3)
    assert [one.request_id for one in replies] == [one.id for one in requests]
    assert [one.attempt for one in stub.handled] == [1, 1, 1]
    assert len(stub.handled) == 3, "nothing was run twice"
    assert refused.is_set()
