"""Methods that send, edit and delete (core.telegram.org/bots/api#sendmessage and on)."""

from dataclasses import dataclass
from datetime import timedelta

from sandbox.botapi import wire
from sandbox.botapi.call import Call
from sandbox.botapi.chat import Chat
from sandbox.botapi.errors import bad_request
from sandbox.botapi.face import BotFace, method
from sandbox.botapi.html_parser import HtmlParser
from sandbox.botapi.markup import Markup, parse_markup, require_no_app
from sandbox.botapi.model import JsonObject, Keyboard, Message, Photo, ReplyKeyboard
from sandbox.botapi.targets import editable_message, known_chat, writable_chat
from sandbox.botapi.text import FormattedText, format_text

MAX_TEXT = 4096
MAX_CAPTION = 1024
DELETABLE_FOR = timedelta(hours=48)
HARMLESS = (
    "disable_notification",
    "protect_content",
    "link_preview_options",
    "reply_parameters",
    "allow_paid_broadcast",
    "message_effect_id",
)
"""Accepted with every message: they change nothing a test of words and buttons could see."""


@method("sendMessage", "chat_id", "text", "parse_mode", "reply_markup", *HARMLESS)
def send_message(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#sendmessage."""
    return send(face, call, writable_chat(face, call), Content(read_text(face, call)))


@dataclass(frozen=True)
class Content:
    """What a message says and shows."""

    body: FormattedText
    photo: Photo | None = None


def send(face: BotFace, call: Call, chat: Chat, content: Content) -> JsonObject:
    """Post a message, with the reply markup and the rest that any message may come with."""
    markup = parse_markup(call.text("reply_markup")) if call.has("reply_markup") else ()
    buttons = markup if isinstance(markup, tuple) else ()
    _check_place(chat, buttons)
    reply_to = _reply_to(call, chat)
    message = Message(
        id=face.chats.next_id(),
        chat_id=chat.id,
        sender_id=face.bot.id,
        from_bot=True,
        date=face.world.clock.now(),
        body=content.body,
        buttons=buttons,
        photo=content.photo,
        reply_to=reply_to,
        silent=call.flag("disable_notification"),
        protected=call.flag("protect_content"),
        has_keyboard=not isinstance(markup, tuple),
    )
    _show_keyboard(chat, markup)
    face.chats.post(chat, message)
    return wire.message(face.world, face.bot, chat, message)


def _check_place(chat: Chat, buttons: Keyboard) -> None:
    if chat.kind != "private":
        require_no_app(buttons)


def _show_keyboard(chat: Chat, markup: Markup) -> None:
    if isinstance(markup, ReplyKeyboard) or markup is None:
        chat.reply_keyboard, chat.keyboard_open = markup, markup is not None


def _reply_to(call: Call, chat: Chat) -> int | None:
    wanted = call.json("reply_parameters")
    if wanted is None:
        return None
    if not isinstance(wanted, dict) or not isinstance(wanted.get("message_id"), int):
        raise bad_request("can't parse reply parameters JSON object")
    if chat.find(wanted["message_id"]):
        return int(wanted["message_id"])
    if wanted.get("allow_sending_without_reply") is True:
        return None
    raise bad_request("message to be replied not found")


# -- words ----------------------------------------------------------------------------------------------------


def read_text(face: BotFace, call: Call) -> FormattedText:
    """The text of a message.

    Raises:
        ApiError: message text is empty; message is too long; can't parse entities.
    """
    if not call.has("text"):
        raise bad_request("message text is empty")
    body = _formatted(face, call, "text")
    if not body.plain:
        raise bad_request("text must be non-empty")
    if body.length > MAX_TEXT:
        raise bad_request("message is too long")
    return body


def read_caption(face: BotFace, call: Call) -> FormattedText:
    """The words under a picture; there may be none.

    Raises:
        ApiError: message caption is too long; can't parse entities.
    """
    body = _formatted(face, call, "caption")
    if body.length > MAX_CAPTION:
        raise bad_request("message caption is too long")
    return body


def _formatted(face: BotFace, call: Call, name: str) -> FormattedText:
    mode = call.text("parse_mode").lower()
    if mode in ("", "none"):
        return format_text(call.text(name), [])
    if mode == "html":
        return format_text(*HtmlParser(call.text(name)).parse())
    if mode in ("markdown", "markdownv2"):
        face.unimplemented[f"parse_mode {call.text('parse_mode')}"] += 1
    raise bad_request("unsupported parse_mode")


# -- edits ----------------------------------------------------------------------------------------------------


@method(
    "editMessageText",
    *("chat_id", "message_id", "inline_message_id", "text", "parse_mode", "reply_markup", "link_preview_options"),
)
def edit_text(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#editmessagetext."""
    body = read_text(face, call)
    chat, message = editable_message(face, call)
    if message.photo:
        raise bad_request("there is no text in the message to edit")
    return edit(face, chat, message, Content(body), inline_keyboard(call))


@method("editMessageReplyMarkup", "chat_id", "message_id", "inline_message_id", "reply_markup")
def edit_markup(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#editmessagereplymarkup."""
    chat, message = editable_message(face, call)
    return edit(face, chat, message, Content(message.body, message.photo), inline_keyboard(call))


def inline_keyboard(call: Call) -> Keyboard:
    """The buttons an edit leaves under the message: without the parameter none.

    Raises:
        ApiError: another kind of reply markup.
    """
    if not call.has("reply_markup"):
        return ()
    markup = parse_markup(call.text("reply_markup"))
    if not isinstance(markup, tuple):
        raise bad_request("inline keyboard expected")
    return markup


def edit(face: BotFace, chat: Chat, message: Message, content: Content, buttons: Keyboard) -> JsonObject:
    """Change a message where it stands.

    Raises:
        ApiError: a button that opens an app in a group; message is not modified, and a picture that is uploaded
            again counts as another one.
    """
    _check_place(chat, buttons)
    if (content.body, content.photo, buttons) == (message.body, message.photo, message.buttons):
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same "
            "as a current content and reply markup of the message"
        )
    message.body, message.photo, message.buttons = content.body, content.photo, buttons
    message.edit_date = face.world.clock.now()
    face.chats.touch(chat)
    return wire.message(face.world, face.bot, chat, message)


@method("deleteMessage", "chat_id", "message_id")
def delete_message(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#deletemessage: own and, in private, the person's; for 48 hours."""
    chat = known_chat(face, call)
    if not call.has("message_id"):
        raise bad_request("message identifier is not specified")
    message = chat.find(call.integer("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    foreign = not message.from_bot and chat.kind == "group"
    if foreign or face.world.clock.now() - message.date >= DELETABLE_FOR:
        raise bad_request("message can't be deleted for everyone")
    chat.remove(message)
    face.chats.anything.bump()
    return True
