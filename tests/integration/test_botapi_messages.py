"""Sending, editing and deleting through real aiogram: what Telegram accepts and what it refuses."""

from contextlib import nullcontext

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import (
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
    WebAppInfo,
)

from sandbox.botapi import BotApiServer, Chats
from sandbox.world.faults import Fault
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import OLGA, SAM, keyboard

server, chats, bot, nadia = fixtures.server, fixtures.chats, fixtures.bot, fixtures.nadia

APP = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="Open", web_app=WebAppInfo(url="https://example.org/app"))]]
)
NOT_MODIFIED = "message is not modified: specified new message content and reply markup are exactly the same"


async def test_a_sent_message_stands_in_the_chat_with_its_formatting_and_buttons(
    bot: Bot, chats: Chats, nadia: int
) -> None:
    sent = await bot.send_message(
        nadia,
        "<b>Paper Planes</b> &amp; co",
        reply_markup=keyboard({"Join": "j:1", "Back": "b"}),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        protect_content=True,
        disable_notification=True,
    )
    message = chats.chat(nadia).last
    assert message.id == sent.message_id
    assert (message.text, message.html) == ("Paper Planes & co", "<b>Paper Planes</b> &amp; co")
    assert message.labels == [["Join", "Back"]]
    assert sent.html_text == message.html
    assert sent.from_user is not None
    assert sent.from_user.username == "starling_demo_bot"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<i>a</b>", 'Unmatched end tag at byte offset 4, expected "</i>", found "</b>"'),
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("Ж<int>", 'Unsupported start tag "int" at byte offset 2'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<a href="x>y</a>', "Unclosed start tag at byte offset 0"),
    ],
)
async def test_broken_html_is_refused_in_telegrams_words(bot: Bot, nadia: int, text: str, reason: str) -> None:
    with pytest.raises(TelegramBadRequest) as refused:
        await bot.send_message(nadia, text)
    assert refused.value.message == f"Bad Request: can't parse entities: {reason}"


async def test_length_counts_after_parsing_in_utf_16_units(bot: Bot, nadia: int) -> None:
    await bot.send_message(nadia, "<b>" + "🐦" * 2048 + "</b>")
    with pytest.raises(TelegramBadRequest, match="message is too long"):
        await bot.send_message(nadia, "🐦" * 2048 + "a")


@pytest.mark.parametrize("text", ["", "  \n ", "<b> </b>"])
async def test_a_message_without_words_is_refused(bot: Bot, nadia: int, text: str) -> None:
    with pytest.raises(TelegramBadRequest, match=r"message text is empty|text must be non-empty"):
        await bot.send_message(nadia, text)


async def test_entities_are_counted_as_telegram_counts_them(bot: Bot, nadia: int) -> None:
    sent = await bot.send_message(nadia, "🐦 <code>x</code> see t.me/x_y and /help")
    found = [(one.type, one.extract_from(sent.text or "")) for one in sent.entities or []]
    assert found == [("code", "x"), ("url", "t.me/x_y"), ("bot_command", "/help")]


async def test_a_stranger_who_never_started_the_bot_cannot_be_written_to(bot: Bot) -> None:
    with pytest.raises(TelegramForbiddenError, match="bot can't initiate conversation with a user"):
        await bot.send_message(SAM, "hello")


@pytest.mark.parametrize("chat", [4321, "@nobody", -100123, "abc"])
async def test_an_unknown_chat_is_not_found(bot: Bot, chat: int | str) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(chat, "hello")


async def test_whoever_blocked_the_bot_is_left_alone(bot: Bot, chats: Chats, nadia: int) -> None:
    chats.block(nadia)
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(nadia, "hello")
    chats.say(nadia, "/start")
    await bot.send_message(nadia, "welcome back")


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        (InlineKeyboardButton(text="a", callback_data="я" * 33), "BUTTON_DATA_INVALID"),
        (InlineKeyboardButton(text="a", copy_text=CopyTextButton(text="x" * 257)), "BUTTON_COPY_TEXT_INVALID"),
        (InlineKeyboardButton(text="a", url="ftp://example.org/"), "Unsupported URL protocol"),
        (InlineKeyboardButton(text="a", url="https://nowhere"), "Wrong HTTP URL"),
        (InlineKeyboardButton(text="a"), "Text buttons are unallowed in the inline keyboard"),
        (InlineKeyboardButton(text=" ", callback_data="x"), "Button text must be non-empty"),
    ],
)
async def test_buttons_telegram_would_refuse_are_refused(
    bot: Bot, nadia: int, button: InlineKeyboardButton, reason: str
) -> None:
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.send_message(nadia, "x", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]))


async def test_a_button_may_carry_exactly_64_bytes(bot: Bot, nadia: int) -> None:
    await bot.send_message(nadia, "x", reply_markup=keyboard({"ok": "я" * 32}))


async def test_an_edit_changes_the_message_where_it_stands(bot: Bot, chats: Chats, nadia: int) -> None:
    sent = await bot.send_message(nadia, "wait…", reply_markup=keyboard({"Stop": "s"}))
    await bot.edit_message_text("done", chat_id=nadia, message_id=sent.message_id)
    message = chats.chat(nadia).message(sent.message_id)
    assert (message.text, message.labels, message.edited) == ("done", [], True)


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot, nadia: int) -> None:
    sent = await bot.send_message(nadia, "<b>same</b>", reply_markup=keyboard({"a": "a"}))
    with pytest.raises(TelegramBadRequest, match=NOT_MODIFIED):
        await bot.edit_message_text(
            " <strong>same</strong> ", chat_id=nadia, message_id=sent.message_id, reply_markup=keyboard({"a": "a"})
        )
    with pytest.raises(TelegramBadRequest, match=NOT_MODIFIED):
        await bot.edit_message_reply_markup(
            chat_id=nadia, message_id=sent.message_id, reply_markup=keyboard({"a": "a"})
        )
    await bot.edit_message_reply_markup(chat_id=nadia, message_id=sent.message_id)


async def test_only_the_bots_own_present_messages_can_be_edited(bot: Bot, chats: Chats, nadia: int) -> None:
    hers = chats.say(nadia, "hello")
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("x", chat_id=nadia, message_id=hers.id)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("x", chat_id=nadia, message_id=999)


async def test_a_reply_names_its_message_and_needs_it(bot: Bot, nadia: int) -> None:
    first = await bot.send_message(nadia, "one")
    reply = await bot.send_message(nadia, "two", reply_parameters=ReplyParameters(message_id=first.message_id))
    assert reply.reply_to_message is not None
    assert reply.reply_to_message.text == "one"
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(nadia, "x", reply_parameters=ReplyParameters(message_id=999))


async def test_a_reply_keyboard_is_shown_until_it_is_removed(bot: Bot, chats: Chats, nadia: int) -> None:
    rows = [[KeyboardButton(text="Cancel")]]
    sent = await bot.send_message(nadia, "choose", reply_markup=ReplyKeyboardMarkup(keyboard=rows))
    shown = chats.chat(nadia).reply_keyboard
    assert shown is not None
    assert chats.chat(nadia).keyboard_open
    assert shown.rows[0][0]["text"] == "Cancel"
    gone = await bot.send_message(nadia, "gone", reply_markup=ReplyKeyboardRemove())
    assert chats.chat(nadia).reply_keyboard is None
    for message in (sent, gone):
        with pytest.raises(TelegramBadRequest, match="message can't be edited"):
            await bot.edit_message_text("other words", chat_id=nadia, message_id=message.message_id)


async def test_a_flood_and_a_refusal_come_on_demand(bot: Bot, server: BotApiServer, nadia: int) -> None:
    faults = server.face.world.faults
    faults.set(Fault("flood_wait", "sendMessage", seconds=7))
    with pytest.raises(TelegramRetryAfter) as flood:
        await bot.send_message(nadia, "x")
    assert flood.value.retry_after == 7
    faults.set(Fault("error", "sendMessage", account_id=nadia, code=403, message="Forbidden: user is deactivated"))
    with pytest.raises(TelegramForbiddenError, match="user is deactivated"):
        await bot.send_message(nadia, "x")
    await bot.send_message(nadia, "x")


@pytest.mark.parametrize(
    ("switch", "error", "reason"),
    [
        ("chat_not_found", TelegramBadRequest, "chat not found"),
        ("cannot_initiate", TelegramForbiddenError, "bot can't initiate conversation"),
    ],
)
async def test_how_writing_to_a_stranger_is_refused_is_a_switch(
    bot: Bot, server: BotApiServer, switch: str, error: type[Exception], reason: str
) -> None:
    world = server.face.world
    world.switches = world.switches.model_copy(update={"write_before_start": switch})
    with pytest.raises(error, match=reason):
        await bot.send_message(OLGA, "hello")


@pytest.mark.parametrize("allowed", [True, False])
async def test_editing_for_somebody_who_blocked_the_bot_is_a_switch(
    bot: Bot, server: BotApiServer, nadia: int, allowed: bool
) -> None:
    world = server.face.world
    world.switches = world.switches.model_copy(update={"edit_when_blocked": allowed})
    sent = await bot.send_message(nadia, "one")
    server.chats.block(nadia)
    outcome = nullcontext() if allowed else pytest.raises(TelegramForbiddenError, match="bot was blocked by the user")
    with outcome:
        await bot.edit_message_text("two", chat_id=nadia, message_id=sent.message_id)


async def test_a_button_that_opens_an_app_stands_in_a_private_chat_only(bot: Bot, chats: Chats, nadia: int) -> None:
    await bot.send_message(nadia, "x", reply_markup=APP)
    group = chats.group("Friends")
    plain = await bot.send_message(group.id, "x")
    with pytest.raises(TelegramBadRequest, match="BUTTON_TYPE_INVALID"):
        await bot.send_message(group.id, "x", reply_markup=APP)
    with pytest.raises(TelegramBadRequest, match="BUTTON_TYPE_INVALID"):
        await plain.edit_reply_markup(reply_markup=APP)
    assert [one.labels for one in group.messages] == [[]]
