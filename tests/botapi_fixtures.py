"""What the tests of the sandbox's Bot API, control surface and page share."""

import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from aiohttp import ClientSession

from bot.session import Session
from sandbox.botapi import BotApiServer, Chats
from sandbox.serve import Sandbox
from sandbox.world.seed import load

VERA, NADIA, SAM, DMITRI, OLGA = 1001, 1002, 1003, 1004, 1009
PAPER_PLANES = 8000001
QUIET_GARDENS = 5000001


@pytest.fixture
async def server() -> AsyncIterator[BotApiServer]:
    """A Bot API on the demo's world; the test fails if it met anything unimplemented or a crash."""
    world, our_bot = load()
    running = BotApiServer(world, our_bot, retry_seconds=0.01)
    await running.start()
    yield running
    await running.stop()
    assert not running.crashes
    assert not running.unimplemented


@pytest.fixture
def chats(server: BotApiServer) -> Chats:
    """What people do and see."""
    return server.chats


@asynccontextmanager
async def aiogram_bot(server: BotApiServer) -> AsyncIterator[Bot]:
    """A real aiogram bot over real HTTP, writing HTML."""
    session = Session(api=TelegramAPIServer.from_base(server.base_url))
    bot = Bot(server.face.bot.token or "", session=session, default=DefaultBotProperties(parse_mode="HTML"))
    try:
        yield bot
    finally:
        await bot.session.close()


@pytest.fixture
async def bot(server: BotApiServer) -> AsyncIterator[Bot]:
    """The same, as a fixture."""
    async with aiogram_bot(server) as running:
        yield running


@pytest.fixture
def nadia(chats: Chats) -> int:
    """A person who has started the bot, so that it may write to her."""
    chats.say(NADIA, "/start")
    chats.updates.drop_pending()
    return NADIA


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """All of it, as `python -m sandbox serve` starts it."""
    async with Sandbox.load() as running:
        yield running
    assert not running.crashes
    assert not running.unimplemented


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[ClientSession]:
    """A client of the control surface that has the token."""
    headers = {"Authorization": f"Bearer {sandbox.web.guard.token}"}
    async with ClientSession(sandbox.web.base_url, headers=headers) as session:
        yield session


def keyboard(*rows: dict[str, str]) -> InlineKeyboardMarkup:
    """An inline keyboard: each row a dict of label to callback data."""
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=t, callback_data=d) for t, d in row.items()] for row in rows]
    )


def png(width: int = 40, height: int = 40) -> bytes:
    """A picture of one colour."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + bytes([200]) * width for _ in range(height))
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in parts)
    return b"\x89PNG\r\n\x1a\n" + body
