"""Working on what is in one lane: in order per balance, side by side otherwise, every step fenced by the lease."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from mtproto_bridge.handling import Flooded, Handler, Outcome
from mtproto_bridge.protocol import ErrorCode, Failure, Reply, Request
from mtproto_bridge.protocol.ids import NONCE_LIFE
from mtproto_bridge.protocol.replies import parse_reply
from mtproto_bridge.protocol.requests import Envelope, ForBalance, Mutation
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.leases import HeldLease
from mtproto_bridge.queue.limits import MOST_AT_DESK, MOST_AT_ONCE, MOST_ATTEMPTS, MOST_LETTERS, MOST_REPLIES
from mtproto_bridge.queue.redis import Entry, Fenced, NonceChanged, Outage, QueueServer
from mtproto_bridge.queue.rounds import Rounds
from processes.tasks import end

DRAIN_SECONDS = 7.0
"""How long a hand-over waits for work that is begun: less than who stops us waits before it kills."""
LONGEST_PAUSE = 2.0
MARGIN = timedelta(seconds=1)
"""A parked request is woken no later than this before its deadline."""

log = structlog.get_logger()


@dataclass(eq=False)
class Work:
    """One entry of the stream."""

    entry_id: str
    asked: Request | Envelope
    """An Envelope when a newer bot asked for what this bridge does not know."""
    begun: bool = False
    """For us, on its way into the lane (submit.lua)."""
    tried: bool = False
    """Begun by us."""
    begun_before: bool = False
    """By an owner that is gone: maybe it is what the owner died of."""
    not_before: datetime | None = None
    """Parked: Telegram said to wait until then."""

    @property
    def order_key(self) -> str:
        """What has the same key keeps its order."""
        return self.asked.order_key if isinstance(self.asked, Request) else f"unknown:{self.entry_id}"

    @property
    def acts(self) -> bool:
        """Whether it changes anything."""
        return isinstance(self.asked, Request) and isinstance(self.asked.payload, Mutation)

    @property
    def for_balance(self) -> bool:
        """Whether it is bound to a balance: all else is the desk's."""
        return isinstance(self.asked, Request) and isinstance(self.asked.payload, ForBalance)


@dataclass(frozen=True)
class Shop:
    """What the lanes of one bridge share."""

    server: QueueServer
    keys: Keys
    handler: Handler
    one_at_a_time: asyncio.Lock
    """For what was begun before: when one of these kills us again, it takes no other with it."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Lane:
    """The work of one account, as long as its lease holds."""

    def __init__(self, shop: Shop, lease: HeldLease, lost: Callable[["Lane"], None]) -> None:
        self.lease = lease
        self.account = lease.account
        self._shop = shop
        self._lost = lost
        self._queues: dict[str, deque[Work]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._desk_slots = asyncio.Semaphore(MOST_AT_DESK)
        self._attempts: dict[str, str] = {}
        """How often the entries that an earlier owner left were begun."""
        self._here: set[str] = set()
        """The entries that are known."""
        self._stuck: set[str] = set()
        """Those of them that are in no queue any more, for a fault of ours: they wait for the next owner."""
        self._looking = asyncio.Lock()
        self._unlooked: list[Entry] | None = []
        """What was told while older entries were not here yet; None when all of them are."""
        self.closing = False
        """It begins nothing more."""
        self._rounds = Rounds(shop.handler, lease)
        self._stir = asyncio.Event()
        keys = shop.keys
        self._keys = [keys.lease(self.account), keys.lane(self.account), keys.attempts(self.account)]

    @property
    def tried(self) -> list[str]:
        """The entries that were begun here and are not finished, when it is closed."""
        return [work.entry_id for queue in self._queues.values() for work in queue if work.tried] + [*self._stuck]

    @property
    def busy(self) -> int:
        """How many balances (or requests of the desk) have work here."""
        return len(self._tasks)

    def stir(self) -> None:
        """The lease was renewed, or time has passed: who waits looks again."""
        self._stir.set()
        self._stir = asyncio.Event()

    def attend(self) -> None:
        """Let a chore of the account's begin, if it is time."""
        if not self.closing:
            self._rounds.look()

    async def close(self) -> None:
        """Begin nothing more, and wait for what is begun, but no longer than `DRAIN_SECONDS`.

        What is begun comes to its end by itself, soon when the account is cut off. It is not cancelled before:
        a statement of SQLite's that is cancelled in the wrong moment keeps the lock of the whole store.
        """
        self.closing = True
        self.stir()
        begun = {*self._tasks, *filter(None, [self._rounds.task])}
        if begun:
            _, late = await asyncio.wait(begun, timeout=DRAIN_SECONDS)
            await end(*late)  # whoever begins it next reads what came of it

    # -- taking over and hearing ----------------------------------------------------------------------------

    async def take_over(self) -> None:
        """Look what an earlier owner left, and hear what comes from now on."""
        server, keys = self._shop.server, self._shop.keys
        self._attempts, floods = await asyncio.gather(
            server.hash_all(keys.attempts(self.account)), server.moments(keys.floods(self.account))
        )
        if floods:
            self._shop.handler.remember_floods(self.account, floods)
        await self.catch_up()

    async def catch_up(self) -> None:
        """Hear of each entry that comes, and look for those in the stream that nobody told us of."""
        server, lane = self._shop.server, self._shop.keys.lane(self.account)
        async with self._looking:
            self._unlooked = []
            await server.listen(lane, self._hear)
            async for page in server.pages(lane):
                for entry in page:
                    self._dispatch(entry)
            told, self._unlooked = self._unlooked, None
            for entry in told:
                self._dispatch(entry)

    async def hear_no_more(self) -> None:
        """Leave the lane to others."""
        await self._shop.server.leave(self._shop.keys.lane(self.account))

    def _hear(self, told: str) -> None:
        entry_id, begun_by, request = told.split(" ", 2)
        entry = (entry_id, {"request": request})
        if self._unlooked is None:
            self._dispatch(entry, begun_by)
        else:  # behind what is older
            self._unlooked.append(entry)

    def _dispatch(self, entry: Entry, begun_by: str = "") -> None:
        """Begin what is new as soon as its turn comes."""
        entry_id, _ = entry
        if self.closing or entry_id in self._here:
            return
        self._here.add(entry_id)
        work = Work(entry_id, _parse(entry), begun_before=not self._attempts.get(entry_id, "0 ").startswith("0 "))
        key = work.order_key
        queue = self._queues.get(key)
        if queue is not None:
            queue.append(work)
            if queue[0].not_before:
                self.stir()
        else:
            work.begun = begun_by == self.lease.token
            queue = self._queues[key] = deque([work])
            task = asyncio.create_task(self._drain(key, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # -- working --------------------------------------------------------------------------------------------

    async def _drain(self, key: str, queue: deque[Work]) -> None:
        try:
            while queue and not self.closing:
                work = self._next(queue)
                if work is None:
                    await self._wait(min(one.not_before for one in queue if one.not_before))
                    continue
                if work.begun_before:
                    await self._connect_ahead()
                    async with self._shop.one_at_a_time:
                        finished = await self._in_slot(work)
                else:
                    finished = await self._in_slot(work)
                if finished:
                    queue.remove(work)
                    if work.entry_id not in self._stuck:
                        self._here.discard(work.entry_id)
        except Fenced:
            self._lost(self)
        finally:
            if not queue:
                self._queues.pop(key, None)

    def _next(self, queue: deque[Work]) -> Work | None:
        """The first that is not parked; only one that acts does not pass another that acts."""
        one_waits_to_act = False
        for work in queue:
            if work.not_before is None or work.not_before <= self._shop.now():
                if not (work.acts and one_waits_to_act):
                    return work
            else:
                one_waits_to_act |= work.acts
        return None

    async def _wait(self, until: datetime) -> None:
        """Until a moment comes, or something stirs."""
        with suppress(TimeoutError):
            async with asyncio.timeout((until - self._shop.now()).total_seconds()):
                await self._stir.wait()

    async def _connect_ahead(self) -> None:
        """All accounts side by side: it takes longer than most requests, and they are run one at a time."""
        try:
            await self._shop.handler.connect(self.account, self.lease)
        except Exception:  # it promised not to
            log.exception("account.not_connected", account=self.account)

    async def _in_slot(self, work: Work) -> bool:
        """Work on it when there is room; whether it is finished."""
        if work.for_balance:
            async with self._slots:
                return await self._work_safely(work)
        async with self._desk_slots, self._slots:
            return await self._work_safely(work)

    async def _work_safely(self, work: Work) -> bool:
        """Whether it is finished, as far as we can; else it is parked, or not ours."""
        while not self.closing and not self.lease.may_start():
            await self._stir.wait()
        if self.closing:
            return False
        try:
            return await self._work(work)
        except Fenced:
            raise
        except Exception:  # nobody behind it in its queue shall pay; unfinished, it is tried again by the next owner
            log.exception("request.stuck", entry=work.entry_id)
            self._stuck.add(work.entry_id)
            return True

    async def _work(self, work: Work) -> bool:
        request = work.asked
        if not isinstance(request, Request):
            return await self._finish(work, _failed(request, ErrorCode.UNSUPPORTED))
        try:
            attempt, stored = await self._begin(work, request)
        except NonceChanged:
            return await self._finish(work, _failed(request, ErrorCode.CONFIRMATION_CHANGED))
        if attempt < 0:
            return True
        if attempt > MOST_ATTEMPTS:
            return await self._bury(work, _failed(request, ErrorCode.GAVE_UP))
        outcome = await self._handle(request, attempt, stored)
        if isinstance(outcome, Flooded):
            before = attempt if outcome.may_have_acted else attempt - 1
            if await self._park(work, outcome, request.deadline, before):
                return False
            outcome = outcome.reply
        if outcome.failure and not self.lease.holds():
            raise Fenced  # it failed because we may not act any more: the next owner does
        return await self._finish(work, outcome, keep=stored is None and outcome.failure is None)

    async def _handle(self, request: Request, attempt: int, stored: Reply | None) -> Outcome:
        try:
            return await self._shop.handler.handle(
                self.account, request, lease=self.lease, attempt=attempt, stored=stored
            )
        except Exception:  # it promised not to: nobody behind this request in its queue shall pay for it
            log.exception("request.crashed", kind=request.payload.kind, trace=request.trace)
            return _failed(request, ErrorCode.INTERNAL)

    # -- the steps in Redis ---------------------------------------------------------------------------------

    async def _begin(self, work: Work, request: Request) -> tuple[int, Reply | None]:
        work.tried = True
        if work.begun:
            work.begun = False  # once: parked, it is begun anew
            return 1, None
        keys, arguments = self._keys, [self.lease.token, work.entry_id]
        if request.nonce:
            keys = [*keys, self._nonce_key(request)]
            arguments += [request.bound, str(int(NONCE_LIFE.total_seconds()))]
        attempt, stored = await self._step("begin", keys, *arguments)
        return int(attempt), parse_reply(stored) if stored else None

    async def _finish(self, work: Work, reply: Reply, *, keep: bool = False) -> bool:
        """Finish an entry and answer its asker. The first success is to be kept: a failure may be retried."""
        asked = work.asked
        keys = [*self._keys, self._shop.keys.replies(asked.reply_to)]
        arguments: list[str | int] = [self.lease.token, work.entry_id, reply.model_dump_json(), MOST_REPLIES]
        if keep and isinstance(asked, Request) and asked.nonce:
            keys.append(self._nonce_key(asked))
            arguments.append(asked.bound)
        await self._step("finish", keys, *arguments)
        return True

    async def _bury(self, work: Work, reply: Reply) -> bool:
        keys = [*self._keys, self._shop.keys.replies(work.asked.reply_to), self._shop.keys.dead_letters()]
        arguments = (self.lease.token, work.entry_id, reply.model_dump_json(), MOST_REPLIES)
        about = (self.account, f"begun {MOST_ATTEMPTS} times without an end", MOST_LETTERS)
        log.error("request.gave_up", trace=reply.trace, help="python -m mtproto_bridge dead-letters list")
        await self._step("bury", keys, *arguments, *about)
        return True

    async def _park(self, work: Work, flood: Flooded, deadline: datetime, before: int) -> bool:
        """Note what Telegram said, for the next owner too; whether the request may wait for it."""
        waits = flood.retry_at <= deadline - MARGIN
        keys = [self._keys[0], self._keys[2], self._shop.keys.floods(self.account)]
        until = int(flood.retry_at.timestamp() * 1000)
        arguments = (self.lease.token, flood.method, until, work.entry_id if waits else "", before)
        await self._step("park", keys, *arguments)
        if waits:
            log.info("request.parked", trace=work.asked.trace, method=flood.method, until=flood.retry_at.isoformat())
            work.not_before = flood.retry_at
            work.begun_before = False
        return waits

    async def _step(self, script: str, keys: list[str], *arguments: str | int) -> Any:  # noqa: ANN401 - Lua's answer
        """Ask until the server answers: what was done at Telegram must not be forgotten for an outage.

        No longer than the lease holds: whoever begins the request next reads what came of it.
        """
        pause = 0.05
        while True:
            try:
                return await self._shop.server.script(script, keys, *arguments)
            except Outage:
                if not self.lease.holds():
                    raise Fenced from None
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    def _nonce_key(self, request: Request) -> str:
        return self._shop.keys.nonce(request.actor, request.payload.kind, request.nonce or "")


def _parse(entry: Entry) -> Request | Envelope:
    raw = entry[1].get("request", "")
    for form in (Request, Envelope):
        try:
            return form.model_validate_json(raw)
        except ValidationError:
            continue
    log.error("request.unreadable", entry=entry[0])  # without a traceback: it would quote the request
    return Envelope(version=0, id="", actor=0, reply_to="nobody", trace="")


def _failed(asked: Envelope, code: ErrorCode) -> Reply:
    return Reply.to(asked, failure=Failure(code=code))
