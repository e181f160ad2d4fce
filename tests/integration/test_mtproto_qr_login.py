"""Logging in to the sandbox by QR code, and at the right DC, with real Telethon."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from telethon import errors, functions, types

from sandbox.mtproto.server import MTProtoServer
from sandbox.serve import Sandbox
from sandbox.world import Person, World, accounts
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import NADIA
from tests.integration.test_control import act
from tests.sandbox_fixtures import ALICE, BOB, CAROL, PATIENCE, account, log_in, telethon_client

sandbox, http = fixtures.sandbox, fixtures.http


@pytest.fixture
def carol(world: World) -> Person:
    """Her account lives on another DC than clients are pointed at."""
    world.people[CAROL].dc_id = 4
    return world.people[CAROL]


async def shown(client: Any, *except_ids: int) -> Any:
    """A fresh token, as a client shows it."""
    return await client(functions.auth.ExportLoginTokenRequest(client.api_id, client.api_hash, list(except_ids)))


async def accept(client: Any, token: bytes) -> Any:
    return await client(functions.auth.AcceptLoginTokenRequest(token))


@asynccontextmanager
async def scanned(client: Any, by: Any) -> AsyncIterator[Any]:
    """Telethon's own QR login, waited for while somebody scans it."""
    qr = await client.qr_login()
    async with asyncio.timeout(PATIENCE):
        waiting = asyncio.create_task(qr.wait())
        await asyncio.sleep(0)  # it listens from now on
        await accept(by, qr.token)
        yield waiting


async def test_a_client_is_logged_in_by_who_scans_its_code(server: MTProtoServer) -> None:
    async with account(server, ALICE) as phone, telethon_client(server) as client:
        async with scanned(client, by=phone) as waiting:
            assert (await waiting).id == ALICE
        assert (await client.get_me()).is_self


async def test_the_password_is_owed_after_a_scan_too(server: MTProtoServer) -> None:
    async with account(server, BOB) as phone, telethon_client(server) as client:
        async with scanned(client, by=phone) as waiting:
            with pytest.raises(errors.SessionPasswordNeededError):
                await waiting
        assert (await client.sign_in(password="hunter2")).id == BOB  # noqa: S106 - the world's


@pytest.mark.usefixtures("carol")
async def test_an_account_of_another_dc_is_sent_there(server: MTProtoServer) -> None:
    async with account(server, CAROL) as phone, telethon_client(server) as client:
        assert (phone.session.dc_id, client.session.dc_id) == (4, 2)
        async with scanned(client, by=phone) as waiting:
            assert (await waiting).id == CAROL
        assert client.session.dc_id == 4
        stored = client.session.save()
    async with telethon_client(server, session=stored) as again:
        assert again.session.port != server.port
        assert (await again.get_me()).id == CAROL


@pytest.mark.usefixtures("carol")
async def test_a_dc_does_not_know_another_dcs_keys_and_tokens(server: MTProtoServer) -> None:
    async with account(server, CAROL) as phone, telethon_client(server) as client:
        token = (await shown(client)).token
        await accept(phone, token)
        with pytest.raises(errors.AuthTokenInvalidError):
            await client(functions.auth.ImportLoginTokenRequest(token))
        phone.session.set_dc(2, server.host, server.port)
        stored = phone.session.save()
    with pytest.raises(errors.AuthKeyNotFound):
        async with telethon_client(server, session=stored):
            pass


async def test_a_phone_number_of_another_dc_is_sent_there(server: MTProtoServer, carol: Person) -> None:
    async with telethon_client(server) as client:
        with pytest.raises(errors.PhoneMigrateError) as caught:
            await client.send_code_request(carol.phone)
        assert caught.value.new_dc == client.session.dc_id == 4
        await log_in(client, carol)
        assert (await client(functions.help.GetConfigRequest())).this_dc == 4


async def test_a_token_is_good_for_half_a_minute_and_for_one_login(server: MTProtoServer) -> None:
    async with account(server, ALICE) as phone, telethon_client(server) as client:
        made = await shown(client)
        assert 28 <= (made.expires - datetime.now(UTC)).total_seconds() <= 30
        with pytest.raises(errors.AuthTokenInvalidError):
            await client(functions.auth.ImportLoginTokenRequest(made.token))
        with pytest.raises(errors.AuthTokenInvalidError):
            await accept(phone, b"made up")
        wall = server.login_tokens.wall
        server.login_tokens.wall = lambda: wall() + 31
        with pytest.raises(errors.AuthTokenExpiredError):
            await accept(phone, made.token)
        with pytest.raises(errors.AuthTokenExpiredError):
            await client(functions.auth.ImportLoginTokenRequest(made.token))
        fresh = (await shown(client)).token
        assert (await accept(phone, fresh)).app_name
        with pytest.raises(errors.AuthTokenAlreadyAcceptedError):
            await accept(phone, fresh)
        assert isinstance(await shown(client), types.auth.LoginTokenSuccess)
        with pytest.raises(errors.AuthTokenAlreadyAcceptedError):
            await client(functions.auth.ImportLoginTokenRequest(fresh))


async def test_an_account_the_client_has_already_is_not_let_in(server: MTProtoServer) -> None:
    async with account(server, ALICE) as phone, telethon_client(server) as client:
        made = await shown(client, ALICE)
        with pytest.raises(errors.AuthTokenExceptionError):
            await accept(phone, made.token)


async def test_a_wrong_api_hash_gets_no_token(server: MTProtoServer) -> None:
    async with telethon_client(server) as client:
        with pytest.raises(errors.ApiIdInvalidError):
            await client(functions.auth.ExportLoginTokenRequest(client.api_id, "f" * 32, []))


async def test_only_who_is_logged_in_lets_others_in(server: MTProtoServer) -> None:
    async with telethon_client(server) as one, telethon_client(server) as other:
        with pytest.raises(errors.AuthKeyUnregisteredError):
            await accept(one, (await shown(other)).token)


async def test_a_client_that_wants_no_updates_is_not_told_of_the_scan(server: MTProtoServer) -> None:
    async with account(server, ALICE) as phone, telethon_client(server, receive_updates=False) as client:
        made = await shown(client)
        await accept(phone, made.token)
        await client(functions.help.GetNearestDcRequest())  # what was sent before has come by now
        assert client._updates_queue.empty()
        assert isinstance(await shown(client), types.auth.LoginTokenSuccess)


async def test_a_person_scans_a_code_on_the_control_surface(sandbox: Sandbox, http: Any) -> None:
    async with telethon_client(sandbox.mtproto) as client:
        for _ in range(2):
            qr = await client.qr_login()
            waiting = asyncio.create_task(qr.wait())
            await asyncio.sleep(0)
            await act(http, "accept_login", person=NADIA, url=qr.url)
            assert (await waiting).id == NADIA
            await client(functions.auth.LogOutRequest())
        refused = await act(http, "accept_login", 409, person=NADIA, url=qr.url)
        assert "AUTH_TOKEN_ALREADY_ACCEPTED" in refused["error"]
        refused = await act(http, "accept_login", 400, person=NADIA, url="https://t.me/quiz")
        assert "no login URL" in refused["error"]


# -- words to a bot ------------------------------------------------------------------------------------------------


async def test_a_bot_gets_what_an_account_writes_to_it_and_knows_it_from_then_on(sandbox: Sandbox) -> None:
    ours = sandbox.our_bot
    async with account(sandbox.mtproto, NADIA) as client:
        assert not sandbox.botapi.chats.has_started(NADIA)
        bot = await client.get_input_entity(ours.username)
        await client(functions.messages.SendMessageRequest(bot, "/start"))
        with pytest.raises(errors.MessageEmptyError):
            await client(functions.messages.SendMessageRequest(bot, " "))
    assert sandbox.botapi.chats.has_started(NADIA)
    (update,) = sandbox.botapi.chats.updates.pending
    assert update.json()["message"]["text"] == "/start"  # type: ignore[index]


async def test_a_frozen_account_writes_to_nobody(server: MTProtoServer, world: World) -> None:
    async with account(server, ALICE) as client:
        bot = await client.get_input_entity("plain_bot")
        accounts.freeze(world, world.people[ALICE])
        with pytest.raises(errors.FrozenMethodInvalidError):
            await client(functions.messages.SendMessageRequest(bot, "/start"))
