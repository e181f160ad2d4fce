"""Private chats only, every button answers, every failure is a sentence, nobody's trouble is another's."""

from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from bot.menus import COMMANDS
from mtproto_bridge.protocol import BridgeError, ErrorCode
from sandbox.botapi.about_bot import shown_commands
from sandbox.botapi.model import CallbackQuery
from sandbox.world.faults import Fault
from tests.integration.bot_fixtures import ANNA, BORIS, Stage, stage
from tests.unit.bot_samples import GARDEN, card, link, links, page, program, programs


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    async with stage() as made:
        made.bridge.answers = {
            "browse_programs": programs(program()),
            "show_program": card(GARDEN),
            "list_affiliations": links(link()),
            "show_affiliation": page(),
        }
        yield made


async def test_start_says_what_this_is_in_the_persons_language(on: Stage) -> None:
    assert "Earn Stars" in (await on.say("/start")).text
    assert "Зарабатывайте" in (await on.say("/start", person=BORIS)).text


async def test_everybody_sees_the_commands_in_their_language(on: Stage) -> None:
    english = shown_commands(on.api.face, ANNA)
    russian = shown_commands(on.api.face, BORIS)
    assert [one["command"] for one in english] == list(COMMANDS)
    assert english[1]["description"] == "Programs you can join"
    assert russian[1]["description"] == "Программы, в которых можно участвовать"


async def test_a_deep_link_opens_the_card_and_an_unknown_payload_the_start(on: Stage) -> None:
    assert "Quiz Night" in (await on.say("/start j_8000002")).text
    assert on.last_asked("show_program").about["bot_id"] == 8000002
    for payload in ("_tgr_AbCd", "j_", "j_0", "j_x", "j_99999999999999999999", "b_x"):
        assert "Earn Stars" in (await on.say(f"/start {payload}")).text


async def test_plain_words_open_a_card_only_when_they_name_a_bot(on: Stage) -> None:
    assert "Quiz Night" in (await on.say("https://t.me/quiz_bot/play")).text
    assert on.last_asked("show_program").about["username"] == "quiz_bot"
    shown = await on.say("revoke my links")
    assert on.last_asked("browse_programs").about["words"] == "revoke my links"
    assert "My links" in str(shown.labels), "old habits are understood through the menu"
    assert "don’t have that command" in (await on.say("/withdraw")).text
    assert "/programs" in (await on.say("/help")).text


@pytest.mark.parametrize("data", ["old:1:2", "p:", "rc:1:2:3:nonce", "\u2603", "m:nowhere"])
async def test_a_button_nobody_understands_shows_the_menu_and_is_answered(on: Stage, data: str) -> None:
    first = await on.say("/start")
    shown = await on.forge(data)
    assert "earlier version" in shown.text
    assert shown.id == first.id


async def test_a_button_on_a_message_too_old_to_read_shows_the_present_state(on: Stage) -> None:
    shown = await on.say("/start")
    query = on.api.chats.press(ANNA, shown.id, "My links", inaccessible=True)
    await on.rested(query)
    assert "Quiz Night" in on.chat().last_from_bot.text


async def test_where_the_message_is_gone_the_screen_comes_as_a_new_one(on: Stage) -> None:
    shown = await on.say("/start")
    anew = await on.forge("lp:0", message_id=shown.id + 1000)
    assert anew.id > shown.id
    assert "Quiz Night" in anew.text


async def test_a_press_that_says_it_was_on_a_picture_is_answered_in_a_new_message(on: Stage) -> None:
    """Pictures of ours have no buttons, so that is a modified app's; it is told in words all the same."""
    await on.say("/start")
    await on.forge("le:1:4rgua:picture")
    picture = on.chat().last_from_bot
    assert picture.photo
    shown = await on.forge("lp:0")
    assert shown.id > picture.id
    assert "Quiz Night" in shown.text


async def test_a_group_is_told_once_and_then_no_more(on: Stage) -> None:
    group = on.api.chats.group("Friends")
    on.api.chats.say(ANNA, "/start", group="Friends")
    await group.until(lambda chat: len(chat.messages) == 2)
    assert "private chats only" in group.last.text
    assert group.last.buttons[0][0].url == "https://t.me/starling_bot"
    on.api.chats.say(BORIS, "/links@starling_bot", group="Friends")
    on.api.chats.say(BORIS, "/links@other_bot", group="Friends")
    await on.say("/start")  # what was said before this has been dealt with
    assert len([message for message in group.messages if message.from_bot]) == 1
    assert not on.bridge.asked


async def test_a_forged_press_in_a_group_is_answered_and_nothing_more(on: Stage) -> None:
    group = on.api.chats.group("Friends")
    on.api.chats.say(ANNA, "/start", group="Friends")
    await group.until(lambda chat: len(chat.messages) == 2)
    chats = on.api.chats
    query = CallbackQuery("in-group", ANNA, group.id, group.last.id, "lp:0", pressed_at=chats.wall())
    chats.queries[query.id] = query
    message = {"message_id": group.last.id, "date": 1, "chat": {"id": group.id, "type": "group", "title": "Friends"}}
    person = {"id": ANNA, "is_bot": False, "first_name": "Anna"}
    pressed = {"id": query.id, "from": person, "message": message, "chat_instance": "1", "data": "lp:0"}
    chats.updates.push("callback_query", pressed)
    await group.until(lambda _: query.answer is not None)
    assert not on.bridge.asked


async def test_a_failure_is_a_sentence_and_trying_again_tries_the_same(on: Stage) -> None:
    on.bridge.answers["list_affiliations"] = [BridgeError(ErrorCode.UNAVAILABLE), links(link())]
    assert "nothing was done" in (await on.say("/links")).text
    assert "Quiz Night" in (await on.press("Try again")).text


async def test_a_fault_of_ours_is_a_sentence_with_a_trace_that_is_in_the_log(
    on: Stage, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    on.bridge.answers["list_affiliations"] = ZeroDivisionError("of ours")
    shown = await on.say("/links")
    assert "Something went wrong on my side" in shown.text
    assert "ZeroDivisionError" not in shown.text
    assert on.last_asked("list_affiliations").caller.trace in shown.text
    logged = caplog.text + capsys.readouterr().out
    assert on.last_asked("list_affiliations").caller.trace in logged


async def test_when_open_questions_cannot_be_read_the_person_is_told(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(**_: object) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(on.app.dispatcher.storage, "get_state", lost)
    assert "cut off right now" in (await on.say("/start")).text


async def test_who_blocks_the_bot_troubles_nobody_else(on: Stage) -> None:
    on.bridge.go_on.clear()
    on.api.chats.say(ANNA, "/links")
    on.api.chats.block(ANNA)
    on.bridge.go_on.set()
    assert "Зарабатывайте" in (await on.say("/start", person=BORIS)).text
    assert not on.chat().messages[-1].from_bot


async def test_typing_shows_at_once_for_a_command_that_asks_the_bridge(on: Stage) -> None:
    on.bridge.go_on.clear()
    chats = on.api.chats
    chats.say(ANNA, "/programs")
    seen = chats.anything.version
    while on.chat().action != "typing":
        seen = await chats.anything.changed(seen, 5)
    on.bridge.go_on.set()
    await on.shows("Quiz Night")


async def test_a_failed_sign_of_typing_is_left_alone(on: Stage) -> None:
    on.world.faults.set(Fault("error", "sendChatAction", code=400, message="Bad Request: whatever"))
    assert "Quiz Night" in (await on.say("/programs")).text


async def test_a_screen_telegram_refuses_is_told_as_a_failure(on: Stage) -> None:
    await on.say("/start")
    on.world.faults.set(Fault("error", "editMessageText", code=400, message="Bad Request: can't parse entities"))
    assert "Something went wrong" in (await on.press("My links")).text


async def test_an_answer_to_a_press_that_comes_too_late_is_left_alone(on: Stage) -> None:
    shown = await on.say("/start")
    on.world.faults.set(Fault("error", "answerCallbackQuery", code=400, message="Bad Request: query is too old"))
    on.api.chats.press(ANNA, shown.id, "My links")
    await on.shows("Quiz Night")


async def test_while_one_device_waits_for_the_bridge_another_one_is_answered(on: Stage) -> None:
    """No lock is held: neither on the person nor on what they are asked."""
    waiting = await on.say("/start")
    on.bridge.go_on.clear()
    query = on.api.chats.press(ANNA, waiting.id, "My links")
    await on.bridge.asked_one.wait()
    assert "/programs" in (await on.say("/help")).text
    assert "Which program" in (await on.say("/join")).text
    assert query.answer is None
    on.bridge.go_on.set()
    await on.rested(query)
    assert "Quiz Night" in on.chat().message(waiting.id).text


async def test_a_flood_wait_of_the_bot_api_is_waited_out_and_the_answer_comes(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    (retrying,) = on.app.bot.session.middleware
    monkeypatch.setattr(retrying, "_sleep", sleep)
    for method, seconds in (("sendMessage", 7), ("editMessageText", 300), ("answerCallbackQuery", 2)):
        on.world.faults.set(Fault("flood_wait", method, seconds=seconds))
    assert "Earn Stars" in (await on.say("/start")).text
    assert "Quiz Night" in (await on.press("My links")).text
    assert waited == [7, 300, 2]


async def test_what_is_normal_life_is_no_error_in_the_log(on: Stage) -> None:
    chats = on.api.chats
    with capture_logs() as logged:
        shown = await on.say("/links")
        await on.forge("lp:0")  # which says that the message is not modified
        await on.forge("lp:0", message_id=4711)  # there is no such message
        on.world.faults.set(Fault("error", "answerCallbackQuery", message="Bad Request: query is too old"))
        chats.press(ANNA, shown.id, "1. Quiz Night → Garden")
        await on.chat().until(lambda chat: "Earned" in chat.message(shown.id).text)
        query = chats.press(ANNA, shown.id, "🔄 Refresh")
        on.chat().remove(shown)  # under the finger
        await on.rested(query)
        query = chats.press(ANNA, on.chat().last_from_bot.id, "🔄 Refresh")
        chats.block(ANNA)
        await on.rested(query)
        assert "Earn Stars" in (await on.say("/start")).text
    assert [one for one in logged if one["log_level"] not in ("debug", "info")] == []
