"""Taking a lane over: nothing that is in it is overlooked, whatever else goes on meanwhile."""

import asyncio

import pytest

from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue.lanes import LaneOwner
from mtproto_bridge.queue.redis import Entry, QueueServer
from tests.queue_bridges import Stub, serving
from tests.queue_fixtures import LONG, ONE, PATIENCE, READ, SHORT, Site, ask, join, show, until

pytestmark = pytest.mark.alone


class SlowTakeOver(QueueServer):
    """Its answer to what is unfinished in a lane can be held up."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    def hold(self) -> None:
        self.asked.clear()
        self.go_on.clear()

    async def entries(self, stream: str, start: str = "-", count: int | None = None) -> list[Entry]:
        found = await super().entries(stream, start, count)
        self.asked.set()
        await self.go_on.wait()
        return found


async def test_a_bridge_that_loses_a_lane_and_takes_it_again_forgets_nothing_in_it(site: Site) -> None:
    """What is told under the old lease must not hide from the new one what was begun before."""
    stub, slow = Stub(), SlowTakeOver(site.url)
    stub.close(show(1))
    first, second = ask(show(1)), ask(show(2))
    async with serving(site, stub, ttl=SHORT, server=slow):
        await site.submit(first)
        await stub.until_handled(1)
        slow.hold()
        await site.server.ask("DEL", site.keys.lease(ONE))  # as if it had ended by itself
        async with asyncio.timeout(PATIENCE):
            await slow.asked.wait()
        await site.submit(second)
        await asyncio.sleep(0.1)  # the bridge is told of it
        stub.open()
        slow.go_on.set()
        replies = await site.answers(2)
    assert {one.request_id for one in replies} == {first.id, second.id}


async def test_nothing_is_begun_in_a_lane_before_it_is_known_what_the_last_owner_left(site: Site) -> None:
    """Nor by news of another bridge."""
    stub, slow = Stub(), SlowTakeOver(site.url)
    slow.hold()
    await site.begin_and_die(ask(join(1)))
    async with serving(site, stub, server=slow) as bridge:
        async with asyncio.timeout(PATIENCE):
            await slow.asked.wait()
        await site.server.ask("SPUBLISH", site.keys.news(), "another")
        await site.submit(ask(join(2)))
        await asyncio.sleep(0.1)  # the bridge is told of it
        assert stub.handled == []
        stub.close(join(1))
        slow.go_on.set()
        await stub.until_handled(2)
        assert bridge.owner._shop.one_at_a_time.locked(), "what was begun before runs by itself"
        stub.open()
        await site.answers(2)


async def test_a_bridge_whose_list_of_accounts_fails_or_hangs_for_a_while_serves_on(site: Site) -> None:
    stub, failed, hung = Stub(), asyncio.Event(), asyncio.Event()

    async def known() -> list[AccountId]:
        if not stub.handled:
            return [ONE]
        if not failed.is_set():
            failed.set()
            raise RuntimeError("the store is gone")
        hung.set()
        return await asyncio.Event().wait() and []

    async with serving(site, stub, ttl=2 * SHORT, known=known) as bridge:
        await site.call(ask(READ))
        for trouble in (failed, hung):
            async with asyncio.timeout(PATIENCE):
                await trouble.wait()
            await site.call(ask(READ))
        lease = bridge.owner._lanes[ONE].lease
        for _ in range(3):
            before = lease.renewed_at
            await until(lambda before=before: lease.renewed_at > before or lease.given_up)  # type: ignore[misc]
        assert not lease.given_up
        assert stub.gone == []
        assert (await site.call(ask(READ))).failure is None


async def test_without_accounts_a_bridge_waits_for_the_first(site: Site) -> None:
    accounts: list[AccountId] = []

    async def known() -> list[AccountId]:
        return accounts

    async with serving(site, Stub(), ttl=SHORT, known=known):
        await site.until_living(1)
        accounts.append(ONE)
        assert (await site.call(ask(READ))).failure is None


async def test_a_bridge_listens_again_at_once_when_its_connection_broke(site: Site) -> None:
    """What came in between is looked for in the stream, and in its order."""
    stub = Stub()
    async with serving(site, stub, ttl=LONG) as bridge:
        await site.call(ask(READ))
        bridge.owner._server._line.hang_up()
        asked = [ask(show(1)), ask(show(1, 8)), ask(show(1, 7))]
        for one in asked:
            await site.submit(one)
        replies = (await site.answers(4))[1:]
    assert [one.request_id for one in replies] == [one.id for one in asked]


async def test_a_lane_that_was_left_is_heard_no_more(site: Site) -> None:
    accounts = [ONE]

    async def known() -> list[AccountId]:
        return accounts

    async def heard_by(count: int) -> bool:
        _, listeners = await site.server.ask("PUBSUB", "SHARDNUMSUB", site.keys.lane(ONE))
        return int(listeners) == count

    async with serving(site, Stub(), ttl=SHORT, known=known):
        await site.call(ask(READ))
        assert await heard_by(1)
        accounts.clear()
        await until(lambda: heard_by(0))


async def test_an_entry_that_nobody_was_told_of_is_found(site: Site) -> None:
    """By an older client: each turn of the keeper looks at the stream."""
    async with serving(site, Stub(), ttl=SHORT):
        await site.call(ask(READ))
        await site.server.ask("XADD", site.keys.lane(ONE), "*", "request", ask(READ).model_dump_json())
        await site.answers(2)


async def test_a_bridge_says_how_long_a_lease_is_at_most(site: Site) -> None:
    async with serving(site, Stub(), ttl=LONG) as bridge:
        await until(lambda: bridge.accounts)
        left = await site.server.ask("PTTL", site.keys.lease(ONE))
        assert LONG * 700 < left <= LONG * 800, "four fifths of the TTL: the rest is for whoever takes over"
        assert isinstance(bridge.owner, LaneOwner)
