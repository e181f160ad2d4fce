"""What stands beside the input field: the commands in a person's language, the menu button, "typing"."""

from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeChatMember,
    BotCommandScopeUnion,
    MenuButtonCommands,
    MenuButtonDefault,
    MenuButtonWebApp,
    WebAppInfo,
)

from sandbox.botapi import BotApiServer, Chats
from sandbox.botapi.about_bot import ACTIONS, shown_commands
from sandbox.botapi.menu_button import shown_menu_button
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import DMITRI, NADIA, SAM
from tests.integration.test_botapi_media import call

server, chats, bot, nadia = fixtures.server, fixtures.chats, fixtures.bot, fixtures.nadia


def commands(*descriptions: str) -> list[BotCommand]:
    return [BotCommand(command=f"c{number}", description=text) for number, text in enumerate(descriptions)]


def shown(server: BotApiServer, person: int) -> list[Any]:
    return [one["description"] for one in shown_commands(server.face, person)]


# -- commands -------------------------------------------------------------------------------------------------


async def test_the_first_list_that_is_set_is_shown_by_scope_and_then_by_language(
    bot: Bot, server: BotApiServer, nadia: int
) -> None:
    private, own = BotCommandScopeAllPrivateChats(), BotCommandScopeChat(chat_id=nadia)
    server.chats.person(nadia).language = "pt-br"
    assert shown(server, nadia) == []
    steps: list[tuple[BotCommandScopeUnion | None, str | None]] = [
        (None, None),
        (None, "pt"),
        (private, None),
        (private, "pt"),
        (own, None),
        (own, "pt"),
    ]
    for number, (scope, language) in enumerate(steps):
        await bot.set_my_commands(commands(f"list {number}"), scope, language)
        assert shown(server, nadia) == [f"list {number}"]
    for number, (scope, language) in reversed(list(enumerate(steps))):
        assert shown(server, nadia) == [f"list {number}"]
        await bot.delete_my_commands(scope, language)
    assert shown(server, nadia) == []


async def test_everybody_sees_the_commands_in_their_language(bot: Bot, server: BotApiServer) -> None:
    await bot.set_my_commands(commands("Begin"))
    await bot.set_my_commands(commands("Начать"), BotCommandScopeAllPrivateChats(), "ru")
    assert [one.description for one in await bot.get_my_commands()] == ["Begin"]
    assert (shown(server, DMITRI), shown(server, NADIA)) == (["Начать"], ["Begin"])


async def test_only_the_list_of_exactly_that_scope_and_language_is_told(bot: Bot) -> None:
    await bot.set_my_commands(commands("Begin"), None, "en")
    assert await bot.get_my_commands() == []
    assert await bot.get_my_commands(BotCommandScopeAllGroupChats(), "en") == []
    assert [one.description for one in await bot.get_my_commands(None, "en")] == ["Begin"]


async def test_an_empty_list_takes_the_list_back(bot: Bot, server: BotApiServer) -> None:
    await bot.set_my_commands(commands("general"))
    await bot.set_my_commands(commands("private"), BotCommandScopeAllPrivateChats())
    await bot.set_my_commands([], BotCommandScopeAllPrivateChats())
    assert shown(server, NADIA) == ["general"]


@pytest.mark.parametrize(
    ("command", "description", "reason"),
    [
        ("Start", "x", "BOT_COMMAND_INVALID"),
        ("my-links", "x", "BOT_COMMAND_INVALID"),
        ("a" * 33, "x", "command length must not exceed 32"),
        ("/", "x", "command must be non-empty"),
        ("start", " ", "command description must be non-empty"),
        ("start", "x" * 257, "command description length must not exceed 256"),
    ],
)
async def test_commands_telegram_would_refuse_are_refused(
    bot: Bot, command: str, description: str, reason: str
) -> None:
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.set_my_commands([BotCommand(command=command, description=description)])
    assert await bot.get_my_commands() == []


async def test_the_longest_commands_and_a_hundred_of_them_fit(bot: Bot) -> None:
    longest = BotCommand(command="/" + "a_9" * 10 + "zz", description="я" * 256)
    await bot.set_my_commands([longest] * 100)
    assert (await bot.get_my_commands())[99].command == "a_9" * 10 + "zz"
    with pytest.raises(TelegramBadRequest, match="BOT_COMMANDS_TOO_MUCH"):
        await bot.set_my_commands([longest] * 101)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("eng", "invalid language code specified"),
        ("pt-br", "invalid language code specified"),
        ("EN", "invalid language code specified"),
        ("xx", "LANG_CODE_INVALID"),
    ],
)
async def test_a_language_is_two_letters_of_iso_639_1(bot: Bot, code: str, reason: str) -> None:
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.set_my_commands(commands("x"), language_code=code)


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ("x", "can't parse BotCommandScope: BotCommandScope must be an Object"),
        ({}, "can't parse BotCommandScope: Can't find field \"type\""),
        ({"type": "everyone"}, "can't parse BotCommandScope: Unsupported type specified"),
        ({"type": "chat"}, "can't parse BotCommandScope: Can't find field \"chat_id\""),
        ({"type": "chat", "chat_id": SAM}, "chat not found"),
        ({"type": "chat", "chat_id": "@nobody"}, "chat not found"),
        ({"type": "chat_administrators", "chat_id": NADIA}, "can't use specified scope in private chats"),
        (
            {"type": "chat_member", "chat_id": -1, "user_id": 0},
            "can't parse BotCommandScope: Invalid user_id specified",
        ),
    ],
)
async def test_a_scope_telegram_would_refuse_is_refused(
    server: BotApiServer, nadia: int, scope: object, reason: str
) -> None:
    sent = f'"{scope}"' if isinstance(scope, str) else scope
    assert nadia == NADIA
    assert await call(server, "getMyCommands", scope=sent) == f"Bad Request: {reason}"


async def test_groups_have_lists_of_their_own(bot: Bot, chats: Chats) -> None:
    chats.say(SAM, "/start", group="Gardeners")
    group = chats.group("Gardeners").id
    member = BotCommandScopeChatMember(chat_id=group, user_id=SAM)
    await bot.set_my_commands(commands("Sam's"), member)
    assert [one.description for one in await bot.get_my_commands(member)] == ["Sam's"]
    assert await bot.get_my_commands(BotCommandScopeChat(chat_id=group)) == []


# -- the menu button ------------------------------------------------------------------------------------------

APP = MenuButtonWebApp(text="Open", web_app=WebAppInfo(url="https://example.org/app"))


async def test_a_person_has_their_own_menu_button_or_everybodys(bot: Bot, server: BotApiServer, nadia: int) -> None:
    server.chats.say(SAM, "/start")
    assert shown_menu_button(server.face, nadia) == {"type": "commands"}
    await bot.set_chat_menu_button(menu_button=APP)
    await bot.set_chat_menu_button(nadia, MenuButtonCommands())
    general = await bot.get_chat_menu_button()
    assert isinstance(general, MenuButtonWebApp)
    assert (general.text, general.web_app.url) == ("Open", "https://example.org/app")
    assert (await bot.get_chat_menu_button(nadia)).type == "commands"
    assert (await bot.get_chat_menu_button(SAM)).type == "default"
    assert shown_menu_button(server.face, nadia) == {"type": "commands"}
    assert shown_menu_button(server.face, SAM)["text"] == "Open"
    await bot.set_chat_menu_button(nadia, MenuButtonDefault())
    assert shown_menu_button(server.face, nadia)["text"] == "Open"
    await bot.set_chat_menu_button()
    assert shown_menu_button(server.face, nadia) == {"type": "commands"}


@pytest.mark.parametrize("unset", ["default", "commands"])
async def test_what_is_told_of_a_menu_button_never_set_is_a_switch(bot: Bot, server: BotApiServer, unset: str) -> None:
    world = server.face.world
    world.switches = world.switches.model_copy(update={"unset_menu_button": unset})
    assert (await bot.get_chat_menu_button()).type == unset


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        ([], "can't parse menu button: MenuButton must be an Object"),
        ({}, "can't parse menu button: Can't find field \"type\""),
        ({"type": "big"}, "can't parse menu button: MenuButton has invalid type specified"),
        ({"type": "commands", "text": "x"}, "can't parse menu button: the sandbox does not know the field text"),
        ({"type": "web_app", "text": "x"}, "can't parse menu button: Can't find field \"web_app\""),
        ({"type": "web_app", "text": "x", "web_app": {}}, "can't parse menu button: Can't find field \"url\""),
        ({"type": "web_app", "text": " ", "web_app": {"url": "https://a.org"}}, "menu button text must be non-empty"),
        (
            {"type": "web_app", "text": "x", "web_app": {"url": "http://a.org"}},
            "menu button Web App URL 'http://a.org' is invalid: Only HTTPS links are allowed",
        ),
    ],
)
async def test_a_menu_button_telegram_would_refuse_is_refused(
    server: BotApiServer, button: object, reason: str
) -> None:
    assert await call(server, "setChatMenuButton", menu_button=button) == f"Bad Request: {reason}"


@pytest.mark.parametrize(("chat", "reason"), [(-7, "invalid chat_id specified"), (SAM, "user not found")])
async def test_only_somebody_the_bot_has_met_gets_a_menu_button(bot: Bot, chat: int, reason: str) -> None:
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.set_chat_menu_button(chat, APP)
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.get_chat_menu_button(chat)


# -- what the bot is doing ------------------------------------------------------------------------------------


async def test_typing_shows_until_the_bot_speaks(bot: Bot, chats: Chats, nadia: int) -> None:
    await bot.send_chat_action(nadia, "typing")
    chat = chats.chat(nadia)
    assert (chat.action, chat.action_until > chats.wall()) == ("typing", True)
    await bot.send_message(nadia, "x")
    assert chat.action_until < chats.wall()


async def test_only_the_actions_telegram_knows_are_shown_and_only_to_whom_may_be_written(
    bot: Bot, chats: Chats, nadia: int
) -> None:
    for action in sorted(ACTIONS):
        await bot.send_chat_action(nadia, action)
        assert chats.chat(nadia).action == action
    for unknown in ("dancing", ""):
        with pytest.raises(TelegramBadRequest, match="wrong parameter action in request"):
            await bot.send_chat_action(nadia, unknown)
    with pytest.raises(TelegramForbiddenError, match="bot can't initiate conversation"):
        await bot.send_chat_action(SAM, "typing")
