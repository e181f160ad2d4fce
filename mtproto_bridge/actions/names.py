"""What usernames were found to be, so that Telegram is not asked again."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.telegram.gateway import FoundBot

HIT_LIFE = timedelta(hours=1)
MISS_LIFE = timedelta(minutes=10)
"""How long a username that leads to no bot is believed to lead to none."""
MOST_NAMES = 10_000


@dataclass(frozen=True)
class Known:
    """What a username led to: None where that was no bot."""

    bot: FoundBot | None
    until: datetime


class Names:
    """Usernames by account, for an access hash is good for one account only."""

    def __init__(self, now: Callable[[], datetime], *, most: int = MOST_NAMES) -> None:
        """`most`: how many are remembered; the oldest is forgotten first."""
        self._now = now
        self._most = most
        self._known: OrderedDict[tuple[AccountId, str], Known] = OrderedDict()
        self.resolving: defaultdict[AccountId, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Held while Telegram is asked: who asks for the same name meanwhile hears the same answer."""

    def get(self, account: AccountId, username: str) -> Known | None:
        """What a username led to, if that is known and not too old; the letters' case is nothing."""
        known = self._known.get((account, username.lower()))
        return known if known and known.until > self._now() else None

    def put(self, account: AccountId, username: str, bot: FoundBot | None) -> Known:
        """Remember what Telegram said."""
        key = (account, username.lower())
        self._known.pop(key, None)
        known = self._known[key] = Known(bot, self._now() + (HIT_LIFE if bot else MISS_LIFE))
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return known
