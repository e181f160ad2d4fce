"""Serving lanes: each account is one lane, and is connected in the one bridge that holds its lease.

docs/architecture.md, "The queue". A bridge serves a lane only while it holds the lease, renews at a third
of its life and starts no work after two thirds of it; every effect in Redis is fenced by the lease's token.
"""

import asyncio
import hashlib
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import structlog
from pydantic import ValidationError

from mtproto_bridge.protocol import ErrorCode, Failure, Reply, Request
from mtproto_bridge.protocol.ids import NONCE_LIFE, AccountId
from mtproto_bridge.protocol.replies import parse_reply
from mtproto_bridge.protocol.requests import Envelope
from mtproto_bridge.queue.clock import lease_clock
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.redis import Entry, Fenced, NonceChanged, Outage, QueueServer, end

MOST_ATTEMPTS = 3
MOST_REPLIES = 10_000
MOST_AT_ONCE = 8
"""Requests of one account that run side by side."""
READ_BLOCK_MS = 2_000
DRAIN_SECONDS = 7.0
"""How long a stop waits for work that is begun: less than who stops us waits before it kills."""
LONGEST_PAUSE = 2.0

T = TypeVar("T")

log = structlog.get_logger()


class Handler(Protocol):
    """What a lane's requests are handed to."""

    async def handle(self, account: AccountId, request: Request, *, attempt: int, stored: Reply | None) -> Reply:
        """Carry out one request; failures are replies, not exceptions."""

    async def let_go(self, account: AccountId) -> None:
        """Disconnect an account whose lane is no longer ours."""


@dataclass(frozen=True)
class _Work:
    entry_id: str
    asked: Request | Envelope
    """An Envelope when a newer bot asked for what this bridge does not know."""

    @property
    def order_key(self) -> str:
        return self.asked.order_key if isinstance(self.asked, Request) else f"unknown:{self.entry_id}"


@dataclass(eq=False)
class _Lane:
    account: AccountId
    token: str
    safe_until: float
    """On the lease clock: no work starts after it."""
    last: str = "0-0"
    queues: dict[str, deque[_Work]] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    renewed: asyncio.Event = field(default_factory=asyncio.Event)


class LaneOwner:
    """Holds lanes for one bridge and works on what is in them."""

    def __init__(
        self,
        server: QueueServer,
        keys: Keys,
        name: str,
        handler: Handler,
        *,
        ttl: float = 12.0,
    ) -> None:
        self._server = server
        self._keys = keys
        self._name = name
        self._handler = handler
        self._ttl = ttl
        self._lanes: dict[AccountId, _Lane] = {}
        self._wake_id = "0-0"
        self._stopping = asyncio.Event()

    @property
    def accounts(self) -> set[AccountId]:
        """The accounts whose lanes this bridge holds now."""
        return set(self._lanes)

    async def run(self, accounts: Callable[[], Awaitable[Iterable[AccountId]]]) -> None:
        """Serve until `stop`; then finish what is begun, disconnect the accounts and release their lanes."""
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(self._keep(accounts))
                reader = group.create_task(self._read())
                await self._stopping.wait()
                await end(reader)
                await self._hand_over_all()  # the keeper goes on: what is begun may outlast a lease
                await end(keeper)
        finally:
            self._stopping.set()
            await self._hand_over_all()
            with suppress(*Outage):
                await self._server.delete(self._keys.wake(self._name))

    def stop(self) -> None:
        """Let `run` end in good order."""
        self._stopping.set()

    # -- leases ---------------------------------------------------------------------------------------------

    async def _keep(self, accounts: Callable[[], Awaitable[Iterable[AccountId]]]) -> None:
        lost = False
        while True:
            try:
                await self._renew()
                for account in await accounts():
                    if account not in self._lanes and not self._stopping.is_set():
                        await self._acquire(account)
                if lost:
                    log.info("queue.back")
                lost = False
            except Outage as error:
                if not lost:
                    log.warning("queue.lost", reason=type(error).__name__)
                lost = True
            except Exception:  # whoever lists the accounts is in trouble: what is served goes on
                log.exception("accounts.unread")
            await asyncio.sleep(self._ttl / 3)

    async def _acquire(self, account: AccountId) -> None:
        asked_at = lease_clock()
        token = await self._server.script(
            "acquire",
            [self._keys.lease(account), self._keys.epochs()],
            account,
            self._name,
            secrets.token_hex(4),
            int(self._ttl * 1000),
        )
        if not token:
            return
        lane = _Lane(account, token, asked_at + self._ttl * 2 / 3)
        self._lanes[account] = lane
        log.info("lane.taken", account=account, token=token)
        self._dispatch(lane, await self._server.unfinished(self._keys.lane(account)))
        await self._wake()

    async def _renew(self) -> None:
        lanes = list(self._lanes.values())
        if not lanes:
            return
        asked_at = lease_clock()
        kept = await self._server.script(
            "renew",
            [self._keys.lease(lane.account) for lane in lanes],
            int(self._ttl * 1000),
            *[lane.token for lane in lanes],
        )
        for lane, still_ours in zip(lanes, kept, strict=True):
            if still_ours:
                lane.safe_until = asked_at + self._ttl * 2 / 3
                lane.renewed.set()
                lane.renewed = asyncio.Event()
            else:
                await self._lose(lane)

    async def _lose(self, lane: _Lane) -> None:
        if self._lanes.get(lane.account) is not lane:
            return
        del self._lanes[lane.account]
        log.warning("lane.lost", account=lane.account, token=lane.token)
        for task in lane.tasks - {asyncio.current_task()}:
            task.cancel()
        await self._handler.let_go(lane.account)

    async def _hand_over_all(self) -> None:
        await asyncio.gather(*(self._hand_over(lane) for lane in list(self._lanes.values())))

    async def _hand_over(self, lane: _Lane) -> None:
        lane.renewed.set()
        if lane.tasks:
            _, late = await asyncio.wait(lane.tasks, timeout=DRAIN_SECONDS)
            for task in late:  # whoever begins it next reads what came of it
                task.cancel()
        await asyncio.gather(*lane.tasks, return_exceptions=True)
        await self._handler.let_go(lane.account)
        self._lanes.pop(lane.account, None)
        with suppress(*Outage):  # the lease then ends by itself
            await self._server.script("release", [self._keys.lease(lane.account)], lane.token)
        log.info("lane.released", account=lane.account)

    # -- reading --------------------------------------------------------------------------------------------

    async def _wake(self) -> None:
        await self._server.add(self._keys.wake(self._name), {"why": "lanes"}, keep=1)

    async def _read(self) -> None:
        pause = 0.0
        while True:
            lanes = list(self._lanes.values())  # an answer is for these: one retaken meanwhile reads from its start
            streams = {self._keys.lane(lane.account): lane.last for lane in lanes}
            streams[self._keys.wake(self._name)] = self._wake_id
            try:
                news = await self._server.read(streams, block_ms=READ_BLOCK_MS)
            except Outage:  # the keeper says so in the log
                pause = min(LONGEST_PAUSE, pause * 2 or 0.05)
                await asyncio.sleep(pause)
                continue
            pause = 0.0
            for entry_id, _ in news.get(self._keys.wake(self._name), []):
                self._wake_id = entry_id
            for lane in lanes:
                self._dispatch(lane, news.get(self._keys.lane(lane.account), []))

    def _dispatch(self, lane: _Lane, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if _position(entry[0]) <= _position(lane.last):
                continue  # read twice: by the take-over and by the reader
            lane.last = entry[0]
            work = _Work(entry[0], _parse(entry))
            queue = lane.queues.setdefault(work.order_key, deque())
            queue.append(work)
            if len(queue) == 1:
                task = asyncio.create_task(self._drain(lane, work.order_key, queue))
                lane.tasks.add(task)
                task.add_done_callback(lane.tasks.discard)

    # -- working --------------------------------------------------------------------------------------------

    async def _drain(self, lane: _Lane, key: str, queue: deque[_Work]) -> None:
        try:
            while queue:
                async with lane.slots:
                    if not await self._may_start(lane):
                        return
                    await self._work_safely(lane, queue[0])
                queue.popleft()
        except Fenced:
            await self._lose(lane)
        finally:
            if not queue:
                lane.queues.pop(key, None)

    async def _may_start(self, lane: _Lane) -> bool:
        """Wait while the lease is too old to start on; False once the lane is given up."""
        while self._lanes.get(lane.account) is lane and not self._stopping.is_set():
            if lease_clock() < lane.safe_until:
                return True
            await lane.renewed.wait()
        return False

    async def _work_safely(self, lane: _Lane, work: _Work) -> None:
        try:
            await self._work(lane, work)
        except Fenced:
            raise
        except Exception:  # nobody behind it in its queue shall pay; unfinished, it is tried again by the next owner
            log.exception("request.stuck", entry=work.entry_id)

    async def _work(self, lane: _Lane, work: _Work) -> None:
        if not isinstance(work.asked, Request):
            await self._finish(lane, work, _failed(work.asked, ErrorCode.UNSUPPORTED))
            return
        request = work.asked
        try:
            attempt, stored = await self._despite_outages(lane, lambda: self._begin(lane, work.entry_id, request))
        except NonceChanged:
            await self._finish(lane, work, _failed(request, ErrorCode.CONFIRMATION_CHANGED))
            return
        if attempt < 0:
            return
        if attempt > MOST_ATTEMPTS:
            log.error("request.gave_up", kind=request.payload.kind, trace=request.trace)
            reply = _failed(request, ErrorCode.GAVE_UP)
        else:
            reply = await self._handle(lane, request, attempt, stored)
        await self._finish(lane, work, reply)

    async def _handle(self, lane: _Lane, request: Request, attempt: int, stored: Reply | None) -> Reply:
        try:
            return await self._handler.handle(lane.account, request, attempt=attempt, stored=stored)
        except Exception:  # it promised not to: nobody behind this request in its queue shall pay for it
            log.exception("request.crashed", kind=request.payload.kind, trace=request.trace)
            return _failed(request, ErrorCode.INTERNAL)

    async def _begin(self, lane: _Lane, entry_id: str, request: Request) -> tuple[int, Reply | None]:
        payload = request.payload.model_dump_json()
        digest = hashlib.sha256(payload.encode()).hexdigest() if request.nonce else ""
        attempt, stored = await self._server.script(
            "begin",
            [*self._work_keys(lane), self._nonce_key(request)],
            lane.token,
            entry_id,
            digest,
            int(NONCE_LIFE.total_seconds()),
        )
        return int(attempt), parse_reply(stored) if stored else None

    async def _finish(self, lane: _Lane, work: _Work, reply: Reply) -> None:
        """Finish an entry and answer its asker. Only a success is kept under the nonce: a failure may be retried."""
        asked = work.asked
        keep = isinstance(asked, Request) and asked.nonce is not None and reply.failure is None
        keys = [*self._work_keys(lane), self._nonce_key(asked), self._keys.replies(asked.reply_to)]
        text = reply.model_dump_json()
        await self._despite_outages(
            lane,
            lambda: self._server.script("finish", keys, lane.token, work.entry_id, text, str(int(keep)), MOST_REPLIES),
        )

    async def _despite_outages(self, lane: _Lane, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask Redis until it answers: what was done at Telegram must not be forgotten for an outage.

        A bridge that is to stop asks no longer than its lease lives; whoever begins the request next reads what
        came of it.
        """
        pause = 0.05
        while True:
            try:
                return await ask()
            except Outage:
                if self._stopping.is_set() and lease_clock() > lane.safe_until + self._ttl / 3:
                    raise
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    def _work_keys(self, lane: _Lane) -> list[str]:
        return [
            self._keys.lease(lane.account),
            self._keys.lane(lane.account),
            self._keys.attempts(lane.account),
        ]

    def _nonce_key(self, asked: Request | Envelope) -> str:
        if isinstance(asked, Request) and asked.nonce:
            return self._keys.nonce(asked.actor, asked.payload.kind, asked.nonce)
        return self._keys.nonce(0, "", "")  # never written: a script wants all its keys


def _parse(entry: Entry) -> Request | Envelope:
    raw = entry[1].get("request", "")
    try:
        return Request.model_validate_json(raw)
    except ValidationError:
        pass
    try:
        return Envelope.model_validate_json(raw)
    except ValidationError:
        log.error("request.unreadable", entry=entry[0])  # noqa: TRY400 - a traceback would quote the request
        return Envelope(version=0, id="", actor=0, reply_to="nobody", trace="")


def _failed(asked: Envelope, code: ErrorCode) -> Reply:
    return Reply(
        request_id=asked.id,
        actor=asked.actor,
        trace=asked.trace,
        origin=asked.origin,
        failure=Failure(code=code),
    )


def _position(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)
