"""The stage of a measurement: sandbox, queue and bridge as processes of their own, the client in ours."""

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from pydantic import SecretStr
from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import MemorySession

from mtproto_bridge.client import BridgeClient, embedded_url
from mtproto_bridge.login import login
from mtproto_bridge.settings import BridgeSettings
from processes.tied import TiedProcess
from sandbox.serve import Sandbox

OPERATOR, OWNER, SPONSOR = 1001, 1002, 1003
"""The account on the bridge, the channels' owner who asks it to join, and the program's owner."""
APP, APP_NAME = 8000001, "bench_app_bot"
CHANNELS = {90001: "Through the bridge", 90002: "Telethon alone"}
CODE = "22222"
PATIENCE = 30

WORLD = {
    "our_bot": 7000001,
    "people": [
        {"id": OPERATOR, "first_name": "Operator", "username": "bench_operator", "phone": "9996621001"},
        {"id": OWNER, "first_name": "Owner", "username": "bench_owner", "phone": "9996621002"},
        {"id": SPONSOR, "first_name": "Sponsor", "username": "bench_sponsor", "phone": "9996621003"},
    ],
    "bots": [
        {
            "id": 7000001,
            "title": "Starling",
            "username": "bench_starling_bot",
            "owner_id": OPERATOR,
            "token": "7000001:AAStarlingSandboxTokenThatOpensNothing1",
        },
        {
            "id": APP,
            "title": "App",
            "username": APP_NAME,
            "owner_id": SPONSOR,
            "program": {"commission_permille": 200, "duration_months": 12, "created": "2026-02-01T10:00:00Z"},
        },
    ],
    "channels": [
        {"id": number, "title": title, "creator_id": OWNER, "admins": {str(OPERATOR): ["post_messages"]}}
        for number, title in CHANNELS.items()
    ],
    # A rejoin revives the link it had: the world does not grow while it is measured.
    "switches": {"reconnect": "revive"},
}


@dataclass(frozen=True)
class Stage:
    """Where everything runs."""

    folder: Path
    told: dict[str, Any]
    """What `python -m sandbox serve --json` printed."""

    @property
    def data_dir(self) -> Path:
        """The bridge's."""
        return self.folder / "data"

    def settings(self) -> BridgeSettings:
        """The bridge's settings, for the login that runs in our process."""
        key_file = self.folder / "sandbox.pem"
        key_file.write_text(self.told["mtproto"]["public_key"]["pem"])
        return BridgeSettings.model_validate(
            {
                "api_id": self.told["mtproto"]["api_id"],
                "api_hash": SecretStr(self.told["mtproto"]["api_hash"]),
                "data_dir": self.data_dir,
                "session_key_file": self.folder / "session.key",
                "mtproto_server": f"{self.told['mtproto']['host']}:{self.told['mtproto']['port']}",
                "mtproto_public_key_file": key_file,
            }
        )

    def telethon(self) -> Any:  # noqa: ANN401 - Telethon is untyped
        """A client with a key of its own, not connected yet; it behaves as the bridge's do."""
        told = self.told["mtproto"]
        rsa.add_key(told["public_key"]["pem"], old=False)
        session = MemorySession()
        session.set_dc(told["dc_id"], told["host"], told["port"])
        return TelegramClient(
            session,
            told["api_id"],
            told["api_hash"],
            flood_sleep_threshold=0,
            request_retries=0,
            receive_updates=False,
        )

    @asynccontextmanager
    async def account(self) -> AsyncIterator[Any]:
        """A Telethon client logged in as the operator: another device of the account on the bridge."""
        client = self.telethon()
        await client.connect()
        try:
            phone = _phone()
            await client.send_code_request(phone)
            await client.sign_in(phone, CODE)
            yield client
        finally:
            await client.disconnect()

    @asynccontextmanager
    async def bridge(self) -> AsyncIterator[BridgeClient]:
        """`python -m mtproto_bridge run` with its embedded queue, and a client of it in our process."""
        assert await login(self.settings(), _Answers()) == 0, "the login failed"
        async with AsyncExitStack() as stack:
            process = TiedProcess(
                [sys.executable, "-m", "mtproto_bridge", "run"],
                env=self._environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.push_async_callback(asyncio.to_thread, process.stop)
            client = BridgeClient.at(embedded_url(self.data_dir), name="bench")
            stack.push_async_callback(client.close)
            await client.reachable(attempts=PATIENCE * 5)
            await client.start()
            async with asyncio.timeout(PATIENCE):
                while not await client.has_account():  # noqa: ASYNC110 - it is another process's doing
                    await asyncio.sleep(0.1)
            yield client

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[None]:
        """`python -m bot` on the bridge's queue; it has told Telegram its commands when it is here."""
        api = self.told["bot_api"]
        environment = {"BOT_TOKEN": api["token"], "BOT_API_URL": api["base_url"], "LOG_LEVEL": "WARNING"}
        process = TiedProcess(
            [sys.executable, "-m", "bot", "run"],
            env=self._environment() | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            await asyncio.to_thread(process.stop)

    def _environment(self) -> dict[str, str]:
        settings = self.settings()
        return {
            "PATH": os.environ.get("PATH", ""),
            "ENV_FILE": "",
            "API_ID": str(settings.api_id),
            "API_HASH": settings.api_hash.get_secret_value(),
            "DATA_DIR": str(settings.data_dir),
            "SESSION_KEY_FILE": str(settings.session_key_file),
            "MTPROTO_SERVER": str(settings.mtproto_server),
            "MTPROTO_PUBLIC_KEY_FILE": str(settings.mtproto_public_key_file),
        }


@asynccontextmanager
async def staged(more_people: Sequence[dict[str, Any]] = ()) -> AsyncIterator[Stage]:
    """A sandbox in a process of its own, gone at the end with all it left."""
    with _world(more_people) as world:
        sandbox = TiedProcess(
            [sys.executable, "-m", "sandbox", "serve", "--json", "--world", str(world)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert sandbox.stdout is not None
            line = await asyncio.to_thread(sandbox.stdout.readline)
            yield Stage(world.parent, json.loads(line))
        finally:
            await asyncio.to_thread(sandbox.stop)


@asynccontextmanager
async def hosted(
    more_people: Sequence[dict[str, Any]], more_channels: Sequence[dict[str, Any]]
) -> AsyncIterator[tuple[Stage, Sandbox]]:
    """A sandbox in our own process, where we can be the people in it."""
    with _world(more_people, more_channels) as world:
        async with Sandbox.load(world) as sandbox:
            yield Stage(world.parent, sandbox.describe()), sandbox


@contextmanager
def _world(more_people: Sequence[dict[str, Any]], more_channels: Sequence[dict[str, Any]] = ()) -> Iterator[Path]:
    """The world file, alone in a folder that is gone at the end."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # our output is the figures
    logging.getLogger("telethon").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="starling-bench-"))
    try:
        world = folder / "world.json"
        more = {"people": [*_seeded("people"), *more_people], "channels": [*_seeded("channels"), *more_channels]}
        world.write_text(json.dumps(WORLD | more), "utf-8")
        yield world
    finally:
        shutil.rmtree(folder)


class _Answers:
    """The console of the login."""

    def __init__(self) -> None:
        self._answers = iter((_phone(), CODE))

    def ask(self, question: str, *, secret: bool = False) -> str:  # noqa: ARG002 - there is one order only
        """The next answer."""
        return next(self._answers)

    def say(self, text: str) -> None:
        """Nobody listens."""

    def show(self, url: str) -> None:
        """Nobody looks."""


def _phone() -> str:
    return f"+{_seeded('people')[0]['phone']}"


def _seeded(kind: str) -> list[dict[str, Any]]:
    seeded: list[dict[str, Any]] = WORLD[kind]  # type: ignore[assignment] # JSON as it is
    return seeded
