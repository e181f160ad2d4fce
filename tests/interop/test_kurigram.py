"""Kurigram, a client nobody here wrote, uses the sandbox as it would Telegram."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pyrogram import Client, raw
from pyrogram.connection import Connection
from pyrogram.crypto import rsa
from pyrogram.errors import (
    BadRequest,
    FloodWait,
    Forbidden,
    PasswordHashInvalid,
    PhoneCodeInvalid,
    SessionPasswordNeeded,
)

from sandbox.mtproto.server import MTProtoServer
from sandbox.world.faults import Fault
from tests.sandbox_fixtures import ALICE, BOB, CHESS, NEWS, QUIZ, mtproto_server, small_world

functions: Any = raw.functions  # generated modules that export nothing by mypy's rules
types: Any = raw.types
BOBS_PHONE = "+9996621002"


@pytest.fixture
async def server() -> AsyncIterator[MTProtoServer]:
    async with mtproto_server(small_world()) as running:
        yield running


@asynccontextmanager
async def kurigram(server: MTProtoServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A connected client: it is given the sandbox's public key and address, and changed in nothing else."""

    class ToTheSandbox(Connection):
        def __init__(self, **options: Any) -> None:
            options |= {"server_address": server.host, "port": server.port}
            options.pop("crypto_executor_workers", None)
            super().__init__(**options)

    public = rsa.PublicKey(server.key.modulus, server.key.exponent)
    monkeypatch.setitem(rsa.server_public_keys, server.key.fingerprint, public)
    client = Client(
        "sandbox",
        api_id=server.world.api_id,
        api_hash=server.world.api_hash,
        in_memory=True,
        no_updates=True,
        sleep_threshold=0,
        connection_factory=ToTheSandbox,
    )
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()


async def log_in_as_bob(client: Any) -> Any:
    sent = await client.send_code(BOBS_PHONE)
    with pytest.raises(PhoneCodeInvalid):
        await client.sign_in(BOBS_PHONE, sent.phone_code_hash, "11111")
    with pytest.raises(SessionPasswordNeeded):
        await client.sign_in(BOBS_PHONE, sent.phone_code_hash, "22222")
    with pytest.raises(PasswordHashInvalid):
        await client.check_password("hunter3")
    return await client.check_password("hunter2")


async def test_kurigram_logs_in_with_code_and_password(server: MTProtoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with kurigram(server, monkeypatch) as client:
        assert (await log_in_as_bob(client)).id == BOB
        assert (await client.get_me()).username == "bobby"


async def test_kurigram_browses_connects_lists_and_revokes(
    server: MTProtoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments, me = functions.payments, types.InputPeerSelf()
    async with kurigram(server, monkeypatch) as client:
        await log_in_as_bob(client)
        page = await client.invoke(payments.GetSuggestedStarRefBots(peer=me, offset="", limit=10))
        assert [program.bot_id for program in page.suggested_bots] == [QUIZ, CHESS]
        quiz = next(user for user in page.users if user.id == QUIZ)
        bot = types.InputUser(user_id=quiz.id, access_hash=quiz.access_hash)

        full = await client.invoke(functions.users.GetFullUser(id=bot))
        assert full.full_user.starref_program.commission_permille == 250

        link = (await client.invoke(payments.ConnectStarRefBot(peer=me, bot=bot))).connected_bots[0]
        assert link.url.startswith("https://t.me/quiz_bot?start=_tgr_")
        listed = await client.invoke(payments.GetConnectedStarRefBots(peer=me, limit=10))
        assert [one.url for one in listed.connected_bots] == [link.url]

        revoke = payments.EditConnectedStarRefBot(peer=me, link=link.url, revoked=True)
        assert (await client.invoke(revoke)).connected_bots[0].revoked
        with pytest.raises(BadRequest, match="STARREF_HASH_REVOKED"):
            await client.invoke(revoke)


async def test_kurigram_lists_channels_and_their_admins(server: MTProtoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with kurigram(server, monkeypatch) as client:
        await log_in_as_bob(client)
        titles = [dialog.chat.title async for dialog in client.get_dialogs()]
        assert titles == ["News"]
        found = await client.invoke(
            functions.channels.GetParticipants(
                channel=await client.resolve_peer(int(f"-100{NEWS:010}")),
                filter=types.ChannelParticipantsAdmins(),
                offset=0,
                limit=100,
                hash=0,
            )
        )
        assert [one.user_id for one in found.participants][:2] == [ALICE, BOB]


async def test_kurigram_sees_refusals_with_their_codes(server: MTProtoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    browse = functions.payments.GetSuggestedStarRefBots
    async with kurigram(server, monkeypatch) as client:
        await log_in_as_bob(client)
        stranger = types.InputPeerUser(user_id=ALICE, access_hash=0)
        with pytest.raises(Forbidden, match="PEER_ID_INVALID"):
            await client.invoke(browse(peer=stranger, offset="", limit=10))
        server.world.faults.set(Fault("flood_wait", "payments.getSuggestedStarRefBots", seconds=41))
        with pytest.raises(FloodWait) as flood:
            await client.invoke(browse(peer=types.InputPeerSelf(), offset="", limit=10))
        assert flood.value.value == 41
