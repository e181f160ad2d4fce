"""Logging in to the sandbox with real Telethon."""

from typing import Any

import pytest
from telethon import TelegramClient, errors, functions, types
from telethon.sessions import StringSession

from sandbox.mtproto.server import MTProtoServer
from sandbox.world import accounts
from tests.sandbox_fixtures import ALICE, BOB, account, telethon_client

ALICES_PHONE = "+9996621001"
BOBS_PHONE = "+9996621002"


async def test_a_code_logs_in(server: MTProtoServer) -> None:
    async with telethon_client(server) as client:
        assert not await client.is_user_authorized()
        await client.send_code_request(ALICES_PHONE)
        me = await client.sign_in(ALICES_PHONE, "22222")
        assert (me.id, me.username, me.phone, me.is_self) == (ALICE, "alice", "9996621001", True)
        assert await client.is_user_authorized()


async def test_a_wrong_code_is_refused_and_the_right_one_still_works(server: MTProtoServer) -> None:
    async with telethon_client(server) as client:
        await client.send_code_request(ALICES_PHONE)
        with pytest.raises(errors.PhoneCodeInvalidError):
            await client.sign_in(ALICES_PHONE, "11111")
        with pytest.raises(errors.PhoneCodeEmptyError):
            await client(_sign_in(client, ALICES_PHONE, ""))
        assert (await client.sign_in(ALICES_PHONE, "22222")).id == ALICE


async def test_a_code_asked_for_by_another_client_is_of_no_use(server: MTProtoServer) -> None:
    async with telethon_client(server) as asker, telethon_client(server) as other:
        sent = await asker.send_code_request(ALICES_PHONE)
        with pytest.raises(errors.PhoneCodeExpiredError):
            await other.sign_in(ALICES_PHONE, "22222", phone_code_hash=sent.phone_code_hash)


async def test_a_number_nobody_has_is_refused(server: MTProtoServer) -> None:
    async with telethon_client(server) as client:
        with pytest.raises(errors.PhoneNumberInvalidError):
            await client.send_code_request("+9996629999")


async def test_the_right_password_completes_the_login(server: MTProtoServer) -> None:
    async with telethon_client(server) as client:
        await client.send_code_request(BOBS_PHONE)
        with pytest.raises(errors.SessionPasswordNeededError):
            await client.sign_in(BOBS_PHONE, "22222")
        assert (await client(functions.account.GetPasswordRequest())).hint == "as ever"
        assert (await client.sign_in(password="hunter2")).id == BOB  # noqa: S106 - the world's
        assert (await client.get_me()).id == BOB


async def test_a_wrong_password_is_refused_and_may_be_tried_again(server: MTProtoServer) -> None:
    async with telethon_client(server) as client:
        await client.send_code_request(BOBS_PHONE)
        with pytest.raises(errors.SessionPasswordNeededError):
            await client.sign_in(BOBS_PHONE, "22222")
        with pytest.raises(errors.PasswordHashInvalidError):
            await client.sign_in(password="hunter3")  # noqa: S106 - wrong on purpose
        with pytest.raises(errors.SessionPasswordNeededError):
            await client(functions.users.GetUsersRequest([types.InputUserSelf()]))
        assert (await client.sign_in(password="hunter2")).id == BOB  # noqa: S106 - the world's


async def test_a_password_challenge_is_good_for_one_answer(server: MTProtoServer) -> None:
    async with telethon_client(server) as client:
        await client.send_code_request(BOBS_PHONE)
        with pytest.raises(errors.SessionPasswordNeededError):
            await client.sign_in(BOBS_PHONE, "22222")
        challenge = await client(functions.account.GetPasswordRequest())
        answer = types.InputCheckPasswordSRP(challenge.srp_id, bytes([1]) * 256, bytes(32))
        with pytest.raises(errors.PasswordHashInvalidError):
            await client(functions.auth.CheckPasswordRequest(answer))
        with pytest.raises(errors.SrpIdInvalidError):
            await client(functions.auth.CheckPasswordRequest(answer))
        with pytest.raises(errors.PasswordHashInvalidError):
            await client(functions.auth.CheckPasswordRequest(types.InputCheckPasswordEmpty()))


async def test_an_account_without_a_password_says_so(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        assert not (await client(functions.account.GetPasswordRequest())).has_password


async def test_nothing_but_logging_in_works_before_it(server: MTProtoServer) -> None:
    async with telethon_client(server) as client:
        await client(functions.help.GetNearestDcRequest())
        for request in (
            functions.users.GetFullUserRequest(types.InputUserSelf()),
            functions.payments.GetConnectedStarRefBotsRequest(types.InputPeerSelf(), limit=10),
            functions.contacts.ResolveUsernameRequest("quiz_bot"),
            functions.account.GetPasswordRequest(),
            functions.auth.LogOutRequest(),
        ):
            with pytest.raises(errors.AuthKeyUnregisteredError):
                await client(request)


async def test_only_the_worlds_api_id_and_hash_are_taken(server: MTProtoServer) -> None:
    async with telethon_client(server) as client:
        request = functions.auth.SendCodeRequest(ALICES_PHONE, server.world.api_id, "f" * 32, types.CodeSettings())
        with pytest.raises(errors.ApiIdInvalidError):
            await client(request)
    stored = StringSession()
    stored.set_dc(2, server.host, server.port)
    stranger = TelegramClient(stored, 1, "f" * 32, request_retries=0, retry_delay=0)
    with pytest.raises(errors.ConnectionApiIdInvalidError):
        await stranger.connect()
    await stranger.disconnect()


async def test_logging_out_ends_the_login_but_not_the_key(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        await client(functions.auth.LogOutRequest())
        await client(functions.help.GetAppConfigRequest(0))
        with pytest.raises(errors.AuthKeyUnregisteredError):
            await client(functions.updates.GetStateRequest())


async def test_an_account_logged_out_from_elsewhere_is_logged_out_on_every_key(server: MTProtoServer) -> None:
    async with account(server, ALICE) as one, account(server, ALICE) as two, account(server, BOB) as bob:
        server.world.end_sessions(ALICE)
        for client in (one, two):
            with pytest.raises(errors.AuthKeyUnregisteredError):
                await client(functions.updates.GetStateRequest())
        assert (await bob.get_me()).id == BOB


async def test_a_frozen_account_may_read_but_not_act(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        accounts.freeze(server.world, server.world.people[ALICE])
        quiz = await client.get_input_entity("chess_bot")
        assert (await client.get_me()).id == ALICE
        with pytest.raises(errors.FrozenMethodInvalidError):
            await client(functions.payments.ConnectStarRefBotRequest("me", quiz))
        assert {"freeze_since_date", "freeze_until_date", "freeze_appeal_url"} <= set(await _config(client))


async def test_the_app_config_says_what_programs_may_be(server: MTProtoServer) -> None:
    server.world.people[BOB].may_connect = False
    async with account(server, ALICE) as alice, account(server, BOB) as bob:
        config = await _config(alice)
        assert config["starref_connect_allowed"] is True
        assert config["starref_program_allowed"] is True
        assert config["starref_min_commission_permille"] == 1
        assert config["starref_max_commission_permille"] == 800
        assert config["starref_start_param_prefixes"] == ["_tgr_"]
        assert "freeze_since_date" not in config
        assert (await _config(bob))["starref_connect_allowed"] is False


async def test_the_app_config_is_not_repeated_to_who_has_it(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        known = (await client(functions.help.GetAppConfigRequest(0))).hash
        again = await client(functions.help.GetAppConfigRequest(known))
        assert isinstance(again, types.help.AppConfigNotModified)


async def _config(client: Any) -> dict[str, Any]:
    answer = await client(functions.help.GetAppConfigRequest(0))
    return {pair.key: _value(pair.value) for pair in answer.config.value}


def _value(json: Any) -> Any:
    return [_value(one) for one in json.value] if isinstance(json, types.JsonArray) else json.value


def _sign_in(client: Any, phone: str, code: str) -> Any:
    return functions.auth.SignInRequest(phone, client._phone_code_hash[phone.lstrip("+")], code)
