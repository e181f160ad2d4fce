"""The watchdog: a thread that cuts an account off when its lease is over, whatever the event loop does."""

import asyncio
import threading
from collections.abc import Callable, Iterable

import structlog

from mtproto_bridge.queue.leases import HeldLease

log = structlog.get_logger()


class Watchdog:
    """Looks at the leases that are held; each that is over is told to `cut` here and to `lost` in the loop.

    Fencing protects Redis, not Telegram: an event loop that stalls, or that cannot reach Redis, would go on
    speaking for an account that is another bridge's by now. What it cannot help against is a process that is
    stopped whole, threads and all: that one finds its leases over when it wakes (telegram/leased.py).
    """

    def __init__(
        self,
        held: Callable[[], Iterable[HeldLease]],
        cut: Callable[[HeldLease], None],
        lost: Callable[[HeldLease], None],
        every: float,
    ) -> None:
        """`every`: seconds between two looks. `held` and `cut` are called in the thread."""
        self._held = held
        self._cut = cut
        self._lost = lost
        self._every = every
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch; called in the loop that `lost` belongs to."""
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._watch, args=(loop,), name="lease-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()
        if self._thread:
            self._thread.join()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        seen: set[HeldLease] = set()
        while not self._stopped.wait(self._every):
            over = {one for one in self._held() if not one.holds()}
            for lease in over - seen:
                loop.call_soon_threadsafe(self._lost, lease)
                try:
                    self._cut(lease)
                except Exception:  # the other accounts are to be cut all the same
                    log.exception("lease.not_cut", account=lease.account)
            for lease in over - seen:  # a log may hang: all are cut by now
                log.warning("lease.over", account=lease.account, token=lease.token)
            seen = over
