"""Which chat and which message a call means, and whether the bot may touch it."""

from sandbox.botapi.call import Call
from sandbox.botapi.chat import Chat
from sandbox.botapi.errors import ApiError, bad_request, forbidden
from sandbox.botapi.face import BotFace
from sandbox.botapi.model import Message
from sandbox.botapi.wire_channels import CHANNEL_BASE


def writable_chat(face: BotFace, call: Call) -> Chat:
    """The chat a call writes to.

    Raises:
        ApiError: chat not found; 403 for a person who never started the bot, who blocked it, whose
            account is no more, or a bot.
    """
    chat = known_chat(face, call)
    if chat.kind == "private":
        if face.world.people[chat.id].deactivated:
            raise forbidden("user is deactivated")
        if not face.chats.has_started(chat.id):
            raise _never_started(face)
        if chat.blocked:
            raise forbidden("bot was blocked by the user")
    return chat


def known_chat(face: BotFace, call: Call) -> Chat:
    """The chat with this id, whoever may write there.

    Raises:
        ApiError: chat not found.
    """
    wanted = call.text("chat_id")
    if not wanted:
        raise bad_request("chat_id is empty")
    try:
        chat_id = int(wanted)
    except ValueError as error:
        raise bad_request("chat not found") from error
    if chat_id in face.world.bots:
        raise forbidden("bot can't send messages to bots")
    chat = face.chats.known(chat_id)
    if chat is None:
        if -chat_id - CHANNEL_BASE in face.world.channels:
            face.unimplemented["messages in a channel"] += 1
        raise bad_request("chat not found")
    return chat


def _never_started(face: BotFace) -> ApiError:
    if face.world.switches.write_before_start == "chat_not_found":
        return bad_request("chat not found")
    return forbidden("bot can't initiate conversation with a user")


def editable_message(face: BotFace, call: Call) -> tuple[Chat, Message]:
    """The bot's own message a call edits.

    Never one that came with a reply keyboard (core.telegram.org/bots/api#updating-messages).

    Raises:
        ApiError: message to edit not found; message can't be edited.
    """
    if call.has("inline_message_id"):
        face.unimplemented["inline_message_id"] += 1
        raise bad_request("MESSAGE_ID_INVALID")
    chat = known_chat(face, call) if face.world.switches.edit_when_blocked else writable_chat(face, call)
    if not call.has("message_id"):
        raise bad_request("message identifier is not specified")
    message = chat.find(call.integer("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if not message.from_bot or message.has_keyboard:
        raise bad_request("message can't be edited")
    return chat, message
