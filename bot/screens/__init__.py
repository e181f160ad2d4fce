"""What the person sees: pure functions from replies to screens. No Telegram calls, no clock, no state."""

from bot.screens.layout import Button, Copy, Screen, Url

__all__ = ["Button", "Copy", "Screen", "Url"]
