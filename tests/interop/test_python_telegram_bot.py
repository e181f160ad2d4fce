"""python-telegram-bot, a client nobody here wrote, uses the sandbox as it would Telegram's Bot API."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputMediaPhoto,
    InputTextMessageContent,
    KeyboardButton,
    KeyboardButtonRequestChat,
    MenuButtonDefault,
    MenuButtonWebApp,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    Update,
    WebAppInfo,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter
from telegram.ext import Updater
from telegram.request import HTTPXRequest

from sandbox.botapi import BotApiServer, Chats
from sandbox.world.faults import Fault
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import NADIA, QUIET_GARDENS, SAM, png

server, chats, nadia = fixtures.server, fixtures.chats, fixtures.nadia

PATIENCE = 30
"""Seconds after which a client that hangs fails its test."""
GO = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go"), InlineKeyboardButton("Off", url="t.me")]])


def client(server: BotApiServer, token: str | None = None) -> Bot:
    """A bot that is told where the sandbox is, and changed in nothing else."""

    def http() -> HTTPXRequest:
        return HTTPXRequest(httpx_kwargs={"trust_env": False})

    return Bot(
        token or server.face.bot.token or "",
        base_url=f"{server.base_url}/bot",
        base_file_url=f"{server.base_url}/file/bot",
        request=http(),
        get_updates_request=http(),
    )


@pytest.fixture
async def bot(server: BotApiServer) -> AsyncIterator[Bot]:
    async with asyncio.timeout(PATIENCE), client(server) as running:
        yield running


@asynccontextmanager
async def polling(bot: Bot) -> AsyncIterator[Callable[[], Awaitable[Update]]]:
    """The library's own Updater; what it brings is handed out one at a time."""
    queue: asyncio.Queue[object] = asyncio.Queue()

    async def heard() -> Update:
        update = await queue.get()
        assert isinstance(update, Update)
        return update

    async with Updater(bot, queue) as updater:
        await updater.start_polling(allowed_updates=Update.ALL_TYPES)
        yield heard
        await updater.stop()


async def test_it_knows_itself_and_sets_its_commands_by_language(bot: Bot) -> None:
    assert (bot.username, bot.can_read_all_group_messages) == ("starling_demo_bot", False)
    private = BotCommandScopeAllPrivateChats()
    assert await bot.set_my_commands([("links", "My links"), BotCommand("help", "Help")], private)
    assert await bot.set_my_commands([("links", "Мои ссылки")], private, "ru")
    assert [one.command for one in await bot.get_my_commands(private)] == ["links", "help"]
    assert [one.description for one in await bot.get_my_commands(private, "ru")] == ["Мои ссылки"]
    assert await bot.delete_my_commands(private, "ru")
    assert await bot.get_my_commands(private, "ru") == ()


async def test_it_hears_answers_and_edits_by_its_own_updater(bot: Bot, chats: Chats) -> None:
    async with polling(bot) as heard:
        chats.say(NADIA, "/start")
        started = (await heard()).message
        assert started is not None
        assert started.from_user is not None
        assert (started.text, started.from_user.id, started.from_user.language_code) == ("/start", NADIA, "en")
        sent = await started.reply_text("<b>Hi</b> &amp; welcome", ParseMode.HTML, reply_markup=GO)
        assert (sent.text, sent.text_html) == ("Hi & welcome", "<b>Hi</b> &amp; welcome")
        assert chats.chat(NADIA).last.labels == [["Go", "Off"]]

        pressed = chats.press(NADIA, sent.message_id, "Go")
        query = (await heard()).callback_query
        assert query is not None
        assert (query.data, query.from_user.id) == ("go", NADIA)
        assert await query.answer("As you wish")
        assert pressed.answer is not None
        assert pressed.answer.text == "As you wish"
        await query.edit_message_text("Gone")
        assert (chats.chat(NADIA).last.text, chats.chat(NADIA).last.labels) == ("Gone", [])

        chats.press(NADIA, (await started.reply_text("again", reply_markup=GO)).message_id, "Go", inaccessible=True)
        old = (await heard()).callback_query
        assert old is not None
        assert old.message is not None
        assert not old.message.is_accessible


async def test_it_sends_changes_and_fetches_a_picture(bot: Bot, chats: Chats, nadia: int) -> None:
    sent = await bot.send_photo(nadia, png(), "<i>QR</i>", parse_mode=ParseMode.HTML, reply_markup=GO)
    assert (sent.caption, sent.caption_html) == ("QR", "<i>QR</i>")
    fetched = await (await sent.photo[-1].get_file()).download_as_bytearray()
    assert fetched == png()

    edited = await sent.edit_media(InputMediaPhoto(png(60, 30), caption="larger"), GO)
    assert isinstance(edited, Message)
    assert (edited.photo[-1].width, edited.caption) == (60, "larger")
    assert edited.photo[-1].file_id != sent.photo[-1].file_id
    await sent.edit_caption("words")
    await sent.edit_media(InputMediaPhoto(sent.photo[-1].file_id))
    shown = chats.chat(nadia).last
    assert shown.photo is not None
    assert (shown.photo.file_id, shown.text) == (sent.photo[-1].file_id, "")
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await sent.edit_text("words")
    assert await sent.delete()


async def test_it_types_and_sets_the_menu_button(bot: Bot, chats: Chats, nadia: int) -> None:
    assert await bot.send_chat_action(nadia, ChatAction.UPLOAD_PHOTO)
    assert chats.chat(nadia).action == "upload_photo"
    app = MenuButtonWebApp("Open", WebAppInfo("https://example.org/app"))
    assert await bot.set_chat_menu_button(nadia, app)
    assert await bot.get_chat_menu_button(nadia) == app
    assert await bot.get_chat_menu_button() == MenuButtonDefault()


async def test_a_channel_is_picked_with_its_keyboard(bot: Bot, chats: Chats, nadia: int) -> None:
    asks = KeyboardButtonRequestChat(7, chat_is_channel=True, request_title=True)
    rows = [[KeyboardButton("Choose a channel", request_chat=asks)]]
    async with polling(bot) as heard:
        await bot.send_message(nadia, "Which?", reply_markup=ReplyKeyboardMarkup(rows, one_time_keyboard=True))
        chats.share_channel(nadia, QUIET_GARDENS)
        message = (await heard()).message
        assert message is not None
        shared = message.chat_shared
        assert shared is not None
        assert (shared.request_id, shared.chat_id, shared.title) == (7, -1_000_005_000_001, "Quiet Gardens")
        await message.reply_text("Thanks", reply_markup=ReplyKeyboardRemove())
        assert chats.chat(nadia).reply_keyboard is None


async def test_it_offers_cards_inline_and_hears_which_was_sent(bot: Bot, server: BotApiServer) -> None:
    def card(number: int) -> InlineQueryResultArticle:
        content = InputTextMessageContent(f"<b>Card</b> {number}", ParseMode.HTML)
        button = InlineKeyboardMarkup.from_button(InlineKeyboardButton("Open", url="https://t.me/x_bot"))
        return InlineQueryResultArticle(str(number), f"Card {number}", content, button, description="of many")

    async with polling(bot) as heard:
        typed = server.inline.types(NADIA, "quiz")
        query = (await heard()).inline_query
        assert query is not None
        assert (query.query, query.offset, query.from_user.id) == ("quiz", "", NADIA)
        above = InlineQueryResultsButton("Open the chat", start_parameter="inline")
        assert await query.answer([card(1), card(2)], 0, is_personal=True, next_offset="1.7", button=above)
        answer = await server.inline.answered(typed)
        assert [(one.title, one.description) for one in answer.results] == [
            ("Card 1", "of many"),
            ("Card 2", "of many"),
        ]
        assert (answer.next_offset, answer.personal) == ("1.7", True)
        assert answer.button == {"text": "Open the chat", "start_parameter": "inline"}

        following = server.inline.types(NADIA, "quiz", offset=answer.next_offset)
        query = (await heard()).inline_query
        assert query is not None
        assert query.offset == "1.7"
        assert await query.answer([card(3)])
        sent = server.inline.picks(following, "Card 3")
        assert (sent.html, sent.labels) == ("<b>Card</b> 3", [["Open"]])
        message = (await heard()).message
        assert message is not None
        assert message.via_bot is not None
        assert (message.text_html, message.via_bot.id) == ("<b>Card</b> 3", bot.id)
        with pytest.raises(BadRequest, match="Query is too old"):
            await query.answer([])


async def test_each_refusal_is_an_exception_of_its_own(
    bot: Bot, server: BotApiServer, nadia: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # else it warns of its own coming change
    sent = await bot.send_message(nadia, "x")
    too_long = InlineKeyboardMarkup.from_button(InlineKeyboardButton("a", callback_data="x" * 65))
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_text("x")
    with pytest.raises(BadRequest, match="Button_data_invalid"):
        await bot.send_message(nadia, "x", reply_markup=too_long)
    with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
        await bot.send_message(SAM, "x")
    server.face.world.faults.set(Fault("flood_wait", "sendMessage", seconds=7))
    with pytest.raises(RetryAfter) as flood:
        await bot.send_message(nadia, "x")
    assert flood.value.retry_after == timedelta(seconds=7)
    with pytest.raises(InvalidToken):
        async with client(server, "7000001:wrong"):
            """It asks who it is at once."""
