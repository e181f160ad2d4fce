"""How the bridge is asked: where a request goes, how its answer comes back, and what the bridge tells unasked."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Self, TypeVar

import structlog
from redis.asyncio import ConnectionPool

from mtproto_bridge.handling import OurBot
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Origin, Reply, Request
from mtproto_bridge.protocol.events import Event, parse_event
from mtproto_bridge.protocol.ids import NONCE_LIFE, AccountId, BalanceId, BotId
from mtproto_bridge.protocol.replies import (
    Affiliations,
    Balances,
    Cards,
    Channels,
    MayBeStale,
    ProgramCard,
    Refreshed,
    Result,
    parse_reply,
)
from mtproto_bridge.protocol.requests import (
    AdvanceRegistration,
    DeskPayload,
    ForBalance,
    Mutation,
    Payload,
    Refresh,
)
from mtproto_bridge.queue import embedded, our_bot
from mtproto_bridge.queue.connecting import pool_at
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.limits import (
    MOST_AT_DESK_WAITING,
    MOST_AT_ONCE,
    MOST_REPLIES,
    MOST_WAITING,
    SHARE,
    SHARE_PER_SECOND,
)
from mtproto_bridge.queue.line import Unanswered
from mtproto_bridge.queue.redis import Entry, LaneFull, Outage, QueueServer, ShareSpent, reachable
from processes.tasks import end

ANSWER_WITHIN = timedelta(seconds=20)
"""A read is answered by then; a mutation is started by then."""
PATIENCE = timedelta(seconds=10)
"""How much longer a mutation that was started in time is waited for."""
MOST_MOVES = 3
GOODBYE_SECONDS = 1.0
"""How long a server that is silent may hold up our end."""
LOOK_EVERY = 5.0
"""Seconds between two looks for answers that nobody told us of."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two tries to hear from a server that is out of reach."""
_ROUTE_IN_DOUBT = (ErrorCode.ACCOUNT_UNAVAILABLE, ErrorCode.NO_ANSWER)
"""An account that is lost, or that nobody serves, cannot say who serves its balances now: look it up again."""

R = TypeVar("R", bound=Result)

log = structlog.get_logger()


@dataclass(frozen=True)
class Caller:
    """On whose behalf something is asked, and where the answer is shown."""

    actor: int
    """The Telegram user id from the update, never from what somebody wrote."""
    origin: Origin | None = None
    trace: str = field(default_factory=lambda: secrets.token_hex(6))


def embedded_url(data_dir: Path) -> str:
    """The URL of the embedded server a bridge on this data folder starts when REDIS_URL is unset."""
    return embedded.url_of(embedded.socket_path(data_dir))


def storage_pool(url: str) -> ConnectionPool:
    """Connections for the bot's own keys on the same server: 10 s for an answer, three more tries."""
    return pool_at(url, answer_seconds=10, retries=3)


LateReply = Callable[[Reply], Awaitable[None]]
OnEvent = Callable[[Event], Awaitable[bool]]
"""Whether the event is taken care of; else it comes again."""


async def _leave_late_replies(reply: Reply) -> None:
    log.info("reply.late", trace=reply.trace)


class Asking:
    """Asks the bridge over Redis and waits for its answers; what can be asked is in `client`.

    `name` is stable over restarts: the answers to requests of an earlier process under the same name are
    handed to `on_late`, as are those that came after somebody stopped waiting. What the bridge tells unasked is
    handed to `on_event`, one after the other, and again (after a start, too) until it says that it took care of it.

    Every question raises BridgeError with the failure the bridge answered, or with one of
    `unavailable` and `slow_down` (nothing was done), `no_answer`, `account_unavailable` (no account is logged in).
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        server: QueueServer,
        *,
        name: str = "bot-1",
        keys: Keys | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_late: LateReply = _leave_late_replies,
        on_event: OnEvent | None = None,
    ) -> None:
        self._server = server
        self._name = name
        self._keys = keys or Keys()
        self._now = now
        self._on_late = on_late
        self._on_event = on_event
        self._session, self._numbers = secrets.token_hex(5), count(1)
        """Together they name a request, over restarts too."""
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._routes: dict[BalanceId, AccountId] = {}
        self._answered: dict[str, None] = {}
        """The requests that were answered last, oldest first: what comes twice (a failover) is told once."""
        self._to_forget: list[str] = []
        self._forgetting: set[asyncio.Task[None]] = set()
        self._look_now, self._look_for_events = asyncio.Event(), asyncio.Event()
        self._unsaid: OurBot | None = None
        """Which bot we are, as long as the bridge was not told."""
        self._readers: list[asyncio.Task[None]] = []
        server.when_broken = self._look_again

    @classmethod
    def at(  # noqa: PLR0913 - as above
        cls,
        url: str,
        *,
        name: str,
        prefix: str = "starling",
        on_late: LateReply = _leave_late_replies,
        on_event: OnEvent | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """A client of the queue at a Redis URL, under the bridge's QUEUE_PREFIX."""
        return cls(QueueServer(url), name=name, keys=Keys(prefix), on_late=on_late, on_event=on_event, now=now)

    async def reachable(self, *, attempts: int = 1) -> bool:
        """Whether the queue answers, asked up to `attempts` times, a fifth of a second apart."""
        return await reachable(self._server, attempts=attempts)

    async def has_account(self) -> bool:
        """Whether a bridge with a logged-in account has ever served this queue."""
        return await self._server.get(self._keys.desk()) is not None

    async def start(self) -> None:
        """Begin to read answers, those first that nobody has taken care of."""
        self._readers.append(asyncio.create_task(self._read(self._look_for_answers, self._look_now)))
        if self._on_event:
            reading = self._read(partial(self._look_at_events, self._on_event), self._look_for_events)
            self._readers.append(asyncio.create_task(reading))

    def introduce_bot(self, bot_id: int, username: str) -> None:
        """Have the bridge told which bot this is: as soon as the server can be reached, once `start` was called."""
        self._unsaid = OurBot(BotId(bot_id), username)
        self._look_now.set()

    async def close(self) -> None:
        """Stop reading; who still waits is told `no_answer`."""
        await end(*self._readers)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BridgeError(ErrorCode.NO_ANSWER))
        if self._forgetting:
            await asyncio.wait(self._forgetting, timeout=GOODBYE_SECONDS)
        await self._server.close()

    # -- where it is asked ----------------------------------------------------------------------------------

    async def _at_desk(self, caller: Caller, payload: Payload, answer: type[R]) -> R:
        """Ask the desk; where it knows only old things, have the serving accounts renew them first."""
        found = await self._ask(caller, await self._desk(), payload, answer)
        if not isinstance(found, MayBeStale) or not found.stale_accounts:
            return found
        renewal = Refresh(links=not isinstance(found, Balances | Channels))
        failures = await asyncio.gather(*(self._refresh(caller, one, renewal) for one in found.stale_accounts))
        found = await self._ask(caller, await self._desk(), payload, answer)
        failed = next((one for one in failures if one), None)
        if failed and _shows_no_balance(found):  # "you have none" would be a guess
            raise failed
        return found

    async def _refresh(self, caller: Caller, account: AccountId, renewal: Refresh) -> BridgeError | None:
        try:
            await self._ask(caller, account, renewal, Refreshed)
        except BridgeError as error:  # what this account serves is then left out, or shown as it was last seen
            log.warning("refresh.failed", account=account, code=error.code, trace=caller.trace)
            return error
        return None

    async def _for_balance(
        self,
        caller: Caller,
        payload: ForBalance,
        answer: type[R],
        *,
        nonce: str | None = None,
    ) -> R:
        account = await self._route(payload.balance_id)
        try:
            return await self._follow(caller, account, payload, answer, nonce=nonce)
        except BridgeError as error:
            if error.code in _ROUTE_IN_DOUBT:
                self._routes.pop(payload.balance_id, None)
            raise

    async def _follow(
        self,
        caller: Caller,
        account: AccountId,
        payload: ForBalance | AdvanceRegistration,
        answer: type[R],
        *,
        nonce: str | None = None,
    ) -> R:
        """Ask an account, or whom it names as the one that serves this now."""
        for _ in range(MOST_MOVES):
            try:
                return await self._ask(caller, account, payload, answer, nonce=nonce)
            except BridgeError as error:
                if error.code is not ErrorCode.MOVED or error.failure.account_id is None:
                    raise
                account = AccountId(error.failure.account_id)
                if isinstance(payload, ForBalance):
                    self._routes[payload.balance_id] = account
        raise BridgeError(ErrorCode.UNAVAILABLE)

    async def _desk(self) -> AccountId:
        try:
            desk = await self._server.get(self._keys.desk())
        except Outage as error:
            raise BridgeError(ErrorCode.UNAVAILABLE) from error
        if desk is None:
            raise BridgeError(ErrorCode.ACCOUNT_UNAVAILABLE)
        return AccountId(int(desk))

    async def _route(self, balance: BalanceId) -> AccountId:
        """The account that serves a balance, as last known; the bridge corrects a wrong one (`moved`).

        Where nothing is known, the desk is asked, which answers who serves it.
        """
        if balance not in self._routes:
            try:
                known = await self._server.hash_get(self._keys.routes(), str(balance))
            except Outage as error:
                raise BridgeError(ErrorCode.UNAVAILABLE) from error
            if known is None:
                return await self._desk()
            self._routes[balance] = AccountId(int(known))
        return self._routes[balance]

    async def _ask(
        self,
        caller: Caller,
        account: AccountId,
        payload: Payload,
        answer: type[R],
        *,
        nonce: str | None = None,
    ) -> R:
        request = Request(
            id=f"{self._session}{next(self._numbers):x}",
            actor=caller.actor,
            reply_to=self._name,
            trace=caller.trace,
            origin=caller.origin,
            deadline=self._now() + ANSWER_WITHIN,
            nonce=nonce,
            payload=payload,
        )
        reply = await self._exchange(account, request)
        if reply.failure:
            raise BridgeError(reply.failure)
        if not isinstance(reply.result, answer):
            raise BridgeError(ErrorCode.UNSUPPORTED)
        return reply.result

    async def _exchange(self, account: AccountId, request: Request) -> Reply:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Reply] = loop.create_future()
        self._waiting[request.id] = waiting
        patience = ANSWER_WITHIN + (
            PATIENCE if isinstance(request.payload, Mutation | AdvanceRegistration) else timedelta()
        )
        alarm = loop.call_later(patience.total_seconds(), _give_up, waiting)
        try:
            await self._submit(account, request)
            return await waiting
        finally:
            alarm.cancel()
            self._waiting.pop(request.id, None)

    async def _submit(self, account: AccountId, request: Request) -> None:
        lane, text = self._keys.lane(account), request.model_dump_json()
        keys = [lane, self._keys.lease(account), self._keys.attempts(account)]
        more: tuple[str | int, ...] = ()
        if request.nonce:
            keys.append(self._keys.nonce(request.actor, request.payload.kind, request.nonce))
            more = ("nonce", request.bound, int(NONCE_LIFE.total_seconds()))
        elif isinstance(request.payload, DeskPayload):
            keys.append(self._keys.share(request.actor))
            more = ("share", SHARE, SHARE_PER_SECOND)
        try:
            try:
                await self._server.script("submit", keys, _room(request.payload), MOST_AT_ONCE, text, *more)
            except Unanswered:
                await self._submit_again(lane, text, request)
        except ShareSpent as spent:
            again = self._now() + timedelta(milliseconds=spent.ms)
            raise BridgeError(Failure(code=ErrorCode.SLOW_DOWN, retry_at=again)) from spent
        except (LaneFull, *Outage) as error:
            raise BridgeError(ErrorCode.UNAVAILABLE) from error

    async def _submit_again(self, lane: str, text: str, request: Request) -> None:
        """It may be in the lane or not: put it there once, as long as somebody waits for its answer."""
        log.warning("submit.unanswered", trace=request.trace)
        keys = [lane, self._keys.replies(self._name)]
        pause = FIRST_PAUSE
        while not self._waiting[request.id].done():
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
            with suppress(*Outage):
                await self._server.ask("PING")  # a connection first: little comes between the look and the command
                if not self._waiting[request.id].done():
                    await self._server.script("resubmit", keys, _room(request.payload), text, request.id)
                return

    # -- answers --------------------------------------------------------------------------------------------

    def _hear(self, told: str) -> None:
        """An answer was put into our stream."""
        entry_id, raw = told.split(" ", 1)
        if not self._hand_on(entry_id, parse_reply(raw)):
            self._look_now.set()

    def _hand_on(self, entry_id: str, reply: Reply | None) -> bool:
        """Give an answer to who waits for it; False when there is anything else to do about it."""
        if reply is None:
            return False
        if reply.request_id not in self._answered:
            waiting = self._waiting.get(reply.request_id)
            if not waiting or waiting.done():
                return False
            waiting.set_result(reply)
            self._note_answered(reply)
        self._forget(entry_id)
        return True

    def _note_answered(self, reply: Reply) -> None:
        self._answered[reply.request_id] = None
        if len(self._answered) > MOST_REPLIES:
            del self._answered[next(iter(self._answered))]

    async def _read(self, look: Callable[[], Awaitable[None]], now: asyncio.Event) -> None:
        """Look for what we were not told of, or nobody waits for: at once when `now` says so, and every few seconds."""
        pause = 0.0
        while True:
            now.clear()
            try:
                await look()
            except Outage as error:
                if not pause:
                    log.warning("queue.lost", reason=type(error).__name__)
                pause = min(LONGEST_PAUSE, pause * 2 or FIRST_PAUSE)
                await asyncio.sleep(pause)
                continue
            pause = 0.0
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await now.wait()

    def _look_again(self) -> None:
        self._look_now.set()
        self._look_for_events.set()

    async def _look_for_answers(self) -> None:
        stream = self._keys.replies(self._name)
        await self._server.listen(stream, self._hear)
        if self._unsaid:
            await our_bot.introduce(self._server, self._keys, self._unsaid)
            self._unsaid = None
        async for entries in self._server.pages(stream):
            await self._take(entries)

    async def _look_at_events(self, on_event: OnEvent) -> None:
        stream = self._keys.events()
        await self._server.listen(stream, lambda _: self._look_for_events.set())
        async for entries in self._server.pages(stream):
            for entry_id, fields in entries:
                if await _is_taken_care_of(on_event, fields):
                    await self._server.ask("XDEL", stream, entry_id)

    async def _take(self, entries: list[Entry]) -> None:
        late = [(entry_id, parse_reply(fields.get("reply", ""))) for entry_id, fields in entries]
        for entry_id, reply in [one for one in late if not self._hand_on(*one)]:
            if reply is None:
                log.warning("reply.unreadable")
            else:
                self._note_answered(reply)
                try:
                    await self._on_late(reply)
                except Exception:
                    log.exception("reply.late_failed", trace=reply.trace)
            self._forget(entry_id)

    def _forget(self, entry_id: str) -> None:
        """Take it out of the stream, together with all others of this moment."""
        if not self._to_forget:
            task = asyncio.create_task(self._forget_all())
            self._forgetting.add(task)
            task.add_done_callback(self._forgetting.discard)
        self._to_forget.append(entry_id)

    async def _forget_all(self) -> None:
        ids, self._to_forget = self._to_forget, []
        with suppress(*Outage):  # the next look finds them again
            await self._server.ask("XDEL", self._keys.replies(self._name), *ids)


async def _is_taken_care_of(on_event: OnEvent, fields: Mapping[str, str]) -> bool:
    """What nobody can read or tell is done with too: it would fail for ever."""
    event = parse_event(fields.get("event", ""))
    if event is None:
        log.warning("event.unknown")
        return True
    try:
        return await on_event(event)
    except Exception:
        log.exception("event.failed", id=event.id)
        return True


def _room(payload: Payload) -> int:
    return MOST_WAITING if isinstance(payload, ForBalance) else MOST_AT_DESK_WAITING


def _give_up(waiting: asyncio.Future[Reply]) -> None:
    if not waiting.done():
        waiting.set_exception(BridgeError(ErrorCode.NO_ANSWER))


def _shows_no_balance(found: Result) -> bool:
    match found:
        case Balances() | ProgramCard() | Affiliations():  # watched links alone would hide that one's own are missing
            return not found.balances
        case Cards():
            return not found.cards or not found.balances
        case Channels():
            return not found.channels and not found.registrations
    return False
