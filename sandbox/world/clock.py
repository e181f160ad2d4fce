"""The world's own time: it starts at the wall clock and moves when told to."""

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """The time of the world's facts (dates, end dates, holds), in whole seconds as Telegram has them.

    Message ids, salts and the handshake never use it: clients drop what is far from their wall clock.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._frozen = start
        self._moved = timedelta()

    def now(self) -> datetime:
        """The world's present, aware, UTC. A clock given a start stands still until it is moved."""
        base = self._frozen or datetime.fromtimestamp(int(time.time()), UTC)
        return base + self._moved

    def move(self, by: timedelta) -> None:
        """Let `by` pass at once. Time only goes forward."""
        if by < timedelta():
            msg = "time only goes forward"
            raise ValueError(msg)
        self._moved += by
