"""What Telegram allows one account."""

MOST_CHANNELS, MOST_CHANNELS_PREMIUM = 500, 1000
"""Channels and groups it may be in (core.telegram.org/api/config: channels_limit_default, channels_limit_premium)."""
RESERVED_CHANNELS = 20
"""Of these, left for what it is in besides the channels it serves."""


def free_channels(held: int, *, premium: bool = False) -> int:
    """How many more channels an account that holds so many may take."""
    return max(0, (MOST_CHANNELS_PREMIUM if premium else MOST_CHANNELS) - RESERVED_CHANNELS - held)
