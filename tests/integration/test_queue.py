"""Lanes, leases and replies on a real Valkey; what carries requests out is a stub."""

import asyncio
import json
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mtproto_bridge.client import BridgeClient, Caller, embedded_url
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Nonce, Origin, Reply, Request
from mtproto_bridge.protocol.ids import NONCE_LIFE, AccountId, BalanceId, BotId
from mtproto_bridge.protocol.replies import Balances, Refreshed
from mtproto_bridge.protocol.requests import Join, ListBalances, Payload, ShowAffiliation
from mtproto_bridge.queue import embedded, lanes
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.lanes import MOST_AT_ONCE, MOST_ATTEMPTS, LaneOwner
from mtproto_bridge.queue.redis import Entry, Fenced, LaneFull, NonceChanged, QueueServer
from processes.tied import TiedProcess

PATIENCE = 20
ONE, TWO = AccountId(1), AccountId(2)
LONG = 60.0
"""A lease that no test outlives."""
SHORT = 1.0
LONG_MS = 60_000
ME = Caller(77)
READ = ListBalances()


# -- a queue of one's own ---------------------------------------------------------------------------------------


@dataclass
class Place:
    """One Valkey that can be stopped and started again on the same folder."""

    folder: Path
    running: TiedProcess | None = None

    @property
    def url(self) -> str:
        return embedded_url(self.folder)

    def start(self) -> None:
        self.running = embedded.start(self.folder)

    def stop(self) -> None:
        if self.running:
            self.running.stop()
        self.running = None


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    """A server for all tests here: each has keys of its own."""
    yield from _place()


@pytest.fixture
def place() -> Iterator[Place]:
    """A server for one test, which may stop it."""
    yield from _place()


def _place() -> Iterator[Place]:
    made = Place(Path(tempfile.mkdtemp(prefix="starling-")))
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.folder)


def ask(payload: Payload, *, nonce: str | None = None, actor: int = ME.actor) -> Request:
    return Request(
        id=secrets.token_hex(4),
        actor=actor,
        reply_to="bot-1",
        trace="t",
        origin=Origin(chat_id=5, message_id=6, locale="ru"),
        deadline=datetime.now(UTC) + timedelta(minutes=1),
        nonce=nonce,
        payload=payload,
    )


def join(balance: int, bot: int = 9) -> Join:
    return Join(balance_id=BalanceId(balance), bot_id=BotId(bot))


def show(balance: int) -> ShowAffiliation:
    return ShowAffiliation(balance_id=BalanceId(balance), bot_id=BotId(9))


def new_nonce() -> str:
    return Nonce.mint(datetime.now(UTC))


async def ignore(_: Reply) -> None:
    """Nobody wants late answers here."""


@dataclass
class Site:
    """The queue as the tests see it, and the scripts one by one."""

    url: str
    server: QueueServer
    keys: Keys = field(default_factory=lambda: Keys(secrets.token_hex(4)))

    async def take(self, bridge: str = "a", account: AccountId = ONE) -> str | None:
        keys = [self.keys.lease(account), self.keys.epochs()]
        token: str | None = await self.server.script("acquire", keys, account, bridge, secrets.token_hex(4), LONG_MS)
        return token

    async def renew(self, token: str, account: AccountId = ONE) -> bool:
        (kept,) = await self.server.script("renew", [self.keys.lease(account)], LONG_MS, token)
        return bool(kept)

    async def release(self, token: str, account: AccountId = ONE) -> bool:
        return bool(await self.server.script("release", [self.keys.lease(account)], token))

    async def submit(self, request: Request | str, account: AccountId = ONE, most: int = 1_000) -> str:
        text = request if isinstance(request, str) else request.model_dump_json()
        entry: str = await self.server.script("submit", [self.keys.lane(account)], most, text)
        return entry

    async def begin(self, token: str, entry: str, *, nonce: str = "", payload: str = "") -> tuple[int, str | None]:
        keys = [*self._work_keys(), self.keys.nonce(1, "join", nonce)]
        attempt, stored = await self.server.script("begin", keys, token, entry, payload, 3600)
        return attempt, stored

    async def finish(self, token: str, entry: str, *, nonce: str = "", reply: str = "{}", keep: bool = False) -> int:
        keys = [*self._work_keys(), self.keys.nonce(1, "join", nonce), self.keys.replies("bot-1")]
        done: int = await self.server.script("finish", keys, token, entry, reply, str(int(keep)), 100)
        return done

    def _work_keys(self) -> list[str]:
        return [self.keys.lease(ONE), self.keys.lane(ONE), self.keys.attempts(ONE)]

    async def unfinished(self, account: AccountId = ONE) -> list[Entry]:
        return await self.server.unfinished(self.keys.lane(account))

    async def replies(self) -> list[Reply]:
        return [Reply.model_validate_json(one["reply"]) for _, one in await self.raw_replies()]

    async def raw_replies(self) -> list[Entry]:
        return await self.server.unfinished(self.keys.replies("bot-1"))

    async def answer(self, count: int = 1) -> list[Reply]:
        """The first `count` replies, once they are there."""
        found: list[Reply] = []
        stream, last = self.keys.replies("bot-1"), "0-0"
        async with asyncio.timeout(PATIENCE):
            while len(found) < count:
                for entry, fields in (await self.server.read({stream: last}, block_ms=500)).get(stream, []):
                    found.append(Reply.model_validate_json(fields["reply"]))
                    last = entry
        return found

    async def call(self, request: Request, account: AccountId = ONE) -> Reply:
        """Submit one and wait for its answer."""
        before = len(await self.raw_replies())
        await self.submit(request, account)
        return (await self.answer(before + 1))[-1]

    @asynccontextmanager
    async def client(
        self, name: str = "bot-1", on_late: Callable[[Reply], Awaitable[None]] | None = None
    ) -> AsyncIterator[BridgeClient]:
        await self.server.put(self.keys.desk(), str(ONE))
        client = BridgeClient(QueueServer(self.url), name=name, keys=self.keys, on_late=on_late or ignore)
        await client.start()
        try:
            yield client
        finally:
            await client.close()


@pytest.fixture
async def site(shared: Place) -> AsyncIterator[Site]:
    async with site_at(shared.url) as made:
        yield made


@asynccontextmanager
async def site_at(url: str) -> AsyncIterator[Site]:
    server = QueueServer(url)
    try:
        yield Site(url, server)
    finally:
        await server.close()


@dataclass
class Handled:
    """One call of the handler."""

    account: AccountId
    request: Request
    attempt: int
    stored: Reply | None


def success(request: Request) -> Reply:
    result = Balances(balances=[]) if isinstance(request.payload, ListBalances) else Refreshed()
    return Reply(request_id=request.id, actor=request.actor, trace=request.trace, origin=request.origin, result=result)


class Stub:
    """Carries nothing out; a payload that is closed waits until it is opened."""

    def __init__(self) -> None:
        self.handled: list[Handled] = []
        self.finished: list[Request] = []
        self.gone: list[AccountId] = []
        self.answer: Callable[[Request], Reply] = success
        self._closed: dict[Payload, asyncio.Event] = {}
        self._news = asyncio.Condition()

    def close(self, *payloads: Payload) -> None:
        self._closed.update({one: asyncio.Event() for one in payloads})

    def open(self, payload: Payload) -> None:
        self._closed[payload].set()

    async def handle(self, account: AccountId, request: Request, *, attempt: int, stored: Reply | None) -> Reply:
        self.handled.append(Handled(account, request, attempt, stored))
        async with self._news:
            self._news.notify_all()
        if request.payload in self._closed:
            await self._closed[request.payload].wait()
        reply = self.answer(request)
        self.finished.append(request)
        async with self._news:
            self._news.notify_all()
        return reply

    async def let_go(self, account: AccountId) -> None:
        self.gone.append(account)
        async with self._news:
            self._news.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(holds)

    async def until_handled(self, count: int) -> None:
        await self.until(lambda: len(self.handled) >= count)


class Killed(LaneOwner):
    """A bridge that is killed: it finishes nothing and releases nothing."""

    async def _hand_over(self, lane: Any) -> None:
        for task in lane.tasks:
            task.cancel()


@asynccontextmanager
async def serving(
    site: Site,
    handler: Stub,
    *accounts: AccountId,
    name: str = "bridge-1",
    ttl: float = LONG,
    server: QueueServer | None = None,
    kind: type[LaneOwner] = LaneOwner,
) -> AsyncIterator[LaneOwner]:
    """A bridge that serves until the end of the block."""
    server = server or QueueServer(site.url)
    owner = kind(server, site.keys, name, handler, ttl=ttl)

    async def known() -> list[AccountId]:
        return list(accounts or (ONE,))

    running = asyncio.create_task(owner.run(known))
    try:
        yield owner
    finally:
        owner.stop()
        async with asyncio.timeout(PATIENCE):
            await running
        await server.close()


async def turns(count: int = 50) -> None:
    """Let everything run that could."""
    for _ in range(count):
        await asyncio.sleep(0)


async def refusal(call: Awaitable[object]) -> ErrorCode:
    with pytest.raises(BridgeError) as caught:
        await call
    return caught.value.code


# -- one script at a time ---------------------------------------------------------------------------------------


async def test_each_time_a_lane_is_taken_its_epoch_is_higher(site: Site) -> None:
    epochs = []
    for bridge in ("a", "b", "a"):
        token = await site.take(bridge)
        assert token is not None
        name, epoch, _ = token.split(":")
        assert name == bridge
        epochs.append(int(epoch))
        assert await site.release(token)
    assert epochs == sorted(set(epochs))


async def test_a_held_lane_is_not_taken_not_even_by_a_bridge_of_the_same_name(site: Site) -> None:
    assert await site.take("a")
    assert await site.take("b") is None
    assert await site.take("a") is None
    assert await site.take("b", TWO), "another account is another lane"


async def test_only_who_has_the_token_renews_and_releases(site: Site) -> None:
    token = await site.take("a")
    assert token
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert not await site.renew(forged)
    assert not await site.release(forged)
    assert await site.renew(token)
    assert await site.release(token)
    assert not await site.renew(token)


async def test_a_stale_owner_neither_begins_nor_finishes_anything(site: Site) -> None:
    old = await site.take("a")
    assert old
    begun, untouched = await site.submit(ask(show(1))), await site.submit(ask(show(2)))
    assert (await site.begin(old, begun))[0] == 1
    await site.release(old)
    new = await site.take("b")
    assert new
    for call in (site.begin(old, untouched), site.begin(old, begun), site.finish(old, begun)):
        with pytest.raises(Fenced):
            await call
    assert [entry for entry, _ in await site.unfinished()] == [begun, untouched]
    assert await site.raw_replies() == []
    assert (await site.begin(new, begun))[0] == 2, "the new owner knows that it was begun before"


async def test_finishing_takes_the_request_out_and_answers_once(site: Site) -> None:
    token = await site.take()
    assert token
    entry = await site.submit(ask(show(1)))
    await site.begin(token, entry)
    assert await site.finish(token, entry, reply="first") == 1
    assert await site.finish(token, entry, reply="second") == 0
    assert await site.unfinished() == []
    assert [fields["reply"] for _, fields in await site.raw_replies()] == ["first"]
    assert (await site.begin(token, entry))[0] == -1, "what is finished is not begun again"


async def test_a_full_lane_refuses_and_keeps_nothing_of_it(site: Site) -> None:
    for _ in range(2):
        await site.submit(ask(READ), most=2)
    with pytest.raises(LaneFull):
        await site.submit(ask(READ), most=2)
    assert len(await site.unfinished()) == 2
    await site.submit(ask(READ), TWO, most=2)


async def test_a_nonce_remembers_its_first_payload_and_first_result(site: Site) -> None:
    token = await site.take()
    assert token
    entries = [await site.submit(ask(READ)) for _ in range(4)]
    assert await site.begin(token, entries[0], nonce="n", payload="p") == (1, None)
    with pytest.raises(NonceChanged):
        await site.begin(token, entries[1], nonce="n", payload="q")
    await site.finish(token, entries[0], nonce="n", reply="made", keep=True)
    await site.finish(token, entries[1], nonce="n", reply="other", keep=True)
    assert await site.begin(token, entries[2], nonce="n", payload="p") == (1, "made")
    assert await site.begin(token, entries[3], nonce="m", payload="q") == (1, None)


# -- nonces, through a bridge ------------------------------------------------------------------------------------


async def test_a_nonce_counts_per_actor_and_kind(site: Site) -> None:
    stub, nonce = Stub(), new_nonce()
    async with serving(site, stub):
        await site.call(ask(join(1), nonce=nonce))
        changed = await site.call(ask(join(2), nonce=nonce))
        assert changed.failure == Failure(code=ErrorCode.CONFIRMATION_CHANGED)
        await site.call(ask(join(2), nonce=nonce, actor=78))
        await site.call(ask(join(1), nonce=nonce))
    assert [(one.request.actor, one.stored is not None) for one in stub.handled] == [
        (77, False),
        (78, False),
        (77, True),
    ]


async def test_a_success_is_kept_under_its_nonce_for_a_day_and_a_failure_is_not(site: Site) -> None:
    stub, nonce = Stub(), new_nonce()
    failure = Failure(code=ErrorCode.FLOOD_WAIT)
    stub.answer = lambda asked: success(asked).model_copy(update={"result": None, "failure": failure})
    async with serving(site, stub):
        await site.call(ask(join(1), nonce=nonce))
        stub.answer = success
        made = await site.call(ask(join(1), nonce=nonce))
        await site.call(ask(join(1), nonce=nonce))
    assert [one.stored for one in stub.handled] == [None, None, made]
    assert [one.attempt for one in stub.handled] == [1, 1, 1], "each is a request of its own"
    left = await site.server._redis.ttl(site.keys.nonce(ME.actor, "join", nonce))
    assert 0 < left <= NONCE_LIFE.total_seconds()
    assert left > NONCE_LIFE.total_seconds() - 60


# -- order -------------------------------------------------------------------------------------------------------


async def test_a_balances_requests_keep_their_order_and_other_balances_do_not_wait(site: Site) -> None:
    stub = Stub()
    stub.close(join(1))
    async with serving(site, stub):
        first, second = ask(join(1), nonce=new_nonce()), ask(show(1))
        for one in (first, second):
            await site.submit(one)
        await stub.until_handled(1)
        other = await site.call(ask(show(2)))
        assert other.failure is None
        assert [one.request.payload for one in stub.handled] == [join(1), show(2)]
        stub.open(join(1))
        replies = await site.answer(3)
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
        assert show(MOST_AT_ONCE) not in [one.request.payload for one in stub.handled]
        stub.open(payloads[0])
        await stub.until(lambda: show(MOST_AT_ONCE) in [one.request.payload for one in stub.handled])
        for payload in payloads:
            stub.open(payload)


# -- leases, through bridges -------------------------------------------------------------------------------------


async def test_two_bridges_share_the_accounts_and_never_one(site: Site) -> None:
    accounts = [AccountId(number) for number in range(10, 20)]
    left, right = Stub(), Stub()
    async with serving(site, left, *accounts, name="a") as one, serving(site, right, *accounts, name="b") as two:
        for account in accounts:
            await site.call(ask(READ), account)
        assert one.accounts | two.accounts == set(accounts)
        assert not one.accounts & two.accounts
        assert {done.account for done in left.handled} == one.accounts
        assert {done.account for done in right.handled} == two.accounts


async def test_a_stopped_bridge_ends_what_it_began_and_leaves_the_rest_to_the_next_at_once(site: Site) -> None:
    stub, next_stub = Stub(), Stub()
    stub.close(join(1))
    first, second = ask(join(1), nonce=new_nonce()), ask(show(1))
    async with serving(site, stub) as owner:
        await site.submit(first)
        await site.submit(second)
        await stub.until_handled(1)
        owner.stop()
        stub.open(join(1))
    assert stub.finished == [first]
    assert stub.gone == [ONE], "the account is disconnected before the lane is free"
    async with serving(site, next_stub, name="bridge-2"):  # its lease would last another minute
        replies = await site.answer(2)
    assert [one.request_id for one in replies] == [first.id, second.id]
    assert [(one.request, one.attempt) for one in next_stub.handled] == [(second, 1)]


async def test_a_killed_bridges_requests_are_taken_over_within_a_lease(site: Site) -> None:
    stub, next_stub = Stub(), Stub()
    stub.close(join(1))
    begun, waiting = ask(join(1), nonce=new_nonce()), ask(show(1))
    async with serving(site, stub, ttl=SHORT, kind=Killed):
        await site.submit(begun)
        await site.submit(waiting)
        await stub.until_handled(1)
    died = time.monotonic()
    async with serving(site, next_stub, name="bridge-2", ttl=SHORT):
        replies = await site.answer(2)
    assert [one.request_id for one in replies] == [begun.id, waiting.id]
    assert [(one.request, one.attempt) for one in next_stub.handled] == [(begun, 2), (waiting, 1)]
    assert time.monotonic() - died < SHORT * 4 / 3 + 1


async def test_a_bridge_that_takes_long_to_end_keeps_its_lane_until_it_has(site: Site) -> None:
    """Otherwise two bridges would be connected as one account, and Telegram would void its key."""
    stub, next_stub = Stub(), Stub()
    stub.close(join(1))
    slow = ask(join(1), nonce=new_nonce())
    async with serving(site, stub, ttl=SHORT) as owner:
        await site.submit(slow)
        await stub.until_handled(1)
        async with serving(site, next_stub, name="bridge-2", ttl=SHORT) as next_owner:
            owner.stop()
            await asyncio.sleep(SHORT * 2)
            assert not next_owner.accounts
            stub.open(join(1))
            assert (await site.answer())[0].failure is None
            await site.call(ask(READ))
    assert stub.finished == [slow]
    assert [one.request.payload for one in next_stub.handled] == [READ]


async def test_a_bridge_whose_lease_was_taken_stops_working_and_lets_the_account_go(site: Site) -> None:
    stub, next_stub = Stub(), Stub()
    stub.close(join(1))
    asked = ask(join(1), nonce=new_nonce())
    async with serving(site, stub, ttl=SHORT) as owner:
        await site.submit(asked)
        await stub.until_handled(1)
        await site.server.delete(site.keys.lease(ONE))
        token = await site.take("another")
        assert token
        await stub.until(lambda: bool(stub.gone))
        assert not owner.accounts
        stub.open(join(1))
        await turns()
        assert stub.finished == []
        await site.release(token)
        async with serving(site, next_stub, name="bridge-2", ttl=SHORT):
            (reply,) = await site.answer()
    assert reply.request_id == asked.id
    assert len(await site.raw_replies()) == 1


async def test_no_work_starts_on_a_lease_that_is_two_thirds_old(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(lanes, "lease_clock", lambda: now)
    stub = Stub()
    async with serving(site, stub) as owner:
        await site.call(ask(show(1)))
        now += LONG * 2 / 3  # the keeper's next turn is a third of a lease away
        await site.submit(ask(show(2)))
        lane = owner._lanes[ONE]
        async with asyncio.timeout(PATIENCE):
            while not lane.queues:  # noqa: ASYNC110 - the reader runs in this loop
                await asyncio.sleep(0.001)
        await turns()
        assert len(stub.handled) == 1
        await owner._renew()
        await site.answer(2)
        assert len(stub.handled) == 2


class SlowTakeOver(QueueServer):
    """Its answer to what is unfinished in a lane can be held up."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def unfinished(self, lane: str) -> list[Entry]:
        found = await super().unfinished(lane)
        self.asked.set()
        await self.go_on.wait()
        return found


async def test_a_bridge_that_loses_a_lane_and_takes_it_again_forgets_nothing_in_it(site: Site) -> None:
    """A read that began under the old lease must not hide from the new one what was begun before."""
    stub, slow = Stub(), SlowTakeOver(site.url)
    stub.close(show(1))
    first, second = ask(show(1)), ask(show(2))
    async with serving(site, stub, ttl=SHORT, server=slow):
        await site.submit(first)
        await stub.until_handled(1)
        slow.asked.clear()
        slow.go_on.clear()
        await site.server.delete(site.keys.lease(ONE))  # as if it had ended by itself
        async with asyncio.timeout(PATIENCE):
            await slow.asked.wait()
        await site.submit(second)
        await asyncio.sleep(0.2)  # the reader's answer arrives
        stub.open(show(1))
        slow.go_on.set()
        replies = await site.answer(2)
    assert {one.request_id for one in replies} == {first.id, second.id}


async def test_a_bridge_whose_list_of_accounts_fails_for_a_while_serves_on(site: Site) -> None:
    stub, asked = Stub(), asyncio.Event()

    async def known() -> list[AccountId]:
        if stub.handled:
            asked.set()
            raise RuntimeError("the store is gone")
        return [ONE]

    server = QueueServer(site.url)
    owner = LaneOwner(server, site.keys, "bridge-1", stub, ttl=SHORT)
    running = asyncio.create_task(owner.run(known))
    await site.call(ask(READ))
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
    await site.call(ask(READ))
    owner.stop()
    await running
    await server.close()
    assert len(stub.handled) == 2


# -- what cannot be served ---------------------------------------------------------------------------------------


async def test_a_request_that_was_begun_too_often_is_given_up_and_said_so(site: Site) -> None:
    entry = await site.submit(ask(join(1), nonce=new_nonce()))
    for _ in range(MOST_ATTEMPTS):
        token = await site.take()
        assert token
        await site.begin(token, entry)
        await site.release(token)
    stub = Stub()
    async with serving(site, stub):
        (reply,) = await site.answer()
    assert reply.failure == Failure(code=ErrorCode.GAVE_UP)
    assert stub.handled == []
    assert await site.unfinished() == []


@pytest.mark.parametrize("garbage", ["", "no json", "[]", '{"version": 1}', '{"kind": "\\ud800"}'])
async def test_what_is_no_request_at_all_is_dropped_and_stops_nothing(site: Site, garbage: str) -> None:
    await site.submit(garbage)
    await site.server.add(site.keys.lane(ONE), {"something": "else"}, keep=100)
    async with serving(site, Stub()):
        reply = await site.call(ask(READ))
        assert reply.failure is None
        await site.submit(garbage)
        await site.call(ask(READ))
    assert await site.unfinished() == []


async def test_a_kind_this_bridge_does_not_know_is_answered_as_unsupported(site: Site) -> None:
    asked = ask(READ)
    newer = asked.model_dump(mode="json") | {"version": 2, "payload": {"kind": "levitate"}, "mood": "brave"}
    stub = Stub()
    async with serving(site, stub):
        await site.submit(json.dumps(newer))
        (reply,) = await site.answer()
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


# -- the client --------------------------------------------------------------------------------------------------


async def test_a_lane_that_is_full_is_told_to_the_asker_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtproto_bridge.client.MOST_WAITING", 0)
    async with site.client() as client:
        assert await refusal(client.list_balances(ME)) == ErrorCode.UNAVAILABLE


async def test_an_answer_nobody_waits_for_any_more_is_late(site: Site) -> None:
    stub, late = Stub(), asyncio.Queue[Reply]()
    stub.close(READ)
    async with serving(site, stub), site.client(on_late=late.put) as client:
        asking = asyncio.create_task(client.list_balances(ME))
        await stub.until_handled(1)
        asking.cancel()
        await asyncio.wait([asking])
        stub.open(READ)
        async with asyncio.timeout(PATIENCE):
            reply = await late.get()
        assert reply.request_id == stub.handled[0].request.id
        assert (await client.list_balances(ME)).balances == [], "who waits is answered as ever"
    assert late.empty()


async def test_a_failing_renderer_of_late_answers_does_not_keep_others_from_theirs(site: Site) -> None:
    async def fail(_: Reply) -> None:
        raise RuntimeError("cannot render")

    async with serving(site, Stub()), site.client(on_late=fail) as client:
        await site.call(ask(READ))
        await client.list_balances(ME)


async def test_a_restarted_client_of_the_same_name_gets_the_answers_it_missed_and_none_twice(site: Site) -> None:
    stub, late = Stub(), asyncio.Queue[Reply]()
    stub.close(READ)
    async with serving(site, stub):
        async with site.client() as client:
            asking = asyncio.create_task(client.list_balances(ME))
            await stub.until_handled(1)
        assert await refusal(asking) == ErrorCode.NO_ANSWER
        stub.open(READ)
        await site.answer()
        async with site.client("bot-2", on_late=late.put), site.client(on_late=late.put) as again:
            async with asyncio.timeout(PATIENCE):
                reply = await late.get()
            assert reply.request_id == stub.handled[0].request.id
            await again.list_balances(ME)
        async with site.client(on_late=late.put) as client:
            await client.list_balances(ME)
    assert late.empty(), "another name's, or one that was taken care of"


# -- the server stops, or is full --------------------------------------------------------------------------------


async def test_a_restart_of_the_server_loses_nothing_and_what_is_in_flight_is_answered(place: Place) -> None:
    stub = Stub()
    stub.close(show(1), READ)
    async with site_at(place.url) as site, serving(site, stub), site.client() as client:
        asking = asyncio.create_task(client.list_balances(ME))
        await site.submit(ask(show(1)))
        await stub.until_handled(2)
        await site.submit(ask(show(1)))
        await asyncio.to_thread(place.stop)
        assert await refusal(client.list_balances(ME)) == ErrorCode.UNAVAILABLE
        stub.open(READ)
        stub.open(show(1))
        await stub.until(lambda: len(stub.finished) == 2)
        await asyncio.to_thread(place.start)
        assert (await asking).balances == []
        replies = await site.answer(3)
        assert len({one.request_id for one in replies}) == 3
        assert await site.unfinished() == []
        assert (await client.list_balances(ME)).balances == []
    assert [one.attempt for one in stub.handled] == [1, 1, 1, 1]


async def test_a_bridge_can_be_stopped_while_the_server_is_gone(place: Place) -> None:
    stub = Stub()
    stub.close(show(1))
    async with site_at(place.url) as site:
        async with serving(site, stub, ttl=SHORT):
            await site.submit(ask(show(1)))
            await stub.until_handled(1)
            await asyncio.to_thread(place.stop)
            stub.open(show(1))
        await asyncio.to_thread(place.start)
        async with serving(site, stub, ttl=SHORT):
            assert (await site.answer())[0].failure is None
    assert [one.attempt for one in stub.handled] == [1, 2]


async def test_a_server_whose_memory_is_full_refuses_and_loses_nothing(place: Place) -> None:
    stub = Stub()
    stub.close(READ)
    async with site_at(place.url) as site, serving(site, stub, ttl=SHORT), site.client() as client:
        asking = asyncio.create_task(client.list_balances(ME))
        await stub.until_handled(1)
        await site.submit(ask(show(1)), TWO)
        await site.server._redis.config_set("maxmemory", "1")
        stub.open(READ)
        assert (await asking).balances == [], "a request gives memory back, so it is answered"
        assert await refusal(client.list_balances(ME)) == ErrorCode.UNAVAILABLE
        await asyncio.sleep(SHORT)  # the keeper has its turns
        async with serving(site, stub, TWO, ttl=SHORT, name="bridge-2") as other:
            await asyncio.sleep(SHORT)
            assert not other.accounts
            await site.server._redis.config_set("maxmemory", "0")
            await stub.until_handled(2)
        assert (await client.list_balances(ME)).balances == []


async def test_a_balance_that_everybody_says_is_elsewhere_is_unavailable(site: Site) -> None:
    stub = Stub()
    moved = Failure(code=ErrorCode.MOVED, account_id=TWO)
    stub.answer = lambda asked: success(asked).model_copy(update={"result": None, "failure": moved})
    async with serving(site, stub, ONE, TWO), site.client() as client:
        assert await refusal(client.show_affiliation(ME, BalanceId(1), BotId(9))) == ErrorCode.UNAVAILABLE
    assert [one.account for one in stub.handled] == [ONE, TWO, TWO], "asked again, and not for ever"


async def test_a_second_embedded_server_on_the_same_folder_is_refused_in_a_sentence(place: Place) -> None:
    with pytest.raises(embedded.EmbeddedServerError, match="Another Starling already runs"):
        embedded.start(place.folder)


def test_a_path_too_long_for_a_socket_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(embedded.EmbeddedServerError, match="DATA_DIR"):
        embedded.socket_path(tmp_path / ("deep" * 40))
