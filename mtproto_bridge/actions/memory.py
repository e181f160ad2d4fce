"""What Telegram lately said, so that it is not asked again at once."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

MOST_REMEMBERED = 10_000

K = TypeVar("K")
V = TypeVar("V")


class Memory(Generic[K, V]):
    """Answers by question, each until its time is over."""

    def __init__(self, now: Callable[[], datetime], *, most: int = MOST_REMEMBERED) -> None:
        """`most`: how many are remembered; the oldest is forgotten first."""
        self._now = now
        self._most = most
        self._kept: OrderedDict[K, tuple[V, datetime]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """The answer, if it is known and not too old."""
        kept = self._kept.get(key)
        return kept[0] if kept and kept[1] > self._now() else None

    def put(self, key: K, value: V, life: timedelta) -> V:
        """Remember an answer for so long."""
        self._kept.pop(key, None)
        self._kept[key] = value, self._now() + life
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return value
