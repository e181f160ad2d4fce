"""One process of a contestant: `python -m benchmarks.queue.contestant NAME client|worker URL [keen]`.

It runs in the contestant's own environment: the standard library, uvloop and the contestant are all there is.
A line on stdin is an order, a line on stdout its answer, both JSON; the end of stdin is the end of the process.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any, NamedTuple

import uvloop

from benchmarks.figures import milliseconds_at

KEEN = sys.argv[4:] == ["keen"]
"""A library that polls does so at the pace that suits the figure best, instead of its own."""
POLL_ALONE, POLL_IN_A_CROWD = 0.0005, 0.01
"""Alone, the sooner the better; in a crowd, looking more often only takes the worker's time. None could have both."""


class Place(NamedTuple):
    """Who asks for a round trip."""

    slot: int
    """0 for the first in flight, 1 for the second, and so on."""
    in_flight: int

    def polling(self, option: str) -> dict[str, float]:
        """How often a library without a signal is to look for a result, by its own name for that."""
        return {option: POLL_ALONE if self.in_flight == 1 else POLL_IN_A_CROWD} if KEEN else {}


Trip = Callable[[Place], Awaitable[None]]
"""One round trip."""


def request(place: Place) -> dict[str, Any]:
    """What the peers carry: a join as our client would write it, echoed by their workers."""
    return {
        "version": 1,
        "id": secrets.token_hex(8),
        "actor": 1_000_000 + place.slot,
        "reply_to": "bench",
        "trace": "4f1c9a0b7d3e",
        "origin": {"chat_id": 1_000_000 + place.slot, "message_id": 4711, "locale": "en"},
        "deadline": "2030-01-01T00:00:20.000000Z",
        "nonce": "aY2fYgAB7kQx9w",
        "payload": {"kind": "join", "balance_id": place.slot, "bot_id": 8_000_001},
    }


async def _serve(name: str, role: str, url: str) -> None:
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    contestant = import_module(f"benchmarks.queue.contestants.{name}")
    async with (contestant.asking if role == "client" else contestant.working)(url) as trip:
        print(json.dumps({"redis": version("redis"), "version": version(contestant.LIBRARY)}), file=answers)
        while line := await orders.readline():
            order = json.loads(line)
            print(json.dumps(await _measured(trip, **order) if order else _spent()), file=answers)
        os._exit(0)  # whatever a library would still tidy up is not measured and may take seconds


async def _measured(trip: Trip, seconds: float, in_flight: int) -> dict[str, float]:
    """Round trips for so long, each slot asking again as soon as it has its answer."""
    times: list[float] = []
    start, cpu = time.perf_counter(), time.process_time()
    until = start + seconds

    async def keep_asking(place: Place) -> None:
        while (asked := time.perf_counter()) < until:
            await trip(place)
            times.append(time.perf_counter() - asked)

    await asyncio.gather(*(keep_asking(Place(slot, in_flight)) for slot in range(in_flight)))
    return {
        "trips": len(times),
        "per_second": len(times) / (time.perf_counter() - start),
        "p50_ms": milliseconds_at(0.5, times),
        "p99_ms": milliseconds_at(0.99, times),
        "cpu_seconds": time.process_time() - cpu,
    }


def _spent() -> dict[str, float]:
    return {"cpu_seconds": time.process_time()}


if __name__ == "__main__":
    uvloop.run(_serve(*sys.argv[1:4]))
