"""Browsing programs: each order and filter, words from anywhere, and pages of one and the same reading."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.callbacks import ProgramsPage
from bot.screens.programs import PAGE_SIZE
from mtproto_bridge.protocol import Origin, Reply
from tests.integration.bot_fixtures import ANNA, BORIS, Stage, stage
from tests.unit.bot_samples import CRAWL, card, program, programs

LIST = {
    "page": 0,
    "size": PAGE_SIZE,
    "sort": "profit",
    "min_permille": 0,
    "forever": False,
    "words": "",
    "crawl": None,
}
"""What /programs asks for."""
NARROWED: dict[str, Any] = {"sort": "date", "min_permille": 100, "forever": True, "words": "quiz"}


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    async with stage() as made:
        made.bridge.answers = {"browse_programs": programs(program()), "show_program": card()}
        yield made


def asked(on: Stage) -> dict[str, object]:
    """What the list was last asked for."""
    return on.last_asked("browse_programs").about


async def test_programs_are_asked_for_a_page_at_a_time(on: Stage) -> None:
    shown = await on.say("/programs")
    assert asked(on) == LIST
    opened = await on.press("1. Quiz Night · 12.5%")
    assert opened.id == shown.id
    assert "Join" in str(opened.labels)
    assert opened.button("Share this program").url == (
        "https://t.me/share/url?url=https%3A%2F%2Ft.me%2Fstarling_bot%3Fstart%3Dj_8000002"
    )


async def test_each_button_asks_for_what_it_says_and_keeps_the_rest(on: Stage) -> None:
    on.bridge.answers["browse_programs"] = programs(program(), page=1, pages=3, total=13, **NARROWED)
    await on.say("/programs")
    here = LIST | NARROWED
    for button, wanted in (
        ("▶", {"page": 2, "crawl": CRAWL}),
        ("2/3", {"page": 1, "crawl": CRAWL}),
        ("↕ New", {"sort": "profit"}),
        ("Commission: 10%+", {"min_permille": 200}),
        ("☑ Forever only", {"forever": False}),
        ("✖ Show all programs", {"min_permille": 0, "forever": False, "words": ""}),
    ):
        await on.press(button)
        assert asked(on) == here | wanted, button


@pytest.mark.parametrize("said", ["/programs quiz", "quiz", "  quiz\n", "/programs@starling_bot quiz"])
async def test_words_search_programs_with_the_command_and_without(on: Stage, said: str) -> None:
    assert "Quiz Night" in (await on.say(said)).text
    assert asked(on) == LIST | {"words": "quiz"}


async def test_a_search_asks_for_words_and_finds_them_within_the_same_filters(on: Stage) -> None:
    on.bridge.answers["browse_programs"] = programs(program(), **NARROWED)
    listed = await on.say("/programs")
    question = await on.press("🔎 Search")
    assert question.id == listed.id
    assert "Send a word" in question.text
    await on.say("chess")
    assert asked(on) == LIST | NARROWED | {"words": "chess"}
    await on.say("farm")
    assert asked(on) == LIST | {"words": "farm"}, "the question was answered"


async def test_the_question_for_words_is_left_by_a_command_a_button_or_the_name_of_an_app(on: Stage) -> None:
    on.bridge.answers["browse_programs"] = programs(program(), **NARROWED)
    for leave in ("/cancel", "Back to the list", "@quiz_bot"):
        await on.say("/programs")
        await on.press("🔎 Search")
        await (on.press(leave) if leave.startswith("B") else on.say(leave))
        await on.say("chess")
        assert asked(on) == LIST | {"words": "chess"}, leave


async def test_words_that_another_device_answered_the_question_with_just_before_are_a_search_too(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await on.say("/programs")
    await on.press("🔎 Search")

    async def nothing_any_more(*_: object, **__: object) -> dict[str, Any]:
        return {}

    monkeypatch.setattr(on.app.dispatcher.storage, "get_data", nothing_any_more)
    await on.say("chess")
    assert asked(on) == LIST | {"words": "chess"}


async def test_what_holds_no_word_gets_a_hint(on: Stage) -> None:
    assert "didn’t understand" in (await on.say(":::")).text
    assert not on.bridge.asked


async def test_a_search_longer_than_a_button_bears_is_cut_and_says_so(on: Stage) -> None:
    on.bridge.answers["browse_programs"] = programs(words="я" * 20)
    shown = await on.say("я" * 4_000)
    assert asked(on)["words"] == "я" * 20
    assert f"“{'я' * 20}”" in shown.text


async def test_a_reading_that_is_gone_begins_at_page_one_and_says_so(on: Stage) -> None:
    on.bridge.answers["browse_programs"] = programs(program(), pages=3, total=13)
    await on.say("/programs")
    newer: dict[str, Any] = {"crawl": CRAWL + 600, "pages": 3, "total": 13}
    on.bridge.answers["browse_programs"] = [programs(program(), page=1, **newer), programs(program(), **newer)]
    shown = await on.press("▶")
    assert asked(on) == LIST | {"crawl": CRAWL + 600}
    assert "The list was renewed" in shown.text
    assert "1/3" in str(shown.labels)
    on.bridge.answers["browse_programs"] = programs(program(), page=1, **newer)
    assert "renewed" not in (await on.press("▶")).text


async def test_a_page_that_is_not_there_shows_the_first(on: Stage) -> None:
    await on.say("/programs")
    on.bridge.answers["browse_programs"] = [programs(page=5, total=1), programs(program())]
    assert "Quiz Night" in (await on.forge(ProgramsPage(page=5).pack())).text


async def test_where_nothing_is_found_one_tap_shows_everything(on: Stage) -> None:
    on.bridge.answers["browse_programs"] = [programs(words="xyzzy"), programs(program())]
    assert "No program fits this: “xyzzy”" in (await on.say("xyzzy")).text
    assert "Quiz Night" in (await on.press("✖ Show all programs")).text
    assert asked(on) == LIST


async def test_two_people_search_side_by_side(on: Stage) -> None:
    await on.say("/programs")
    await on.press("🔎 Search")
    await on.say("farm", person=BORIS)
    await on.say("chess")
    searched = [(one.caller.actor, one.about["words"]) for one in on.bridge.asked]
    assert searched == [(ANNA, ""), (BORIS, "farm"), (ANNA, "chess")]


async def test_a_list_that_comes_late_is_still_the_search_it_was(on: Stage) -> None:
    shown = await on.say("/start")
    origin = Origin(chat_id=ANNA, message_id=shown.id, locale="en")
    found = programs(program(), pages=3, total=13, **NARROWED)
    await on.app.late.receive(Reply(request_id="r", actor=ANNA, trace="feedfeedfeed", origin=origin, result=found))
    assert "“quiz”" in (await on.shows("the newest first")).text
    await on.press("▶")
    assert asked(on) == LIST | NARROWED | {"page": 1, "crawl": CRAWL}
