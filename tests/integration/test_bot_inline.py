"""Inline mode of the bot: whose links, which programs, and what is said where there are none."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.conversations.inline import Turns
from bot.screens.inline import Offered
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import BotId
from sandbox.botapi import InlineAnswer, InlineQuery
from sandbox.world.faults import Fault
from tests.integration.bot_fixtures import ANNA, BORIS, Stage, stage
from tests.unit.bot_samples import CRAWL, URL, cards, live, program, programs

OURS = "https://t.me/starling_bot?start=j_8000002"


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """A running bot; one live link, one program."""
    async with stage() as made:
        made.bridge.answers = {"list_cards": cards(live()), "browse_programs": programs(program())}
        yield made


async def types(on: Stage, text: str, *, person: int = ANNA, offset: str = "") -> tuple[InlineQuery, InlineAnswer]:
    query = on.api.inline.types(person, text, offset=offset)
    return query, await on.api.inline.answered(query)


async def test_nothing_but_the_name_offers_ones_links(on: Stage) -> None:
    query, answer = await types(on, "")
    [card] = answer.results
    assert (card.title, card.description) == ("Quiz Night", "12.5% · 1 year · Garden")
    sent = on.api.inline.picks(query, "Quiz Night")
    assert URL in sent.text
    assert "Ad. This is a referral link" in sent.text
    assert sent.button("Open Quiz Night").url == URL
    assert answer.button is None


async def test_a_word_finds_programs_by_nobodys_referral(on: Stage) -> None:
    query, answer = await types(on, "  quiz ")
    assert on.last_asked("browse_programs").about["words"] == "quiz"
    assert answer.results[0].description == "12.5% · 1 year"
    sent = on.api.inline.picks(query, "Quiz Night")
    assert sent.button("See the program").url == OURS
    assert "_tgr_" not in sent.html


async def test_people_are_asked_for_as_themselves_and_answered_in_their_language(on: Stage) -> None:
    await types(on, "")
    query, answer = await types(on, "", person=BORIS)
    assert not query.from_cache
    assert (answer.personal, answer.cache_seconds) == (True, 0), "Telegram may keep nobody's links"
    assert [asked.caller.actor for asked in on.bridge.asked] == [ANNA, BORIS]
    assert "Реклама" in on.api.inline.picks(query, "Quiz Night").text


async def test_nothing_is_kept_for_the_person_either(on: Stage) -> None:
    await types(on, "")
    on.bridge.answers["list_cards"] = cards()
    _, answer = await types(on, "")
    assert answer.results == ()


async def test_pages_follow_one_another_within_one_reading(on: Stage) -> None:
    on.bridge.answers["browse_programs"] = [
        programs(program(), pages=2),
        programs(program(bot_id=BotId(9)), page=1, pages=2),
        programs(program(), page=1, pages=2, crawl=CRAWL + 600),
    ]
    _, first = await types(on, "quiz")
    _, second = await types(on, "quiz", offset=first.next_offset)
    assert (on.last_asked("browse_programs").about["page"], on.last_asked("browse_programs").about["crawl"]) == (
        1,
        CRAWL,
    )
    assert (len(second.results), second.next_offset) == (1, "")
    _, renewed = await types(on, "quiz", offset=first.next_offset)
    assert renewed.results == (), "a page of another reading would repeat some and skip others"


async def test_pages_of_links_follow_one_another_and_a_strange_offset_is_the_first(on: Stage) -> None:
    on.bridge.answers["list_cards"] = cards(live(), pages=2)
    _, first = await types(on, "")
    await types(on, "", offset=first.next_offset)
    assert on.last_asked("list_cards").about["page"] == 1
    await types(on, "", offset="-1.x")
    assert on.last_asked("list_cards").about["page"] == 0


@pytest.mark.parametrize(("text", "label"), [("", "You have no live link yet"), ("nope", "No program found")])
async def test_where_there_is_nothing_a_button_opens_the_bot(on: Stage, text: str, label: str) -> None:
    on.bridge.answers = {"list_cards": cards(), "browse_programs": programs()}
    _, answer = await types(on, text)
    assert answer.results == ()
    assert answer.button is not None
    assert str(answer.button["text"]).startswith(label)
    shown = await on.say(f"/start {answer.button['start_parameter']}")
    assert ["Browse programs"] in shown.labels
    assert ["Add my channel"] in shown.labels


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (ErrorCode.UNAVAILABLE, "I’m too busy or cut off right now, and nothing was done."),
        (ErrorCode.BANNED, "The operator of this bot does not let you use it any more."),
        (ErrorCode.ACCOUNT_UNAVAILABLE, "The account I work with is logged out, so I can’t do this now."),
        (ErrorCode.SLOW_DOWN, "That didn’t work just now: open the bot"),
    ],
)
async def test_a_failure_is_said_with_its_reason_where_a_button_has_room(
    on: Stage, code: ErrorCode, reason: str
) -> None:
    on.bridge.answers["list_cards"] = BridgeError(code)
    _, answer = await types(on, "")
    assert answer.results == ()
    assert answer.button is not None
    assert answer.button["text"] == reason


async def test_a_failure_outside_the_handler_is_said_there_and_not_in_the_persons_chat(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(**_: object) -> None:
        raise ConnectionError("no storage")

    monkeypatch.setattr(on.app.dispatcher.storage, "get_state", lost)
    _, answer = await types(on, "")
    assert answer.button is not None
    assert str(answer.button["text"]).startswith("I’m too busy")
    assert on.chat().messages == []


async def asked_words(on: Stage, count: int, person: int = ANNA) -> list[object]:
    """What the bridge was asked for a person, once it was asked this often."""
    async with asyncio.timeout(10):
        while len(found := [one for one in on.bridge.asked if one.caller.actor == person]) < count:
            on.bridge.asked_one.clear()
            await on.bridge.asked_one.wait()
    return [one.about["words"] for one in found]


async def test_what_is_typed_on_waits_for_nothing_and_ends_what_waited(on: Stage) -> None:
    on.bridge.go_on.clear()
    boris = on.api.inline.types(BORIS, "chess")
    typed = []
    for number, word in enumerate(("q", "qu", "quiz"), start=1):
        typed.append(on.api.inline.types(ANNA, word))
        assert (await asked_words(on, number))[-1] == word, "although the bridge has not answered"
    for older in typed[:-1]:
        assert (await on.api.inline.answered(older)).results == (), "every query is answered, on whatever device"
    assert (typed[-1].answer, boris.answer) == (None, None), "nobody else's query is ended"
    on.bridge.go_on.set()
    assert len((await on.api.inline.answered(typed[-1])).results) == 1
    assert len((await on.api.inline.answered(boris)).results) == 1


async def test_an_older_query_that_comes_after_a_newer_one_does_not_end_it() -> None:
    turns, go_on, began = Turns(), asyncio.Event(), asyncio.Event()

    async def ask(offered: Offered) -> Offered:
        began.set()
        await go_on.wait()
        return offered

    newer = asyncio.create_task(turns.take(ANNA, 2, ask(Offered(button="newer"))))
    await began.wait()
    assert await turns.take(ANNA, 1, ask(Offered(button="older"))) == Offered()
    go_on.set()
    assert (await newer).button == "newer"
    assert (await turns.take(ANNA, 1, ask(Offered(button="alone")))).button == "alone"


async def test_an_answer_that_comes_too_late_is_normal_life(on: Stage) -> None:
    on.bridge.go_on.clear()
    late = on.api.inline.types(ANNA, "")
    await on.bridge.asked_one.wait()
    late.asked_at -= 60
    on.bridge.go_on.set()
    await types(on, "")
    assert late.answer is None


async def test_what_telegram_refuses_for_a_while_harms_nothing(on: Stage) -> None:
    on.world.faults.set(Fault("error", "answerInlineQuery", code=502, message="Bad Gateway"))
    on.api.inline.types(ANNA, "")
    _, answer = await types(on, "quiz")
    assert len(answer.results) == 1


async def test_a_card_sent_to_ourselves_is_no_word_to_us(on: Stage) -> None:
    await on.say("/join")
    query, _ = await types(on, "")
    on.api.inline.picks(query, "Quiz Night")
    shown = await on.say("/help")
    [*_, card, said, _] = on.chat().messages
    assert (card.via_bot, said.text) == (True, "/help")
    assert on.chat().last_from_bot.id == shown.id


async def test_names_of_strangers_are_escaped(on: Stage) -> None:
    on.bridge.answers["list_cards"] = cards(live(bot_title="<b>Sly & co</b>", balance_title="<i>"))
    query, answer = await types(on, "")
    assert answer.results[0].title == "<b>Sly & co</b>", "Telegram reads no markup there"
    assert "<b>Sly & co</b>" in on.api.inline.picks(query, "<b>Sly & co</b>").text
