"""How a channel is handed to the bot: Telegram's picker, a channel made in it, and the link for old apps."""

from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import ChatMemberAdministrator, Update
from aiohttp import ClientSession

from sandbox.botapi import BotApiServer, Chats
from sandbox.botapi.model import NoSuchButtonError
from sandbox.world import TelegramError, pickers
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import DMITRI, NADIA, QUIET_GARDENS, SAM, VERA
from tests.channel_fixtures import GARDEN_CLUB, THREE, ask, bring_in, chat_id, rights

server, chats, bot, nadia = fixtures.server, fixtures.chats, fixtures.bot, fixtures.nadia

LINK = "https://t.me/starling_demo_bot?startchannel&admin=post_messages+invite_users+promote_members"


def kinds(updates: list[Update]) -> list[str]:
    return [update.event_type for update in updates]


async def test_the_tap_that_picks_a_channel_adds_the_bot_with_its_rights(
    bot: Bot, server: BotApiServer, chats: Chats, nadia: int
) -> None:
    await ask(bot, nadia)
    chats.share_channel(nadia, GARDEN_CLUB)
    updates = await bot.get_updates()
    assert kinds(updates) == ["my_chat_member", "message"]
    added, message = updates[0].my_chat_member, updates[1].message
    assert added is not None
    assert (added.chat.id, added.chat.type, added.chat.title) == (
        chat_id(GARDEN_CLUB),
        "channel",
        "Garden Club (private)",
    )
    assert (added.from_user.id, added.old_chat_member.status) == (nadia, "left")
    mine = added.new_chat_member
    assert isinstance(mine, ChatMemberAdministrator)
    assert (mine.user.id, mine.can_post_messages, mine.can_invite_users, mine.can_promote_members) == (
        server.face.bot.id,
        True,
        True,
        True,
    )
    assert not any((mine.can_edit_messages, mine.can_change_info, mine.can_be_edited))
    assert message is not None
    assert message.chat_shared is not None
    assert (message.chat_shared.request_id, message.chat_shared.chat_id) == (7, chat_id(GARDEN_CLUB))
    assert server.face.world.channels[GARDEN_CLUB].rights_of(server.face.bot.id) == set(THREE)


async def test_an_old_app_shares_the_channel_and_adds_nobody(bot: Bot, chats: Chats, nadia: int) -> None:
    await ask(bot, nadia)
    chats.share_channel(nadia, GARDEN_CLUB, adds_bot=False)
    assert kinds(await bot.get_updates()) == ["message"]
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.get_chat(chat_id(GARDEN_CLUB))


async def test_a_bot_that_has_the_rights_already_is_not_added_again(
    bot: Bot, server: BotApiServer, chats: Chats, nadia: int
) -> None:
    channel = bring_in(server, QUIET_GARDENS, *THREE, "edit_messages")
    await ask(bot, nadia)
    chats.share_channel(nadia, QUIET_GARDENS)
    assert kinds(await bot.get_updates()) == ["message"]
    assert channel.has_right(server.face.bot.id, "edit_messages")


async def test_a_bot_with_too_few_rights_gets_the_rest_and_keeps_what_it_had(
    bot: Bot, server: BotApiServer, chats: Chats, nadia: int
) -> None:
    channel = bring_in(server, QUIET_GARDENS, "edit_messages")
    await ask(bot, nadia)
    chats.share_channel(nadia, QUIET_GARDENS)
    assert kinds(await bot.get_updates()) == ["my_chat_member", "message"]
    assert channel.rights_of(server.face.bot.id) == {*THREE, "edit_messages"}


@pytest.mark.parametrize(
    ("person", "fields"),
    [
        (SAM, {"request_username": True}),
        (DMITRI, {"user_administrator_rights": rights("promote_members")}),
        (VERA, {"chat_is_created": True}),
        (NADIA, {"chat_has_username": False}),
        (NADIA, {"bot_is_member": True}),
    ],
)
async def test_the_picker_lists_only_what_the_button_asks_for(
    bot: Bot, chats: Chats, person: int, fields: dict[str, Any]
) -> None:
    chats.say(person, "/start")
    await ask(bot, person, **fields)
    with pytest.raises(ValueError, match=f"does not list a channel {QUIET_GARDENS}"):
        chats.share_channel(person, QUIET_GARDENS)


async def test_a_bot_that_must_be_a_member_and_asks_for_rights_is_brought_in(
    bot: Bot, chats: Chats, nadia: int
) -> None:
    both = {"user_administrator_rights": rights(*THREE), "bot_administrator_rights": rights(*THREE)}
    await ask(bot, nadia, bot_is_member=True, **both)
    chats.share_channel(nadia, QUIET_GARDENS)
    assert kinds(await bot.get_updates()) == ["my_chat_member", "message"]


async def test_who_may_not_add_admins_cannot_give_the_bot_rights(bot: Bot, chats: Chats) -> None:
    chats.say(DMITRI, "/start")
    chats.updates.drop_pending()
    posting = rights("post_messages")
    await ask(bot, DMITRI, user_administrator_rights=posting, bot_administrator_rights=posting)
    with pytest.raises(TelegramError, match="CHAT_ADMIN_REQUIRED"):
        chats.share_channel(DMITRI, QUIET_GARDENS)
    assert await bot.get_updates() == []


async def test_a_person_without_a_channel_makes_one_in_the_picker(bot: Bot, server: BotApiServer, chats: Chats) -> None:
    chats.say(SAM, "/start")
    chats.updates.drop_pending()
    await ask(bot, SAM)
    chats.share_new_channel(SAM, "Sam's finds")
    updates = await bot.get_updates()
    assert kinds(updates) == ["my_chat_member", "message"]
    assert updates[1].message is not None
    shared = updates[1].message.chat_shared
    assert shared is not None
    assert shared.title == "Sam's finds"
    made = server.face.world.channels[-shared.chat_id - 1_000_000_000_000]
    assert (made.creator_id, made.username, made.rights_of(server.face.bot.id)) == (SAM, None, frozenset(THREE))


async def test_a_button_for_public_channels_takes_no_new_private_one(bot: Bot, chats: Chats, nadia: int) -> None:
    await ask(bot, nadia, chat_has_username=True, request_username=True)
    with pytest.raises(ValueError, match="asks for a public channel"):
        chats.share_new_channel(nadia, "Hidden")
    with pytest.raises(TelegramError, match="USERNAME_OCCUPIED"):
        chats.share_new_channel(nadia, "Twice", "quiet_gardens")
    chats.share_new_channel(nadia, "Seen", "seen_gardens")
    [update] = await bot.get_updates()
    assert update.message is not None
    assert update.message.chat_shared is not None
    assert update.message.chat_shared.username == "seen_gardens"


async def test_without_a_button_that_asks_nothing_can_be_shared(bot: Bot, chats: Chats, nadia: int) -> None:
    with pytest.raises(NoSuchButtonError):
        chats.share_channel(nadia, QUIET_GARDENS)
    await ask(bot, nadia)
    with pytest.raises(NoSuchButtonError):
        chats.share_channel(nadia, QUIET_GARDENS, button="Choose another")


async def test_a_bot_cannot_ask_for_more_than_it_demands_of_the_person(bot: Bot, nadia: int) -> None:
    few, many = rights("post_messages"), rights(*THREE)
    with pytest.raises(TelegramBadRequest, match="USER_RIGHTS_MISSING"):
        await ask(bot, nadia, user_administrator_rights=few, bot_administrator_rights=many)
    with pytest.raises(TelegramBadRequest, match="USER_RIGHTS_MISSING"):
        await ask(bot, nadia, bot_administrator_rights=few)


@pytest.mark.parametrize(
    "asked",
    [
        [],
        {"chat_is_channel": True},
        {"request_id": 2**31, "chat_is_channel": True},
        {"request_id": 1},
        {"request_id": 1, "chat_is_channel": True, "chat_is_round": True},
        {"request_id": 1, "chat_is_channel": True, "user_administrator_rights": []},
        {"request_id": 1, "chat_is_channel": True, "user_administrator_rights": {"can_fly": True}},
    ],
)
async def test_a_malformed_request_is_refused(server: BotApiServer, nadia: int, asked: object) -> None:
    markup = {"keyboard": [[{"text": "x", "request_chat": asked}]]}
    url = f"{server.base_url}/bot{server.face.bot.token}/sendMessage"
    async with (
        ClientSession() as session,
        session.post(url, json={"chat_id": nadia, "text": "x", "reply_markup": markup}) as answer,
    ):
        assert (await answer.json())["description"].startswith("Bad Request: can't parse keyboard button: ")


# -- the link for old apps --------------------------------------------------------------------------------------


async def test_the_link_adds_the_bot_and_says_so_with_my_chat_member_only(
    bot: Bot, server: BotApiServer, nadia: int
) -> None:
    pickers.add_by_link(server.face.world, server.face.bot, nadia, QUIET_GARDENS, LINK)
    [update] = await bot.get_updates()
    assert update.my_chat_member is not None
    assert (update.my_chat_member.from_user.id, update.my_chat_member.chat.username) == (nadia, "quiet_gardens")
    assert server.face.world.channels[QUIET_GARDENS].rights_of(server.face.bot.id) == set(THREE)


@pytest.mark.parametrize(
    "link",
    [
        "https://t.me/starling_demo_bot?start=x",
        "https://t.me/another_bot?startchannel&admin=post_messages",
        "https://t.me/starling_demo_bot?startchannel&admin=fly",
        "https://example.org/starling_demo_bot?startchannel&admin=post_messages",
    ],
)
def test_another_link_adds_nobody(server: BotApiServer, link: str) -> None:
    with pytest.raises(ValueError, match=r"startchannel|adds no bot"):
        pickers.add_by_link(server.face.world, server.face.bot, NADIA, QUIET_GARDENS, link)


def test_by_the_link_only_who_may_add_admins_adds_the_bot(server: BotApiServer) -> None:
    with pytest.raises(ValueError, match="does not list"):
        pickers.add_by_link(server.face.world, server.face.bot, DMITRI, QUIET_GARDENS, LINK)
