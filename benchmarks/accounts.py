"""(c) Many accounts: what an idle connected one costs in memory, and how soon all are connected again.

Each way runs in a process of its own (`python -m benchmarks.accounts pool|telethon`), on the same accounts at the same
sandbox: through the bridge's pool, with everything it has around a client, and as bare Telethon clients.
"""

import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import uvloop
from pydantic import SecretStr
from telethon import TelegramClient
from telethon.sessions import MemorySession

from benchmarks.figures import Round, seconds
from benchmarks.stage import CODE, Stage
from mtproto_bridge.app import connector, database_url
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.settings import BridgeSettings
from mtproto_bridge.store import accounts, open_store
from mtproto_bridge.telegram.accounts import AccountPool
from mtproto_bridge.telegram.login import Login
from mtproto_bridge.telegram.sessions import KeyRing, TelegramSession

FIRST, COUNT = 20_000, 200
WARM = 5
"""Connected before anything is measured: what is loaded once is no account's."""
AT_ONCE = 20
GOAL_KIB = 100.0
"""What one idle connected account may take."""
MODES = ("pool", "telethon")


def people(count: int = COUNT) -> list[dict[str, Any]]:
    """The accounts, as a world file has them."""
    return [{"id": FIRST + one, "first_name": f"Account {one}", "phone": f"99966{FIRST + one}"} for one in range(count)]


async def measure(stage: Stage, rounds: int, count: int = COUNT) -> list[Round]:
    """Memory and reconnecting, both ways in turn, and their ratios."""
    settings = stage.settings()
    _say(f"logging {count} accounts in")
    await _log_in(settings, count)
    measured = []
    for number in range(rounds):
        _say(f"round {number + 1} of {rounds}")
        pool, bare = [await asyncio.to_thread(_child, mode, settings, count) for mode in MODES]
        measured.append(
            {
                "pool_kib": pool["kib"],
                "telethon_kib": bare["kib"],
                "ratio_kib": pool["kib"] / bare["kib"],
                "pool_seconds": pool["seconds"],
                "telethon_seconds": bare["seconds"],
                "ratio_seconds": pool["seconds"] / bare["seconds"],
            }
        )
    return measured


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


async def _log_in(settings: BridgeSettings, count: int) -> None:
    ring, _ = KeyRing.load_or_create(settings.session_key_file)
    store = await open_store(database_url(settings))
    turn = asyncio.Semaphore(AT_ONCE)

    async def log_in(person: dict[str, Any]) -> None:
        async with turn:
            attempt = Login(connector(settings))
            try:
                await attempt.connect()
                await attempt.send_code(f"+{person['phone']}")
                await attempt.enter_code(CODE)
                me = await attempt.me()
                session, learned = attempt.result(me)
                attempt.kept = True
            finally:
                await attempt.close()
            async with store.begin() as unit:
                await accounts.save_account(unit, me.id, name=me.name, username=None, sealed=ring.seal(session))
                await accounts.save_peers(unit, me.id, learned)

    await asyncio.gather(*(log_in(one) for one in people(count)))
    await store.close()


def _child(mode: str, settings: BridgeSettings, count: int) -> dict[str, float]:
    told = settings.model_dump(mode="json") | {"api_hash": settings.api_hash.get_secret_value(), "count": count}
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "benchmarks.accounts", mode],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


# -- in a process of its own ----------------------------------------------------------------------------------


class _Always:
    """A lease that never ends."""

    def holds(self) -> bool:
        """Whether it is ours."""
        return True


@dataclass
class _Way:
    """One way to be connected: to connect some accounts, to be hung up on."""

    connect: Callable[[Sequence[AccountId]], Awaitable[None]]
    hang_up: Callable[[], Awaitable[None]]


async def _measure(way: _Way, known: Sequence[AccountId]) -> dict[str, float]:
    await way.connect(known[:WARM])
    before = _resident_kib()
    await way.connect(known[WARM:])
    kib = (_resident_kib() - before) / len(known[WARM:])
    await way.hang_up()
    return {"kib": kib, "seconds": await seconds(lambda: way.connect(known))}


def _resident_kib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1024


async def _pool(settings: BridgeSettings, count: int) -> dict[str, float]:
    """Through the bridge's pool."""
    store = await open_store(database_url(settings))
    pool = AccountPool(store, KeyRing.load(settings.session_key_file), connector(settings))
    await pool.warm_up()
    lease, known = _Always(), _known(count)

    async def connect(some: Sequence[AccountId]) -> None:
        await asyncio.gather(*(pool.gateway(one, lease) for one in some))

    async def hang_up() -> None:
        await asyncio.gather(*(pool.let_go(one) for one in known))

    measured = await _measure(_Way(connect, hang_up), known)
    await hang_up()
    await store.close()
    return measured


async def _telethon(settings: BridgeSettings, count: int) -> dict[str, float]:
    """As bare clients, which keep their keys in memory and receive no updates."""
    store = await open_store(database_url(settings))
    ring, known = KeyRing.load(settings.session_key_file), _known(count)
    connector(settings)
    async with store.begin() as unit:
        rows = [await accounts.get_account(unit, one) for one in known]
    await store.close()
    saved = {one: ring.open(one, row.session) for one, row in zip(known, rows, strict=True) if row}
    clients: dict[AccountId, Any] = {}

    async def connect(some: Sequence[AccountId]) -> None:
        for one in some:
            clients[one] = _bare(settings, saved[one])
        await asyncio.gather(*(clients[one].connect() for one in some))

    async def hang_up() -> None:
        await asyncio.gather(*(one.disconnect() for one in clients.values()))
        clients.clear()

    measured = await _measure(_Way(connect, hang_up), known)
    await hang_up()
    return measured


def _bare(settings: BridgeSettings, saved: TelegramSession) -> Any:  # noqa: ANN401 - Telethon is untyped
    from telethon.crypto import AuthKey  # noqa: PLC0415 - in this process only

    session = MemorySession()
    session.set_dc(saved.dc_id, saved.host, saved.port)
    session.auth_key = AuthKey(saved.auth_key)
    return TelegramClient(session, settings.api_id, settings.api_hash.get_secret_value(), receive_updates=False)


def _known(count: int) -> list[AccountId]:
    return [AccountId(person["id"]) for person in people(count)]


def main() -> None:
    """Measure one way; settings come as JSON on standard input."""
    os.environ["ENV_FILE"] = ""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    told = json.loads(sys.stdin.read())
    count = told.pop("count")
    settings = BridgeSettings.model_validate(told | {"api_hash": SecretStr(told["api_hash"])})
    way = {"pool": _pool, "telethon": _telethon}[sys.argv[1]]
    started = time.monotonic()
    print(json.dumps(uvloop.run(way(settings, count)) | {"took": time.monotonic() - started}))


if __name__ == "__main__":
    main()
