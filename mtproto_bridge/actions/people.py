"""Who asks: written down when it changes, refused when the operator banned them."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.requests import Envelope
from mtproto_bridge.store import Store, people

BAN_HEARD_WITHIN = timedelta(seconds=30)
"""How soon every bridge has heard of a ban."""
MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class _Seen:
    locale: str | None
    name: str | None
    banned: bool
    until: datetime


class People:
    """The people this bridge has lately heard of: one look into the store each half minute, not one a request."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._seen: OrderedDict[int, _Seen] = OrderedDict()

    async def meet(self, asked: Envelope) -> None:
        """Know who asks, and in which language they are told things.

        Raises:
            BridgeError: banned.
        """
        seen = self._seen.get(asked.actor)
        if seen is None or seen.until <= self._now() or _is_new(seen, asked):
            seen = await self._look(asked)
            self._remember(asked.actor, seen)
        if seen.banned:
            raise BridgeError(ErrorCode.BANNED)

    def forget(self, person: int) -> None:
        """Look anew at the next request."""
        self._seen.pop(person, None)

    async def _look(self, asked: Envelope) -> _Seen:
        async with self._store.begin() as session:
            row = await people.find(session, asked.actor)
            locale, name, banned = (row.locale, row.name, row.banned) if row else (None, None, False)
            seen = _Seen(locale, name, banned, self._now() + BAN_HEARD_WITHIN)
            if asked.origin is None or not _is_new(seen, asked):
                return seen
            told = asked.origin
            await people.note(session, asked.actor, locale=told.locale, name=told.name or name)
        return _Seen(told.locale, told.name or name, banned, seen.until)

    def _remember(self, person: int, seen: _Seen) -> None:
        self._seen[person] = seen
        self._seen.move_to_end(person)
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)


def _is_new(seen: _Seen, asked: Envelope) -> bool:
    told = asked.origin
    return told is not None and (told.locale != seen.locale or told.name not in (None, seen.name))
