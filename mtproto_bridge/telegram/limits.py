"""What Telegram allows one account."""

MOST_CHANNELS, MOST_WITH_PREMIUM = 500, 1_000
"""Channels and groups it may be in (`channels_limit_default` and `_premium`, core.telegram.org/api/config)."""
RESERVED_CHANNELS = 20
"""Of these, left for what it is in besides the channels it serves."""


def free_channels(held: int, *, premium: bool = False) -> int:
    """How many more channels an account that serves so many may take."""
    return max(0, (MOST_WITH_PREMIUM if premium else MOST_CHANNELS) - RESERVED_CHANNELS - held)
