"""Old habits: plain words that name a place of the menu show it, and never do anything."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.bot_fixtures import ANNA, BORIS, Stage, stage
from tests.unit.bot_samples import channel, channels, link, links, program, programs


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """A running bot that can show its lists and cannot act: acting would fail the test."""
    async with stage() as made:
        made.bridge.answers = {
            "list_affiliations": links(link()),
            "browse_programs": programs(program()),
            "list_channels": channels(channel()),
        }
        yield made


@pytest.mark.parametrize(
    ("said", "shown", "asked"),
    [
        ("my links", "1 link", ["list_affiliations"]),
        ("My Links!", "1 link", ["list_affiliations"]),
        ("revoke", "open it here and tap Revoke", ["list_affiliations"]),
        ("Revoke link", "open it here and tap Revoke", ["list_affiliations"]),
        ("programs", "1 affiliate program", ["browse_programs"]),
        ("Browse programs", "1 affiliate program", ["browse_programs"]),
        ("channels", "Garden", ["list_channels"]),
        ("help", "What you can do here", []),
        ("menu", "Earn Stars", []),
        ("check", "Which referral link", []),
        ("cancel", "nothing to cancel", []),
    ],
)
async def test_a_word_of_the_menu_shows_what_it_names(on: Stage, said: str, shown: str, asked: list[str]) -> None:
    assert shown in (await on.say(said)).text
    assert [one.what for one in on.bridge.asked] == asked
    assert all(one.about.get("words", "") == "" for one in on.bridge.asked)


@pytest.mark.parametrize(("said", "asked"), [("Мои ссылки", "list_affiliations"), ("отозвать", "list_affiliations")])
async def test_it_is_understood_in_the_persons_language(on: Stage, said: str, asked: str) -> None:
    await on.say(said, person=BORIS)
    assert [one.what for one in on.bridge.asked] == [asked]


async def test_english_is_understood_from_everybody_and_other_languages_from_those_who_speak_them(on: Stage) -> None:
    await on.say("my links", person=BORIS)
    await on.say("мои ссылки", person=ANNA)
    assert [one.what for one in on.bridge.asked] == ["list_affiliations", "browse_programs"]


async def test_more_than_a_word_of_the_menu_is_searched_as_ever(on: Stage) -> None:
    await on.say("link garden")
    assert on.last_asked("browse_programs").about["words"] == "link garden"


async def test_who_was_asked_for_words_finds_programs_with_any_word(on: Stage) -> None:
    await on.say("/programs")
    await on.press("🔎 Search")
    await on.say("help")
    assert on.last_asked("browse_programs").about["words"] == "help"
