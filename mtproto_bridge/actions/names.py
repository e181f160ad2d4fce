"""What usernames were found to be, so that Telegram is not asked again."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mtproto_bridge.actions.memory import MOST_REMEMBERED, Memory
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.telegram.gateway import FoundBot

HIT_LIFE = timedelta(hours=1)
MISS_LIFE = timedelta(minutes=10)
"""How long a username that leads to no bot is believed to lead to none."""


@dataclass(frozen=True)
class Known:
    """What a username led to: None where that was no bot."""

    bot: FoundBot | None


class Names:
    """Usernames by account, for an access hash is good for one account only."""

    def __init__(self, now: Callable[[], datetime], *, most: int = MOST_REMEMBERED) -> None:
        """`most`: how many are remembered; the oldest is forgotten first."""
        self._known: Memory[tuple[AccountId, str], Known] = Memory(now, most=most)
        self.resolving: defaultdict[AccountId, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Held while Telegram is asked: who asks for the same name meanwhile hears the same answer."""

    def get(self, account: AccountId, username: str) -> Known | None:
        """What a username led to, if that is known and not too old; the letters' case is nothing."""
        return self._known.get((account, username.lower()))

    def put(self, account: AccountId, username: str, bot: FoundBot | None) -> Known:
        """Remember what Telegram said."""
        return self._known.put((account, username.lower()), Known(bot), HIT_LIFE if bot else MISS_LIFE)
