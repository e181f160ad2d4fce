"""What age does to messages and to pressed buttons."""

from datetime import timedelta
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InaccessibleMessage, Message

from sandbox.botapi import BotApiServer, Chats
from sandbox.botapi.model import NoSuchMessageError
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import keyboard

server, chats, bot, nadia = fixtures.server, fixtures.chats, fixtures.bot, fixtures.nadia


async def pressed(bot: Bot) -> CallbackQuery:
    [update] = await bot.get_updates(offset=-1)
    assert update.callback_query is not None
    return update.callback_query


async def test_a_message_is_deleted_once(bot: Bot, chats: Chats, nadia: int) -> None:
    first = await bot.send_message(nadia, "one")
    await bot.send_message(nadia, "two")
    await bot.delete_message(nadia, first.message_id)
    assert [message.text for message in chats.history(nadia)] == ["/start", "two"]
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(nadia, first.message_id)


async def test_a_message_is_deleted_before_it_is_48_hours_old_and_not_after(
    bot: Bot, server: BotApiServer, chats: Chats, nadia: int
) -> None:
    sent = [await bot.send_message(nadia, text) for text in ("one", "two")]
    hers = chats.say(nadia, "hello")
    server.face.world.clock.move(timedelta(hours=47, minutes=59))
    await bot.delete_message(nadia, sent[0].message_id)
    server.face.world.clock.move(timedelta(minutes=1))
    for message_id in (sent[1].message_id, hers.id):
        with pytest.raises(TelegramBadRequest, match="message can't be deleted for everyone"):
            await bot.delete_message(nadia, message_id)


async def test_a_message_of_any_age_can_be_edited(bot: Bot, server: BotApiServer, chats: Chats, nadia: int) -> None:
    sent = await bot.send_message(nadia, "old")
    server.face.world.clock.move(timedelta(days=400))
    await bot.edit_message_text("new", chat_id=nadia, message_id=sent.message_id)
    assert chats.chat(nadia).last.text == "new"


async def test_a_deleted_message_cannot_be_edited_in_any_way(bot: Bot, nadia: int) -> None:
    sent = await bot.send_message(nadia, "x")
    await bot.delete_message(nadia, sent.message_id)
    place: dict[str, Any] = {"chat_id": nadia, "message_id": sent.message_id}
    edits = (
        bot.edit_message_text("y", **place),
        bot.edit_message_caption(caption="y", **place),
        bot.edit_message_reply_markup(reply_markup=keyboard({"a": "a"}), **place),
    )
    for edit in edits:
        with pytest.raises(TelegramBadRequest, match="message to edit not found"):
            await edit


async def test_a_button_of_a_message_that_is_too_old_comes_without_its_content(
    bot: Bot, server: BotApiServer, chats: Chats, nadia: int
) -> None:
    sent = await bot.send_message(nadia, "x", reply_markup=keyboard({"Go": "go"}))
    server.face.world.clock.move(timedelta(hours=48))
    chats.press(nadia, sent.message_id, "Go")
    assert isinstance((await pressed(bot)).message, Message)
    server.face.world.clock.move(timedelta(seconds=1))
    chats.press(nadia, sent.message_id, "Go")
    query = await pressed(bot)
    assert isinstance(query.message, InaccessibleMessage)
    assert (query.message.message_id, query.message.date, query.data) == (sent.message_id, 0, "go")


async def test_how_old_is_too_old_is_a_switch(bot: Bot, server: BotApiServer, chats: Chats, nadia: int) -> None:
    world = server.face.world
    world.switches = world.switches.model_copy(update={"callback_message_hours": float(24 * 365)})
    sent = await bot.send_message(nadia, "x", reply_markup=keyboard({"Go": "go"}))
    world.clock.move(timedelta(days=30))
    chats.press(nadia, sent.message_id, "Go")
    assert isinstance((await pressed(bot)).message, Message)


async def test_a_button_of_a_deleted_message_comes_without_its_content_and_can_be_answered(
    bot: Bot, chats: Chats, nadia: int
) -> None:
    sent = await bot.send_message(nadia, "x", reply_markup=keyboard({"Go": "go"}))
    await bot.delete_message(nadia, sent.message_id)
    with pytest.raises(NoSuchMessageError):
        chats.press(nadia, sent.message_id, "Go")
    chats.press(nadia, sent.message_id, "Go", inaccessible=True)
    query = await pressed(bot)
    assert isinstance(query.message, InaccessibleMessage)
    await bot.answer_callback_query(query.id, "gone")
    assert chats.answers(nadia)[-1].text == "gone"
