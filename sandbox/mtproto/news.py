"""What an account must hear of even when it was not connected: that its own place in a channel changed.

Each such event raises the account's pts by one (core.telegram.org/api/updates). The `updateChannel` that is pushed
carries no pts, so a client that was connected finds it once more in its next difference: it is a hint to look, and
bears repeating.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_PTS = 1
"""Telegram has no pts of 0."""
CHANNEL_PTS = 1
"""Every channel's: nothing is posted in the sandbox's channels after the message about their creation."""


class News:
    """The events of every account, oldest first."""

    def __init__(self) -> None:
        self._channels: defaultdict[int, list[int]] = defaultdict(list)

    def note(self, account_id: int, channel_id: int) -> None:
        """An account's place in a channel changed."""
        self._channels[account_id].append(channel_id)

    def pts(self, account_id: int) -> int:
        """The account's pts now."""
        return FIRST_PTS + len(self._channels[account_id])

    def after(self, account_id: int, pts: int) -> Iterable[int]:
        """The channels in question since then, each once."""
        return dict.fromkeys(self._channels[account_id][pts - FIRST_PTS :])
