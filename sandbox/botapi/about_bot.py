"""Methods about the bot itself, its commands, and what it answers at once."""

import json
import re

from sandbox.botapi import wire
from sandbox.botapi.call import Call
from sandbox.botapi.errors import bad_request
from sandbox.botapi.face import BotFace, CommandsKey, method
from sandbox.botapi.model import CallbackAnswer, JsonObject
from sandbox.botapi.targets import writable_chat
from sandbox.botapi.text import utf16_length

MAX_ANSWER = 200
MAX_COMMANDS = 100
MAX_DESCRIPTION = 256
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
LANGUAGE = re.compile(r"([a-z]{2})?")
DEFAULT_SCOPE = '{"type": "default"}'
ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


@method("getMe")
def get_me(face: BotFace, _: Call) -> JsonObject:
    """core.telegram.org/bots/api#getme."""
    return {
        **wire.bot_user(face.bot),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": face.bot.supports_inline,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


@method("sendChatAction", "chat_id", "action")
def send_chat_action(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#sendchataction."""
    chat = writable_chat(face, call)
    if call.text("action") not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    face.chats.show_action(chat, call.text("action"))
    return True


@method("answerCallbackQuery", "callback_query_id", "text", "show_alert", "url", "cache_time")
def answer_callback_query(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#answercallbackquery."""
    query = face.chats.queries.get(call.text("callback_query_id"))
    patience = face.world.switches.callback_query_seconds
    late = query is None or face.chats.wall() - query.pressed_at > patience
    again = query is not None and query.answer is not None and not face.world.switches.answer_callback_twice
    if query is None or late or again:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if utf16_length(call.text("text")) > MAX_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    own_link = f"https://t.me/{face.bot.username}?start="
    if call.has("url") and not call.text("url").startswith(own_link):
        raise bad_request("URL_INVALID")
    query.answer = CallbackAnswer(call.text("text"), call.flag("show_alert"), call.text("url"))
    chat = face.chats.known(query.chat_id)
    if chat:
        chat.answers.append(query.answer)
        face.chats.touch(chat)
    return True


# -- commands -------------------------------------------------------------------------------------------------


@method("setMyCommands", "commands", "scope", "language_code")
def set_my_commands(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#setmycommands."""
    commands = call.json("commands")
    if not isinstance(commands, list):
        raise bad_request("can't parse commands: expected an Array of BotCommand")
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    face.commands[_commands_key(call)] = [_command(one) for one in commands]
    face.chats.anything.bump()
    return True


@method("getMyCommands", "scope", "language_code")
def get_my_commands(face: BotFace, call: Call) -> list[JsonObject]:
    """core.telegram.org/bots/api#getmycommands."""
    return face.commands.get(_commands_key(call), [])


@method("deleteMyCommands", "scope", "language_code")
def delete_my_commands(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#deletemycommands."""
    face.commands.pop(_commands_key(call), None)
    face.chats.anything.bump()
    return True


def shown_commands(face: BotFace, person_id: int) -> list[JsonObject]:
    """The command menu a person sees in private, by Telegram's order of scopes and languages."""
    language = face.world.people[person_id].language.split("-")[0]
    scopes = (
        json.dumps({"chat_id": person_id, "type": "chat"}),
        json.dumps({"type": "all_private_chats"}),
        DEFAULT_SCOPE,
    )
    for scope in scopes:
        for code in (language, ""):
            if (scope, code) in face.commands:
                return face.commands[scope, code]
    return []


def _commands_key(call: Call) -> CommandsKey:
    scope = call.json("scope")
    if scope is not None and (not isinstance(scope, dict) or "type" not in scope):
        raise bad_request("can't parse BotCommandScope")
    language = call.text("language_code")
    if not LANGUAGE.fullmatch(language):
        raise bad_request("invalid language code specified")
    return (json.dumps(scope, sort_keys=True) if scope else DEFAULT_SCOPE), language


def _command(command: object) -> JsonObject:
    if not isinstance(command, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    name, description = command.get("command"), command.get("description")
    if not isinstance(name, str) or not COMMAND.fullmatch(name.removeprefix("/")):
        raise bad_request("BOT_COMMAND_INVALID")
    if not isinstance(description, str) or not 1 <= len(description.strip()) <= MAX_DESCRIPTION:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name.removeprefix("/"), "description": description}
