"""Accounts in trouble, as real Telethon meets them: frozen, banned, deleted, logged out."""

import pytest
from telethon import errors, functions, types

from sandbox.mtproto.peers import access_hash
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World, accounts, channels
from sandbox.world.model import Deactivation
from tests.sandbox_fixtures import ALICE, BOB, CAROL, CHESS, NEWS, PLAZA, QUIZ, account, log_in, telethon_client

payments, in_channels = functions.payments, functions.channels
state = functions.updates.GetStateRequest


def switch(world: World, **values: object) -> None:
    world.switches = world.switches.model_copy(update=values)


def freeze(world: World, person: int) -> None:
    accounts.freeze(world, world.people[person])


def deactivate(world: World, person: int, how: Deactivation) -> None:
    accounts.deactivate(world, world.people[person], how)


# -- frozen -----------------------------------------------------------------------------------------------------


async def test_everything_that_changes_something_is_refused_to_a_frozen_account(server: MTProtoServer) -> None:
    world = server.world
    world.set_admin(NEWS, BOB, {"post_messages", "promote_members"})
    async with account(server, BOB) as client:
        news = types.InputPeerChannel(NEWS, access_hash(world, BOB, NEWS))
        quiz, chess = (types.InputUser(one, access_hash(world, BOB, one)) for one in (QUIZ, CHESS))
        url = (await client(payments.ConnectStarRefBotRequest(news, quiz))).connected_bots[0].url
        freeze(world, BOB)
        for request in (
            payments.ConnectStarRefBotRequest(news, chess),
            payments.EditConnectedStarRefBotRequest(news, url, revoked=True),
            in_channels.JoinChannelRequest("plaza"),
            in_channels.LeaveChannelRequest(news),
            in_channels.EditAdminRequest(news, "carol", types.ChatAdminRights(post_messages=True), ""),
            functions.messages.ImportChatInviteRequest("AAAAAAAAAAAAAAAA"),
        ):
            with pytest.raises(errors.FrozenMethodInvalidError):
                await client(request)
        assert len(await client.get_dialogs()) == 1
        assert (await client(payments.GetConnectedStarRefBotsRequest(news, limit=10))).count == 1
        assert (await client(in_channels.GetParticipantRequest(news, "me"))).participant.admin_rights.post_messages
        accounts.thaw(world.people[BOB])
        assert (await client(payments.ConnectStarRefBotRequest(news, chess))).connected_bots[0].bot_id == CHESS


async def test_a_frozen_account_is_kept_from_channels_it_is_not_in(server: MTProtoServer) -> None:
    freeze(server.world, BOB)
    async with account(server, BOB) as client:
        await client.get_input_entity("plaza")
        for request in (in_channels.GetFullChannelRequest("plaza"), in_channels.GetChannelsRequest(["plaza"])):
            with pytest.raises(errors.FrozenParticipantMissingError):
                await client(request)
        channels.join(server.world, BOB, server.world.channels[PLAZA])
        assert (await client(in_channels.GetFullChannelRequest("plaza"))).full_chat.id == PLAZA


async def test_the_dates_of_a_freeze_stay_what_they_were(server: MTProtoServer) -> None:
    world = server.world
    freeze(world, ALICE)
    since = world.clock.now().timestamp()
    world.clock.move(accounts.APPEAL_TIME / 2)
    freeze(world, ALICE)
    async with account(server, ALICE) as client:
        answer = await client(functions.help.GetAppConfigRequest(0))
    told = {pair.key: pair.value for pair in answer.config.value}
    assert told["freeze_since_date"].value == since
    assert told["freeze_until_date"].value == since + accounts.APPEAL_TIME.total_seconds()
    assert told["freeze_appeal_url"].value == "https://t.me/spambot"


async def test_whether_a_frozen_account_resolves_names_is_a_switch(server: MTProtoServer) -> None:
    freeze(server.world, BOB)
    async with account(server, BOB) as client:
        assert (await client(functions.contacts.ResolveUsernameRequest("quiz_bot"))).users[0].id == QUIZ
        switch(server.world, frozen_resolves=False)
        with pytest.raises(errors.FrozenMethodInvalidError):
            await client(functions.contacts.ResolveUsernameRequest("quiz_bot"))


# -- banned and deleted -----------------------------------------------------------------------------------------

ENDS = [("banned", errors.UserDeactivatedBanError), ("deleted", errors.UserDeactivatedError)]


@pytest.mark.parametrize(("how", "refusal"), ENDS)
async def test_an_account_that_is_no_more_is_refused_everything_also_at_connecting(
    server: MTProtoServer, how: Deactivation, refusal: type[Exception]
) -> None:
    async with account(server, BOB) as client:
        stored = client.session.save()
        deactivate(server.world, BOB, how)
        for request in (state(), functions.help.GetNearestDcRequest()):
            with pytest.raises(refusal):
                await client(request)
    with pytest.raises(refusal):
        async with telethon_client(server, session=stored):
            pass


@pytest.mark.parametrize(
    ("how", "refusal"), [("banned", errors.PhoneNumberBannedError), ("deleted", errors.PhoneNumberInvalidError)]
)
async def test_nobody_logs_in_to_it_again(server: MTProtoServer, how: Deactivation, refusal: type[Exception]) -> None:
    deactivate(server.world, BOB, how)
    async with telethon_client(server) as client:
        with pytest.raises(refusal):
            await log_in(client, server.world.people[BOB])


async def test_others_see_a_deleted_account_that_still_holds_its_rights(server: MTProtoServer) -> None:
    world = server.world
    deactivate(world, BOB, "banned")
    async with account(server, ALICE) as client:
        news = types.InputChannel(NEWS, access_hash(world, ALICE, NEWS))
        listed = await client(
            in_channels.GetParticipantsRequest(news, types.ChannelParticipantsAdmins(), 0, 100, hash=0)
        )
        bob = next(one for one in listed.users if one.id == BOB)
        assert (bob.deleted, bob.first_name, bob.username) == (True, None, None)
        assert [one.user_id for one in listed.participants] == [ALICE, BOB, CAROL]
        with pytest.raises(errors.UsernameNotOccupiedError):
            await client(functions.contacts.ResolveUsernameRequest("bobby"))
        named = types.InputUser(BOB, access_hash(world, ALICE, BOB))
        with pytest.raises(errors.InputUserDeactivatedError):
            await client(in_channels.EditAdminRequest(news, named, types.ChatAdminRights(post_messages=True), ""))
        await client(in_channels.EditAdminRequest(news, named, types.ChatAdminRights(), ""))
    assert world.channels[NEWS].membership(BOB).status == "member"


def test_whether_it_stays_in_its_channels_is_a_switch(world: World) -> None:
    switch(world, deactivated_member="leaves")
    deactivate(world, BOB, "banned")
    deactivate(world, ALICE, "deleted")
    assert world.channels[NEWS].membership(BOB).status == "left"
    assert world.channels[NEWS].membership(ALICE).status == "creator"
    assert world.channels[PLAZA].membership(ALICE).status == "left"


# -- logged out -------------------------------------------------------------------------------------------------


async def test_one_revoked_session_says_so_and_the_others_live_on(server: MTProtoServer) -> None:
    async with account(server, ALICE) as older, account(server, ALICE) as newer, account(server, BOB) as bob:
        assert server.revoke_session(ALICE)
        with pytest.raises(errors.SessionRevokedError):
            await newer(state())
        for client in (older, bob):
            await client(state())
        alice = server.world.people[ALICE]
        await newer.sign_in(alice.phone, alice.login_code)
        await newer(state())
        server.world.end_sessions(ALICE)
        for client in (older, newer):
            with pytest.raises(errors.AuthKeyUnregisteredError):
                await client(state())
        assert not server.revoke_session(ALICE)
        assert server.logged_in() == {BOB}
