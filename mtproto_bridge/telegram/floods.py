"""What Telegram said to wait with: by account and method, so that one flood never blocks anything else."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from mtproto_bridge.telegram.gateway import FloodWait


class Floods:
    """The floods of one account, on the wall clock. They outlive its connection."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._until: dict[str, datetime] = {}

    @contextmanager
    def watch(self, method: str) -> Iterator[None]:
        """Around a call: does not let it begin before its time, and notes what Telegram says.

        Raises:
            FloodWait: Telegram said so, now or before.
        """
        until = self._until.get(method)
        if until:
            left = (until - self._now()).total_seconds()
            if left > 0:
                raise FloodWait(method, left)
            del self._until[method]
        try:
            yield
        except FloodWait as flood:
            self.remember({flood.method: self._now() + timedelta(seconds=flood.seconds)})
            raise

    def remember(self, until: Mapping[str, datetime]) -> None:
        """Wait with these methods until then, or longer where that is known."""
        for method, moment in until.items():
            self._until[method] = max(moment, self._until.get(method, moment))
