"""A bridge of one's own: embedded queue, SQLite file, accounts logged in at a sandbox. For any test to use."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from pydantic import SecretStr

from mtproto_bridge import app
from mtproto_bridge.client import BridgeClient, Caller, embedded_url
from mtproto_bridge.login import login
from mtproto_bridge.protocol import Nonce
from mtproto_bridge.protocol.requests import TERMS_VERSION
from mtproto_bridge.queue import embedded
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store import open_store
from mtproto_bridge.store.database import sqlite_url
from processes.tied import TiedProcess
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Person

PATIENCE = 30
"""Seconds that what a bridge does by itself may take."""
LEASE_SECONDS = 3.0


@dataclass
class TestClock:
    """The bridge's clock: stands still until it is moved."""

    __test__ = False
    moment: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def now(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


class ScriptedConsole:
    """An operator who answers from a list, and what they were told and asked."""

    def __init__(self, answers: Iterable[str], scan: Callable[[str], object] = lambda _: None) -> None:
        """`scan` is given each login URL that is shown."""
        self._answers = iter(answers)
        self._scan = scan
        self.shown: list[str] = []
        self.said: list[str] = []
        self.asked: list[tuple[str, bool]] = []

    def ask(self, question: str, *, secret: bool = False) -> str:
        self.asked.append((question, secret))
        try:
            return next(self._answers)
        except StopIteration:
            raise EOFError from None

    def say(self, text: str) -> None:
        self.said.append(text)

    def show(self, url: str) -> None:
        self.shown.append(url)
        self._scan(url)


@dataclass
class BridgeSite:
    """Where bridges of one installation run: their folder, their queue, their sandbox."""

    folder: Path
    server: MTProtoServer
    clock: TestClock = field(default_factory=TestClock)

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def redis_url(self) -> str:
        return embedded_url(self.data_dir)

    def settings(self, **changes: object) -> BridgeSettings:
        key_file = self.folder / "sandbox.pem"
        key_file.write_text(self.server.key.public_pem)
        values: dict[str, object] = {
            "api_id": self.server.world.api_id,
            "api_hash": SecretStr(self.server.world.api_hash),
            "redis_url": SecretStr(self.redis_url),
            "data_dir": self.data_dir,
            "session_key_file": self.folder / "keys" / "session.key",
            "mtproto_server": f"{self.server.host}:{self.server.port}",
            "mtproto_public_key_file": key_file,
            "lease_seconds": LEASE_SECONDS,
            **changes,
        }
        return BridgeSettings.model_validate(values)

    async def log_in(self, person: Person, **changes: object) -> ScriptedConsole:
        answers = [f"+{person.phone}", person.login_code, *([person.password] if person.password else [])]
        console = ScriptedConsole(answers)
        assert await login(self.settings(**changes), console) == 0, console.said
        return console

    @asynccontextmanager
    async def bridge(self, **changes: object) -> AsyncIterator[app.Bridge]:
        """A bridge that serves until the end of the block, then hands over."""
        async with app.compose(self.settings(**changes), self.clock.now) as composed:
            serving = asyncio.create_task(composed.serve())
            try:
                yield composed
            finally:
                composed.owner.stop()
                await serving

    @asynccontextmanager
    async def client(self, name: str = "bot-1") -> AsyncIterator[BridgeClient]:
        client = BridgeClient.at(self.redis_url, name=name, now=self.clock.now)
        await client.start()
        try:
            yield client
        finally:
            await client.close()

    def nonce(self) -> str:
        return Nonce.mint(self.clock.now())


async def served(client: BridgeClient) -> None:
    """Wait until the queue has an account, which a bridge's keeper sees to in this loop."""
    async with asyncio.timeout(PATIENCE):
        while not await client.has_account():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)


@cache
def empty_store() -> bytes:
    """The file of a store in its newest form: to migrate it for each test takes longer than many of them."""

    async def make(folder: Path) -> None:
        await (await open_store(sqlite_url(folder))).close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(make(Path(folder)))
        return next(Path(folder).glob("*.db")).read_bytes()


def _accepted_before(file: Path, people: Iterable[int]) -> None:
    """Let these people have accepted the terms long ago."""
    accepted = "INSERT INTO person (id, locale, banned, terms_version, terms_accepted_at) VALUES (?, 'en', 0, ?, ?)"
    with closing(sqlite3.connect(file)) as store, store:
        store.executemany(accepted, [(one, TERMS_VERSION, "2026-01-01 00:00:00.000000") for one in people])


@asynccontextmanager
async def bridge_site(
    server: MTProtoServer, *people: int, newcomers: Collection[int] = ()
) -> AsyncIterator[BridgeSite]:
    """A folder with a running embedded queue, and these people's accounts logged in, one after the other.

    Everybody in the world has accepted the terms before, but for `newcomers`. The socket's path must be short, so it
    is not pytest's folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="starling-"))
    site = BridgeSite(folder, server)
    queue: TiedProcess = await asyncio.to_thread(embedded.start, site.data_dir)
    file = site.data_dir / "starling.db"
    file.touch(mode=0o600)
    file.write_bytes(await asyncio.to_thread(empty_store))
    await asyncio.to_thread(_accepted_before, file, server.world.people.keys() - set(newcomers))
    try:
        for person in people:
            await site.log_in(server.world.people[person])
        yield site
    finally:
        await asyncio.to_thread(queue.stop)
        shutil.rmtree(folder)


def caller(actor: int) -> Caller:
    """Somebody who asks."""
    return Caller(actor)
