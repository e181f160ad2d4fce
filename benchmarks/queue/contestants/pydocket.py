"""pydocket: its result is awaited by pub/sub (`get_result`)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from docket import Docket, Worker

from benchmarks.queue.contestant import Place, Trip, request

LIBRARY = "pydocket"
CONCURRENCY = 64
CONNECTIONS = "?max_connections=256"
"""Each result that is awaited takes one; past redis-py's limit (100 unless told) answers are lost without a word."""


async def echo(asked: dict[str, Any]) -> dict[str, Any]:
    """Do nothing else."""
    return asked


@asynccontextmanager
async def working(url: str) -> AsyncIterator[None]:
    """One worker."""
    async with Docket(name="bench", url=url + CONNECTIONS) as docket:
        docket.register(echo)
        async with Worker(docket, concurrency=CONCURRENCY) as worker:
            task = asyncio.create_task(worker.run_forever())
            yield
            task.cancel()


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Trip]:
    """Add a task, await its result."""
    async with Docket(name="bench", url=url + CONNECTIONS) as docket:
        docket.register(echo)

        async def trip(place: Place) -> None:
            asked = request(place)
            answer = await (await docket.add(echo)(asked)).get_result()
            assert answer["id"] == asked["id"]

        yield trip
