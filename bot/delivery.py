"""Screens onto Telegram: sending, editing in place, and what is normal life on the way."""

import structlog
from aiogram import Bot
from aiogram.enums import ChatAction, ParseMode
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError
from aiogram.types import (
    BufferedInputFile,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
    KeyboardButton,
    KeyboardButtonRequestChat,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from bot import rights
from bot.screens.inline import InlineCard, Offered
from bot.screens.layout import Button, ChannelPicker, Copy, OwnKeyboard, Screen, Url

# What Telegram says when a message cannot be edited any more: the screen then comes as a new message.
_GONE = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message identifier",
    "no text in the message",  # a picture: it has no buttons of ours, but an app may be modified
)
_SAME = "message is not modified"
_TOO_OLD = "query is too old"
_PICKED = 1
"""What tells one asking button from another; there is only one."""
FROM_INLINE = "inline"
"""What our chat is opened with from inline mode."""
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

log = structlog.get_logger()


def markup_of(screen: Screen) -> InlineKeyboardMarkup | None:
    """A screen's buttons as Telegram wants them."""
    if not screen.rows:
        return None
    return InlineKeyboardMarkup(inline_keyboard=[[_button(button) for button in row] for row in screen.rows])


def _button(button: Button) -> InlineKeyboardButton:
    match button.action:
        case Url(address):
            return InlineKeyboardButton(text=button.text, url=address)
        case Copy(text):
            return InlineKeyboardButton(text=button.text, copy_text=CopyTextButton(text=text))
        case callback:
            return InlineKeyboardButton(text=button.text, callback_data=callback.pack())


def _keyboard_of(screen: Screen) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | None:
    match screen.keyboard:
        case ChannelPicker() as picker:
            return _picker(picker)
        case OwnKeyboard():
            return ReplyKeyboardRemove()
    return markup_of(screen)


def _picker(picker: ChannelPicker) -> ReplyKeyboardMarkup:
    """The channel is shown with its name, and the bot gets its rights there in the same tap."""
    wanted = KeyboardButtonRequestChat(
        request_id=_PICKED,
        chat_is_channel=True,
        user_administrator_rights=rights.wanted(),
        bot_administrator_rights=rights.wanted(),
        request_title=True,
        request_username=True,
    )
    rows = [[KeyboardButton(text=picker.choose, request_chat=wanted)], [KeyboardButton(text=picker.cancel)]]
    return ReplyKeyboardMarkup(keyboard=rows, one_time_keyboard=True, resize_keyboard=True)


async def send(bot: Bot, chat_id: int, screen: Screen) -> int:
    """Send a screen as a new message; returns its id."""
    sent = await bot.send_message(
        chat_id,
        screen.text,
        parse_mode=ParseMode.HTML,
        link_preview_options=_NO_PREVIEW,
        reply_markup=_keyboard_of(screen),
    )
    return sent.message_id


async def send_picture(bot: Bot, chat_id: int, png: bytes, caption: str) -> None:
    """Send a picture with HTML under it."""
    await bot.send_photo(chat_id, BufferedInputFile(png, "qr.png"), caption=caption, parse_mode=ParseMode.HTML)


async def show(bot: Bot, chat_id: int, message_id: int | None, screen: Screen) -> int:
    """Edit a message into a screen, or send it anew where there is nothing to edit; returns the message's id."""
    if message_id is None:
        return await send(bot, chat_id, screen)
    try:
        await bot.edit_message_text(
            screen.text,
            chat_id=chat_id,
            message_id=message_id,
            parse_mode=ParseMode.HTML,
            link_preview_options=_NO_PREVIEW,
            reply_markup=markup_of(screen),
        )
    except TelegramBadRequest as error:
        reason = error.message.lower()
        if _SAME in reason:
            return message_id
        if any(gone in reason for gone in _GONE):
            return await send(bot, chat_id, screen)
        raise
    return message_id


async def typing(bot: Bot, chat_id: int) -> None:
    """Show that something goes on. It is decoration, so whatever goes wrong with it is left alone."""
    try:
        await bot.send_chat_action(chat_id, ChatAction.TYPING)
    except TelegramAPIError as error:
        log.debug("typing.failed", reason=type(error).__name__)


async def answer(bot: Bot, query_id: str) -> None:
    """Let a pressed button rest. After some time Telegram refuses the answer: nobody waits for it then."""
    try:
        await bot.answer_callback_query(query_id)
    except (TelegramBadRequest, TelegramForbiddenError) as error:
        log.debug("answer.refused", reason=error.message)
    except TelegramAPIError as error:
        log.warning("answer.failed", reason=type(error).__name__)


async def answer_inline(bot: Bot, query_id: str, offered: Offered) -> None:
    """Offer cards to who typed our name in some chat, and to nobody else: Telegram keeps none of them.

    After some time Telegram refuses the answer: the person has typed on, or has gone.
    """
    button = InlineQueryResultsButton(text=offered.button, start_parameter=FROM_INLINE) if offered.button else None
    try:
        await bot.answer_inline_query(
            query_id,
            [_article(number, card) for number, card in enumerate(offered.cards)],
            cache_time=0,
            is_personal=True,
            next_offset=offered.next_offset,
            button=button,
        )
    except TelegramBadRequest as error:
        if _TOO_OLD not in error.message:
            raise
        log.debug("inline.too_old")
    except TelegramAPIError as error:
        log.warning("inline.failed", reason=type(error).__name__)


def _article(number: int, card: InlineCard) -> InlineQueryResultArticle:
    return InlineQueryResultArticle(
        id=str(number),
        title=card.title,
        description=card.description,
        input_message_content=InputTextMessageContent(
            message_text=card.text, parse_mode=ParseMode.HTML, link_preview_options=_NO_PREVIEW
        ),
        reply_markup=InlineKeyboardMarkup(inline_keyboard=[[_button(card.button)]]),
    )
