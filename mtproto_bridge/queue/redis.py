"""The one typed place where the server is met: what it answers, and what our scripts refuse."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha1
from importlib.resources import files
from typing import Any, NamedTuple, cast

from redis.exceptions import NoScriptError, RedisError, ResponseError

from mtproto_bridge.queue.connecting import pool_at
from mtproto_bridge.queue.line import Hear, Line

Outage = (RedisError, OSError)
"""What a server raises that cannot be reached or cannot serve now (full, failing over, without its replicas).

Worth another try: what our scripts refuse has exceptions of its own, below.
"""

Entry = tuple[str, dict[str, str]]

PAGE = 128


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
    """One Redis-compatible server: what we ask it, and what it tells us by itself."""

    def __init__(self, url: str) -> None:
        self._pool = pool_at(url)
        scripts = [("SCRIPT", "LOAD", script.text) for script in SCRIPTS.values()]
        self._line = Line(self._pool, scripts, self._broke)
        self.when_broken: Callable[[], None] = lambda: None
        """Called whenever the connection is gone: what was listened to is listened to no more."""

    async def close(self) -> None:
        """Close every connection."""
        await self._line.close()
        await self._pool.disconnect()

    def ask(self, *command: str | int) -> Coroutine[Any, Any, Any]:
        """Ask one thing; the commands of one loop tick travel together.

        Raises:
            NotSent, Unanswered, ResponseError: all of them an Outage.
        """
        return self._line.ask(*command)

    def _broke(self) -> None:
        self.when_broken()

    async def listen(self, channel: str, hear: Hear) -> None:
        """Hear what is said on a channel, until the connection breaks. Raises as `ask` does."""
        await self._line.listen(channel, hear)

    async def leave(self, channel: str) -> None:
        """Hear a channel no more. Raises as `ask` does."""
        await self._line.leave(channel)

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

    async def entries(self, stream: str, start: str = "-", count: int | None = None) -> list[Entry]:
        """Entries of a stream from an id on (`-` from the first, `(id` after one), in order."""
        most = () if count is None else ("COUNT", count)
        return [(entry, _pairs(flat)) for entry, flat in await self.ask("XRANGE", stream, start, "+", *most)]

    async def pages(self, stream: str) -> AsyncIterator[list[Entry]]:
        """Everything in a stream, in order and in portions, so that no crowd overflows what the server keeps for us."""
        start = "-"
        while page := await self.entries(stream, start, PAGE):
            yield page
            start = f"({page[-1][0]}"

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
        return cast("dict[str, str]", await self.ask("HGETALL", key))

    async def moments(self, key: str) -> dict[str, datetime]:
        """A hash of moments, which are kept in ms since 1970."""
        kept = await self.hash_all(key)
        return {name: datetime.fromtimestamp(int(at) / 1000, UTC) for name, at in kept.items()}

    async def hash_put(self, key: str, values: Mapping[str, str]) -> None:
        """Set fields of a hash."""
        await self.ask("HSET", key, *(one for pair in values.items() for one in pair))


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
