"""Figures: what one round measured, and what all rounds say."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

Round = dict[str, float]
"""What one round measured, by name."""


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


def milliseconds_at(share: float, times: Sequence[float]) -> float:
    """The time in milliseconds that this share of them (0 to 1) does not exceed."""
    ordered = sorted(times)
    place = min(len(ordered) - 1, int(share * len(ordered)))
    return ordered[place] * 1000


def medians(rounds: Sequence[Round]) -> Round:
    """Each figure's median over the rounds: one slow moment of the machine does not tilt it."""
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
