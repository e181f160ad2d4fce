"""What referral links were found to be, so that Telegram is not asked again within the minute."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mtproto_bridge.actions.memory import Memory
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.protocol.links import ReferralLink
from mtproto_bridge.protocol.replies import Program
from mtproto_bridge.telegram.gateway import FoundBot

LOOK_LIFE = timedelta(minutes=1)
PREFIXES_LIFE = timedelta(days=1)
"""How old the start parameters' prefixes of Telegram's config may be."""


@dataclass(frozen=True)
class Look:
    """What a look at a referral link found."""

    at: datetime
    bot: FoundBot | None
    """Whose link it is; None: it is dead."""
    program: Program | None = None
    nobody: bool = False
    """It is dead because nobody has the username in it, or who has it is no bot."""


class Referrals:
    """Referral links by username and token, whoever asks; and what marks them."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._looks: Memory[tuple[str, str], Look] = Memory(now)
        self.prefixes: Memory[AccountId, tuple[str, ...]] = Memory(now)

    def get(self, link: ReferralLink) -> Look | None:
        """The last look at it, if that was within the minute."""
        return self._looks.get((link.username.lower(), link.token))

    def put(self, link: ReferralLink, look: Look) -> Look:
        """Remember a look."""
        return self._looks.put((link.username.lower(), link.token), look, LOOK_LIFE)
