"""The one typed place where the server is met: what it answers, and what our scripts refuse."""

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, NamedTuple, cast

from redis.exceptions import NoScriptError, RedisError, ResponseError

from mtproto_bridge.queue.connecting import pool_at
from mtproto_bridge.queue.line import SILENCE_SECONDS, Command, Line

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


class ShareSpent(Exception):  # noqa: N818
    """The person asked as often as one may for now: again in `ms` milliseconds."""

    def __init__(self, ms: int) -> None:
        super().__init__(f"again in {ms} ms")
        self.ms = ms


class Script(NamedTuple):
    """One of our Lua scripts, and the name the server knows it by once it was loaded."""

    text: str
    digest: str


SCRIPTS = {
    entry.name.removesuffix(".lua"): Script(text := entry.read_text("utf-8"), sha1(text.encode()).hexdigest())  # noqa: S324 - the server's way to name scripts
    for entry in (files("mtproto_bridge.queue") / "lua").iterdir()
    if entry.name.endswith(".lua")
}


class QueueServer:
    """One Redis-compatible server: a line to ask on, and one to wait for news on."""

    def __init__(self, url: str) -> None:
        self._pool = pool_at(url)
        self._line = Line(self._pool, [("SCRIPT", "LOAD", script.text) for script in SCRIPTS.values()])
        self._news = Line(self._pool)

    async def close(self) -> None:
        """Close every connection."""
        await self._line.close()
        await self._news.close()
        await self._pool.disconnect()

    async def ask(self, *command: str | int) -> Any:  # noqa: ANN401 - whatever the server answers
        """Ask one thing; the commands of one loop tick travel together.

        Raises:
            NotSent, Unanswered, ResponseError: all of them an Outage.
        """
        return await self._line.ask(*command)

    async def script(self, name: str, keys: Sequence[str], *args: str | int) -> Any:  # noqa: ANN401 - Lua's answer
        """Run one of our Lua scripts, atomically.

        Raises:
            Fenced, LaneFull, NonceChanged, ShareSpent: as the script's own text says.
            NotSent, Unanswered, ResponseError: all of them an Outage.
        """
        script = SCRIPTS[name]
        try:
            try:
                return await self._line.ask("EVALSHA", script.digest, len(keys), *keys, *args)
            except NoScriptError:  # somebody flushed them
                return await self._line.ask("EVAL", script.text, len(keys), *keys, *args)
        except ResponseError as error:
            raise _refusal(error) from error

    async def read(
        self, streams: Mapping[str, str], *, block_ms: int, count: int = 128, first: Command | None = None
    ) -> dict[str, list[Entry]]:
        """New entries after the ids given, waiting up to `block_ms` for the first. One may read at a time.

        `first` is asked on the way: it costs no write of its own.
        """
        command: Command = ("XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS", *streams, *streams.values())
        reading = self._news.ask(*command, patience=block_ms / 1000 + SILENCE_SECONDS)
        answer: Any
        try:
            if first:  # whether it was refused is all the same to who reads
                _, answer = await asyncio.gather(self._news.ask(*first), reading, return_exceptions=True)
                if isinstance(answer, BaseException):
                    raise answer
            else:
                answer = await reading
        except asyncio.CancelledError:  # the next to read shall not wait for what this one asked
            self._news.hang_up()
            raise
        return {name: _entries(found) for name, found in answer or ()}

    async def unfinished(self, lane: str) -> list[Entry]:
        """Everything in a lane, in order."""
        return _entries(await self.ask("XRANGE", lane, "-", "+"))

    async def range(self, stream: str, start: str, count: int) -> list[Entry]:
        """Entries of a stream from an id on (`-` from the first, `(id` after one)."""
        return _entries(await self.ask("XRANGE", stream, start, "+", "COUNT", count))

    async def get(self, key: str) -> str | None:
        """A string's value."""
        return cast("str | None", await self.ask("GET", key))

    async def put(self, key: str, value: str) -> None:
        """Set a string."""
        await self.ask("SET", key, value)

    async def hash_get(self, key: str, field: str) -> str | None:
        """One field of a hash."""
        return cast("str | None", await self.ask("HGET", key, field))

    async def hash_all(self, key: str) -> dict[str, str]:
        """A whole hash."""
        return _pairs(await self.ask("HGETALL", key))

    async def hash_put(self, key: str, values: Mapping[str, str]) -> None:
        """Set fields of a hash."""
        await self.ask("HSET", key, *(one for pair in values.items() for one in pair))


def _entries(raw: list[tuple[str, list[str]]]) -> list[Entry]:
    return [(entry_id, _pairs(fields)) for entry_id, fields in raw]


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _refusal(error: ResponseError) -> Exception:
    """What one of our scripts refused, or the error as it is."""
    word, _, rest = str(error).partition(" ")
    if word == "SHARE":
        return ShareSpent(int(rest))
    kind = {"FENCED": Fenced, "FULL": LaneFull, "CHANGED": NonceChanged}.get(word)
    return kind(rest) if kind else error


async def reach(server: QueueServer, *, attempts: int = 1, pause: float = 0.2) -> None:
    """Wait until the server answers, asking up to `attempts` times with `pause` seconds between.

    Raises:
        NotSent, Unanswered, ResponseError: it does not; all of them an Outage.
    """
    for left in reversed(range(attempts)):
        try:
            await server.ask("PING")
        except Outage:
            if not left:
                raise
            await asyncio.sleep(pause)
        else:
            return


async def reachable(server: QueueServer, *, attempts: int = 1) -> bool:
    """Whether the server answers (see `reach`)."""
    try:
        await reach(server, attempts=attempts)
    except Outage:
        return False
    return True


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task that lives on the queue, and wait until it is gone.

    A cancellation that meets the end of an answer is swallowed inside redis-py; so it is said until it is heard.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.2)
