"""The floor: a PING of redis-py, no worker, nothing carried."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from redis.asyncio import Redis

from benchmarks.queue.contestant import Place, Trip

LIBRARY = "redis"


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Trip]:
    """Ask the server for a sign of life."""
    redis = Redis.from_url(url)

    async def trip(_place: Place) -> None:
        await cast("Any", redis.ping())

    yield trip
