"""The chores of one lane's account: about every minute, one at a time, beside its requests and never in their way."""

import asyncio
from collections.abc import Callable
from random import uniform

import structlog

from mtproto_bridge.handling import Handler
from mtproto_bridge.queue.clock import lease_clock
from mtproto_bridge.queue.leases import HeldLease

EVERY = 60.0
"""Seconds between two looks for something to do; a hundred accounts do not look at once."""
JITTER = 0.5
BREATH = 2.0
"""Seconds between two chores, as long as there are more."""

log = structlog.get_logger()


class Rounds:
    """Has the account attended when it is time; the lane's keeper asks at each of its turns."""

    def __init__(self, handler: Handler, lease: HeldLease, random: Callable[[float, float], float] = uniform) -> None:
        self._handler = handler
        self._lease = lease
        self._random = random
        self._next_at = lease_clock() + self._about(EVERY)
        self.task: asyncio.Task[None] | None = None
        """The chore under way."""

    def look(self) -> None:
        """Begin a chore if it is time and none is under way."""
        if self.task is None and lease_clock() >= self._next_at and self._lease.may_start():
            self.task = asyncio.create_task(self._attend())

    async def _attend(self) -> None:
        more = False
        try:
            more = await self._handler.attend(self._lease.account, self._lease)
        except Exception:  # it promised not to: the next look comes all the same
            log.exception("chore.crashed", account=self._lease.account)
        finally:
            self._next_at = lease_clock() + self._about(BREATH if more else EVERY)
            self.task = None

    def _about(self, seconds: float) -> float:
        return seconds * self._random(1 - JITTER, 1 + JITTER)
