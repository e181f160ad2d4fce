"""What Telegram allows one account."""

MOST_CHANNELS = 500
"""Channels and groups it may be in (`channels_limit_default`, core.telegram.org/api/config).

1,000 with Premium (`channels_limit_premium`): not known of our accounts yet.
"""
RESERVED_CHANNELS = 20
"""Of these, left for what it is in besides the channels it serves."""


def free_channels(held: int) -> int:
    """How many more channels an account that serves so many may take."""
    return max(0, MOST_CHANNELS - RESERVED_CHANNELS - held)
