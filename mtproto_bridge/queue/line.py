"""One connection to the server, shared by all who ask: the commands of one loop tick travel together."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, cast

import hiredis
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, NoPermissionError, NoScriptError, ReadOnlyError, RedisError, ResponseError

SILENCE_SECONDS = 5.0
"""A server that owes an answer for longer is gone."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two tries to connect."""
MOST_TOGETHER = 16
"""Commands in one write: with more, the server would idle while we pack, and we while it works."""
BROKEN = (RedisError, OSError, RuntimeError)
"""What writing to a connection raises that is gone; the last is uvloop's."""
REFUSALS: dict[str, type[ResponseError]] = {
    "MOVED": MovedError,
    "NOPERM": NoPermissionError,
    "NOSCRIPT": NoScriptError,
    "READONLY": ReadOnlyError,
}
"""By the first word of what the server says; all other refusals are a plain ResponseError."""

Command = tuple[str | int, ...]

Hear = Callable[[str], None]
"""Is told what was said on a channel, at once and in order: it must not raise."""


class NotSent(RedisConnectionError):  # noqa: N818 - a fact, as its sibling
    """The server could not be reached: nothing was asked of it."""


class Unanswered(RedisConnectionError):  # noqa: N818
    """The connection broke before the answer: what was asked may have been done."""


class Line:
    """Connects when it is first needed, and anew when the connection broke.

    redis-py connects (it knows TLS, users, Sentinel); then its socket is ours. Nearly all that a command costs is
    Python's, so those of one tick share a write, and their answers are heard in one turn, past redis-py's layers.
    """

    def __init__(
        self, pool: ConnectionPool, first: Iterable[Command] = (), broken: Callable[[], None] = lambda: None
    ) -> None:
        """`first` is said on each new connection; `broken` is called whenever one is gone."""
        self._pool = pool
        self._first = [*first, ("HELLO", 3)]  # RESP3: what is said on channels comes between the answers
        self._broken = broken
        self._hearing: dict[str, Hear] = {}
        self._ear: _Ear | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._outgoing: list[bytes] = []
        self._waiting: deque[tuple[asyncio.Future[Any], float, str | None]] = deque()
        """Who waits, until when, and for which kind of push, if the answer is one."""
        self._alarm: asyncio.TimerHandle | None = None
        self._pause = 0.0
        self._not_before = 0.0

    def ask(self, *command: str | int) -> Coroutine[Any, Any, Any]:
        """Ask one thing; the answer is due within SILENCE_SECONDS.

        Raises:
            NotSent, Unanswered: the server is out of reach.
            ResponseError: it refused.
        """
        return self._ask(pack(command))

    async def listen(self, channel: str, hear: Hear) -> None:
        """Hear what is said on a (shard) channel, until the connection breaks. What was said before is not told.

        Raises:
            NotSent, Unanswered: the server is out of reach.
            ResponseError: it refused.
        """
        self._hearing[channel] = hear
        await self._ask(pack(("SSUBSCRIBE", channel)), "ssubscribe")

    async def leave(self, channel: str) -> None:
        """Hear a channel no more. Raises as `listen` does."""
        if self._hearing.pop(channel, None) and self._ear:
            await self._ask(pack(("SUNSUBSCRIBE", channel)), "sunsubscribe")

    async def _ask(self, packed: bytes, push: str | None = None) -> Any:  # noqa: ANN401
        if self._ear is None:
            await self._connect()
            if self._ear is None:
                raise NotSent("the connection broke at once")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        if not self._outgoing:
            loop.call_soon(self._flush)
        self._outgoing.append(packed)
        self._waiting.append((answer, loop.time() + SILENCE_SECONDS, push))
        if len(self._outgoing) == MOST_TOGETHER:
            self._flush()
        return await answer

    async def close(self) -> None:
        """Disconnect; who still waits is told that no answer came."""
        if self._connecting:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        self.hang_up()
        if self._closing:
            await asyncio.wait(self._closing)

    def hang_up(self) -> None:
        """Drop the connection; the next to ask makes a new one."""
        ear, self._ear = self._ear, None
        self._outgoing.clear()
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        while self._waiting:
            asker, _, _ = self._waiting.popleft()
            if not asker.done():
                asker.set_exception(Unanswered("the connection to the server broke"))
        if ear:
            closing = asyncio.get_running_loop().create_task(close(ear.connection))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            self._broken()

    def _flush(self) -> None:
        commands, self._outgoing = self._outgoing, []
        if self._ear is None or not commands:  # it broke in between, and the askers know
            return
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_at(self._waiting[0][1], self._look)
        with suppress(*BROKEN):  # the ear hears of it too
            self._ear.transport.write(b"".join(commands))

    def _look(self) -> None:
        """Break with a server that is silent although it owes an answer."""
        self._alarm = None
        if not self._waiting:
            return
        loop, due = asyncio.get_running_loop(), self._waiting[0][1]
        if loop.time() >= due:
            self.hang_up()
        else:
            self._alarm = loop.call_at(due, self._look)

    async def _connect(self) -> None:
        if self._connecting is None:
            if asyncio.get_running_loop().time() < self._not_before:
                raise NotSent("the server was out of reach a moment ago")
            self._connecting = asyncio.create_task(self._open())
            self._connecting.add_done_callback(_note)  # also when nobody waits for it any more
        await asyncio.shield(self._connecting)

    async def _open(self) -> None:
        try:
            connection = await connected(self._pool, self._first)
        except NotSent:
            self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
            self._not_before = asyncio.get_running_loop().time() + self._pause
            raise
        else:
            self._pause = 0.0
            ear = _Ear(self, connection)
            if ear.transport.is_closing():  # nobody would hear of it any more
                await close(connection)
            else:
                self._ear = ear
        finally:
            self._connecting = None

    def heard(self, ear: "_Ear", answer: object) -> None:
        """The next answer is there."""
        if ear is not self._ear:  # of a connection we broke with
            return
        if isinstance(answer, hiredis.PushNotification) and self._told(answer):
            return
        asker, _, _ = self._waiting.popleft()
        if isinstance(answer, ResponseError):
            if not asker.done():  # else it was cancelled
                asker.set_exception(answer)
            if isinstance(answer, ReadOnlyError):  # a primary that is none any more: look for the new one
                self.hang_up()
        elif not asker.done():
            asker.set_result(answer)

    def _told(self, push: Sequence[str]) -> bool:
        """Pass on what came by itself; False when it is somebody's answer."""
        if push[0] == "smessage":
            if hear := self._hearing.get(push[1]):
                hear(push[2])
            return True
        if self._waiting and self._waiting[0][2] == push[0]:
            return False
        self.hang_up()  # a channel was taken from us: it went to another server
        return True

    def lost(self, ear: "_Ear") -> None:
        """The connection is gone."""
        if ear is self._ear:
            self.hang_up()


class _Ear(asyncio.Protocol):
    """Hears what comes in on a connection that redis-py made."""

    def __init__(self, line: Line, connection: AbstractConnection) -> None:
        self.connection = connection
        # Where it keeps its socket is its own affair; it offers no public way to it.
        self.transport = cast("asyncio.StreamWriter", connection._writer).transport  # noqa: SLF001
        self._line = line
        self._reader = hiredis.Reader(encoding="utf-8", errors="replace", replyError=_refusal, notEnoughData=_Ear)
        self.transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        """Give every whole answer to who waits for it."""
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not _Ear:
            self._line.heard(self, answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - all the same to us
        """Tell the line."""
        self._line.lost(self)


def _refusal(text: str) -> ResponseError:
    word, _, rest = text.partition(" ")
    kind = REFUSALS.get(word)
    return kind(rest) if kind else ResponseError(text)


def _note(done: asyncio.Task[None]) -> None:
    if not done.cancelled():
        done.exception()


def pack(command: Command) -> bytes:
    """A command as it travels. redis-py's own way is Python, and takes as long as all the rest of a command."""
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type] # its stub knows tuples of one only
    return packed


async def connected(pool: ConnectionPool, first: Iterable[Command] = ()) -> AbstractConnection:
    """A new connection on which `first` was said.

    Raises:
        NotSent: the server cannot be reached, or is silent.
    """
    connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            await connection.connect()  # type: ignore[no-untyped-call]
            for command in first:
                await connection.send_packed_command(pack(command), check_health=False)
                await connection.read_response()
    except BaseException as error:
        await close(connection)
        if isinstance(error, BROKEN):
            raise NotSent(f"{type(error).__name__}: the server cannot be reached") from error
        raise
    return connection


async def close(connection: AbstractConnection) -> None:
    """Close a connection, whatever state it is in."""
    with suppress(*BROKEN):
        await connection.disconnect(nowait=True)
