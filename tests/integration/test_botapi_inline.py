"""Inline mode at the sandbox's Bot API through real aiogram: what people type, what Telegram keeps and refuses."""

from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultPhoto,
    InlineQueryResultsButton,
    InputTextMessageContent,
    WebAppInfo,
)

from sandbox.botapi import BotApiServer
from sandbox.botapi.inline import InlineMode
from sandbox.botapi.model import NoSuchResultError
from sandbox.world import TelegramError, accounts
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import DMITRI, NADIA, SAM, keyboard

server, bot = fixtures.server, fixtures.bot

APP = InlineKeyboardButton(text="Open", web_app=WebAppInfo(url="https://example.org/app"))
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


@pytest.fixture
def inline(server: BotApiServer) -> InlineMode:
    return server.inline


@pytest.fixture
def wall(server: BotApiServer) -> list[float]:
    """Seconds of the wall clock that have passed."""
    passed = [0.0]
    server.chats.wall = lambda: passed[0]
    return passed


def article(number: int = 1, text: str = "<b>hi</b>", **changes: Any) -> InlineQueryResultArticle:
    content = InputTextMessageContent(message_text=text)
    values = {"id": str(number), "title": f"Card {number}", "input_message_content": content, **changes}
    return InlineQueryResultArticle.model_validate(values)


async def heard(bot: Bot) -> InlineQuery:
    """The newest inline query the bot was told of."""
    query = (await bot.get_updates(offset=-1))[0].inline_query
    assert query is not None
    return query


async def test_a_query_is_told_answered_and_its_result_sent_by_the_person(bot: Bot, inline: InlineMode) -> None:
    typed = inline.types(DMITRI, "quiz")
    told = await heard(bot)
    assert (told.id, told.query, told.offset, told.chat_type) == (typed.id, "quiz", "", "sender")
    assert (told.from_user.id, told.from_user.language_code) == (DMITRI, "ru")
    button = InlineKeyboardButton(text="Open", url="https://t.me/x_bot")
    markup = InlineKeyboardMarkup(inline_keyboard=[[button]])
    await bot.answer_inline_query(told.id, [article(description="of many", reply_markup=markup)])
    answer = await inline.answered(typed)
    assert [(one.title, one.description) for one in answer.results] == [("Card 1", "of many")]
    sent = inline.picks(typed, "Card 1")
    assert (sent.sender_id, sent.from_bot, sent.html, sent.labels) == (DMITRI, False, "<b>hi</b>", [["Open"]])
    message = (await bot.get_updates(offset=-1))[0].message
    assert message is not None
    assert message.via_bot is not None
    assert message.via_bot.id == inline.chats.bot.id
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("x", chat_id=DMITRI, message_id=sent.id)


async def test_in_a_group_the_card_appears_there(bot: Bot, inline: InlineMode) -> None:
    typed = inline.types(SAM, "", group="Friends")
    told = await heard(bot)
    assert told.chat_type == "group"
    await bot.answer_inline_query(told.id, [article()])
    inline.picks(typed, "1")
    assert [one.text for one in inline.chats.group("Friends").messages] == ["hi"]
    with pytest.raises(NoSuchResultError, match="Card 1"):
        inline.picks(typed, "Card 2")


async def test_of_a_card_in_a_group_without_the_bot_it_hears_nothing(bot: Bot, inline: InlineMode) -> None:
    typed = inline.types(SAM, "", group="Elsewhere", has_bot=False)
    told = await heard(bot)
    assert told.chat_type == "group"
    await bot.answer_inline_query(told.id, [article()])
    inline.picks(typed, "1")
    inline.chats.say(SAM, "/start", group="Elsewhere")
    assert [one.text for one in inline.chats.group("Elsewhere").messages] == ["hi", "/start"]
    assert (await bot.get_updates(offset=-1))[0].inline_query == told
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(typed.chat.id, "hello")


async def test_a_bot_without_inline_mode_is_asked_nothing(bot: Bot, inline: InlineMode) -> None:
    assert (await bot.get_me()).supports_inline_queries
    inline.chats.bot.supports_inline = False
    assert not (await bot.get_me()).supports_inline_queries
    with pytest.raises(ValueError, match="BotFather turns it on"):
        inline.types(SAM, "quiz")
    assert await bot.get_updates() == []


async def test_nobody_types_too_much_or_from_a_frozen_account(inline: InlineMode) -> None:
    with pytest.raises(ValueError, match="at most 256"):
        inline.types(SAM, "x" * 257)
    accounts.freeze(inline.chats.world, inline.chats.person(SAM))
    with pytest.raises(TelegramError):
        inline.types(SAM, "x")


# -- what Telegram keeps ------------------------------------------------------------------------------------------


async def test_an_answer_that_is_not_personal_is_given_to_everybody(bot: Bot, inline: InlineMode) -> None:
    """So a bot that forgets `is_personal` shows one person's links to the next."""
    inline.types(NADIA, "")
    await bot.answer_inline_query((await heard(bot)).id, [article(text="Nadia’s own")])
    sams = inline.types(SAM, "")
    assert sams.from_cache
    assert sams.answer is not None
    assert sams.answer.results[0].body.plain == "Nadia’s own"
    assert not inline.types(SAM, "other").from_cache
    assert not inline.types(SAM, "", offset="2").from_cache


async def test_a_personal_answer_is_kept_for_that_person_only(bot: Bot, inline: InlineMode) -> None:
    inline.types(NADIA, "")
    await bot.answer_inline_query((await heard(bot)).id, [article()], is_personal=True)
    assert inline.types(NADIA, "").from_cache
    assert not inline.types(SAM, "").from_cache


async def test_answers_are_kept_for_five_minutes_or_as_long_as_told(
    bot: Bot, inline: InlineMode, wall: list[float]
) -> None:
    inline.types(NADIA, "usual")
    await bot.answer_inline_query((await heard(bot)).id, [article()])
    inline.types(NADIA, "never")
    await bot.answer_inline_query((await heard(bot)).id, [article()], cache_time=0)
    assert not inline.types(NADIA, "never").from_cache
    wall[0] = 299
    assert inline.types(NADIA, "usual").from_cache
    wall[0] = 301
    assert not inline.types(NADIA, "usual").from_cache


# -- what Telegram refuses ----------------------------------------------------------------------------------------


async def test_a_query_waits_a_while_and_is_answered_once(bot: Bot, inline: InlineMode, wall: list[float]) -> None:
    first, second = inline.types(SAM, "a"), inline.types(SAM, "b")
    await bot.answer_inline_query(first.id, [article()])
    wall[0] = inline.chats.world.switches.inline_query_seconds + 1
    for query_id in (first.id, second.id, "1", "none"):
        with pytest.raises(TelegramBadRequest, match=TOO_OLD):
            await bot.answer_inline_query(query_id, [article()])


async def test_whether_a_query_is_answered_twice_is_a_switch(bot: Bot, inline: InlineMode) -> None:
    world = inline.chats.world
    world.switches = world.switches.model_copy(update={"answer_inline_twice": True})
    query = inline.types(SAM, "a")
    await bot.answer_inline_query(query.id, [article(1)])
    await bot.answer_inline_query(query.id, [article(2)])
    assert (await inline.answered(query)).results[0].title == "Card 2"


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([article(n) for n in range(51)], "RESULTS_TOO_MUCH"),
        ([article(1), article(1)], "RESULT_ID_DUPLICATE"),
        ([article(id="")], "RESULT_ID_EMPTY"),
        ([article(id="й" * 33)], "RESULT_ID_INVALID"),
        ([article(title=" ")], "ARTICLE_TITLE_EMPTY"),
        ([article(text="<b>x")], "can't parse entities"),
        ([article(text="x" * 4097)], "message is too long"),
        ([article(text=" ")], "text must be non-empty"),
        (
            [article(reply_markup=InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="x", url="x")]]))],
            "Wrong HTTP URL",
        ),
        ([article(reply_markup=InlineKeyboardMarkup(inline_keyboard=[[APP]]))], "BUTTON_TYPE_INVALID"),
    ],
)
async def test_results_are_checked(
    bot: Bot, inline: InlineMode, results: list[InlineQueryResultArticle], reason: str
) -> None:
    query = inline.types(SAM, "a")
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.answer_inline_query(query.id, list(results))
    assert query.answer is None


async def test_fifty_results_and_the_longest_ids_are_taken(bot: Bot, inline: InlineMode) -> None:
    query = inline.types(SAM, "a")
    results = [article(n, id=f"{n:064}") for n in range(50)]
    await bot.answer_inline_query(query.id, list(results), next_offset="x" * 64)
    answer = await inline.answered(query)
    assert (len(answer.results), answer.next_offset) == (50, "x" * 64)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"next_offset": "й" * 33}, "NEXT_OFFSET_INVALID"),
        ({"button": InlineQueryResultsButton(text=" ", start_parameter="x")}, "SWITCH_PM_TEXT_EMPTY"),
        ({"button": InlineQueryResultsButton(text="Open")}, "START_PARAM_EMPTY"),
        ({"button": InlineQueryResultsButton(text="Open", start_parameter="a b")}, "START_PARAM_INVALID"),
        ({"button": InlineQueryResultsButton(text="Open", start_parameter="x" * 65)}, "START_PARAM_INVALID"),
    ],
)
async def test_the_offset_and_the_button_are_checked(
    bot: Bot, inline: InlineMode, told: dict[str, Any], reason: str
) -> None:
    query = inline.types(SAM, "a")
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.answer_inline_query(query.id, [], **told)


async def test_what_the_sandbox_lacks_is_counted(bot: Bot, inline: InlineMode, server: BotApiServer) -> None:
    query = inline.types(SAM, "a")
    photo = InlineQueryResultPhoto(id="1", photo_url="https://x.test/a.jpg", thumbnail_url="https://x.test/a.jpg")
    with pytest.raises(TelegramBadRequest, match="RESULT_TYPE_INVALID"):
        await bot.answer_inline_query(query.id, [photo])
    await bot.answer_inline_query(query.id, [article(reply_markup=keyboard({"Join": "j"}))])
    assert set(server.unimplemented) == {"inline result photo", "callback buttons under inline results"}
    server.unimplemented.clear()
