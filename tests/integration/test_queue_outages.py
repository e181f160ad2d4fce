"""The server stops, freezes, refuses, or forgets: nothing hangs, and nothing is lost or done twice."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from mtproto_bridge import asking as client_module
from mtproto_bridge.protocol import ErrorCode
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue import embedded, line
from tests.queue_bridges import Stub, serving
from tests.queue_fixtures import (
    LONG,
    ME,
    ONE,
    PATIENCE,
    READ,
    SHORT,
    TWO,
    Place,
    ask,
    impatient,
    join,
    refusal,
    show,
    site_at,
    until,
)

pytestmark = pytest.mark.alone

SILENCE = 0.3


async def test_a_restart_of_the_server_loses_nothing_and_what_is_in_flight_is_answered(place: Place) -> None:
    stub = Stub()
    stub.close(show(1), READ)
    async with site_at(place.url) as site, serving(site, stub), site.client() as client:
        asking = asyncio.create_task(client.list_balances(ME))
        behind = ask(show(1), reply_to="nobody-reads")
        await site.submit(ask(show(1), reply_to="nobody-reads"))
        await stub.until_handled(2)
        await site.submit(behind)
        await place.stop()
        assert await refusal(client.list_balances(ME)) == ErrorCode.UNAVAILABLE
        stub.open()
        await until(lambda: len(stub.finished) == 2)
        await place.start()
        assert (await asking).balances == []
        await until(lambda: behind in stub.finished)
        await until(site.is_idle)
        assert len(await site.server.entries(site.keys.replies("nobody-reads"))) == 2
        assert (await client.list_balances(ME)).balances == []
    assert [one.attempt for one in stub.handled] == [1, 1, 1, 1]


async def test_without_its_server_a_client_says_so_at_once_and_works_again_when_it_is_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (line, client_module):
        assert module.LONGEST_PAUSE <= 1
        monkeypatch.setattr(module, "LONGEST_PAUSE", 0.1)
    async with site_at(place.url) as site, serving(site, Stub()), site.client() as client:
        await client.list_balances(ME)
        await place.stop()
        began = time.monotonic()
        while time.monotonic() < began + 1.0:  # long enough for the pauses to have grown
            asked = time.monotonic()
            assert await refusal(client.list_balances(ME)) == ErrorCode.UNAVAILABLE
            assert time.monotonic() - asked < 0.3
            await asyncio.sleep(0.05)
        await place.start()
        back = time.monotonic()
        await until(client.reachable)
        await client.list_balances(ME)
        assert time.monotonic() - back < 0.7


async def test_what_is_in_flight_when_the_server_goes_for_good_ends_by_its_deadline(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "ANSWER_WITHIN", timedelta(seconds=0.5))
    monkeypatch.setattr(client_module, "PATIENCE", timedelta(seconds=0.2))
    stub = Stub()
    stub.close(READ, join(1))
    async with site_at(place.url) as site, serving(site, stub, ttl=SHORT), site.client() as client:
        calls = (client.list_balances(ME), client.join(ME, ask(join(1)).payload.balance_id, 9, "n"))  # type: ignore[union-attr,arg-type]
        began = time.monotonic()
        asking = [asyncio.create_task(refusal(call)) for call in calls]
        await stub.until_handled(2)
        await place.stop()
        assert await asyncio.gather(*asking) == [ErrorCode.NO_ANSWER] * 2
        assert time.monotonic() - began < 1.5
        await place.start()


async def test_a_bridge_can_be_stopped_while_the_server_is_gone(place: Place) -> None:
    stub = Stub()
    stub.close(show(1))
    async with site_at(place.url) as site:
        async with serving(site, stub, ttl=SHORT):
            await site.submit(ask(show(1)))
            await stub.until_handled(1)
            await place.stop()
            stub.open()
        await place.start()
        async with serving(site, stub, ttl=SHORT):
            assert (await site.answers())[0].failure is None
    assert [one.attempt for one in stub.handled] == [1, 2]


# -- a server that is silent ------------------------------------------------------------------------------------


async def test_a_submit_whose_own_answer_was_lost_is_answered_when_it_did_arrive(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch, SILENCE)
    stub = Stub()
    async with site_at(place.url) as site, serving(site, stub), site.client() as client:
        await client.list_balances(ME)
        desk = client._desk
        known = await desk()

        async def remembered() -> int:
            return known

        client._desk = remembered  # type: ignore[method-assign,assignment]
        async with place.frozen():
            asking = asyncio.create_task(client.list_balances(ME))
            await asyncio.sleep(SILENCE * 2)
            assert not asking.done(), "not unavailable: it may be in the lane"
        async with asyncio.timeout(PATIENCE):
            assert (await asking).balances == []
    assert [one.attempt for one in stub.handled] == [1, 1], "and it was asked once"


async def test_a_submit_that_broke_off_before_it_arrived_is_made_up_for(place: Place) -> None:
    stub = Stub()
    async with site_at(place.url) as site, serving(site, stub), site.client() as client:
        await client.list_balances(ME)
        line = client._server._line
        asked, flush = await client._desk(), line._flush

        async def desk() -> AccountId:
            return asked

        def break_off() -> None:
            line._flush = flush  # type: ignore[method-assign]
            line.hang_up()

        client._desk, line._flush = desk, break_off  # type: ignore[method-assign]
        assert (await client.list_balances(ME)).balances == []
    assert [one.attempt for one in stub.handled] == [1, 1]


async def test_a_client_of_a_silent_server_is_told_and_heals(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch, SILENCE)
    async with site_at(place.url) as site, serving(site, Stub()), site.client() as client:
        await client.list_balances(ME)
        async with place.frozen():
            for _ in range(3):
                began = time.monotonic()
                assert await refusal(client.list_balances(ME)) == ErrorCode.UNAVAILABLE
                assert time.monotonic() - began < SILENCE + 0.5
        back = time.monotonic()
        await until(client.reachable)
        assert time.monotonic() - back < 1.5
        assert (await client.list_balances(ME)).balances == []


async def test_a_bridge_of_a_silent_server_lets_its_accounts_go_and_takes_them_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch, SILENCE)
    stub = Stub()
    async with site_at(place.url) as site, serving(site, stub, ttl=SHORT) as bridge:
        await until(lambda: bridge.accounts)
        async with place.frozen():
            frozen = time.monotonic()
            await until(lambda: stub.cuts and stub.gone)
            assert time.monotonic() - frozen < SHORT
        await until(lambda: bridge.accounts)
        assert (await site.call(ask(READ))).failure is None


# -- a server that refuses --------------------------------------------------------------------------------------


async def test_a_server_whose_memory_is_full_refuses_and_loses_nothing(place: Place) -> None:
    stub = Stub()
    stub.close(READ)
    async with site_at(place.url) as site, serving(site, stub, ttl=SHORT) as bridge, site.client() as client:
        asking = asyncio.create_task(client.list_balances(ME))
        await stub.until_handled(1)
        await site.submit(ask(show(1)), TWO)
        await site.server.ask("CONFIG", "SET", "maxmemory", "1")
        stub.open()
        assert (await asking).balances == [], "a request gives memory back, so it is answered"
        assert await refusal(client.list_balances(ME)) == ErrorCode.UNAVAILABLE
        async with serving(site, stub, TWO, ttl=SHORT, name="bridge-2") as other:
            await asyncio.sleep(SHORT * 1.2)  # a lease and more
            assert bridge.accounts == {ONE}, "leases can be renewed"
            assert not other.accounts
            await site.server.ask("CONFIG", "SET", "maxmemory", "0")
            await stub.until_handled(2)
        assert (await client.list_balances(ME)).balances == []
    assert stub.cuts == []


async def test_a_full_server_lets_a_stopping_bridge_give_its_lanes_back(place: Place) -> None:
    async with site_at(place.url) as site:
        async with serving(site, Stub()) as bridge:
            await until(lambda: bridge.accounts)
            bridge.owner._lanes[ONE].lease.renewed_at -= LONG * 0.7  # so that it begins nothing
            entry = await site.submit(ask(show(1)))
            assert (await site.attempts())[entry].startswith("1 ")
            await site.server.ask("CONFIG", "SET", "maxmemory", "1")
        assert (await site.attempts())[entry] == "0 ", "it was begun for the bridge, not by it"
        assert await site.server.get(site.keys.lease(ONE)) is None
        await site.server.ask("CONFIG", "SET", "maxmemory", "0")


@pytest.mark.parametrize("when", ["begin", "finish"])
async def test_a_server_that_lost_its_replicas_for_a_while_strands_no_balance(place: Place, when: str) -> None:
    """It refuses every write with NOREPLICAS: the step is tried again, and what is behind it goes on."""
    stub = Stub()
    stub.close(join(1))
    async with site_at(place.url) as site, serving(site, stub, ttl=LONG) as bridge:
        await until(lambda: bridge.accounts)
        if when == "begin":
            bridge.owner._lanes[ONE].lease.renewed_at -= LONG * 0.7  # so that it is not begun at once
        requests = [ask(join(1)), ask(show(1))]
        for request in requests:
            await site.submit(request, at_once=0)
        if when == "finish":
            await stub.until_handled(1)
        await site.server.ask("CONFIG", "SET", "min-replicas-to-write", "1")
        if when == "begin":
            bridge.owner._lanes[ONE].lease.renewed_at += LONG * 0.7
            bridge.owner._lanes[ONE].stir()
        stub.open()
        await asyncio.sleep(0.2)  # a few tries
        assert len(stub.finished) == (when == "finish")
        await site.server.ask("CONFIG", "SET", "min-replicas-to-write", "0")
        replies = await site.answers(2)
    assert [one.request_id for one in replies] == [one.id for one in requests]
    assert [one.attempt for one in stub.handled] == [1, 1], "nothing was run twice"


# -- the embedded server ----------------------------------------------------------------------------------------


async def test_a_second_embedded_server_on_the_same_folder_is_refused_in_a_sentence(place: Place) -> None:
    with pytest.raises(embedded.EmbeddedServerError, match="Another Starling already runs"):
        embedded.start(place.folder)


def test_a_path_too_long_for_a_socket_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(embedded.EmbeddedServerError, match="DATA_DIR"):
        embedded.socket_path(tmp_path / ("deep" * 40))


async def test_a_submit_without_an_answer_gives_up_in_time_however_long_the_outage(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "ANSWER_WITHIN", timedelta(seconds=0.5))
    async with site_at(place.url) as site, serving(site, Stub()), site.client() as client:
        await client.list_balances(ME)
        asked, line = await client._desk(), client._server._line

        async def desk() -> AccountId:
            return asked

        client._desk, line._flush = desk, line.hang_up  # type: ignore[method-assign]
        asking = asyncio.create_task(refusal(client.list_balances(ME)))
        await place.stop()
        async with asyncio.timeout(PATIENCE / 2):
            assert await asking == ErrorCode.NO_ANSWER
        await place.start()
