"""The ids that travel, and the nonce that makes a tap act once."""

import base64
import binascii
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NewType

AccountId = NewType("AccountId", int)
"""A Telegram user id of an account logged in on the bridge."""
BotId = NewType("BotId", int)
"""A Telegram user id of a mini app's bot; it names the bot's affiliate program too."""
BalanceId = NewType("BalanceId", int)
"""Our own number of a balance, in the store."""
AffiliationId = NewType("AffiliationId", int)
"""Our own number of one link of a balance, in the store. A rejoin that brings a new link is a new number."""
RegistrationId = NewType("RegistrationId", int)
"""Our own number of one person's wish to register one channel, in the store."""
WatchedId = NewType("WatchedId", int)
"""Our own number of a link that a person joined by themselves and has us watch, in the store."""

NONCE_LIFE = timedelta(hours=24)
"""How long a confirmation button can act; afterwards it shows the present state."""

_TIME_BYTES = 4
_RANDOM_BYTES = 6


class Nonce:
    """Minted when a confirmation is drawn and carried in its button: the time in seconds and 48 random bits.

    Within its life the bridge acts on it once; the time in it tells an old button from a fresh one, also
    when everything else about it is forgotten.
    """

    @staticmethod
    def mint(now: datetime, random: Callable[[int], bytes] = secrets.token_bytes) -> str:
        """A new nonce: 14 characters of base64url."""
        raw = int(now.timestamp()).to_bytes(_TIME_BYTES, "big") + random(_RANDOM_BYTES)
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @staticmethod
    def minted_at(nonce: str) -> datetime:
        """When it was minted.

        Raises:
            ValueError: this is no nonce of ours.
        """
        try:
            raw = base64.b64decode(nonce + "=" * (-len(nonce) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise ValueError("not a nonce") from error
        if len(raw) != _TIME_BYTES + _RANDOM_BYTES:
            raise ValueError("not a nonce")
        return datetime.fromtimestamp(int.from_bytes(raw[:_TIME_BYTES], "big"), UTC)
