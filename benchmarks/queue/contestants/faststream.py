"""FastStream: a stream with a group (at least once) and its own request and reply, which goes over pub/sub."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from faststream.redis import RedisBroker, StreamSub

from benchmarks.queue.contestant import Place, Trip, request

LIBRARY = "faststream"
STREAM = "joins"
CONNECTIONS = 256
"""Each request in flight takes two, one of them to hear the answer; redis-py's limit is 100 unless told."""


async def echo(asked: dict[str, Any]) -> dict[str, Any]:
    """Do nothing else."""
    return asked


@asynccontextmanager
async def working(url: str) -> AsyncIterator[None]:
    """One subscriber."""
    broker = RedisBroker(url, logger=None)
    broker.subscriber(stream=StreamSub(STREAM, group="workers", consumer="worker-1"))(echo)
    await broker.start()
    yield
    await broker.stop()


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Trip]:
    """`broker.request`, as its documentation on RPC has it."""
    broker = RedisBroker(url, logger=None, max_connections=CONNECTIONS)
    await broker.connect()

    async def trip(place: Place) -> None:
        asked = request(place)
        answer = await (await broker.request(asked, stream=STREAM)).decode()
        assert answer["id"] == asked["id"]

    yield trip
    await broker.stop()
