"""taskiq with taskiq-redis: a stream with acknowledgements, and a result backend that is polled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from taskiq.api import run_receiver_task
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from benchmarks.queue.contestant import Place, Trip, request

LIBRARY = "taskiq"


async def echo(asked: dict[str, Any]) -> dict[str, Any]:
    """Do nothing else."""
    return asked


def _broker(url: str) -> Any:  # noqa: ANN401 - it is in the benchmark's environment only
    results: Any = RedisAsyncResultBackend(url, result_ex_time=3600)
    return RedisStreamBroker(url).with_result_backend(results)


@asynccontextmanager
async def working(url: str) -> AsyncIterator[None]:
    """One receiver."""
    broker = _broker(url)
    broker.is_worker_process = True
    broker.register_task(echo, task_name="echo")
    await broker.startup()
    task = asyncio.create_task(run_receiver_task(broker))
    yield
    task.cancel()


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Trip]:
    """Kick a task, poll for its result."""
    broker = _broker(url)
    task = broker.register_task(echo, task_name="echo")
    await broker.startup()

    async def trip(place: Place) -> None:
        asked = request(place)
        answer = await (await task.kiq(asked)).wait_result(**place.polling("check_interval"))
        assert answer.return_value["id"] == asked["id"]

    yield trip
    await broker.shutdown()
