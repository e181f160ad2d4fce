"""What an account is told unasked: where its updates stand, and in which channels its own place changed.

Follows core.telegram.org/api/updates as far as we need it. Of all updates only `updateChannel` matters: it has no pts
and is a hint to look, so one that comes twice, pushed and in a difference, does no harm. That is why nothing is kept
but where the last difference ended.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from telethon.tl import functions, types

from mtproto_bridge.telegram.gateway import Heard

DIFFERENCE_EVERY = timedelta(minutes=15)
"""How long updates may stay away before they are asked for (core.telegram.org/api/updates)."""
MOST_MISSED = 1_000
"""Events that are worth going through; after more, every channel is looked at."""


@dataclass(frozen=True)
class Standing:
    """Up to where updates were received."""

    pts: int
    qts: int
    date: int
    """Unix time."""
    seq: int

    @classmethod
    def of(cls, state: Any) -> "Standing":  # noqa: ANN401 - Telethon's updates.State
        """As Telegram tells it."""
        return cls(state.pts, state.qts, int(state.date.timestamp()), state.seq)

    @classmethod
    def load(cls, kept: str | None) -> "Standing | None":
        """As it was kept."""
        return cls(**json.loads(kept)) if kept else None

    def dump(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self))


class Hearing:
    """The updates of one connected account."""

    def __init__(self, standing: Standing | None) -> None:
        self._standing = standing
        self._channels: set[int] = set()
        self._any = False
        """Too much was missed."""
        self._asked_at: datetime | None = None
        """When the last difference came to its end; None: there is more."""

    def hear(self, news: Any) -> None:  # noqa: ANN401 - Telethon's Updates of any kind
        """Take what was pushed."""
        if isinstance(news, types.UpdatesTooLong):
            self._asked_at = None
        for one in (getattr(news, "update", None), *getattr(news, "updates", ())):
            self._take(one)

    def _take(self, update: Any) -> None:  # noqa: ANN401
        if isinstance(update, types.UpdateChannel):
            self._channels.add(update.channel_id)

    def question(self, now: datetime) -> Any | None:  # noqa: ANN401 - a request of Telethon's
        """What is to be asked of Telegram now, if anything."""
        if self._standing is None:
            return functions.updates.GetStateRequest()
        if self._asked_at and now < self._asked_at + DIFFERENCE_EVERY:
            return None
        known = self._standing
        date = datetime.fromtimestamp(known.date, UTC)
        return functions.updates.GetDifferenceRequest(known.pts, date, known.qts, pts_total_limit=MOST_MISSED)

    def take_answer(self, answer: Any, now: datetime) -> None:  # noqa: ANN401
        """Take the answer to the question."""
        for one in getattr(answer, "other_updates", ()):
            self._take(one)
        self._asked_at = now
        match answer:
            case types.updates.State():
                self._standing = Standing.of(answer)
            case types.updates.Difference():
                self._standing = Standing.of(answer.state)
            case types.updates.DifferenceSlice():
                self._standing, self._asked_at = Standing.of(answer.intermediate_state), None
            case types.updates.DifferenceTooLong():
                self.lose_track()

    def lose_track(self) -> None:
        """What was missed cannot be told: begin anew, from where updates stand at the next question."""
        self._standing, self._any = None, True

    def take(self) -> Heard:
        """What was heard since the last call."""
        channels = None if self._any else frozenset(self._channels)
        heard = Heard(channels, self._standing.dump() if self._standing else None)
        self._channels, self._any = set(), False
        return heard
