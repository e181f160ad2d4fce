"""Coming into channels, leaving them and running them, asked by real Telethon."""

from datetime import timedelta

import pytest
from telethon import errors, functions, types

from sandbox.mtproto.peers import access_hash
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Channel, World, accounts, channels, invites
from tests.sandbox_fixtures import ALICE, BOB, CAROL, NEWS, PLAIN, PLAZA, QUIZ, account

check = functions.messages.CheckChatInviteRequest
import_invite = functions.messages.ImportChatInviteRequest
join = functions.channels.JoinChannelRequest
leave = functions.channels.LeaveChannelRequest
full = functions.channels.GetFullChannelRequest
edit_admin = functions.channels.EditAdminRequest
ATTIC = 80003
"""Carol's private channel; nobody else is in it."""


@pytest.fixture
def attic(server: MTProtoServer) -> Channel:
    channel = Channel(ATTIC, "Attic", CAROL)
    server.world.add(channel)
    return channel


def switch(world: World, **values: object) -> None:
    world.switches = world.switches.model_copy(update=values)


def named(world: World, viewer: int, channel_id: int) -> types.InputChannel:
    """A channel as this account, having met it, names it."""
    return types.InputChannel(channel_id, access_hash(world, viewer, channel_id))


# -- invite links -----------------------------------------------------------------------------------------------


async def test_an_invite_shows_where_it_leads_and_leads_there(server: MTProtoServer, attic: Channel) -> None:
    link = invites.make(server.world, CAROL, attic)
    async with account(server, BOB) as client:
        shown = await client(check(link.hash))
        assert isinstance(shown, types.ChatInvite)
        assert (shown.title, shown.participants_count, shown.broadcast, shown.public) == ("Attic", 1, True, False)
        came = await client(import_invite(link.hash))
        assert isinstance(came, types.messages.ChatInviteJoinResultOk)
        [channel] = came.updates.chats
        assert (channel.id, channel.left, channel.access_hash) == (ATTIC, False, access_hash(server.world, BOB, ATTIC))
        assert ATTIC in [dialog.entity.id for dialog in await client.get_dialogs()]
        already = await client(check(link.hash))
        assert isinstance(already, types.ChatInviteAlready)
        with pytest.raises(errors.UserAlreadyParticipantError):
            await client(import_invite(link.hash))


async def test_a_link_for_one_is_used_up_by_one(server: MTProtoServer, attic: Channel) -> None:
    link = invites.make(server.world, CAROL, attic, member_limit=1)
    async with account(server, BOB) as bob, account(server, ALICE) as alice:
        await bob(import_invite(link.hash))
        for request in (check(link.hash), import_invite(link.hash)):
            with pytest.raises(errors.InviteHashExpiredError):
                await alice(request)
        with pytest.raises(errors.InviteHashExpiredError):
            await bob(import_invite(link.hash))
        switch(server.world, member_imports_dead_invite="USER_ALREADY_PARTICIPANT")
        with pytest.raises(errors.UserAlreadyParticipantError):
            await bob(import_invite(link.hash))


async def test_dead_and_unknown_links_lead_nowhere(server: MTProtoServer, attic: Channel) -> None:
    world = server.world
    revoked, short = (
        invites.make(world, CAROL, attic),
        invites.make(world, CAROL, attic, expires=world.clock.now() + timedelta(hours=1)),
    )
    invites.revoke(world, CAROL, attic, revoked.url)
    world.clock.move(timedelta(hours=1))
    async with account(server, BOB) as client:
        for dead in (revoked.hash, short.hash, "AAAAAAAAAAAAAAAA"):
            with pytest.raises(errors.InviteHashExpiredError):
                await client(import_invite(dead))
        with pytest.raises(errors.InviteHashInvalidError):
            await client(import_invite("no hash"))
        with pytest.raises(errors.InviteHashEmptyError):
            await client(import_invite(""))
    assert not attic.is_member(BOB)


async def test_a_full_account_comes_into_no_more_channels_and_spends_no_link(
    server: MTProtoServer, attic: Channel
) -> None:
    world = server.world
    world.people[BOB].channels_limit = 1
    link = invites.make(world, CAROL, attic, member_limit=1)
    async with account(server, BOB) as client:
        for request in (import_invite(link.hash), join("plaza")):
            with pytest.raises(errors.ChannelsTooMuchError):
                await client(request)
        assert link.joined == 0
        await client.get_dialogs()
        await client(leave(types.PeerChannel(NEWS)))
        await client(import_invite(link.hash))


def test_a_premium_account_has_room_for_more(world: World) -> None:
    bob = world.people[BOB]
    assert channels.limit_of(bob) == 500
    bob.premium = True
    assert channels.limit_of(bob) == 1000


async def test_who_was_thrown_out_stays_out(server: MTProtoServer, attic: Channel) -> None:
    world = server.world
    link = invites.make(world, CAROL, attic)
    channels.join(world, BOB, world.channels[PLAZA])
    for channel in (attic, world.channels[PLAZA]):
        world.set_admin(channel.id, BOB, ())
        channels.remove(world, CAROL, channel, BOB)
    async with account(server, BOB) as client:
        with pytest.raises(errors.InviteHashExpiredError):
            await client(import_invite(link.hash))
        with pytest.raises(errors.ChannelPrivateError):
            await client(join(named(world, BOB, PLAZA)))


async def test_a_frozen_account_goes_nowhere(server: MTProtoServer, attic: Channel) -> None:
    link = invites.make(server.world, CAROL, attic)
    async with account(server, BOB) as client:
        accounts.freeze(server.world, server.world.people[BOB])
        assert (await client(check(link.hash))).title == "Attic"
        for request in (import_invite(link.hash), join("plaza")):
            with pytest.raises(errors.FrozenMethodInvalidError):
                await client(request)


# -- joining and leaving ----------------------------------------------------------------------------------------


async def test_a_public_channel_is_open_to_all_and_joining_twice_is_a_switch(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        for _ in range(2):
            came = await client(join("plaza"))
            assert [chat.id for chat in came.updates.chats] == [PLAZA]
        assert server.world.channels[PLAZA].is_member(BOB)
        switch(server.world, join_again="refuse")
        with pytest.raises(errors.UserAlreadyParticipantError):
            await client(join("plaza"))


async def test_a_private_channel_is_not_joined_without_an_invite(server: MTProtoServer, attic: Channel) -> None:
    async with account(server, BOB) as client:
        with pytest.raises(errors.ChannelPrivateError):
            await client(join(named(server.world, BOB, attic.id)))


async def test_leaving_ends_everything_one_was_in_the_channel(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        await client.get_dialogs()
        news = await client.get_input_entity(types.PeerChannel(NEWS))
        left = await client(leave(news))
        assert [chat.left for chat in left.chats] == [True]
        assert await client.get_dialogs() == []
        with pytest.raises(errors.ChannelPrivateError):
            await client(leave(news))
        with pytest.raises(errors.UserNotParticipantError):
            await client(leave("plaza"))
    assert not server.world.channels[NEWS].rights_of(BOB)


async def test_a_creator_cannot_leave(server: MTProtoServer) -> None:
    async with account(server, CAROL) as client:
        with pytest.raises(errors.UserCreatorError):
            await client(leave("plaza"))


# -- running ----------------------------------------------------------------------------------------------------


async def test_the_full_channel_counts_its_people_and_for_admins_its_admins(server: MTProtoServer) -> None:
    async with account(server, BOB) as bob, account(server, CAROL) as carol:
        seen = await bob(full("plaza"))
        assert (seen.full_chat.participants_count, seen.full_chat.admins_count) == (2, None)
        assert [chat.title for chat in seen.chats] == ["Plaza"]
        assert (await carol(full("plaza"))).full_chat.admins_count == 1


async def test_admins_show_who_promoted_them(server: MTProtoServer) -> None:
    world = server.world
    world.set_admin(PLAZA, ALICE, {"promote_members", "post_messages"})
    channels.join(world, BOB, world.channels[PLAZA])
    posting = types.ChatAdminRights(post_messages=True)
    async with account(server, ALICE) as alice, account(server, CAROL) as carol:
        await alice(edit_admin("plaza", "bobby", posting))
        ask = functions.channels.GetParticipantRequest
        seen = await alice(ask("plaza", "bobby"))
        assert (seen.participant.promoted_by, seen.participant.can_edit) == (ALICE, True)
        assert seen.participant.admin_rights.post_messages
        assert {user.id for user in seen.users} == {ALICE, BOB, CAROL}
        assert (await carol(ask("plaza", "alice"))).participant.promoted_by == CAROL
        await alice(edit_admin("plaza", "bobby", types.ChatAdminRights()))
    assert world.channels[PLAZA].membership(BOB).status == "member"


async def test_admins_give_only_what_they_hold_to_whom_they_may(server: MTProtoServer) -> None:
    world = server.world
    world.set_admin(PLAZA, ALICE, {"promote_members"})
    channels.join(world, BOB, world.channels[PLAZA])
    posting, promoting = types.ChatAdminRights(post_messages=True), types.ChatAdminRights(add_admins=True)
    async with account(server, ALICE) as alice, account(server, BOB) as bob:
        for client, whom, rights, refusal in (
            (alice, "bobby", posting, errors.RightForbiddenError),
            (alice, "carol", promoting, errors.UserCreatorError),
            (bob, "alice", promoting, errors.ChatAdminRequiredError),
        ):
            with pytest.raises(refusal):
                await client(edit_admin("plaza", whom, rights))
        world.set_admin(PLAZA, BOB, {"promote_members"})
        with pytest.raises(errors.ChatAdminRequiredError):
            await bob(edit_admin("plaza", "alice", types.ChatAdminRights()))


async def test_a_bot_becomes_an_admin_without_having_been_a_member(server: MTProtoServer) -> None:
    async with account(server, CAROL) as client:
        await client(edit_admin("plaza", "quiz_bot", types.ChatAdminRights(post_messages=True, other=True)))
        with pytest.raises(errors.UserNotParticipantError):
            await client(edit_admin("plaza", "bobby", types.ChatAdminRights(post_messages=True)))
    assert server.world.channels[PLAZA].rights_of(QUIZ) == {"post_messages"}


async def test_a_right_the_sandbox_lacks_is_counted(server: MTProtoServer) -> None:
    async with account(server, CAROL) as client:
        with pytest.raises(errors.BadRequestError, match="NOT_IMPLEMENTED_IN_SANDBOX"):
            await client(edit_admin("plaza", "alice", types.ChatAdminRights(anonymous=True)))
    assert server.unimplemented.pop("channels.editAdmin(anonymous)") == 1


async def test_an_account_lists_the_bots_it_owns(server: MTProtoServer) -> None:
    ask = functions.bots.GetAdminedBotsRequest
    async with account(server, ALICE) as alice, account(server, BOB) as bob:
        [quiz] = await alice(ask())
        assert (quiz.id, quiz.bot, quiz.bot_can_edit) == (QUIZ, True, True)
        assert [one.id for one in await bob(ask())] == [PLAIN]
