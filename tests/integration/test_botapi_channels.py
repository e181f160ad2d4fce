"""The bot in a channel: who may do what there, invite links, promotions, leaving, and what it is told."""

from datetime import timedelta

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import ChatMemberAdministrator, ChatMemberUpdated

from sandbox.botapi import BotApiServer, Chats
from sandbox.world import World, accounts, channels, invites
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import DMITRI, NADIA, PAPER_PLANES, QUIET_GARDENS, SAM, VERA
from tests.channel_fixtures import GARDEN_CLUB, bring_in, chat_id

server, chats, bot = fixtures.server, fixtures.chats, fixtures.bot

GARDENS, CLUB = chat_id(QUIET_GARDENS), chat_id(GARDEN_CLUB)
NOBODY_KNOWN = 1009


@pytest.fixture
def world(server: BotApiServer) -> World:
    return server.face.world


def switch(world: World, **values: object) -> None:
    world.switches = world.switches.model_copy(update=values)


def subscriber(world: World, chats: Chats, *, started: bool = True) -> int:
    """Sam, who reads the private channel and (unless told) knows the bot."""
    world.channels[GARDEN_CLUB].members.add(SAM)
    if started:
        chats.say(SAM, "/start")
    chats.updates.drop_pending()
    return SAM


async def changes(bot: Bot, kind: str) -> list[ChatMemberUpdated]:
    return [getattr(update, kind) for update in await bot.get_updates() if update.event_type == kind]


# -- looking ----------------------------------------------------------------------------------------------------


async def test_a_channel_is_found_by_id_and_by_username(bot: Bot) -> None:
    for wanted in (GARDENS, "@Quiet_Gardens"):
        chat = await bot.get_chat(wanted)
        assert (chat.id, chat.type, chat.title, chat.username) == (GARDENS, "channel", "Quiet Gardens", "quiet_gardens")


@pytest.mark.parametrize("wanted", [CLUB, chat_id(1), "@nobody_at_all", "@nadia_gardens", "-100x"])
async def test_a_private_channel_the_bot_never_was_in_and_one_that_is_not_are_alike(
    bot: Bot, wanted: int | str
) -> None:
    with pytest.raises(TelegramBadRequest):
        await bot.get_chat(wanted)


async def test_a_persons_chat_is_found_too(bot: Bot) -> None:
    assert (await bot.get_chat(NADIA)).first_name == "Nadia"


async def test_the_bot_sees_what_everybody_is(bot: Bot, server: BotApiServer, world: World, chats: Chats) -> None:
    bring_in(server, GARDEN_CLUB)
    sam = subscriber(world, chats)
    assert (await bot.get_chat_member(CLUB, NADIA)).status == "creator"
    assert (await bot.get_chat_member(CLUB, sam)).status == "member"
    vera, own = await bot.get_chat_member(CLUB, VERA), await bot.get_chat_member(CLUB, bot.id)
    assert isinstance(vera, ChatMemberAdministrator)
    assert (vera.can_post_messages, vera.can_invite_users, vera.can_be_edited) == (True, False, False)
    assert isinstance(own, ChatMemberAdministrator)
    chats.say(DMITRI, "/start")
    assert (await bot.get_chat_member(CLUB, DMITRI)).status == "left"


async def test_who_is_in_a_channel_is_not_for_outsiders(bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="member list is inaccessible"):
        await bot.get_chat_member(GARDENS, NADIA)


async def test_a_bot_cannot_name_people_it_has_never_met(
    bot: Bot, server: BotApiServer, world: World, chats: Chats
) -> None:
    bring_in(server, GARDEN_CLUB)
    sam = subscriber(world, chats, started=False)
    for stranger in (sam, NOBODY_KNOWN, 123456):
        with pytest.raises(TelegramBadRequest, match="PARTICIPANT_ID_INVALID"):
            await bot.get_chat_member(CLUB, stranger)
    with pytest.raises(TelegramBadRequest, match="invalid user_id specified"):
        await bot.get_chat_member(CLUB, 0)
    switch(world, known_by_joining=True, unknown_user_error="user not found")
    assert (await bot.get_chat_member(CLUB, sam)).status == "member"
    with pytest.raises(TelegramBadRequest, match="user not found"):
        await bot.get_chat_member(CLUB, NOBODY_KNOWN)


async def test_the_admins_are_listed_other_bots_only_when_asked_for(
    bot: Bot, server: BotApiServer, world: World
) -> None:
    with pytest.raises(TelegramBadRequest, match="member list is inaccessible"):
        await bot.get_chat_administrators(GARDENS)
    bring_in(server, QUIET_GARDENS)
    world.set_admin(QUIET_GARDENS, PAPER_PLANES, {"post_messages"})
    people = {VERA: "administrator", NADIA: "creator", DMITRI: "administrator", bot.id: "administrator"}
    listed = await bot.get_chat_administrators(GARDENS)
    assert {one.user.id: one.status for one in listed} == people
    everybody = await bot.get_chat_administrators(GARDENS, return_bots=True)
    assert {one.user.id for one in everybody} == {*people, PAPER_PLANES}


# -- invite links -----------------------------------------------------------------------------------------------


async def test_an_invite_link_shows_its_terms(bot: Bot, server: BotApiServer, world: World) -> None:
    bring_in(server, GARDEN_CLUB)
    until = world.clock.now() + timedelta(hours=1)
    link = await bot.create_chat_invite_link(CLUB, name="x" * 40, expire_date=until, member_limit=1)
    assert link.invite_link.startswith("https://t.me/+")
    assert (link.creator.id, link.name, link.member_limit) == (bot.id, "x" * 32, 1)
    assert (link.is_primary, link.is_revoked, link.creates_join_request) == (False, False, False)
    plain = await bot.create_chat_invite_link(CLUB)
    assert (plain.member_limit, plain.expire_date, plain.name) == (None, None, None)
    assert plain.invite_link != link.invite_link


async def test_links_take_the_right_to_invite(bot: Bot, server: BotApiServer) -> None:
    bring_in(server, GARDEN_CLUB, "post_messages", "promote_members")
    for attempt in (bot.create_chat_invite_link(CLUB), bot.revoke_chat_invite_link(CLUB, "https://t.me/+x")):
        with pytest.raises(TelegramBadRequest, match="not enough rights to manage chat invite link"):
            await attempt


async def test_impossible_terms_are_refused(bot: Bot, server: BotApiServer, world: World) -> None:
    bring_in(server, GARDEN_CLUB)
    with pytest.raises(TelegramBadRequest, match="USAGE_LIMIT_INVALID"):
        await bot.create_chat_invite_link(CLUB, member_limit=100_000)
    with pytest.raises(TelegramBadRequest, match="EXPIRE_DATE_INVALID"):
        await bot.create_chat_invite_link(CLUB, expire_date=world.clock.now() - timedelta(seconds=1))


async def test_a_bot_revokes_its_own_links_only(bot: Bot, server: BotApiServer, world: World) -> None:
    channel = bring_in(server, GARDEN_CLUB)
    link = await bot.create_chat_invite_link(CLUB)
    assert (await bot.revoke_chat_invite_link(CLUB, link.invite_link)).is_revoked
    assert (await bot.revoke_chat_invite_link(CLUB, link.invite_link)).is_revoked
    switch(world, revoke_invite_again="refuse")
    foreign = invites.make(world, NADIA, channel).url
    for url in (link.invite_link, foreign, "https://t.me/+nothing"):
        with pytest.raises(TelegramBadRequest, match="INVITE_HASH_EXPIRED"):
            await bot.revoke_chat_invite_link(CLUB, url)


# -- promoting --------------------------------------------------------------------------------------------------


async def test_a_member_is_given_exactly_these_rights_and_loses_them(
    bot: Bot, server: BotApiServer, world: World, chats: Chats
) -> None:
    channel = bring_in(server, GARDEN_CLUB)
    sam = subscriber(world, chats)
    assert await bot.promote_chat_member(CLUB, sam, can_post_messages=True)
    assert channel.rights_of(sam) == {"post_messages"}
    promoted = await bot.get_chat_member(CLUB, sam)
    assert isinstance(promoted, ChatMemberAdministrator)
    assert (promoted.can_post_messages, promoted.can_invite_users, promoted.can_be_edited) == (True, False, True)
    assert await bot.promote_chat_member(CLUB, sam)
    assert (await bot.get_chat_member(CLUB, sam)).status == "member"
    assert await bot.promote_chat_member(CLUB, sam)


async def test_a_bot_gives_no_right_that_it_does_not_hold(
    bot: Bot, server: BotApiServer, world: World, chats: Chats
) -> None:
    channel = bring_in(server, GARDEN_CLUB, "invite_users", "promote_members")
    sam = subscriber(world, chats)
    with pytest.raises(TelegramBadRequest, match="RIGHT_FORBIDDEN"):
        await bot.promote_chat_member(CLUB, sam, can_post_messages=True)
    assert sam not in channel.admins


async def test_promoting_takes_the_right_to_promote(bot: Bot, server: BotApiServer, world: World, chats: Chats) -> None:
    bring_in(server, GARDEN_CLUB, "post_messages", "invite_users")
    sam = subscriber(world, chats)
    with pytest.raises(TelegramBadRequest, match="not enough rights"):
        await bot.promote_chat_member(CLUB, sam, can_post_messages=True)


async def test_some_people_cannot_be_promoted(bot: Bot, server: BotApiServer, world: World, chats: Chats) -> None:
    channel = bring_in(server, GARDEN_CLUB)
    for person in (DMITRI, SAM):
        chats.say(person, "/start")
    channel.banned.add(SAM)
    for person, refusal in (
        (DMITRI, "USER_NOT_PARTICIPANT"),
        (SAM, "USER_KICKED"),
        (VERA, "CHAT_ADMIN_REQUIRED"),
        (NADIA, "can't remove chat owner"),
        (bot.id, "can't promote self"),
        (NOBODY_KNOWN, "PARTICIPANT_ID_INVALID"),
    ):
        with pytest.raises(TelegramBadRequest, match=refusal):
            await bot.promote_chat_member(CLUB, person, can_post_messages=True)
    switch(world, promote_stranger_error="USER_NOT_MUTUAL_CONTACT")
    with pytest.raises(TelegramBadRequest, match="USER_NOT_MUTUAL_CONTACT"):
        await bot.promote_chat_member(CLUB, DMITRI, can_post_messages=True)


async def test_a_banned_account_is_given_no_rights_but_can_be_demoted(
    bot: Bot, server: BotApiServer, world: World, chats: Chats
) -> None:
    channel = bring_in(server, GARDEN_CLUB)
    sam = subscriber(world, chats)
    await bot.promote_chat_member(CLUB, sam, can_post_messages=True)
    accounts.deactivate(world, world.people[sam], "banned")
    assert (await bot.get_chat_member(CLUB, sam)).user.first_name == ""
    with pytest.raises(TelegramForbiddenError, match="user is deactivated"):
        await bot.promote_chat_member(CLUB, sam, can_post_messages=True)
    assert await bot.promote_chat_member(CLUB, sam)
    assert not channel.rights_of(sam)


async def test_a_right_the_sandbox_lacks_is_counted(bot: Bot, server: BotApiServer, world: World, chats: Chats) -> None:
    bring_in(server, GARDEN_CLUB)
    sam = subscriber(world, chats)
    await bot.promote_chat_member(CLUB, sam, can_post_messages=True, can_manage_chat=True, can_pin_messages=True)
    assert dict(server.unimplemented) == {"promoteChatMember(can_pin_messages)": 1}
    server.unimplemented.clear()


async def test_a_post_in_a_channel_is_counted_as_what_the_sandbox_lacks(bot: Bot, server: BotApiServer) -> None:
    bring_in(server, GARDEN_CLUB)
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(CLUB, "news")
    assert dict(server.unimplemented) == {"messages in a channel": 1}
    server.unimplemented.clear()


# -- leaving ----------------------------------------------------------------------------------------------------


async def test_a_bot_that_left_a_private_channel_is_outside(bot: Bot, server: BotApiServer) -> None:
    bring_in(server, GARDEN_CLUB)
    assert await bot.leave_chat(CLUB)
    [told] = await changes(bot, "my_chat_member")
    assert (told.from_user.id, told.old_chat_member.status, told.new_chat_member.status) == (
        bot.id,
        "administrator",
        "left",
    )
    for attempt in (bot.get_chat(CLUB), bot.leave_chat(CLUB), bot.create_chat_invite_link(CLUB)):
        with pytest.raises(TelegramForbiddenError, match="bot is not a member of the channel chat"):
            await attempt


async def test_whether_a_bot_is_told_of_its_own_leaving_is_a_switch(
    bot: Bot, server: BotApiServer, world: World
) -> None:
    bring_in(server, GARDEN_CLUB)
    switch(world, told_of_own_leaving=False)
    await bot.leave_chat(CLUB)
    assert await bot.get_updates() == []


@pytest.mark.parametrize(("survive", "expected"), [(True, {"post_messages"}), (False, set())])
async def test_whether_rights_outlive_who_gave_them_is_a_switch(
    bot: Bot, server: BotApiServer, world: World, chats: Chats, survive: bool, expected: set[str]
) -> None:
    switch(world, rights_survive_promoter=survive, invites_survive_maker=survive)
    channel = bring_in(server, GARDEN_CLUB)
    sam = subscriber(world, chats)
    await bot.create_chat_invite_link(CLUB)
    await bot.promote_chat_member(CLUB, sam, can_post_messages=True)
    await bot.leave_chat(CLUB)
    assert channel.rights_of(sam) == expected
    assert channel.is_member(sam)
    assert channel.invites[0].revoked is not survive


async def test_a_bot_that_was_thrown_out_hears_it_and_is_refused(bot: Bot, server: BotApiServer, world: World) -> None:
    channel = bring_in(server, GARDEN_CLUB)
    channels.remove(world, NADIA, channel, bot.id)
    [told] = await changes(bot, "my_chat_member")
    assert (told.from_user.id, told.new_chat_member.status) == (NADIA, "kicked")
    for attempt in (bot.get_chat(CLUB), bot.leave_chat(CLUB)):
        with pytest.raises(TelegramForbiddenError, match="bot was kicked from the channel chat"):
            await attempt


@pytest.mark.parametrize("status", ["left", "kicked"])
async def test_a_demoted_bot_is_out_of_the_channel(bot: Bot, server: BotApiServer, world: World, status: str) -> None:
    switch(world, demoted_bot=status)
    bring_in(server, GARDEN_CLUB)
    world.set_admin(GARDEN_CLUB, bot.id, ())
    [told] = await changes(bot, "my_chat_member")
    assert told.new_chat_member.status == status
    with pytest.raises(TelegramForbiddenError):
        await bot.leave_chat(CLUB)


async def test_fewer_rights_are_told_too(bot: Bot, server: BotApiServer, world: World) -> None:
    bring_in(server, GARDEN_CLUB)
    world.set_admin(GARDEN_CLUB, bot.id, {"post_messages"})
    world.set_admin(GARDEN_CLUB, bot.id, {"post_messages"})
    [told] = await changes(bot, "my_chat_member")
    assert isinstance(told.new_chat_member, ChatMemberAdministrator)
    assert not told.new_chat_member.can_promote_members


# -- hearing of others ------------------------------------------------------------------------------------------


async def test_others_comings_and_goings_are_told_only_when_asked_for(
    bot: Bot, server: BotApiServer, world: World, chats: Chats
) -> None:
    channel = bring_in(server, GARDEN_CLUB)
    chats.say(SAM, "/start")
    chats.updates.drop_pending()
    channels.join(world, DMITRI, channel, invites.make(world, NADIA, channel))
    assert await bot.get_updates() == []
    await bot.get_updates(allowed_updates=["chat_member", "my_chat_member"])
    link = await bot.create_chat_invite_link(CLUB, member_limit=1)
    invites.use(world, SAM, link.invite_link.rpartition("+")[2])
    await bot.promote_chat_member(CLUB, SAM, can_post_messages=True)
    channels.leave(world, SAM, channel)
    joined, promoted, left = await changes(bot, "chat_member")
    assert (joined.from_user.id, joined.old_chat_member.status, joined.new_chat_member.status) == (
        SAM,
        "left",
        "member",
    )
    assert joined.invite_link is not None
    assert joined.invite_link.invite_link == link.invite_link
    assert (promoted.from_user.id, promoted.new_chat_member.status) == (bot.id, "administrator")
    assert (left.from_user.id, left.new_chat_member.status) == (SAM, "left")


async def test_of_another_admins_link_the_bot_sees_half(bot: Bot, server: BotApiServer, world: World) -> None:
    channel = bring_in(server, GARDEN_CLUB)
    await bot.get_updates(allowed_updates=["chat_member"])
    link = invites.make(world, NADIA, channel)
    invites.use(world, SAM, link.hash)
    [joined] = await changes(bot, "chat_member")
    assert joined.invite_link is not None
    assert joined.invite_link.invite_link.endswith("...")
    assert link.url.startswith(joined.invite_link.invite_link[:-3])


async def test_a_bot_outside_hears_nothing_of_others(bot: Bot, world: World) -> None:
    await bot.get_updates(allowed_updates=["chat_member"])
    channels.join(world, SAM, world.channels[QUIET_GARDENS])
    assert await bot.get_updates() == []
