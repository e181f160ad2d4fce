"""The typed client the bot asks the bridge through: `await bridge.join(caller, balance, bot, nonce)`."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Self, TypeVar

import structlog
from redis.asyncio import ConnectionPool

from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Origin, Reply, Request
from mtproto_bridge.protocol.ids import NONCE_LIFE, AccountId, AffiliationId, BalanceId, BotId
from mtproto_bridge.protocol.replies import (
    AffiliationPage,
    Affiliations,
    Balances,
    MayBeStale,
    ProgramCard,
    Programs,
    Refreshed,
    Result,
    parse_reply,
)
from mtproto_bridge.protocol.requests import (
    BrowsePrograms,
    DeskPayload,
    ForBalance,
    Join,
    ListAffiliations,
    ListBalances,
    Mutation,
    Payload,
    Refresh,
    Revoke,
    ShowAffiliation,
    ShowProgram,
    Sort,
)
from mtproto_bridge.queue import embedded
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
from mtproto_bridge.queue.redis import Entry, LaneFull, Outage, QueueServer, ShareSpent, end, reachable

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


async def _leave_late_replies(reply: Reply) -> None:
    log.info("reply.late", trace=reply.trace)


class BridgeClient:
    """Asks the bridge over Redis and waits for its answers.

    `name` is stable over restarts: the answers to requests of an earlier process under the same name are
    handed to `on_late`, as are those that came after somebody stopped waiting.

    Every method raises BridgeError with the failure the bridge answered, or with one of
    `unavailable` and `slow_down` (nothing was done), `no_answer`, `account_unavailable` (no account is logged in).
    """

    def __init__(
        self,
        server: QueueServer,
        *,
        name: str = "bot-1",
        keys: Keys | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_late: LateReply = _leave_late_replies,
    ) -> None:
        self._server = server
        self._name = name
        self._keys = keys or Keys()
        self._now = now
        self._on_late = on_late
        self._session, self._numbers = secrets.token_hex(5), count(1)
        """Together they name a request, over restarts too."""
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._routes: dict[BalanceId, AccountId] = {}
        self._answered: dict[str, None] = {}
        """The requests that were answered last, oldest first: what comes twice (a failover) is told once."""
        self._to_forget: list[str] = []
        self._forgetting: set[asyncio.Task[None]] = set()
        self._look_now = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        server.when_broken = self._look_now.set

    @classmethod
    def at(
        cls,
        url: str,
        *,
        name: str,
        prefix: str = "starling",
        on_late: LateReply = _leave_late_replies,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """A client of the queue at a Redis URL, under the bridge's QUEUE_PREFIX."""
        return cls(QueueServer(url), name=name, keys=Keys(prefix), on_late=on_late, now=now)

    async def reachable(self, *, attempts: int = 1) -> bool:
        """Whether the queue answers, asked up to `attempts` times, a fifth of a second apart."""
        return await reachable(self._server, attempts=attempts)

    async def has_account(self) -> bool:
        """Whether a bridge with a logged-in account has ever served this queue."""
        return await self._server.get(self._keys.desk()) is not None

    async def start(self) -> None:
        """Begin to read answers, those first that nobody has taken care of."""
        self._reader = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Stop reading; who still waits is told `no_answer`."""
        if self._reader:
            await end(self._reader)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BridgeError(ErrorCode.NO_ANSWER))
        if self._forgetting:
            await asyncio.wait(self._forgetting, timeout=GOODBYE_SECONDS)
        await self._server.close()

    # -- what can be asked ----------------------------------------------------------------------------------

    async def list_balances(self, caller: Caller) -> Balances:
        """The balances the caller may act for."""
        return await self._at_desk(caller, ListBalances(), Balances)

    async def browse_programs(self, caller: Caller, *, page: int, size: int) -> Programs:
        """One page of programs, most profitable first."""
        return await self._at_desk(caller, BrowsePrograms(page=page, size=size), Programs)

    async def show_program(
        self, caller: Caller, *, username: str | None = None, bot_id: BotId | None = None
    ) -> ProgramCard:
        """One program, by username or bot id, with the caller's balances."""
        return await self._at_desk(caller, ShowProgram(username=username, bot_id=bot_id), ProgramCard)

    async def list_affiliations(self, caller: Caller, *, page: int, size: int, sort: Sort = "date") -> Affiliations:
        """One page of the caller's links over all balances, at most 60 s old."""
        return await self._at_desk(caller, ListAffiliations(page=page, size=size, sort=sort), Affiliations)

    async def show_affiliation(self, caller: Caller, balance_id: BalanceId, bot_id: BotId) -> AffiliationPage:
        """A balance's link for a program as it is now, with its URL."""
        return await self._for_balance(caller, ShowAffiliation(balance_id=balance_id, bot_id=bot_id), AffiliationPage)

    async def join(self, caller: Caller, balance_id: BalanceId, bot_id: BotId, nonce: str) -> AffiliationPage:
        """Connect a balance to a program; joining twice gives the same link."""
        return await self._for_balance(caller, Join(balance_id=balance_id, bot_id=bot_id), AffiliationPage, nonce=nonce)

    async def revoke(
        self, caller: Caller, balance_id: BalanceId, affiliation_id: AffiliationId, nonce: str
    ) -> AffiliationPage:
        """Revoke one certain link; revoking twice is a success."""
        payload = Revoke(balance_id=balance_id, affiliation_id=affiliation_id)
        return await self._for_balance(caller, payload, AffiliationPage, nonce=nonce)

    # -- where it is asked ----------------------------------------------------------------------------------

    async def _at_desk(self, caller: Caller, payload: Payload, answer: type[R]) -> R:
        """Ask the desk; where it knows only old things, have the serving accounts renew them first."""
        found = await self._ask(caller, await self._desk(), payload, answer)
        if not isinstance(found, MayBeStale) or not found.stale_accounts:
            return found
        renewal = Refresh(links=not isinstance(found, Balances))
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
        payload: ShowAffiliation | Join | Revoke,
        answer: type[R],
        *,
        nonce: str | None = None,
    ) -> R:
        account = await self._route(payload.balance_id)
        for _ in range(MOST_MOVES):
            try:
                return await self._ask(caller, account, payload, answer, nonce=nonce)
            except BridgeError as error:
                if error.code in _ROUTE_IN_DOUBT:
                    self._routes.pop(payload.balance_id, None)
                if error.code is not ErrorCode.MOVED or error.failure.account_id is None:
                    raise
                account = self._routes[payload.balance_id] = AccountId(error.failure.account_id)
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
        patience = ANSWER_WITHIN + (PATIENCE if isinstance(request.payload, Mutation) else timedelta())
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

    async def _read(self) -> None:
        """Listen, and look for what we were not told of, or nobody waits for."""
        stream = self._keys.replies(self._name)
        pause = 0.0
        while True:
            self._look_now.clear()
            try:
                await self._server.listen(stream, self._hear)
                async for entries in self._server.pages(stream):
                    await self._take(entries)
            except Outage as error:
                if not pause:
                    log.warning("queue.lost", reason=type(error).__name__)
                pause = min(LONGEST_PAUSE, pause * 2 or FIRST_PAUSE)
                await asyncio.sleep(pause)
                continue
            pause = 0.0
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._look_now.wait()

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


def _room(payload: Payload) -> int:
    return MOST_WAITING if isinstance(payload, ForBalance) else MOST_AT_DESK_WAITING


def _give_up(waiting: asyncio.Future[Reply]) -> None:
    if not waiting.done():
        waiting.set_exception(BridgeError(ErrorCode.NO_ANSWER))


def _shows_no_balance(found: Result) -> bool:
    match found:
        case Balances() | ProgramCard() | Affiliations():
            return not found.balances
    return False
