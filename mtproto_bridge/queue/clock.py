"""The clock that leases are watched with: it counts the time a machine was suspended."""

import time


def lease_clock() -> float:
    """Seconds since some start, suspends included where the system can tell."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
