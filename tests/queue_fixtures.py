"""A queue of one's own on a real Valkey. For any test to use; bridges are in `queue_bridges`."""

import asyncio
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest

from mtproto_bridge.client import BridgeClient, Caller, LateReply, embedded_url
from mtproto_bridge.handling import Flooded
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Nonce, Origin, Reply, Request
from mtproto_bridge.protocol.ids import AccountId, BalanceId, BotId
from mtproto_bridge.protocol.replies import Balances, Refreshed
from mtproto_bridge.protocol.requests import Join, ListBalances, Payload, ShowAffiliation
from mtproto_bridge.queue import embedded, line
from mtproto_bridge.queue.checks import parse_info
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.limits import MOST_AT_ONCE
from mtproto_bridge.queue.line import Line
from mtproto_bridge.queue.redis import Entry, Outage, QueueServer
from processes.tied import TiedProcess

PATIENCE = 20
ONE, TWO = AccountId(1), AccountId(2)
LONG = 60.0
"""A lease that no test outlives; its keeper has a turn every 18 s, or when it is poked."""
SHORT = 1.0
LONG_MS = 60_000
ME = Caller(77)
READ = ListBalances()


# -- requests -------------------------------------------------------------------------------------------------------


def ask(payload: Payload, *, actor: int = ME.actor, within: float = 60.0, **more: Any) -> Request:
    """A request as a client sends it; one that acts has a nonce of its own unless another is given."""
    nonce = Nonce.mint(datetime.now(UTC)) if isinstance(payload, Join) else None
    asked: dict[str, Any] = {
        "id": secrets.token_hex(4),
        "actor": actor,
        "reply_to": "bot-1",
        "trace": "t",
        "origin": Origin(chat_id=5, message_id=6, locale="ru"),
        "deadline": datetime.now(UTC) + timedelta(seconds=within),
        "nonce": nonce,
        "payload": payload,
    }
    return Request(**asked | more)


def join(balance: int, bot: int = 9) -> Join:
    return Join(balance_id=BalanceId(balance), bot_id=BotId(bot))


def show(balance: int, bot: int = 9) -> ShowAffiliation:
    return ShowAffiliation(balance_id=BalanceId(balance), bot_id=BotId(bot))


def numbered(count: int) -> list[AccountId]:
    return [AccountId(number) for number in range(1, count + 1)]


def success(asked: Request) -> Reply:
    result = Balances(balances=[]) if isinstance(asked.payload, ListBalances) else Refreshed()
    return Reply.to(asked, result=result)


def failed(asked: Request, code: ErrorCode, **facts: Any) -> Reply:
    return success(asked).model_copy(update={"result": None, "failure": Failure(code=code, **facts)})


def flooded(asked: Request, seconds: float, method: str = "payments.connectStarRefBot") -> Flooded:
    """Telegram says to wait so long."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return Flooded(method, until, failed(asked, ErrorCode.FLOOD_WAIT, retry_at=until))


async def ignore(_: Reply) -> None:
    """Nobody wants late answers here."""


async def refusal(call: Awaitable[object]) -> ErrorCode:
    """What a client was told instead of an answer."""
    with pytest.raises(BridgeError) as caught:
        await call
    return caught.value.code


async def until(holds: Callable[[], object]) -> None:
    """Wait for something to be so; what is to be awaited is, each time."""
    latest = time.monotonic() + PATIENCE
    while True:
        so = holds()
        if await so if isawaitable(so) else so:
            return
        assert time.monotonic() < latest, "it did not come true in time"
        await asyncio.sleep(0.002)


def impatient(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """A server that is silent for so long is gone."""
    monkeypatch.setattr(line, "SILENCE_SECONDS", seconds)


def recorded(server: QueueServer | Line, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is written to a server from now on, write by write."""
    asked: Any = server._line if isinstance(server, QueueServer) else server
    written: list[bytes] = []
    write = asked._ear.transport.write

    def record(data: bytes) -> None:
        written.append(data)
        write(data)

    monkeypatch.setattr(asked._ear.transport, "write", record)
    return written


async def turns(count: int = 50) -> None:
    """Let everything run that could."""
    for _ in range(count):
        await asyncio.sleep(0)


# -- a server and the queue on it -----------------------------------------------------------------------------------


@dataclass
class Place:
    """One Valkey that can be stopped and started again on the same folder, or frozen."""

    folder: Path
    running: TiedProcess | None = None

    @property
    def url(self) -> str:
        return embedded_url(self.folder)

    async def start(self) -> None:
        self.running = await asyncio.to_thread(embedded.start, self.folder)

    async def stop(self) -> None:
        await asyncio.to_thread(self.stop_now)

    def stop_now(self) -> None:
        if self.running:
            self.running.stop()
        self.running = None

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        """The server's process is there, and does nothing."""
        async with site_at(self.url) as site:
            pid = int((await site.info())["process_id"])
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def new_place() -> Iterator[Place]:
    made = Place(Path(tempfile.mkdtemp(prefix="starling-")))
    made.running = embedded.start(made.folder)
    try:
        yield made
    finally:
        made.stop_now()
        shutil.rmtree(made.folder)


@dataclass
class Site:
    """The queue as the tests see it, and the scripts that bridges and clients use."""

    url: str
    server: QueueServer
    keys: Keys = field(default_factory=lambda: Keys(secrets.token_hex(4)))

    async def info(self) -> dict[str, str]:
        return parse_info(str(await self.server.ask("INFO")))

    async def take(self, bridge: str = "a", account: AccountId = ONE, *, life: int = LONG_MS) -> str:
        """A lease of somebody who does nothing with it."""
        keys = [self.keys.epochs(), self.keys.lease(account)]
        (token,) = await self.server.script("acquire", keys, bridge, secrets.token_hex(4), life, 1, account)
        assert isinstance(token, str), "it is held"
        return token

    async def release(self, token: str, account: AccountId = ONE, *, bridge: str = "a") -> bool:
        keys = [self.keys.lease(account), self.keys.attempts(account), self.keys.news()]
        return bool(await self.server.script("release", keys, token, bridge))

    async def end_lease(self, account: AccountId = ONE) -> None:
        """As when its bridge died a while ago."""
        await self.server.ask("DEL", self.keys.lease(account))

    async def submit(
        self, request: Request | str, account: AccountId = ONE, most: int = 1_000, at_once: int = MOST_AT_ONCE
    ) -> str:
        """As a client does; what is only a text is bound to no nonce and has no share.

        With `at_once` 0 it is not begun on its way into the lane.
        """
        text = request if isinstance(request, str) else request.model_dump_json()
        keys = [self.keys.lane(account), self.keys.lease(account), self.keys.attempts(account)]
        more: list[str | int] = []
        if isinstance(request, Request) and request.nonce:
            keys.append(self.keys.nonce(request.actor, request.payload.kind, request.nonce))
            more = ["nonce", request.bound, 3_600]
        entry: str = await self.server.script("submit", keys, most, at_once, text, *more)
        return entry

    def work_keys(self, account: AccountId = ONE) -> list[str]:
        return [self.keys.lease(account), self.keys.lane(account), self.keys.attempts(account)]

    async def begin(self, token: str, entry: str, *, nonce: str = "", payload: str = "") -> tuple[int, str | None]:
        keys, arguments = self.work_keys(), [token, entry]
        if nonce:
            keys.append(self.keys.nonce(1, "join", nonce))
            arguments += [payload, "3600"]
        attempt, stored = await self.server.script("begin", keys, *arguments)
        return attempt, stored

    async def begin_and_die(self, request: Request, times: int = 1) -> str:
        """A request that so many owners began and did not live to finish."""
        entry = await self.submit(request)
        for _ in range(times):
            token = await self.take("dead")
            await self.begin(token, entry)
            await self.end_lease()
        return entry

    async def attempts(self) -> dict[str, str]:
        return await self.server.hash_all(self.keys.attempts(ONE))

    async def unfinished(self, account: AccountId = ONE) -> list[Entry]:
        return await self.server.entries(self.keys.lane(account))

    async def is_idle(self) -> bool:
        """Whether everything is finished."""
        return not await self.unfinished()

    async def is_read(self) -> bool:
        """Whether every answer was taken care of."""
        return not await self.raw_replies()

    async def until_living(self, count: int) -> None:
        """Until so many bridges have said that they live."""

        async def live() -> bool:
            return int(await self.server.ask("ZCARD", self.keys.bridges())) == count

        await until(live)

    async def raw_replies(self) -> list[Entry]:
        return await self.server.entries(self.keys.replies("bot-1"))

    async def answers(self, count: int = 1) -> list[Reply]:
        """The first `count` replies, once they are there; a client must not be reading them."""
        found: list[Reply] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < count:
                await asyncio.sleep(0.002)
                with suppress(*Outage):  # a test that stops the server wants what comes after
                    found = [Reply.model_validate_json(fields["reply"]) for _, fields in await self.raw_replies()]
        return found

    async def call(self, request: Request, account: AccountId = ONE) -> Reply:
        """Submit one and wait for its answer."""
        before = len(await self.raw_replies())
        await self.submit(request, account)
        return (await self.answers(before + 1))[-1]

    @asynccontextmanager
    async def client(self, name: str = "bot-1", on_late: LateReply | None = None) -> AsyncIterator[BridgeClient]:
        await self.server.put(self.keys.desk(), str(ONE))
        client = BridgeClient(QueueServer(self.url), name=name, keys=self.keys, on_late=on_late or ignore)
        await client.start()
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def site_at(url: str) -> AsyncIterator[Site]:
    server = QueueServer(url)
    try:
        yield Site(url, server)
    finally:
        await server.close()
