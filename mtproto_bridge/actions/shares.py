"""A person's share of what is scarce, so that nobody uses it up for all."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

MOST_PEOPLE = 10_000


class Buckets:
    """One token bucket per person: `size` at once, and one more after each `every`."""

    def __init__(
        self, size: int, every: timedelta, now: Callable[[], datetime], *, most_people: int = MOST_PEOPLE
    ) -> None:
        """`most_people`: how many are remembered; who was longest away is forgotten first, with a full bucket."""
        self._reserve = every * (size - 1)
        self._every = every
        self._now = now
        self._most_people = most_people
        self._full_at: OrderedDict[int, datetime] = OrderedDict()

    def next_at(self, person: int) -> datetime | None:
        """When there will be a token; None when there is one now."""
        full_at = self._full_at.get(person)
        return full_at - self._reserve if full_at and full_at > self._now() + self._reserve else None

    def take(self, person: int) -> datetime | None:
        """Take one token; where there is none, answers when there will be one."""
        again_at = self.next_at(person)
        if again_at:
            return again_at
        now = self._now()
        self._full_at[person] = max(now, self._full_at.get(person, now)) + self._every
        self._full_at.move_to_end(person)
        if len(self._full_at) > self._most_people:
            self._full_at.popitem(last=False)
        return None
