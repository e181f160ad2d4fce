"""Who may name whom: access hashes, channels, members and admins."""

import pytest
from telethon import errors, functions, types

from sandbox.mtproto.peers import access_hash
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Channel, World
from tests.sandbox_fixtures import (
    ALICE,
    BOB,
    CAROL,
    NEWS,
    PLAZA,
    QUIZ,
    account,
    mtproto_server,
    small_world,
)

admins = functions.channels.GetParticipantsRequest


def admins_of(channel: object, *, offset: int = 0, limit: int = 100) -> object:
    return admins(channel, types.ChannelParticipantsAdmins(), offset, limit, hash=0)


def test_an_access_hash_is_one_accounts_and_the_same_after_a_restart(world: World) -> None:
    known = access_hash(world, ALICE, QUIZ)
    assert known not in (0, access_hash(world, BOB, QUIZ), access_hash(world, ALICE, NEWS))
    assert access_hash(small_world(), ALICE, QUIZ) == known
    assert access_hash(World(seed=2), ALICE, QUIZ) != known


async def test_a_hash_still_names_its_peer_at_a_restarted_server(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        bot = await client.get_input_entity("quiz_bot")
    async with mtproto_server(small_world()) as restarted, account(restarted, ALICE) as client:
        assert (await client(functions.users.GetFullUserRequest(bot))).full_user.id == QUIZ


@pytest.mark.parametrize("whose", [BOB, None])
async def test_a_foreign_access_hash_or_none_is_refused_everywhere(server: MTProtoServer, whose: int | None) -> None:
    world = server.world
    bot_hash = access_hash(world, whose, QUIZ) if whose else 0
    news_hash = access_hash(world, whose, NEWS) if whose else 0
    bot, peer = types.InputUser(QUIZ, bot_hash), types.InputPeerUser(QUIZ, bot_hash)
    channel, balance = types.InputChannel(NEWS, news_hash), types.InputPeerChannel(NEWS, news_hash)
    me = types.InputPeerSelf()
    payments, users, channels = functions.payments, functions.users, functions.channels
    async with account(server, ALICE) as client:
        assert await client(users.GetUsersRequest([bot])) == []
        for request, refusal in (
            (users.GetFullUserRequest(bot), errors.UserIdInvalidError),
            (payments.ConnectStarRefBotRequest(me, bot), errors.BotInvalidError),
            (payments.GetConnectedStarRefBotRequest(me, bot), errors.BotInvalidError),
            (payments.ConnectStarRefBotRequest(peer, bot), errors.PeerIdInvalidError),
            (payments.GetConnectedStarRefBotsRequest(peer, limit=10), errors.PeerIdInvalidError),
            (payments.EditConnectedStarRefBotRequest(peer, "https://t.me"), errors.PeerIdInvalidError),
            (payments.GetConnectedStarRefBotsRequest(balance, limit=10), errors.ChannelInvalidError),
            (payments.GetSuggestedStarRefBotsRequest(balance, "", 10), errors.ChannelInvalidError),
            (channels.GetChannelsRequest([channel]), errors.ChannelInvalidError),
            (channels.GetParticipantRequest(channel, me), errors.ChannelInvalidError),
            (admins_of(channel), errors.ChannelInvalidError),
        ):
            with pytest.raises(refusal):
                await client(request)


async def test_a_peer_of_the_wrong_kind_is_refused(server: MTProtoServer) -> None:
    world = server.world
    async with account(server, ALICE) as client:
        with pytest.raises(errors.ChannelInvalidError):
            await client(
                functions.channels.GetChannelsRequest([types.InputChannel(QUIZ, access_hash(world, ALICE, QUIZ))])
            )
        with pytest.raises(errors.UserIdInvalidError):
            await client(functions.users.GetFullUserRequest(types.InputUser(NEWS, access_hash(world, ALICE, NEWS))))
        with pytest.raises(errors.PeerIdInvalidError):
            await client(functions.payments.GetConnectedStarRefBotsRequest(types.InputPeerChat(NEWS), limit=1))


async def test_usernames_are_looked_up_whatever_their_case(server: MTProtoServer) -> None:
    resolve = functions.contacts.ResolveUsernameRequest
    async with account(server, BOB) as client:
        assert (await client(resolve("QUIZ_bot"))).peer.user_id == QUIZ
        found = await client(resolve("Plaza"))
        assert (found.peer.channel_id, found.chats[0].left) == (PLAZA, True)
        with pytest.raises(errors.UsernameNotOccupiedError):
            await client(resolve("nobody_at_all"))
        with pytest.raises(errors.UsernameInvalidError):
            await client(resolve("no spaces"))


async def test_people_show_their_number_to_themselves_only(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        assert (await client.get_me()).phone == "9996621002"
        assert (await client.get_entity("alice")).phone is None


async def test_a_bot_can_be_edited_by_its_owner_only(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        assert (await client.get_entity("quiz_bot")).bot_can_edit
        assert not (await client.get_entity("chess_bot")).bot_can_edit


async def test_the_dialogs_are_the_channels_the_account_is_in(server: MTProtoServer) -> None:
    async with account(server, ALICE) as alice, account(server, BOB) as bob:
        assert [dialog.entity.id for dialog in await alice.get_dialogs()] == [NEWS, PLAZA]
        assert [dialog.entity.id for dialog in await bob.get_dialogs()] == [NEWS]


async def test_many_dialogs_come_in_pages(server: MTProtoServer) -> None:
    ids = [90_000 + number for number in range(230)]
    server.world.add(*(Channel(one, f"Channel {one}", CAROL) for one in ids))
    async with account(server, CAROL) as client:
        dialogs = await client.get_dialogs()
        assert sorted(dialog.entity.id for dialog in dialogs) == [NEWS, PLAZA, *ids]
        assert await client.get_dialogs(archived=True) == []
        first = await client.get_dialogs(limit=7)
        assert (len(first), first.total) == (7, 232)


async def test_a_channel_shows_ones_own_rights_in_it(server: MTProtoServer) -> None:
    async with account(server, ALICE) as alice, account(server, BOB) as bob, account(server, CAROL) as carol:
        for client in (alice, bob, carol):
            await client.get_dialogs()
        news = types.PeerChannel(NEWS)
        owned, posted, edited = [await client.get_entity(news) for client in (alice, bob, carol)]
        assert owned.creator
        assert owned.admin_rights.add_admins
        assert posted.admin_rights.post_messages
        assert not posted.admin_rights.edit_messages
        assert edited.admin_rights.edit_messages
        assert not edited.admin_rights.post_messages
        assert len({owned.access_hash, posted.access_hash, edited.access_hash}) == 3


async def test_an_account_reads_its_own_part_in_a_channel(server: MTProtoServer) -> None:
    ask = functions.channels.GetParticipantRequest
    async with account(server, BOB) as bob, account(server, ALICE) as alice:
        await bob.get_dialogs()
        mine = (await bob(ask(types.PeerChannel(NEWS), "me"))).participant
        assert isinstance(mine, types.ChannelParticipantAdmin)
        assert mine.is_self
        assert mine.admin_rights.post_messages
        await alice.get_dialogs()
        own = await alice(ask(types.PeerChannel(PLAZA), "me"))
        assert isinstance(own.participant, types.ChannelParticipantSelf)
        creator = await alice(ask(types.PeerChannel(NEWS), "me"))
        assert isinstance(creator.participant, types.ChannelParticipantCreator)


async def test_members_ask_about_themselves_only_and_strangers_take_no_part(server: MTProtoServer) -> None:
    ask = functions.channels.GetParticipantRequest
    async with account(server, ALICE) as alice, account(server, BOB) as bob:
        with pytest.raises(errors.ChatAdminRequiredError):
            await alice(ask("plaza", "carol"))
        with pytest.raises(errors.UserNotParticipantError):
            await bob(ask("plaza", "me"))
        await bob.get_dialogs()
        with pytest.raises(errors.UserNotParticipantError):
            await bob(ask(types.PeerChannel(NEWS), "quiz_bot"))
        with pytest.raises(errors.ParticipantIdInvalidError):
            await bob(ask(types.PeerChannel(NEWS), types.InputPeerUser(CAROL, 1)))
        with pytest.raises(errors.ParticipantIdInvalidError):
            await bob(ask(types.PeerChannel(NEWS), types.PeerChannel(NEWS)))


async def test_an_admin_lists_the_admins_with_their_rights(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        await client.get_dialogs()
        found = await client(admins_of(types.PeerChannel(NEWS)))
        assert found.count == 3
        creator, bob, carol = found.participants
        assert (creator.user_id, bob.user_id, carol.user_id) == (ALICE, BOB, CAROL)
        assert isinstance(creator, types.ChannelParticipantCreator)
        assert bob.admin_rights.post_messages
        assert not carol.admin_rights.post_messages
        assert {user.id for user in found.users} == {ALICE, BOB, CAROL}
        page = await client(admins_of(types.PeerChannel(NEWS), offset=1, limit=1))
        assert [one.user_id for one in page.participants] == [BOB]


async def test_a_subscriber_may_not_list_the_admins(server: MTProtoServer) -> None:
    async with account(server, ALICE) as client:
        with pytest.raises(errors.ChatAdminRequiredError):
            await client(admins_of("plaza"))


@pytest.mark.parametrize(
    ("offset", "limit", "refusal"),
    [
        (0, 201, errors.LimitInvalidError),
        (0, -1, errors.LimitInvalidError),
        (-1, 10, errors.OffsetInvalidError),
    ],
)
async def test_limits_out_of_bounds_are_refused(
    server: MTProtoServer, offset: int, limit: int, refusal: type[Exception]
) -> None:
    async with account(server, CAROL) as client:
        with pytest.raises(refusal):
            await client(admins_of("plaza", offset=offset, limit=limit))


async def test_a_filter_the_sandbox_lacks_is_counted_like_a_method(server: MTProtoServer) -> None:
    async with account(server, CAROL) as client:
        with pytest.raises(errors.BadRequestError, match="NOT_IMPLEMENTED_IN_SANDBOX"):
            await client(admins("plaza", types.ChannelParticipantsRecent(), 0, 10, hash=0))
    assert server.unimplemented.pop("channels.getParticipants(ChannelParticipantsRecent)") == 1


async def test_a_private_channel_is_closed_to_who_has_left_it(server: MTProtoServer) -> None:
    async with account(server, BOB) as client:
        await client.get_dialogs()
        news = await client.get_input_entity(types.PeerChannel(NEWS))
        del server.world.channels[NEWS].admins[BOB]
        for request in (
            functions.channels.GetChannelsRequest([news]),
            functions.channels.GetParticipantRequest(news, "me"),
            functions.payments.GetConnectedStarRefBotsRequest(news, limit=10),
        ):
            with pytest.raises(errors.ChannelPrivateError):
                await client(request)
        assert await client.get_dialogs() == []
