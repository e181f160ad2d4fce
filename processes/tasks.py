"""Ending tasks."""

import asyncio
from typing import Any

AGAIN_SECONDS = 1.0
"""How long a cancelled task may take to tidy up before it is cancelled once more."""


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and wait until they are gone; what they raise is left aside.

    Once is not always enough: before Python 3.12, `asyncio.wait_for` (which redis-py sends with) loses a cancellation
    that comes in the very moment when what it waits for is done.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
