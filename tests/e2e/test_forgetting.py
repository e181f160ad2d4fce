"""A transcript: Zenobia does all one can do here, and is forgotten; nothing names her any more."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import select

from mtproto_bridge.app import database_url
from mtproto_bridge.protocol.ids import NONCE_LIFE
from mtproto_bridge.queue.redis import QueueServer
from mtproto_bridge.store import open_store, tables
from sandbox.world import Channel, Person, links
from tests.channel_fixtures import THREE
from tests.e2e.starling import NADIA, VERA, Someone, Starling, running_starling

ZENOBIA, NAME = 748_159_263, "Zenobia"
CHANNEL, QUIZ_NIGHT = 5000009, 8000002
READY = "Ready: the channel can earn"
SECONDS_A_DAY = int(NONCE_LIFE.total_seconds())
PATIENCE = 10
"""Seconds after which waiting fails the test."""


@pytest.fixture
async def starling() -> AsyncIterator[Starling]:
    """The demo's world with one person more, whose id and name are like no other's."""
    async with running_starling(registration="open") as running:
        running.world.add(Person(ZENOBIA, NAME, "zenobia"), Channel(CHANNEL, "Palmyra", ZENOBIA))
        yield running


@pytest.fixture
async def server(starling: Starling) -> AsyncIterator[QueueServer]:
    opened = QueueServer(starling.site.redis_url)
    yield opened
    await opened.close()


async def rows_of(starling: Starling) -> str:
    """Every row of every table."""
    store = await open_store(database_url(starling.site.settings()))
    try:
        async with store.begin() as session:
            every = tables.Base.metadata.sorted_tables
            return "\n".join([str(row) for table in every for row in await session.execute(select(table))])
    finally:
        await store.close()


READING = {
    "string": ("GET",),
    "hash": ("HGETALL",),
    "stream": ("XRANGE", "-", "+"),
    "zset": ("ZRANGE", "0", "-1"),
}


async def keys_of(server: QueueServer) -> dict[str, tuple[str, int]]:
    """Every key in Redis: all that is in it, and how many seconds it lives (-1: for ever)."""
    found = {}
    for key in await server.ask("KEYS", "*"):
        kind = await server.ask("TYPE", key)
        if kind == "none":
            continue
        word, *rest = READING[kind]
        found[key] = (str(await server.ask(word, key, *rest)), int(await server.ask("TTL", key)))
    return found


def naming(keys: dict[str, tuple[str, int]], *words: str) -> Iterator[str]:
    """The keys that name somebody, in themselves or in what they hold."""
    return (key for key, (held, _) in keys.items() if any(word in key + held for word in words))


def watch(starling: Starling) -> str:
    """She joined in Telegram itself: her link."""
    (link,) = links.connect(starling.world, ZENOBIA, ZENOBIA, QUIZ_NIGHT).links
    return link.url


async def does_everything(starling: Starling, her: Someone) -> str:
    """A language, a channel, the terms, a link of the channel's, a watched one, an open question; the watched link."""
    await her.says("/start", sees="Earn Stars")
    await her.presses("Add my channel", sees="Which channel should earn?")
    await her.picks(CHANNEL, sees=READY)
    await her.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await her.presses("Join", sees="What an affiliate must know")
    await her.presses("✅ I accept these terms", sees="Join Quiz Night")
    await her.presses("✅ Join with this balance", sees="You’re in")
    url = watch(starling)
    await her.says(url, sees="is alive")
    await her.presses("Keep it under My links", sees="Kept")
    await her.says("/language", sees="I write in English")
    await her.presses("Русский", sees="Теперь язык")
    await her.says("/programs", sees="Quiz Night")
    return url


async def test_after_delete_me_no_row_and_no_lasting_key_names_her(starling: Starling, server: QueueServer) -> None:
    her = starling.person(ZENOBIA)
    url = await does_everything(starling, her)
    before = await rows_of(starling)
    for word in (str(ZENOBIA), NAME, url):
        assert word in before
    assert list(naming(await keys_of(server), str(ZENOBIA)))

    await her.says("/delete_me", sees="Стереть всё")
    confirmation = await her.presses("Да, стереть", sees="Стёрто")
    assert "1 канал, которым здесь больше никто не управляет" in confirmation.text

    after = await rows_of(starling)
    for word in (str(ZENOBIA), NAME, url):
        assert word not in after
    async with asyncio.timeout(PATIENCE):
        while any(":replies:" in one for one in naming(await keys_of(server), str(ZENOBIA))):
            pass  # the bot is about to take the answer out of its stream
    keys = await keys_of(server)
    for key in naming(keys, str(ZENOBIA), NAME):
        assert key.split(":")[1] in ("nonce", "share"), "what is confirmed counts once, for a day"
        assert 0 < keys[key][1] <= SECONDS_A_DAY
    (asked,) = (one for one in keys if ":forget_person:" in one)
    assert NAME not in keys[asked][0]

    await her.says("/links", sees="You have no links")


async def test_her_channels_links_live_on_and_another_manager_keeps_it(starling: Starling) -> None:
    her, nadia = starling.person(ZENOBIA), starling.person(NADIA)
    await does_everything(starling, her)
    starling.world.set_admin(CHANNEL, NADIA, THREE)
    await nadia.says("/start", sees="Earn Stars")
    await nadia.presses("Add my channel", sees="Which channel should earn?")
    await nadia.picks(CHANNEL, sees="Palmyra")
    await nadia.is_shown("✓ everything is verified")
    await her.is_shown("Nadia теперь тоже управляет")
    await her.says("/delete_me", sees="Стереть всё")
    await her.presses("Да, стереть", sees="1 канал остаётся")
    await nadia.says("/channels", sees="Palmyra")
    assert starling.world.channels[CHANNEL].is_member(VERA)
    assert [one.revoked for one in starling.world.links if one.balance_id == CHANNEL] == [False]
