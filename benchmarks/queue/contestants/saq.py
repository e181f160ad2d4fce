"""saq: jobs come by BLMOVE, the result is polled for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from saq import Worker
from saq.queue.redis import RedisQueue

from benchmarks.queue.contestant import Place, Trip, request

LIBRARY = "saq"
CONCURRENCY = 64


async def echo(_context: dict[str, Any], *, asked: dict[str, Any]) -> dict[str, Any]:
    """Do nothing else."""
    return asked


@asynccontextmanager
async def working(url: str) -> AsyncIterator[None]:
    """One worker."""
    worker = Worker(RedisQueue.from_url(url), functions=[("echo", echo)], concurrency=CONCURRENCY)
    task = asyncio.create_task(worker.start())
    yield
    task.cancel()


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Trip]:
    """`queue.apply`, which enqueues and waits."""
    queue = RedisQueue.from_url(url)
    await queue.connect()

    async def trip(place: Place) -> None:
        asked = request(place)
        answer = await queue.apply("echo", asked=asked, **place.polling("poll_interval"))
        assert answer["id"] == asked["id"]

    yield trip
    await queue.disconnect()
