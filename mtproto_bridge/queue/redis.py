"""The one typed place where redis-py is met: its answers are unions and Any."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

Outage = (RedisError, OSError)
"""What a server raises that cannot be reached or cannot serve now (full, failing over, without its replicas).

Worth another try: what our scripts refuse has exceptions of its own, below.
"""

Entry = tuple[str, dict[str, str]]


class Fenced(Exception):  # noqa: N818 - a fact, no fault
    """The lease is not ours (any more)."""


class LaneFull(Exception):  # noqa: N818
    """The lane holds as many requests as it may."""


class NonceChanged(Exception):  # noqa: N818
    """The nonce came with another payload before."""


_REFUSALS = {"FENCED": Fenced, "FULL": LaneFull, "CHANGED": NonceChanged}


class QueueServer:
    """A connection pool to one Redis-compatible server, with our scripts."""

    def __init__(self, url: str) -> None:
        # The longest blocking read is 5 s: a socket silent for longer is dead.
        self._redis: Redis = Redis.from_url(
            url, decode_responses=True, health_check_interval=30, socket_timeout=10, socket_connect_timeout=5
        )
        self._scripts = {
            entry.name.removesuffix(".lua"): self._redis.register_script(entry.read_text("utf-8"))
            for entry in (files("mtproto_bridge.queue") / "lua").iterdir()
            if entry.name.endswith(".lua")
        }

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            RedisError: there is none.
        """
        await cast("Any", self._redis.ping())

    async def script(self, name: str, keys: Sequence[str], *args: str | int) -> Any:  # noqa: ANN401 - Lua's answer
        """Run one of our Lua scripts, atomically.

        Raises:
            Fenced, LaneFull, NonceChanged: as the script's own text says.
        """
        try:
            return await self._scripts[name](keys=list(keys), args=list(args))
        except ResponseError as error:
            # redis-py may strip or keep the error's first word; ours are distinct enough either way.
            for word, refusal in _REFUSALS.items():
                if word in str(error):
                    raise refusal(str(error)) from error
            raise

    async def read(self, streams: Mapping[str, str], *, block_ms: int, count: int = 128) -> dict[str, list[Entry]]:
        """New entries after the ids given, waiting up to `block_ms` for the first."""
        answer: Any = await self._redis.xread(cast("Any", dict(streams)), count=count, block=block_ms)
        if isinstance(answer, dict):  # RESP3
            return {name: [one for batch in batches for one in batch] for name, batches in answer.items()}
        return dict(cast("list[tuple[str, list[Entry]]]", answer or []))

    async def unfinished(self, lane: str) -> list[Entry]:
        """Everything in a lane, in order."""
        return cast("list[Entry]", await self._redis.xrange(lane))

    async def add(self, stream: str, fields: Mapping[str, str], *, keep: int) -> str:
        """Append one entry, keeping about the last `keep`."""
        return cast("str", await self._redis.xadd(stream, cast("Any", dict(fields)), maxlen=keep, approximate=False))

    async def get(self, key: str) -> str | None:
        """A string's value."""
        return cast("str | None", await self._redis.get(key))

    async def put(self, key: str, value: str) -> None:
        """Set a string."""
        await self._redis.set(key, value)

    async def hash_get(self, key: str, field: str) -> str | None:
        """One field of a hash."""
        return await cast("Any", self._redis.hget(key, field))  # type: ignore[no-any-return]

    async def hash_put(self, key: str, values: Mapping[str, str]) -> None:
        """Set fields of a hash."""
        await cast("Any", self._redis.hset(key, mapping=cast("Any", dict(values))))

    async def delete(self, *keys: str) -> None:
        """Delete keys."""
        await self._redis.delete(*keys)

    async def info(self) -> dict[str, Any]:
        """The server's INFO."""
        return cast("dict[str, Any]", await cast("Any", self._redis.info()))


async def reachable(server: QueueServer, *, attempts: int = 1, pause: float = 0.2) -> bool:
    """Whether the server answers, asked up to `attempts` times with `pause` seconds between."""
    for attempt in range(attempts):
        if attempt:
            await asyncio.sleep(pause)
        try:
            await server.ping()
        except (RedisError, OSError):
            continue
        return True
    return False


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task that lives on the queue, and wait until it is gone.

    A cancellation that meets the end of an answer is swallowed inside redis-py; so it is said until it is heard.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.2)
