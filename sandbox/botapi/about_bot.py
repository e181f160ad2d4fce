"""Methods about the bot itself, its commands, and what it answers at once."""

import re

from sandbox.botapi import wire
from sandbox.botapi.call import Call
from sandbox.botapi.errors import ApiError, bad_request
from sandbox.botapi.face import BotFace, CommandsKey, CommandsScope, method
from sandbox.botapi.languages import ISO_639_1
from sandbox.botapi.model import CallbackAnswer, JsonObject
from sandbox.botapi.targets import writable_chat
from sandbox.botapi.text import utf16_length

MAX_ANSWER = 200
MAX_COMMANDS = 100
MAX_COMMAND = 32
MAX_DESCRIPTION = 256
COMMAND = re.compile(r"[a-z0-9_]+")
LANGUAGE = re.compile(r"([a-z]{2})?")
WIDE_SCOPES = frozenset({"default", "all_private_chats", "all_group_chats", "all_chat_administrators"})
CHAT_SCOPES = frozenset({"chat", "chat_administrators", "chat_member"})
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
    """core.telegram.org/bots/api#setmycommands; an empty list is no list."""
    sent = call.json("commands") or []
    if not isinstance(sent, list):
        raise bad_request("expected an Array of BotCommand")
    key = _commands_key(face, call)
    commands = [_command(one) for one in sent]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    face.commands.pop(key, None)
    if commands:
        face.commands[key] = commands
    face.chats.anything.bump()
    return True


@method("getMyCommands", "scope", "language_code")
def get_my_commands(face: BotFace, call: Call) -> list[JsonObject]:
    """core.telegram.org/bots/api#getmycommands: the list of exactly this scope and language."""
    return face.commands.get(_commands_key(face, call), [])


@method("deleteMyCommands", "scope", "language_code")
def delete_my_commands(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#deletemycommands."""
    face.commands.pop(_commands_key(face, call), None)
    face.chats.anything.bump()
    return True


def shown_commands(face: BotFace, person_id: int) -> list[JsonObject]:
    """The list a person sees in private: the first that is set (core.telegram.org/bots/api#botcommandscope)."""
    language = face.world.people[person_id].language.split("-")[0]
    scopes = (CommandsScope("chat", person_id), CommandsScope("all_private_chats"), CommandsScope())
    keys = [(scope, code) for scope in scopes for code in (language, "")]
    return next((face.commands[key] for key in keys if key in face.commands), [])


def _commands_key(face: BotFace, call: Call) -> CommandsKey:
    scope = _scope(face, call.json("scope"))
    language = call.text("language_code")
    if not LANGUAGE.fullmatch(language):
        raise bad_request("invalid language code specified")
    if language and language not in ISO_639_1:
        raise bad_request("LANG_CODE_INVALID")
    return scope, language


def _scope(face: BotFace, sent: object) -> CommandsScope:
    if sent is None:
        return CommandsScope()
    if not isinstance(sent, dict):
        raise _no_scope("BotCommandScope must be an Object")
    kind = _needed(sent, "type")
    if kind in WIDE_SCOPES:
        return CommandsScope(str(kind))
    if kind not in CHAT_SCOPES:
        raise _no_scope("Unsupported type specified")
    chat = str(_needed(sent, "chat_id"))
    user = str(_needed(sent, "user_id")) if kind == "chat_member" else "0"
    if kind == "chat_member" and not (user.isdecimal() and int(user)):
        raise _no_scope("Invalid user_id specified")
    return CommandsScope(str(kind), _scope_chat(face, str(kind), chat), int(user))


def _scope_chat(face: BotFace, kind: str, chat_id: str) -> int:
    chat = face.chats.known(int(chat_id)) if chat_id.removeprefix("-").isdecimal() else None
    if chat is None or (chat.kind == "private" and not face.chats.has_started(chat.id)):
        raise bad_request("chat not found")
    if chat.kind == "private" and kind != "chat":
        raise bad_request("can't use specified scope in private chats")
    return chat.id


def _needed(scope: dict[str, object], name: str) -> object:
    if name not in scope:
        raise _no_scope(f'Can\'t find field "{name}"')
    return scope[name]


def _no_scope(reason: str) -> ApiError:
    return bad_request(f"can't parse BotCommandScope: {reason}")


def _command(sent: object) -> JsonObject:
    if not isinstance(sent, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    name, description = sent.get("command"), sent.get("description")
    if not isinstance(name, str) or not isinstance(description, str) or len(sent) > 2:
        raise bad_request("can't parse BotCommand: a command and its description are Strings, and there is no more")
    name, description = name.strip().removeprefix("/"), description.strip()
    for what, text, longest in (("", name, MAX_COMMAND), (" description", description, MAX_DESCRIPTION)):
        if not text:
            raise bad_request(f"command{what} must be non-empty")
        if len(text) > longest:
            raise bad_request(f"command{what} length must not exceed {longest}")
    if not COMMAND.fullmatch(name):
        raise bad_request("BOT_COMMAND_INVALID")
    return {"command": name, "description": description}
