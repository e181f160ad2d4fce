"""Pictures through real aiogram: sent, changed in place, fetched, and what Telegram refuses."""

from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.types import BufferedInputFile, InputMediaPhoto, InputMediaVideo, Message
from aiohttp import ClientSession

from sandbox.botapi import BotApiServer, Chats
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import keyboard, png

server, chats, bot, nadia = fixtures.server, fixtures.chats, fixtures.bot, fixtures.nadia


def upload(width: int = 40, height: int = 40) -> BufferedInputFile:
    return BufferedInputFile(png(width, height), "x.png")


async def call(server: BotApiServer, method: str, **parameters: Any) -> str:
    """One call that aiogram itself would not make; returns Telegram's refusal."""
    url = f"{server.base_url}/bot{server.face.bot.token}/{method}"
    async with ClientSession() as http, http.post(url, json=parameters) as answer:
        return str((await answer.json()).get("description"))


def sent_id(message: Message) -> str:
    assert message.photo is not None
    return message.photo[-1].file_id


# -- sending --------------------------------------------------------------------------------------------------


async def test_a_picture_is_kept_and_can_be_sent_again_by_its_id(bot: Bot, chats: Chats, nadia: int) -> None:
    sent = await bot.send_photo(nadia, BufferedInputFile(png(60, 30), "qr.png"), caption="<i>QR</i>")
    photo = chats.chat(nadia).last.photo
    assert photo is not None
    assert (photo.width, photo.height, photo.content) == (60, 30, png(60, 30))
    again = await bot.send_photo(nadia, sent_id(sent))
    assert again.photo == sent.photo


@pytest.mark.parametrize(
    ("content", "caption", "reason"),
    [
        (b"no picture", "", "IMAGE_PROCESS_FAILED"),
        (b"", "", "file must be non-empty"),
        (png(21, 1), "", "PHOTO_INVALID_DIMENSIONS"),
        (png(), "x" * 1025, "message caption is too long"),
        (png(), "<b>" + "🐦" * 512 + "a</b>", "message caption is too long"),
    ],
)
async def test_pictures_telegram_would_refuse_are_refused(
    bot: Bot, chats: Chats, nadia: int, content: bytes, caption: str, reason: str
) -> None:
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.send_photo(nadia, BufferedInputFile(content, "x.png"), caption=caption)
    assert chats.chat(nadia).last.text == "/start"


async def test_a_caption_counts_after_parsing(bot: Bot, chats: Chats, nadia: int) -> None:
    await bot.send_photo(nadia, upload(), caption="<b>" + "🐦" * 512 + "</b>")
    assert chats.chat(nadia).last.body.length == 1024


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, "there is no photo in the request"),
        ({"photo": "attach://nothing"}, "there is no photo in the request"),
        ({"photo": "AgACNobodyGaveThis"}, "wrong file identifier/HTTP URL specified"),
    ],
)
async def test_a_picture_that_is_not_there_is_refused(
    server: BotApiServer, nadia: int, parameters: dict[str, str], reason: str
) -> None:
    assert await call(server, "sendPhoto", chat_id=nadia, **parameters) == f"Bad Request: {reason}"


# -- changing -------------------------------------------------------------------------------------------------


async def test_another_picture_takes_the_place_of_the_first(bot: Bot, chats: Chats, nadia: int) -> None:
    sent = await bot.send_photo(nadia, upload(), caption="one", reply_markup=keyboard({"Go": "go"}))
    media = InputMediaPhoto(media=upload(60, 30), caption="<b>two</b>", parse_mode="HTML")
    edited = await bot.edit_message_media(media, chat_id=nadia, message_id=sent.message_id)
    message = chats.chat(nadia).message(sent.message_id)
    assert message.photo is not None
    assert (message.photo.width, message.html, message.labels, message.edited) == (60, "<b>two</b>", [], True)
    assert isinstance(edited, Message)
    assert sent_id(edited) == message.photo.file_id != sent_id(sent)


async def test_a_picture_sent_before_can_come_back_by_its_id(bot: Bot, chats: Chats, nadia: int) -> None:
    first = await bot.send_photo(nadia, upload())
    second = await bot.send_photo(nadia, upload(60, 30))
    await bot.edit_message_media(InputMediaPhoto(media=sent_id(first)), chat_id=nadia, message_id=second.message_id)
    shown = chats.chat(nadia).message(second.message_id).photo
    assert shown is not None
    assert shown.file_id == sent_id(first)


async def test_a_picture_takes_the_place_of_a_text_but_no_text_that_of_a_picture(
    bot: Bot, chats: Chats, nadia: int
) -> None:
    sent = await bot.send_message(nadia, "words")
    place: dict[str, Any] = {"chat_id": nadia, "message_id": sent.message_id}
    await bot.edit_message_media(InputMediaPhoto(media=upload(), caption="under it"), **place)
    assert chats.chat(nadia).message(sent.message_id).photo is not None
    with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
        await bot.edit_message_text("words again", **place)


async def test_only_a_picture_has_a_caption_to_edit(bot: Bot, chats: Chats, nadia: int) -> None:
    text, picture = await bot.send_message(nadia, "x"), await bot.send_photo(nadia, upload(), caption="old")
    with pytest.raises(TelegramBadRequest, match="there is no caption in the message to edit"):
        await bot.edit_message_caption(chat_id=nadia, message_id=text.message_id, caption="new")
    place: dict[str, Any] = {"chat_id": nadia, "message_id": picture.message_id}
    with pytest.raises(TelegramBadRequest, match="message caption is too long"):
        await bot.edit_message_caption(caption="x" * 1025, **place)
    await bot.edit_message_caption(caption="new", **place)
    assert chats.chat(nadia).message(picture.message_id).text == "new"
    await bot.edit_message_caption(**place)
    assert not chats.chat(nadia).message(picture.message_id).text


async def test_the_same_picture_and_caption_is_no_edit_but_a_fresh_upload_is(bot: Bot, nadia: int) -> None:
    sent = await bot.send_photo(nadia, upload(), caption="same")
    place: dict[str, Any] = {"chat_id": nadia, "message_id": sent.message_id}
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_media(InputMediaPhoto(media=sent_id(sent), caption="same"), **place)
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_caption(caption=" same ", **place)
    await bot.edit_message_media(InputMediaPhoto(media=upload(), caption="same"), **place)


async def test_what_is_gone_or_not_the_bots_gets_no_new_picture(bot: Bot, chats: Chats, nadia: int) -> None:
    hers = chats.say(nadia, "hello")
    for message_id, reason in ((999, "message to edit not found"), (hers.id, "message can't be edited")):
        with pytest.raises(TelegramBadRequest, match=reason):
            await bot.edit_message_media(InputMediaPhoto(media=upload()), chat_id=nadia, message_id=message_id)


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        (None, 'parameter "media" is required'),
        ("{", "can't parse input media JSON object"),
        ([], "can't parse InputMedia: expected an Object"),
        ({"media": "x"}, "can't parse InputMedia: Can't find field \"type\""),
        ({"type": "sticker", "media": "x"}, 'can\'t parse InputMedia: type "sticker" is unsupported'),
        ({"type": "photo"}, "can't parse InputMedia: media not found"),
        ({"type": "photo", "media": "attach://nothing"}, "can't parse InputMedia: media not found"),
        ({"type": "photo", "media": "AgACNobodyGaveThis"}, "wrong file identifier/HTTP URL specified"),
    ],
)
async def test_new_media_that_makes_no_sense_is_refused(
    bot: Bot, server: BotApiServer, nadia: int, media: object, reason: str
) -> None:
    sent = await bot.send_photo(nadia, upload())
    place: dict[str, Any] = {"chat_id": nadia, "message_id": sent.message_id}
    assert await call(server, "editMessageMedia", media=media, **place) == f"Bad Request: {reason}"


async def test_media_and_fields_the_sandbox_lacks_are_counted(bot: Bot, server: BotApiServer, nadia: int) -> None:
    sent = await bot.send_photo(nadia, upload())
    place: dict[str, Any] = {"chat_id": nadia, "message_id": sent.message_id}
    with pytest.raises(TelegramBadRequest, match="unsupported"):
        await bot.edit_message_media(InputMediaVideo(media="x"), **place)
    await bot.edit_message_media(InputMediaPhoto(media=upload(), has_spoiler=True), **place)
    assert dict(server.unimplemented) == {"editMessageMedia(video)": 1, "InputMediaPhoto(has_spoiler)": 1}
    server.unimplemented.clear()


# -- fetching -------------------------------------------------------------------------------------------------


async def test_a_picture_is_fetched_by_its_path(bot: Bot, server: BotApiServer, nadia: int) -> None:
    sent = await bot.send_photo(nadia, upload())
    file = await bot.get_file(sent_id(sent))
    assert file.file_size == len(png())
    assert file.file_path is not None
    fetched = await bot.download(sent_id(sent))
    assert fetched is not None
    assert fetched.read() == png()
    async with ClientSession(server.base_url) as stranger:
        for path in (f"/file/bot7:wrong/{file.file_path}", f"/file/bot{bot.token}/photos/none.png"):
            async with stranger.get(path) as answer:
                assert answer.status == 404


@pytest.mark.parametrize(("file_id", "reason"), [("", "invalid file_id"), ("AgACNobody", "wrong file_id or the file")])
async def test_a_file_nobody_sent_is_not_found(bot: Bot, file_id: str, reason: str) -> None:
    with pytest.raises(TelegramAPIError, match=reason):
        await bot.get_file(file_id)
