"""(a) The sandbox's MTProto server: how much of a measurement's time is its own."""

import asyncio
import statistics
from functools import partial
from typing import Any

from telethon.tl import functions, types

from benchmarks.figures import Round, seconds
from benchmarks.stage import Stage

HANDSHAKES = 10
SEQUENTIAL = 300
BATCHES, IN_FLIGHT = 5, 100


async def measure(stage: Stage, rounds: int) -> list[Round]:
    """Handshakes and requests per second, with one Telethon client."""
    async with stage.account() as client:
        await _ask(client)
        return [await _round(stage, client) for _ in range(rounds)]


async def _round(stage: Stage, client: Any) -> Round:  # noqa: ANN401 - Telethon is untyped
    handshakes = [await seconds(partial(_new_key, stage)) for _ in range(HANDSHAKES)]
    sequential = sum([await seconds(partial(_ask, client)) for _ in range(SEQUENTIAL)])
    batches = sum([await seconds(partial(_ask_at_once, client)) for _ in range(BATCHES)])
    return {
        # The median: Telethon fails one exchange in 256 (a key that begins with a zero) and tries again after 1 s.
        "handshakes_per_second": 1 / statistics.median(handshakes),
        "requests_per_second_sequential": SEQUENTIAL / sequential,
        "requests_per_second_100_in_flight": BATCHES * IN_FLIGHT / batches,
    }


async def _new_key(stage: Stage) -> None:
    """Connect without a key: the whole key exchange, and the introduction."""
    client = stage.telethon()
    await client.connect()
    await client.disconnect()


async def _ask(client: Any) -> None:  # noqa: ANN401
    await client(functions.users.GetUsersRequest([types.InputUserSelf()]))


async def _ask_at_once(client: Any) -> None:  # noqa: ANN401
    await asyncio.gather(*(_ask(client) for _ in range(IN_FLIGHT)))
