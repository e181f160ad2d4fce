"""Transcripts: the bot is restarted in the middle of a conversation, and nothing is lost."""

from datetime import timedelta

import pytest

from bot import app
from tests.e2e.starling import Someone, Starling


async def test_a_join_with_a_restart_between_all_its_taps_is_one_message_and_one_link(
    starling: Starling, nadia: Someone
) -> None:
    before = len(starling.world.links)
    card = await nadia.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    for button, sees in (
        ("Join", "Which balance should earn"),
        ("📢 Quiet Gardens", "Join Quiz Night"),
        ("✅ Join with this balance", "You’re in"),
        ("🔄 Refresh", "0 users referred"),
    ):
        await starling.restart_bot()
        await nadia.presses(button, sees=sees)
    assert nadia.screen.id == card.id
    assert len(starling.world.links) == before + 1


@pytest.mark.parametrize(
    ("opened", "asks", "answer", "sees"),
    [
        (["/programs", "🔎 Search"], "Send a word", "quiz", "1 affiliate program"),
        (["/join"], "Which program", "quiz_night_bot", "@quiz_night_bot"),
        (["/check"], "Which referral link", "hm?", "That is not a referral link"),
    ],
)
async def test_a_question_that_was_open_is_answered_after_a_restart(
    starling: Starling, nadia: Someone, opened: list[str], asks: str, answer: str, sees: str
) -> None:
    command, *buttons = opened
    await nadia.says(command, sees="" if buttons else asks)
    for button in buttons:
        await nadia.presses(button, sees=asks)
    await starling.restart_bot()
    await nadia.says(answer, sees=sees)


async def test_a_picker_that_was_open_still_takes_a_channel_after_a_restart(starling: Starling, nadia: Someone) -> None:
    await nadia.says("/start", sees="Earn Stars")
    await nadia.presses("Add my channel", sees="Which channel should earn?")
    await starling.restart_bot()
    await nadia.makes_channel("Orchard", sees="the operator of this bot looks at new channels first")


async def test_a_join_that_waits_for_the_bridge_while_the_bot_restarts_is_done_once_and_told_where_it_was_begun(
    starling: Starling, nadia: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "FINISH_WITHIN", timedelta(0))
    before = len(starling.world.links)
    await nadia.says("/join @quiz_night_bot", sees="@quiz_night_bot")
    await nadia.presses("Join", sees="Which balance")
    asked = await nadia.presses("📢 Quiet Gardens", sees="Join Quiz Night")
    await starling.stop_bridge()
    await nadia.presses("✅ Join with this balance", sees="⏳")
    await starling.restart_bot()
    await nadia.is_shown("There is no answer yet")
    await starling.start_bridge()
    done = await nadia.is_shown("You’re in")
    assert done.id == asked.id
    assert len(starling.world.links) == before + 1
