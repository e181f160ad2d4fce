"""A small world, its MTProto server and clients for it: plain functions, for any test to use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.errors import SessionPasswordNeededError
from telethon.network import ConnectionTcpAbridged
from telethon.sessions import StringSession

from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Bot, Channel, Clock, Person, World, programs
from sandbox.world.model import NANOS

PATIENCE = 30
"""Seconds after which a client that hangs fails its test."""
START = datetime(2026, 11, 1, 12, tzinfo=UTC)

ALICE = 1001
BOB = 1002
"""Bob has a two-step password: hunter2."""
CAROL = 1003
QUIZ = 7001
"""Alice's mini app, 25 % for 6 months."""
CHESS = 7002
"""Carol's mini app, 10 % forever."""
PLAIN = 7003
"""Bob's bot without a program."""
NEWS = 80001
"""Alice's private channel; Bob may post in it, Carol only edits."""
PLAZA = 80002
"""Carol's public channel @plaza; Alice reads it."""


def small_world() -> World:
    """Three people, three bots, two channels; its clock stands still until it is moved."""
    world = World(clock=Clock(START))
    world.add(
        Person(ALICE, "Alice", "alice", phone="9996621001"),
        Person(BOB, "Bob", "bobby", phone="9996621002", password="hunter2", password_hint="as ever"),  # noqa: S106
        Person(CAROL, "Carol", "carol", phone="9996621003"),
        Bot(QUIZ, "Quiz", "quiz_bot", owner_id=ALICE, daily_revenue_nanos=3 * NANOS // 2),
        Bot(CHESS, "Chess", "chess_bot", owner_id=CAROL, daily_revenue_nanos=2 * NANOS),
        Bot(PLAIN, "Plain", "plain_bot", owner_id=BOB),
        Channel(NEWS, "News", ALICE, admins={BOB: {"post_messages"}, CAROL: {"edit_messages"}}, created=START),
        Channel(PLAZA, "Plaza", CAROL, "plaza", members={ALICE}, created=START - timedelta(days=1)),
    )
    programs.update_program(world, ALICE, QUIZ, 250, 6)
    programs.update_program(world, CAROL, CHESS, 100, None)
    return world


@asynccontextmanager
async def mtproto_server(world: World) -> AsyncIterator[MTProtoServer]:
    """A running server; leaving fails when a client met something unimplemented, or the server crashed."""
    server = MTProtoServer(world)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
    assert not server.crashes, server.crashes
    assert not server.unimplemented, f"the sandbox lacks {dict(server.unimplemented)}"


@asynccontextmanager
async def telethon_client(
    server: MTProtoServer,
    *,
    session: str = "",
    stored: Any = None,
    connection: Any = ConnectionTcpAbridged,
    **options: Any,
) -> AsyncIterator[Any]:
    """A connected Telethon client that trusts the server.

    `session` is what `client.session.save()` gave, `stored` a session of another kind.
    """
    rsa.add_key(server.key.public_pem, old=False)
    stored = stored or StringSession(session)
    stored.set_dc(2, server.host, server.port)
    client = TelegramClient(
        stored,
        server.world.api_id,
        server.world.api_hash,
        connection=connection,
        flood_sleep_threshold=0,
        request_retries=0,
        retry_delay=0,
        raise_last_call_error=True,
        **options,
    )
    async with asyncio.timeout(PATIENCE):
        await client.connect()
        try:
            yield client
        finally:
            await client.disconnect()


async def log_in(client: Any, person: Person) -> None:
    """Log in by code, and by password where there is one."""
    await client.send_code_request(person.phone)
    try:
        await client.sign_in(person.phone, person.login_code)
    except SessionPasswordNeededError:
        await client.sign_in(password=person.password)


@asynccontextmanager
async def account(server: MTProtoServer, person_id: int, **options: Any) -> AsyncIterator[Any]:
    """A Telethon client logged in as this person."""
    async with telethon_client(server, **options) as client:
        await log_in(client, server.world.people[person_id])
        yield client
