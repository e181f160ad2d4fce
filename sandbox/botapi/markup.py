"""Reply markup, refused where Telegram refuses it (core.telegram.org/bots/api#inlinekeyboardbutton)."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from sandbox.botapi import channel_buttons
from sandbox.botapi.errors import ApiError, bad_request
from sandbox.botapi.model import Button, JsonObject, Keyboard, ReplyKeyboard

MAX_CALLBACK_DATA = 64
"""Bytes of UTF-8."""
MAX_COPY_TEXT = 256
MAX_BUTTONS = 100
MAX_PLACEHOLDER = 64

ACTIONS = frozenset(
    {
        "url",
        "callback_data",
        "copy_text",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "callback_game",
        "pay",
    }
)
"""Exactly one of these makes a button do something."""
DECORATION = frozenset({"text", "style", "icon_custom_emoji_id"})

Markup = Keyboard | ReplyKeyboard | None
"""None: the reply keyboard is taken away."""


def parse_markup(source: str) -> Markup:
    """Any of the four kinds of reply markup; ForceReply counts as no inline keyboard.

    Raises:
        ApiError: as Telegram words it.
    """
    try:
        markup = json.loads(source)
    except json.JSONDecodeError as error:
        raise bad_request("can't parse reply keyboard markup JSON object") from error
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        return parse_inline(markup["inline_keyboard"])
    if "keyboard" in markup:
        return _parse_reply(markup)
    if markup.get("remove_keyboard") is True:
        return None
    return ()


def parse_inline(rows: object) -> Keyboard:
    """An inline keyboard's rows; rows without buttons vanish, as at Telegram."""
    if not isinstance(rows, list):
        raise bad_request('field "inline_keyboard" must be of type Array')
    keyboard: list[tuple[Button, ...]] = []
    for row in rows:
        if not isinstance(row, list):
            raise bad_request('field "inline_keyboard" must be an Array of Arrays')
        if row:
            keyboard.append(tuple(_inline_button(button) for button in row))
    if sum(map(len, keyboard)) > MAX_BUTTONS:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return tuple(keyboard)


def require_no_app(keyboard: Keyboard) -> None:
    """Apps open only from the private chat between a person and the bot.

    Raises:
        ApiError: BUTTON_TYPE_INVALID.
    """
    if any("web_app" in button.fields for row in keyboard for button in row):
        raise bad_request("BUTTON_TYPE_INVALID")


def _inline_button(button: object) -> Button:
    if not isinstance(button, dict):
        raise _unreadable("Object expected as an inline keyboard button")
    text = button.get("text")
    if not isinstance(text, str):
        raise _unreadable('Field "text" must be of type String')
    if not text.strip():
        raise _unreadable("Button text must be non-empty")
    unknown = button.keys() - ACTIONS - DECORATION
    if unknown:
        raise _unreadable(f"the sandbox does not know the field {min(unknown)}")
    actions = button.keys() & ACTIONS
    if not actions:
        raise _unreadable("Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise _unreadable(f"a button does one thing, not {' and '.join(sorted(actions))}")
    _check_action(actions.pop(), button)
    return Button(text, button)


def _check_action(action: str, button: JsonObject) -> None:
    check = CHECKS.get(action)
    if check is None:
        raise _unreadable(f"the sandbox has no {action} buttons")
    check(button[action])


def _check_callback_data(value: object) -> None:
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= MAX_CALLBACK_DATA:
        raise bad_request("BUTTON_DATA_INVALID")


def _check_copy_text(value: object) -> None:
    copied = value.get("text") if isinstance(value, Mapping) else None
    if not isinstance(copied, str) or not 1 <= len(copied) <= MAX_COPY_TEXT:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")


def _check_web_app(value: object) -> None:
    address = value.get("url") if isinstance(value, Mapping) else None
    if not isinstance(address, str) or urlsplit(address).scheme != "https":
        raise bad_request(f"inline keyboard button Web App URL '{address}' is invalid: Only HTTPS links are allowed")


def _check_inline_query(value: object) -> None:
    if not isinstance(value, str):
        raise _unreadable("an inline query must be of type String")


def _check_chosen_chat(value: object) -> None:
    if not isinstance(value, Mapping):
        raise _unreadable('Field "switch_inline_query_chosen_chat" must be of type Object')


def _check_url(value: object) -> None:
    if not isinstance(value, str) or not value:
        raise bad_request("BUTTON_URL_INVALID")
    address = urlsplit(value if ":" in value else f"http://{value}")
    if address.scheme not in ("http", "https", "tg", "ton"):
        raise bad_request(f"inline keyboard button URL '{value}' is invalid: Unsupported URL protocol")
    if not address.netloc:
        raise bad_request(f"inline keyboard button URL '{value}' is invalid: URL host is empty")
    if address.scheme in ("http", "https") and "." not in address.netloc:
        raise bad_request(f"inline keyboard button URL '{value}' is invalid: Wrong HTTP URL")


CHECKS: dict[str, Callable[[object], None]] = {
    "url": _check_url,
    "callback_data": _check_callback_data,
    "copy_text": _check_copy_text,
    "web_app": _check_web_app,
    "switch_inline_query": _check_inline_query,
    "switch_inline_query_current_chat": _check_inline_query,
    "switch_inline_query_chosen_chat": _check_chosen_chat,
}


def _parse_reply(markup: dict[str, object]) -> ReplyKeyboard:
    rows = markup["keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "keyboard" must be an Array of Arrays')
    placeholder = markup.get("input_field_placeholder", "")
    if not isinstance(placeholder, str) or len(placeholder) > MAX_PLACEHOLDER:
        raise bad_request("REPLY_MARKUP_INVALID")
    kept = tuple(tuple(_reply_button(button) for button in row) for row in rows if row)
    if not kept:
        raise bad_request("reply markup is empty")
    return ReplyKeyboard(kept, bool(markup.get("one_time_keyboard")), placeholder)


def _reply_button(button: object) -> JsonObject:
    if isinstance(button, str):
        return {"text": button}
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad_request('can\'t parse keyboard button: Field "text" must be of type String')
    if not button["text"].strip():
        raise bad_request("can't parse keyboard button: Button text must be non-empty")
    unknown = button.keys() - DECORATION - {"request_chat"}
    if unknown:
        raise bad_request(f"can't parse keyboard button: the sandbox does not know the field {min(unknown)}")
    if "request_chat" in button:
        channel_buttons.parse(button["request_chat"])
    return button


def _unreadable(reason: str) -> ApiError:
    return bad_request(f"can't parse inline keyboard button: {reason}")
