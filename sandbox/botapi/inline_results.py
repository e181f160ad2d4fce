"""answerInlineQuery, refused where Telegram refuses it (core.telegram.org/bots/api#answerinlinequery)."""

import re

from sandbox.botapi.call import Call
from sandbox.botapi.errors import ApiError, bad_request
from sandbox.botapi.face import BotFace, method
from sandbox.botapi.inline import InlineAnswer, InlineResult
from sandbox.botapi.markup import parse_inline, require_no_app
from sandbox.botapi.messages import read_text
from sandbox.botapi.model import JsonObject, Keyboard

MAX_RESULTS = 50
MAX_RESULT_ID, MAX_OFFSET = 64, 64
"""Bytes of UTF-8."""
CACHE_SECONDS = 300
START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")
ARTICLE = frozenset(
    {
        *("type", "id", "title", "input_message_content", "reply_markup", "url", "description"),
        *("thumbnail_url", "thumbnail_width", "thumbnail_height"),
    }
)
TEXT_CONTENT = frozenset({"message_text", "parse_mode", "link_preview_options"})


@method("answerInlineQuery", "inline_query_id", "results", "cache_time", "is_personal", "next_offset", "button")
def answer_inline_query(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#answerinlinequery, with articles only."""
    answer = InlineAnswer(
        _results(face, call),
        call.text("next_offset"),
        _button(face, call),
        personal=call.flag("is_personal"),
        cache_seconds=call.integer("cache_time", CACHE_SECONDS),
    )
    query = face.inline.queries.get(call.text("inline_query_id"))
    late = query is None or face.chats.wall() - query.asked_at > face.world.switches.inline_query_seconds
    again = query is not None and query.answer is not None and not face.world.switches.answer_inline_twice
    if query is None or late or again:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if len(answer.next_offset.encode()) > MAX_OFFSET:
        raise bad_request("NEXT_OFFSET_INVALID")
    face.inline.give(query, answer)
    return True


def _results(face: BotFace, call: Call) -> tuple[InlineResult, ...]:
    told = call.json("results")
    if not isinstance(told, list):
        raise bad_request("can't parse inline query results: expected an Array of InlineQueryResult")
    if len(told) > MAX_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    results = tuple(_result(face, one) for one in told)
    if len({one.id for one in results}) < len(results):
        raise bad_request("RESULT_ID_DUPLICATE")
    return results


def _result(face: BotFace, told: object) -> InlineResult:
    if not isinstance(told, dict):
        raise _unreadable("Object expected as an inline query result")
    if told.get("type") != "article":
        face.unimplemented[f"inline result {told.get('type')}"] += 1
        raise bad_request("RESULT_TYPE_INVALID")
    _count_unknown(face, "article", told, ARTICLE)
    content = told.get("input_message_content")
    if not isinstance(content, dict) or not isinstance(content.get("message_text"), str):
        raise _unreadable("an article needs an input_message_content with a message_text")
    _count_unknown(face, "input_message_content", content, TEXT_CONTENT)
    words = {name: str(content[name]) for name in ("message_text", "parse_mode") if content.get(name)}
    body = read_text(face, Call({"text": words.get("message_text", ""), "parse_mode": words.get("parse_mode", "")}))
    return InlineResult(
        _id(told.get("id")), _title(told.get("title")), str(told.get("description") or ""), body, _keyboard(face, told)
    )


def _id(told: object) -> str:
    if not isinstance(told, str) or not told:
        raise bad_request("RESULT_ID_EMPTY")
    if len(told.encode()) > MAX_RESULT_ID:
        raise bad_request("RESULT_ID_INVALID")
    return told


def _title(told: object) -> str:
    if not isinstance(told, str) or not told.strip():
        raise bad_request("ARTICLE_TITLE_EMPTY")
    return told


def _keyboard(face: BotFace, told: JsonObject) -> Keyboard:
    markup = told.get("reply_markup")
    if markup is None:
        return ()
    if not isinstance(markup, dict) or "inline_keyboard" not in markup:
        raise _unreadable("inline keyboard expected")
    keyboard = parse_inline(markup["inline_keyboard"])
    require_no_app(keyboard)
    if any(button.callback_data is not None for row in keyboard for button in row):
        face.unimplemented["callback buttons under inline results"] += 1
    return keyboard


def _button(face: BotFace, call: Call) -> JsonObject | None:
    told = call.json("button")
    if told is None:
        return None
    if not isinstance(told, dict):
        raise bad_request("can't parse inline query results button: expected an Object")
    if "web_app" in told:
        face.unimplemented["web_app above inline results"] += 1
    if not isinstance(told.get("text"), str) or not told["text"].strip():
        raise bad_request("SWITCH_PM_TEXT_EMPTY")
    start = told.get("start_parameter")
    if not isinstance(start, str) or not start:
        raise bad_request("START_PARAM_EMPTY")
    if not START_PARAMETER.fullmatch(start):
        raise bad_request("START_PARAM_INVALID")
    return told


def _count_unknown(face: BotFace, where: str, told: JsonObject, known: frozenset[str]) -> None:
    for name in told.keys() - known:
        face.unimplemented[f"answerInlineQuery({where}.{name})"] += 1


def _unreadable(reason: str) -> ApiError:
    return bad_request(f"can't parse InlineQueryResult: {reason}")
