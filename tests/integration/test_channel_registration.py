"""A channel is registered in one tap: both faces of the sandbox, one truth (facts, route R1)."""

import pytest
from telethon import functions, types

from sandbox.serve import Sandbox
from sandbox.world.model import Person
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import NADIA, PAPER_PLANES, SAM, VERA, aiogram_bot
from tests.channel_fixtures import GARDEN_CLUB, ask, chat_id
from tests.sandbox_fixtures import account

sandbox = fixtures.sandbox

connect = functions.payments.ConnectStarRefBotRequest


def bridge(sandbox: Sandbox) -> Person:
    """Vera's account is the bridge's; it knows the bot, and is in no channel of Sam's."""
    sandbox.botapi.chats.say(VERA, "/start")
    sandbox.botapi.chats.say(SAM, "/start")
    sandbox.botapi.chats.updates.drop_pending()
    return sandbox.world.people[VERA]


async def test_from_the_tap_to_a_balance_that_earns(sandbox: Sandbox) -> None:
    chats = sandbox.botapi.chats
    vera = bridge(sandbox)
    async with aiogram_bot(sandbox.botapi) as bot, account(sandbox.mtproto, vera.id) as client:
        await ask(bot, SAM)
        chats.share_new_channel(SAM, "Sam's finds")
        shared = next(one.message.chat_shared for one in await bot.get_updates() if one.message)
        assert shared is not None
        link = await bot.create_chat_invite_link(shared.chat_id, member_limit=1)
        came = await client(functions.messages.ImportChatInviteRequest(link.invite_link.rpartition("+")[2]))
        channel = came.updates.chats[0]
        assert chat_id(channel.id) == shared.chat_id
        await bot.promote_chat_member(shared.chat_id, vera.id, can_post_messages=True)
        await bot.leave_chat(shared.chat_id)
        named = types.InputChannel(channel.id, channel.access_hash)
        own = await client(functions.channels.GetParticipantRequest(named, "me"))
        given = {name for name, held in own.participant.admin_rights.to_dict().items() if held is True}
        assert given == {"post_messages"}
        admins = await client(
            functions.channels.GetParticipantsRequest(named, types.ChannelParticipantsAdmins(), 0, 100, hash=0)
        )
        assert {one.user_id for one in admins.participants} == {SAM, VERA}
        balance = types.InputPeerChannel(channel.id, channel.access_hash)
        assert (await client(connect(balance, sandbox.world.bots[PAPER_PLANES].username))).connected_bots


async def test_what_happens_at_one_face_is_true_at_the_other(sandbox: Sandbox) -> None:
    world = sandbox.world
    vera = bridge(sandbox)
    world.set_admin(GARDEN_CLUB, sandbox.our_bot.id, {"promote_members", "post_messages"})
    async with aiogram_bot(sandbox.botapi) as bot, account(sandbox.mtproto, vera.id) as client:
        await bot.get_updates(allowed_updates=["chat_member"])
        await client.get_dialogs()
        await client(functions.channels.LeaveChannelRequest(types.PeerChannel(GARDEN_CLUB)))
        [update] = await bot.get_updates(offset=-1)
        assert update.chat_member is not None
        assert (update.chat_member.new_chat_member.user.id, update.chat_member.new_chat_member.status) == (VERA, "left")
        assert (await bot.get_chat_member(chat_id(GARDEN_CLUB), vera.id)).status == "left"


@pytest.mark.parametrize("survive", [True, False])
async def test_the_bridge_reads_back_whether_its_rights_outlived_the_bots(sandbox: Sandbox, survive: bool) -> None:
    world = sandbox.world
    world.switches = world.switches.model_copy(update={"rights_survive_promoter": survive})
    vera = bridge(sandbox)
    channel = world.channels[GARDEN_CLUB]
    world.set_admin(GARDEN_CLUB, vera.id, ())
    world.set_admin(GARDEN_CLUB, sandbox.our_bot.id, {"promote_members", "post_messages"}, by=NADIA)
    async with aiogram_bot(sandbox.botapi) as bot, account(sandbox.mtproto, vera.id) as client:
        await bot.promote_chat_member(chat_id(GARDEN_CLUB), vera.id, can_post_messages=True)
        await bot.leave_chat(chat_id(GARDEN_CLUB))
        await client.get_dialogs()
        seen = await client.get_entity(types.PeerChannel(GARDEN_CLUB))
        assert bool(seen.admin_rights and seen.admin_rights.post_messages) is survive
    assert channel.is_member(vera.id)
