"""The bot on a real queue: what `check` says, what survives a restart, how the process ends."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.app import App, TokenRefusedError, compose
from bot.check import findings
from bot.settings import Settings
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.queue import embedded
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.our_bot import our_bot
from mtproto_bridge.queue.redis import QueueServer
from sandbox.botapi import BotApiServer, Chat
from tests.integration.bot_fixtures import ANNA, TOKEN, bot_api, running, small_stage

WRONG_TOKEN = "7000001:AAStarlingSandboxTokenThatNobodyKnows1"
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


@dataclass
class Site:
    """A queue, and the Bot API."""

    queue_url: str
    api: BotApiServer

    @property
    def chat(self) -> Chat:
        return self.api.chats.chat(ANNA)

    def compose(self, token: str = TOKEN) -> App:
        return compose(token=token, queue_url=self.queue_url, bot_api_url=self.api.base_url)

    def settings(self, **changes: object) -> Settings:
        values = {
            "bot_token": SecretStr(TOKEN),
            "redis_url": SecretStr(self.queue_url),
            "bot_api_url": self.api.base_url,
            **changes,
        }
        return Settings.model_validate(values)

    async def say(self, text: str) -> str:
        before = len(self.chat.messages)
        self.api.chats.say(ANNA, text)
        await self.chat.until(lambda chat: len(chat.messages) > before + 1)
        return self.chat.last_from_bot.text


@asynccontextmanager
async def queue() -> AsyncIterator[str]:
    """The URL of a running embedded queue; its socket needs a short path."""
    folder = Path(tempfile.mkdtemp(prefix="starling-"))
    server = await asyncio.to_thread(embedded.start, folder)
    try:
        yield embedded.url_of(embedded.socket_path(folder))
    finally:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(folder)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with queue() as url, bot_api(*small_stage()) as api:
        yield Site(url, api)


async def said(settings: Settings) -> list[str]:
    return [str(finding) async for finding in findings(settings)]


async def test_a_question_is_still_open_after_a_restart(site: Site) -> None:
    async with running(site.compose()):
        assert "Which program" in await site.say("/join")
    async with running(site.compose()):
        assert "neither an @username nor a t.me link" in await site.say("hm?")


async def test_the_bot_tells_the_bridge_who_it_is_as_soon_as_the_queue_is_there(site: Site) -> None:
    bridge_side = QueueServer(site.queue_url)
    assert await our_bot(bridge_side, Keys()) is None
    async with running(site.compose()), asyncio.timeout(PATIENCE):
        while (told := await our_bot(bridge_side, Keys())) is None:
            pass
        assert (told.id, told.username) == (site.api.face.bot.id, site.api.face.bot.username)
    await bridge_side.close()


async def test_a_queue_that_comes_later_is_told_later_which_bot_there_is() -> None:
    folder = Path(tempfile.mkdtemp(prefix="starling-"))
    client = BridgeClient.at(url := embedded.url_of(embedded.socket_path(folder)), name="bot-1")
    client.introduce_bot(7, "seven_bot")
    await client.start()
    started = await asyncio.to_thread(embedded.start, folder)
    bridge_side = QueueServer(url)
    async with asyncio.timeout(PATIENCE):
        while (told := await our_bot(bridge_side, Keys())) is None:
            pass
    assert (told.id, told.username) == (7, "seven_bot")
    await client.close()
    await bridge_side.close()
    await asyncio.to_thread(started.stop)
    shutil.rmtree(folder)


async def test_a_group_that_was_told_is_not_told_again_after_a_restart(site: Site) -> None:
    group = site.api.chats.group("Friends")
    async with running(site.compose()):
        site.api.chats.say(ANNA, "/start", group="Friends")
        await group.until(lambda chat: chat.last.from_bot)
    async with running(site.compose()):
        site.api.chats.say(ANNA, "/start", group="Friends")
        await site.say("/start")
    assert len([message for message in group.messages if message.from_bot]) == 1


async def test_without_a_bridge_the_person_is_told_so(site: Site) -> None:
    async with running(site.compose()):
        assert "logged out" in await site.say("/programs")


async def test_a_refused_token_ends_the_run(site: Site) -> None:
    app = site.compose(WRONG_TOKEN)
    with pytest.raises(TokenRefusedError):
        await app.run(handle_signals=False)
    await app.stop()


async def test_check_names_the_bot_and_what_is_missing(site: Site) -> None:
    settings, telegram, queue_there, account = await said(site.settings())
    assert settings == "✓ The settings can be read."
    assert telegram.startswith("✓")
    assert "@starling_bot" in telegram
    assert queue_there.startswith("✓ The queue at")
    assert account.startswith("✗ No bridge with a logged-in account")
    assert "python -m mtproto_bridge login" in account


async def test_check_says_what_to_press_where_inline_mode_is_off_and_that_it_works_without(site: Site) -> None:
    site.api.face.bot.supports_inline = False
    off = (await said(site.settings()))[2]
    assert off.startswith("! Inline mode is off")
    assert "talk to @BotFather, send /setinline, choose @starling_bot" in off
    with capture_logs() as logged:
        async with running(site.compose()):
            pass
    assert "send /setinline" in next(line["hint"] for line in logged if line["event"] == "inline.off")


async def test_check_says_what_to_do_about_a_wrong_token_and_a_queue_that_is_not_there(site: Site) -> None:
    elsewhere = SecretStr("unix:///nowhere/valkey.sock")
    wrong = await said(site.settings(bot_token=SecretStr(WRONG_TOKEN), redis_url=elsewhere))
    assert wrong[1].startswith("✗ BOT_TOKEN is refused by Telegram: talk to @BotFather")
    assert wrong[2] == "✗ The queue at /nowhere/valkey.sock does not answer: see that REDIS_URL is right."
    assert len(wrong) == 3
    embedded_one = await said(site.settings(redis_url=None, data_dir=Path("nowhere")))
    assert "start the bridge first" in embedded_one[2]


async def test_check_says_when_telegram_cannot_be_reached(site: Site) -> None:
    lines = await said(site.settings(bot_api_url="http://127.0.0.1:9"))
    assert lines[1].startswith("✗ http://127.0.0.1:9 cannot be reached")


async def test_the_process_runs_and_ends_well_on_sigterm(site: Site) -> None:
    environment = {
        **os.environ,
        "BOT_TOKEN": TOKEN,
        "REDIS_URL": site.queue_url,
        "BOT_API_URL": site.api.base_url,
        "ENV_FILE": "",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", env=environment, cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE):
            site.api.chats.say(ANNA, "/start")
            await site.chat.until(lambda chat: chat.messages[-1].from_bot, PATIENCE)
            process.send_signal(signal.SIGTERM)
            _, logged = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, logged.decode()
    assert "this is NOT Telegram" in logged.decode()
    assert TOKEN not in logged.decode()
    assert "Traceback" not in logged.decode()
