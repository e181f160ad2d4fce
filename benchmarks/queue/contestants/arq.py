"""arq: both the queue and the result are polled for, every half second unless told otherwise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from arq import Worker, create_pool, func
from arq.connections import RedisSettings

from benchmarks.queue.contestant import KEEN, POLL_ALONE, Place, Trip, request

LIBRARY = "arq"
CONCURRENCY = 64


async def echo(_context: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Do nothing else."""
    return asked


@asynccontextmanager
async def working(url: str) -> AsyncIterator[None]:
    """One worker."""
    worker = Worker(
        functions=[func(echo, name="echo")],
        redis_settings=RedisSettings.from_dsn(url),
        max_jobs=CONCURRENCY,
        **({"poll_delay": POLL_ALONE} if KEEN else {}),
        handle_signals=False,
    )
    task = asyncio.create_task(worker.async_run())
    yield
    task.cancel()


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Trip]:
    """Enqueue a job, poll for its result."""
    redis = await create_pool(RedisSettings.from_dsn(url))

    async def trip(place: Place) -> None:
        asked = request(place)
        job = await redis.enqueue_job("echo", asked)
        assert job is not None
        answer = await job.result(**place.polling("poll_delay"))
        assert answer["id"] == asked["id"]

    yield trip
    await redis.aclose()
