"""Asking Telegram for two things at once."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar, cast

from mtproto_bridge.telegram.gateway import AccountLost, SessionSealed

A = TypeVar("A")
B = TypeVar("B")


async def together(first: Awaitable[A], second: Awaitable[B]) -> tuple[A, B]:
    """Both, side by side; neither goes on when this ends.

    What the first one raises goes before the second one's, but that the account is lost must not hide behind it.
    """
    answers = await asyncio.gather(first, second, return_exceptions=True)
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    if errors:
        raise next((error for error in errors if isinstance(error, AccountLost | SessionSealed)), errors[0])
    return cast("tuple[A, B]", tuple(answers))
