"""The ledger: each request as the person who asked saw it, and each answer they got."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from mtproto_bridge.asking import ANSWER_WITHIN, PATIENCE, Caller
from mtproto_bridge.protocol import BridgeError, ErrorCode, Nonce, Reply
from mtproto_bridge.protocol.replies import AffiliationPage
from tests.chaos.site import TTL

GRACE = PATIENCE.total_seconds() + 2 * TTL
"""How much longer than its asker waits an answer may take, two take-overs included, before it counts as lost."""
JUST_BEFORE = 0.5

Deed = Literal["join", "revoke"]


@dataclass(eq=False)
class Tap:
    """A press of a confirmed button: one nonce, however often it is pressed or asked again."""

    deed: Deed
    channel: int
    bot: int
    revoked_url: str | None = None
    """The link a revoke is about."""
    nonce: str = field(default_factory=lambda: Nonce.mint(datetime.now(UTC)))
    asks: list["Ask"] = field(default_factory=list)

    @property
    def pages(self) -> list[AffiliationPage]:
        """All the person was shown, in time or late."""
        return [page for ask in self.asks for page in ask.pages]

    @property
    def urls(self) -> set[str]:
        """The links they were shown; for a revoke, the one it is about."""
        if self.revoked_url:
            return {self.revoked_url}
        return {page.affiliation.url for page in self.pages if page.affiliation.url}

    @property
    def notices(self) -> int:
        """How often they were told that something was done just now."""
        return sum(page.changed and not page.replayed for page in self.pages)


@dataclass(eq=False)
class Ask:
    """One request."""

    number: int
    """In the order of submission, over all."""
    kind: str
    account: int
    tap: Tap | None = None
    sent_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None
    result: object = None
    failure: ErrorCode | None = None
    retry_at: datetime | None = None
    late: list[Reply] = field(default_factory=list)
    _was_late: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def trace(self) -> str:
        """By which a late answer names it."""
        return f"chaos-{self.number}"

    @property
    def refused(self) -> bool:
        """Whether the queue did not take it: nothing may have been done."""
        return self.failure is ErrorCode.UNAVAILABLE

    @property
    def unanswered(self) -> bool:
        """Whether its asker waited in vain: `no_answer` of the client's, which comes with the end of its patience.

        The bridge's own `no_answer` (Telegram was out of reach) is an answer.
        """
        if self.failure is not ErrorCode.NO_ANSWER or self.ended_at is None:
            return self.ended_at is None
        return self.ended_at - self.sent_at > ANSWER_WITHIN.total_seconds() - JUST_BEFORE

    @property
    def pages(self) -> list[AffiliationPage]:
        """What was shown of a link."""
        shown = [self.result, *(reply.result for reply in self.late)]
        return [one for one in shown if isinstance(one, AffiliationPage)]

    def answered_late(self, reply: Reply) -> None:
        """An answer came when nobody waited any more."""
        self.late.append(reply)
        self._was_late.set()

    async def in_the_end(self) -> None:
        """Wait for the late answer of a request whose asker waited in vain; as long as it is not lost."""
        if self.unanswered and not self.late:
            try:
                async with asyncio.timeout(GRACE):
                    await self._was_late.wait()
            except TimeoutError:
                pass


class Ledger:
    """Every request of a run."""

    def __init__(self) -> None:
        self.asks: list[Ask] = []
        self.taps: list[Tap] = []
        self.strange: list[Reply] = []
        """Late answers to what nobody here asked."""
        self._numbers = itertools.count(1)

    async def ask(
        self,
        kind: str,
        account: int,
        actor: int,
        call: Callable[[Caller], Awaitable[Any]],
        tap: Tap | None = None,
    ) -> Ask:
        """Ask, and write down what came of it. The order of calls is the order of submission."""
        ask = Ask(next(self._numbers), kind, account, tap)
        self.asks.append(ask)
        if tap:
            if not tap.asks:
                self.taps.append(tap)
            tap.asks.append(ask)
        try:
            ask.result = await call(Caller(actor, trace=ask.trace))
        except BridgeError as error:
            ask.failure, ask.retry_at = error.code, error.failure.retry_at
        ask.ended_at = time.monotonic()
        return ask

    async def receive(self, reply: Reply) -> None:
        """The client's `on_late`."""
        number = reply.trace.removeprefix("chaos-")
        if number.isdecimal() and 0 < int(number) <= len(self.asks):
            self.asks[int(number) - 1].answered_late(reply)
        else:
            self.strange.append(reply)

    async def settle(self) -> None:
        """Wait until what may still be answered is answered."""
        await asyncio.gather(*(ask.in_the_end() for ask in self.asks))
