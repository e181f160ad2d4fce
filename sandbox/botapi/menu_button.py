"""The button beside the input field (core.telegram.org/bots/api#menubutton)."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from sandbox.botapi.call import Call
from sandbox.botapi.errors import ApiError, bad_request
from sandbox.botapi.face import BotFace, method
from sandbox.botapi.model import JsonObject

EVERYBODY = 0
DEFAULT: JsonObject = {"type": "default"}
FIELDS = {"default": {"type"}, "commands": {"type"}, "web_app": {"type", "text", "web_app"}}


@method("setChatMenuButton", "chat_id", "menu_button")
def set_chat_menu_button(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#setchatmenubutton; the default one takes back what was set."""
    button = _button(call)
    chat_id = _chat_id(face, call)
    face.menu_buttons.pop(chat_id, None)
    if button != DEFAULT:
        face.menu_buttons[chat_id] = button
    face.chats.anything.bump()
    return True


@method("getChatMenuButton", "chat_id")
def get_chat_menu_button(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#getchatmenubutton."""
    chat_id = _chat_id(face, call)
    unset = DEFAULT if chat_id else {"type": face.world.switches.unset_menu_button}
    return face.menu_buttons.get(chat_id, unset)


def shown_menu_button(face: BotFace, person_id: int) -> JsonObject:
    """What a person sees: their own button, else everybody's, else the one that opens the commands."""
    general = face.menu_buttons.get(EVERYBODY, {"type": "commands"})
    return face.menu_buttons.get(person_id, general)


def _chat_id(face: BotFace, call: Call) -> int:
    if not call.has("chat_id"):
        return EVERYBODY
    person_id = call.text("chat_id")
    if not person_id.isdecimal() or not int(person_id):
        raise bad_request("invalid chat_id specified")
    if int(person_id) not in face.world.people or not face.chats.has_started(int(person_id)):
        raise bad_request("user not found")
    return int(person_id)


def _button(call: Call) -> JsonObject:
    sent = call.json("menu_button")
    if sent is None:
        return DEFAULT
    if not isinstance(sent, Mapping):
        raise _unreadable("MenuButton must be an Object")
    kind = sent.get("type")
    if kind is None:
        raise _unreadable('Can\'t find field "type"')
    if kind not in FIELDS:
        raise _unreadable("MenuButton has invalid type specified")
    for name in FIELDS[kind] ^ sent.keys():
        missing = name in FIELDS[kind]
        raise _unreadable(f'Can\'t find field "{name}"' if missing else f"the sandbox does not know the field {name}")
    if kind == "web_app":
        _check_web_app(sent)
    return sent


def _check_web_app(button: JsonObject) -> None:
    app = button["web_app"]
    url = app.get("url") if isinstance(app, Mapping) else None
    if not isinstance(url, str):
        raise _unreadable('Can\'t find field "url"')
    if not isinstance(button["text"], str) or not button["text"].strip():
        raise bad_request("menu button text must be non-empty")
    address = urlsplit(url)
    if address.scheme != "https" or not address.netloc:
        raise bad_request(f"menu button Web App URL '{url}' is invalid: Only HTTPS links are allowed")


def _unreadable(reason: str) -> ApiError:
    return bad_request(f"can't parse menu button: {reason}")
