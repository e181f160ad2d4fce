"""The client: what it asks, what it is refused, and how its answers reach it."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from mtproto_bridge import asking as client_module
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import BridgeError, ErrorCode, Reply
from mtproto_bridge.protocol.ids import BalanceId, BotId
from mtproto_bridge.protocol.requests import ListAffiliations, ListBalances
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.limits import SHARE
from mtproto_bridge.queue.line import MOST_TOGETHER
from mtproto_bridge.queue.redis import QueueServer
from tests.queue_bridges import Stub, serving
from tests.queue_fixtures import (
    ME,
    ONE,
    PATIENCE,
    READ,
    TWO,
    Place,
    Site,
    ask,
    failed,
    recorded,
    refusal,
    show,
    site_at,
    turns,
    until,
)

OTHER = Caller(78)
BOT = BotId(9)


async def shows(client: BridgeClient, balance: int, caller: Caller = ME) -> ErrorCode:
    """Ask about a balance; the stub's answer is of another kind, which is `unsupported`."""
    return await refusal(client.show_affiliation(caller, BalanceId(balance), BOT))


async def _lane_holds(site: Site, count: int) -> bool:
    return len(await site.unfinished()) == count


# -- what is refused --------------------------------------------------------------------------------------------


async def test_a_lane_that_is_full_is_told_to_the_asker_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MOST_WAITING", 0)
    monkeypatch.setattr(client_module, "MOST_AT_DESK_WAITING", 0)
    async with site.client() as client:
        assert await refusal(client.list_balances(ME)) == ErrorCode.UNAVAILABLE
        assert await shows(client, 1) == ErrorCode.UNAVAILABLE
    assert await site.unfinished() == []


async def test_a_lane_full_of_people_who_browse_still_takes_who_acts(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MOST_AT_DESK_WAITING", 3)
    monkeypatch.setattr(client_module, "MOST_WAITING", 5)
    for _ in range(3):
        await site.submit(ask(READ))
    async with site.client() as client:
        assert await refusal(client.list_balances(ME)) == ErrorCode.UNAVAILABLE
        asking = [asyncio.create_task(shows(client, number)) for number in range(2)]
        await until(lambda: _lane_holds(site, 5))
        assert await shows(client, 3) == ErrorCode.UNAVAILABLE, "that is the end"
    assert await asyncio.gather(*asking) == [ErrorCode.NO_ANSWER] * 2


async def test_a_person_who_asks_too_much_is_told_when_to_come_back_and_others_are_served(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "SHARE", 3)
    monkeypatch.setattr(client_module, "SHARE_PER_SECOND", 2)
    async with serving(site, Stub()), site.client() as client:
        for _ in range(3):
            await client.list_balances(ME)
        began = datetime.now(UTC)
        with pytest.raises(BridgeError) as caught:
            await client.list_balances(ME)
        assert caught.value.code == ErrorCode.SLOW_DOWN
        again = caught.value.failure.retry_at
        assert again
        assert timedelta(0) < again - began <= timedelta(seconds=0.6)
        await client.list_balances(OTHER)
        assert await shows(client, 1) == ErrorCode.UNSUPPORTED, "what is bound to a balance costs no share"
        await asyncio.sleep((again - datetime.now(UTC)).total_seconds())  # the server's own clock
        await client.list_balances(ME)


async def test_a_balance_that_everybody_says_is_elsewhere_is_unavailable(site: Site) -> None:
    stub = Stub()
    stub.answer = lambda asked: failed(asked, ErrorCode.MOVED, account_id=TWO)
    async with serving(site, stub, ONE, TWO), site.client() as client:
        assert await shows(client, 1) == ErrorCode.UNAVAILABLE
    assert [one.account for one in stub.handled] == [ONE, TWO, TWO], "asked again, and not for ever"


async def test_where_a_balance_moved_to_is_asked_at_once_and_remembered(site: Site) -> None:
    stub = Stub()
    await site.server.hash_put(site.keys.routes(), {"1": str(ONE)})
    answer = stub.answer
    async with serving(site, stub, ONE, TWO), site.client() as client:
        stub.answer = lambda asked: (
            failed(asked, ErrorCode.MOVED, account_id=TWO) if stub.handled[-1].account == ONE else answer(asked)
        )
        await shows(client, 1)
        await shows(client, 1)
    assert [one.account for one in stub.handled] == [ONE, TWO, TWO]


async def test_without_an_account_it_is_said_that_there_is_none(site: Site) -> None:
    client = BridgeClient(QueueServer(site.url), keys=Keys(f"{site.keys.prefix}-new"))
    assert not await client.has_account()
    assert await refusal(client.list_balances(ME)) == ErrorCode.ACCOUNT_UNAVAILABLE
    await client.close()


async def test_nobody_answers_in_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "ANSWER_WITHIN", timedelta(seconds=0.1))
    monkeypatch.setattr(client_module, "PATIENCE", timedelta(seconds=0.2))
    async with site.client() as client:
        began = time.monotonic()
        assert await refusal(client.list_balances(ME)) == ErrorCode.NO_ANSWER
        read = time.monotonic() - began
        assert await refusal(client.join(ME, BalanceId(1), BOT, ask(show(1)).id)) == ErrorCode.NO_ANSWER
        assert read >= 0.1
        assert time.monotonic() - began - read >= 0.3, "what may have started is waited for longer"
        assert client._waiting == {}


# -- one tick, one write ----------------------------------------------------------------------------------------


async def test_what_is_asked_in_one_tick_travels_together(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(site, Stub()), site.client() as client:
        await client.list_balances(ME)
        written = recorded(client._server, monkeypatch)
        await asyncio.gather(*(client.list_balances(ME) for _ in range(30)))
        submits = [one.count(b"EVALSHA") for one in written if b"EVALSHA" in one]
        assert sum(submits) == 30
        assert len(submits) == 2, f"{MOST_TOGETHER} to a write, of which one may forget the answer before"


# -- answers ----------------------------------------------------------------------------------------------------


async def test_an_answer_nobody_waits_for_any_more_is_late(site: Site) -> None:
    stub, late = Stub(), asyncio.Queue[Reply]()
    stub.close(READ)
    async with serving(site, stub), site.client(on_late=late.put) as client:
        asking = asyncio.create_task(client.list_balances(ME))
        await stub.until_handled(1)
        asking.cancel()
        await asyncio.wait([asking])
        stub.open()
        async with asyncio.timeout(PATIENCE):
            reply = await late.get()
        assert reply.request_id == stub.handled[0].request.id
        assert (await client.list_balances(ME)).balances == [], "who waits is answered as ever"
    assert late.empty()


async def test_a_failing_renderer_of_late_answers_does_not_keep_others_from_theirs(site: Site) -> None:
    async def fail(_: Reply) -> None:
        raise RuntimeError("cannot render")

    async with serving(site, Stub()), site.client(on_late=fail) as client:
        await site.submit(ask(READ))
        await client.list_balances(ME)


@pytest.mark.parametrize("garbage", ["", "no json", "{}", '{"request_id": 1}'])
async def test_what_is_no_reply_is_dropped(site: Site, garbage: str) -> None:
    async with serving(site, Stub()), site.client() as client:
        await site.server.ask("XADD", site.keys.replies("bot-1"), "*", "reply", garbage)
        await site.server.ask("XADD", site.keys.replies("bot-1"), "*", "something", garbage)
        await client.list_balances(ME)
        await until(site.is_read)


async def test_what_was_taken_care_of_is_deleted_from_the_replies(site: Site) -> None:
    async with serving(site, Stub()), site.client() as client:
        await asyncio.gather(*(client.list_balances(ME) for _ in range(10)))
        await until(site.is_read)


async def test_a_restarted_client_of_the_same_name_gets_the_answers_it_missed_and_none_twice(site: Site) -> None:
    stub, late = Stub(), asyncio.Queue[Reply]()
    stub.close(READ)
    async with serving(site, stub):
        async with site.client() as client:
            asking = asyncio.create_task(client.list_balances(ME))
            await stub.until_handled(1)
        assert await refusal(asking) == ErrorCode.NO_ANSWER
        stub.open()
        await site.answers()
        async with site.client("bot-2", on_late=late.put), site.client(on_late=late.put) as again:
            async with asyncio.timeout(PATIENCE):
                reply = await late.get()
            assert reply.request_id == stub.handled[0].request.id
            await again.list_balances(ME)
            await until(site.is_read)
        async with site.client(on_late=late.put) as client:
            await client.list_balances(ME)
    assert late.empty(), "another name's, or one that was taken care of"


async def test_an_answer_that_is_being_shown_when_the_client_stops_is_not_forgotten(site: Site) -> None:
    showing, late = asyncio.Event(), asyncio.Queue[Reply]()

    async def hang(_: Reply) -> None:
        showing.set()
        await asyncio.Event().wait()

    async with serving(site, Stub()):
        await site.submit(ask(READ))
        async with site.client(on_late=hang):
            async with asyncio.timeout(PATIENCE):
                await showing.wait()
        async with site.client(on_late=late.put), asyncio.timeout(PATIENCE):
            await late.get()


async def test_closing_tells_everybody_who_waits(site: Site) -> None:
    async with site.client() as client:
        asking = [asyncio.create_task(refusal(client.list_balances(ME))) for _ in range(3)]
        await until(lambda: len(client._waiting) == 3)
        await turns()
    assert await asyncio.gather(*asking) == [ErrorCode.NO_ANSWER] * 3


# -- connections that break -------------------------------------------------------------------------------------


async def listeners(site: Site, count: int) -> bool:
    told = await site.server.ask("CLIENT", "LIST", "TYPE", "pubsub")
    return len(str(told).splitlines()) == count


async def test_who_waits_while_every_connection_is_killed_is_answered_all_the_same(place: Place) -> None:
    stub = Stub()
    stub.close(READ)
    async with site_at(place.url) as site, serving(site, stub), site.client() as client:
        asking = [asyncio.create_task(client.list_balances(ME)) for _ in range(5)]
        await stub.until_handled(5)
        for _ in range(3):
            assert await site.server.ask("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes") == 2, "who listens"
            await until(lambda: listeners(site, 2))
        stub.open()
        async with asyncio.timeout(PATIENCE):
            answers = await asyncio.gather(*asking)
        assert [one.balances for one in answers] == [[]] * 5
        await client.list_balances(ME)
    assert {one.attempt for one in stub.handled} == {1}


async def test_an_answer_that_comes_twice_is_told_once(site: Site) -> None:
    """As after a failover to a server that had not heard yet that it was taken care of."""
    late: list[Reply] = []

    async def on_late(reply: Reply) -> None:
        late.append(reply)

    told: list[str] = []
    await site.server.listen(site.keys.replies("bot-1"), told.append)
    async with serving(site, Stub()), site.client(on_late=on_late) as client:
        await client.list_balances(ME)
        await until(site.is_read)
        _, again = told[0].split(" ", 1)
        await site.server.ask("XADD", site.keys.replies("bot-1"), "*", "reply", again)
        client._server._line.hang_up()
        await until(site.is_read)
    assert late == []


async def test_the_scripts_may_be_flushed_at_any_time(place: Place) -> None:
    async with site_at(place.url) as site, serving(site, Stub()), site.client() as client:
        for _ in range(2):
            await client.list_balances(ME)
            await site.server.ask("SCRIPT", "FLUSH")
        await client.list_balances(ME)


@pytest.mark.parametrize("payload", [ListBalances(), ListAffiliations()])
async def test_only_who_asks_the_desk_spends_a_share(site: Site, payload: ListBalances | ListAffiliations) -> None:
    async with site.client() as client:
        request = ask(payload)
        await client._submit(ONE, request)
        await client._submit(ONE, ask(show(1)))
        left = await site.server.hash_get(site.keys.share(ME.actor), "left")
    assert left == str(SHARE - 1)
