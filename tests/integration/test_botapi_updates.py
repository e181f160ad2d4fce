"""What the bot hears and what it answers at once: updates, buttons, commands, webhooks."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiogram import Bot, Dispatcher
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    CallbackQuery,
    KeyboardButton,
    KeyboardButtonRequestChat,
    Message,
    ReplyKeyboardMarkup,
)
from aiohttp import ClientSession, web

from sandbox.botapi import BotApiServer, Chats
from sandbox.botapi.model import NoSuchButtonError
from sandbox.world.faults import Fault
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import DMITRI, NADIA, QUIET_GARDENS, SAM, keyboard

server, chats, bot, nadia = fixtures.server, fixtures.chats, fixtures.bot, fixtures.nadia

SESAME = "sesame"


async def test_a_real_dispatcher_talks_with_a_person(bot: Bot, chats: Chats) -> None:
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def greet(message: Message) -> None:
        await message.answer(f"hello {message.text}", reply_markup=keyboard({"More": "more"}))

    @dispatcher.callback_query()
    async def more(query: CallbackQuery) -> None:
        assert isinstance(query.message, Message)
        await query.message.edit_text("more")
        await query.answer("here", show_alert=True)

    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False))
    chat = chats.chat(NADIA)
    chats.say(NADIA, "/start j_8000001")
    await chat.until(lambda now: now.last.from_bot)
    assert chat.last.text == "hello /start j_8000001"
    query = chats.press(NADIA, chat.last.id, "More")
    await chat.until(lambda now: bool(now.answers))
    assert chat.last.text == "more"
    assert query.answer is not None
    assert (query.answer.text, query.answer.alert) == ("here", True)
    await dispatcher.stop_polling()
    await polling


async def test_a_person_comes_with_language_and_entities(bot: Bot, chats: Chats) -> None:
    chats.say(DMITRI, "/start b_1")
    [update] = await bot.get_updates()
    message = update.message
    assert message is not None
    assert message.from_user is not None
    assert (message.from_user.id, message.from_user.language_code) == (DMITRI, "ru")
    assert message.entities is not None
    assert (message.entities[0].type, message.entities[0].offset, message.entities[0].length) == ("bot_command", 0, 6)


async def test_updates_come_again_until_they_are_confirmed(bot: Bot, chats: Chats) -> None:
    for text in ("a", "b", "c"):
        chats.say(SAM, text)
    first = await bot.get_updates(limit=2)
    assert [update.update_id for update in first] == [1, 2]
    assert [update.update_id for update in await bot.get_updates()] == [1, 2, 3]
    assert [update.update_id for update in await bot.get_updates(offset=3)] == [3]
    assert [update.update_id for update in await bot.get_updates()] == [3]
    assert await bot.get_updates(offset=4) == []


async def test_a_negative_offset_forgets_all_but_the_last(bot: Bot, chats: Chats) -> None:
    for text in ("a", "b", "c"):
        chats.say(SAM, text)
    assert [update.update_id for update in await bot.get_updates(offset=-1)] == [3]


async def test_a_long_poll_ends_as_soon_as_something_happens(bot: Bot, chats: Chats) -> None:
    waiting = asyncio.create_task(bot.get_updates(timeout=30))
    await chats.updates.being_polled.wait()
    chats.say(SAM, "hello")
    async with asyncio.timeout(5):
        assert len(await waiting) == 1


async def test_the_second_poll_ends_the_first(bot: Bot, chats: Chats) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await chats.updates.being_polled.wait()
    assert await bot.get_updates(timeout=0) == []
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
        await first


async def test_unwanted_kinds_of_update_are_not_queued(bot: Bot, chats: Chats) -> None:
    await bot.get_updates(allowed_updates=["message"])
    chats.say(SAM, "hello")
    chats.block(SAM)
    [update] = await bot.get_updates()
    assert update.message is not None


async def test_the_bot_is_told_when_it_is_blocked(bot: Bot, chats: Chats) -> None:
    chats.block(SAM)
    [update] = await bot.get_updates()
    assert update.my_chat_member is not None
    assert update.my_chat_member.new_chat_member.status == "kicked"


async def test_in_a_group_the_bot_hears_what_is_meant_for_it(bot: Bot, chats: Chats) -> None:
    chats.say(SAM, "just talking", group="Gardeners")
    chats.say(SAM, "/start", group="Gardeners")
    chats.say(SAM, "/start@other_bot", group="Gardeners")
    chats.say(SAM, "hey @starling_demo_bot", group="Gardeners")
    updates = await bot.get_updates()
    heard = [update.message.text for update in updates if update.message]
    assert heard == ["/start", "hey @starling_demo_bot"]
    assert updates[0].message is not None
    assert updates[0].message.chat.type == "group"
    sent = await bot.send_message(updates[0].message.chat.id, "private chats only")
    assert chats.group("Gardeners").last.id == sent.message_id


# -- buttons --------------------------------------------------------------------------------------------------


async def test_a_button_is_answered_once_and_in_time(bot: Bot, server: BotApiServer, chats: Chats, nadia: int) -> None:
    sent = await bot.send_message(nadia, "x", reply_markup=keyboard({"Go": "go"}))
    query = chats.press(nadia, sent.message_id, "Go")
    with pytest.raises(TelegramBadRequest, match="MESSAGE_TOO_LONG"):
        await bot.answer_callback_query(query.id, "x" * 201)
    await bot.answer_callback_query(query.id, "x" * 200)
    with pytest.raises(TelegramBadRequest, match="query is too old and response timeout expired"):
        await bot.answer_callback_query(query.id)
    late = chats.press(nadia, sent.message_id, "go")
    late.pressed_at -= server.face.world.switches.callback_query_seconds + 1
    with pytest.raises(TelegramBadRequest, match="query ID is invalid"):
        await bot.answer_callback_query(late.id)
    with pytest.raises(TelegramBadRequest, match="query ID is invalid"):
        await bot.answer_callback_query("12345")
    assert [answer.text for answer in chats.answers(nadia)] == ["x" * 200]


async def test_answering_a_button_twice_is_a_switch(bot: Bot, server: BotApiServer, chats: Chats, nadia: int) -> None:
    world = server.face.world
    world.switches = world.switches.model_copy(update={"answer_callback_twice": True})
    sent = await bot.send_message(nadia, "x", reply_markup=keyboard({"Go": "go"}))
    query = chats.press(nadia, sent.message_id, "Go")
    await bot.answer_callback_query(query.id, "one")
    await bot.answer_callback_query(query.id, "two")
    assert [answer.text for answer in chats.answers(nadia)] == ["one", "two"]


async def test_pressing_what_is_not_there_says_what_is(bot: Bot, chats: Chats, nadia: int) -> None:
    sent = await bot.send_message(nadia, "x", reply_markup=keyboard({"Go": "go"}))
    with pytest.raises(NoSuchButtonError, match="has no button 'Stop'; it has"):
        chats.press(nadia, sent.message_id, "Stop")


async def test_a_picked_channel_arrives_as_chat_shared(bot: Bot, chats: Chats, nadia: int) -> None:
    request = KeyboardButtonRequestChat(request_id=7, chat_is_channel=True, request_title=True)
    rows = [[KeyboardButton(text="Choose channel", request_chat=request)]]
    await bot.send_message(nadia, "?", reply_markup=ReplyKeyboardMarkup(keyboard=rows, one_time_keyboard=True))
    chats.share_channel(nadia, QUIET_GARDENS)
    [update] = await bot.get_updates()
    assert update.message is not None
    shared = update.message.chat_shared
    assert shared is not None
    assert (shared.request_id, shared.chat_id, shared.title) == (7, -1_000_005_000_001, "Quiet Gardens")
    chat = chats.chat(nadia)
    assert (chat.reply_keyboard is not None, chat.keyboard_open) == (True, False), "it collapses, the bot removes it"


# -- the server -----------------------------------------------------------------------------------------------


async def test_a_wrong_token_is_unauthorized(bot: Bot) -> None:
    stranger = Bot("7000001:wrong", session=bot.session)
    with pytest.raises(TelegramUnauthorizedError):
        await stranger.get_me()
    me = await bot.get_me()
    assert (me.username, me.can_read_all_group_messages) == ("starling_demo_bot", False)


async def test_a_restarted_server_is_where_it_was_and_has_lost_nothing(
    bot: Bot, server: BotApiServer, chats: Chats
) -> None:
    await server.stop()
    with pytest.raises(TelegramNetworkError):
        await bot.get_me()
    chats.say(SAM, "meanwhile")
    await server.start()
    [update] = await bot.get_updates(timeout=5)
    assert update.message is not None
    assert update.message.text == "meanwhile"


async def test_what_the_sandbox_lacks_is_counted(bot: Bot, server: BotApiServer, nadia: int) -> None:
    with pytest.raises(TelegramNotFound):
        await bot.send_dice(nadia)
    await bot.send_message(nadia, "x", message_thread_id=3)
    with pytest.raises(TelegramBadRequest, match="unsupported parse_mode"):
        await bot.send_message(nadia, "x", parse_mode="MarkdownV2")
    assert dict(server.unimplemented) == {
        "sendDice": 1,
        "sendMessage(message_thread_id)": 1,
        "parse_mode MarkdownV2": 1,
    }
    server.unimplemented.clear()


async def test_json_bodies_are_read_without_guessing(server: BotApiServer, nadia: int) -> None:
    url = f"{server.base_url}/bot{server.face.bot.token}/SENDmessage"
    async with ClientSession() as session, session.post(url, json={"chat_id": nadia, "text": "007"}) as answer:
        assert (await answer.json())["result"]["text"] == "007"
    async with (
        ClientSession() as session,
        session.post(url, data="{", headers={"Content-Type": "application/json"}) as answer,
    ):
        assert answer.status == 400


@pytest.mark.parametrize("after", [True, False])
async def test_a_lost_answer_is_a_network_error(bot: Bot, server: BotApiServer, nadia: int, after: bool) -> None:
    server.face.world.faults.set(Fault("drop", "sendMessage", after=after))
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(nadia, "once")
    assert [message.text for message in server.chats.history(nadia)] == ["/start", "once"][: 2 if after else 1]


class Hook:
    """A webhook that takes what it is sent, after refusing the first."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, int]] = []
        self.failures = 1
        self.changed = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        if self.failures:
            self.failures -= 1
            return web.Response(status=500)
        update = await request.json()
        self.taken.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""), update["update_id"]))
        self.changed.set()
        return web.Response()


@pytest.fixture
async def hook() -> AsyncIterator[tuple[Hook, str]]:
    """A webhook listening on loopback, and its URL."""
    taker = Hook()
    app = web.Application()
    app.router.add_post("/hook", taker.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield taker, f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await runner.cleanup()


async def test_a_webhook_gets_updates_with_its_secret_until_it_takes_them(
    bot: Bot, chats: Chats, hook: tuple[Hook, str]
) -> None:
    taker, url = hook
    await bot.set_webhook(url, secret_token=SESAME)
    chats.say(SAM, "hello")
    async with asyncio.timeout(5):
        await taker.changed.wait()
    assert taker.taken == [(SESAME, 1)]
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == (url, 0)
    assert info.last_error_message is not None
    with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert (await bot.get_webhook_info()).url == ""


async def test_a_webhook_elsewhere_is_refused(bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="bad webhook"):
        await bot.set_webhook("https://example.org/hook")
