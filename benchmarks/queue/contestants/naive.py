"""Streams as a tutorial does them: a command a step, and no promise beyond at least once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from benchmarks.queue.contestant import Place, Trip, request

LIBRARY = "redis"
REQUESTS, REPLIES, GROUP = "naive:requests", "naive:replies", "workers"


@asynccontextmanager
async def working(url: str) -> AsyncIterator[None]:
    """Read as a consumer group, acknowledge, answer."""
    redis: Any = Redis.from_url(url, decode_responses=True)
    await redis.xgroup_create(REQUESTS, GROUP, id="0", mkstream=True)

    async def work() -> None:
        while True:
            news = await redis.xreadgroup(GROUP, "worker-1", {REQUESTS: ">"}, count=64, block=2_000)
            for entry_id, fields in _entries(news, REQUESTS):
                asked = json.loads(fields["request"])
                await redis.xadd(REPLIES, {"reply": json.dumps(asked)})
                await redis.xack(REQUESTS, GROUP, entry_id)

    task = asyncio.create_task(work())
    yield
    task.cancel()


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Trip]:
    """Add to the requests, and wait for the reply that one reader hands out."""
    redis: Any = Redis.from_url(url, decode_responses=True)
    waiting: dict[str, asyncio.Future[None]] = {}

    async def read() -> None:
        last = "0"
        while True:
            news = await redis.xread({REPLIES: last}, count=64, block=2_000)
            for last, fields in _entries(news, REPLIES):  # noqa: B007 - the last one is where to go on
                waiting.pop(json.loads(fields["reply"])["id"]).set_result(None)

    async def trip(place: Place) -> None:
        asked = request(place)
        answer = waiting[asked["id"]] = asyncio.get_running_loop().create_future()
        await redis.xadd(REQUESTS, {"request": json.dumps(asked)})
        await answer

    task = asyncio.create_task(read())
    yield trip
    task.cancel()


def _entries(news: Any, stream: str) -> list[tuple[str, dict[str, str]]]:  # noqa: ANN401 - redis-py's answer
    if isinstance(news, dict):  # RESP3
        return [one for batch in news.get(stream, []) for one in batch]
    return [one for _, batch in news or [] for one in batch]
