"""/operator: for operators a page, for everybody else a command we do not have."""

from collections.abc import AsyncIterator

import pytest

from mtproto_bridge.protocol import BridgeError, ErrorCode
from tests.integration.bot_fixtures import Stage, stage
from tests.unit.bot_samples import operated, operations

NOT_ONE = BridgeError(ErrorCode.NOT_AN_OPERATOR)


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """A running bot; who asks is an operator."""
    async with stage() as made:
        made.bridge.answers = {"show_operations": operations(operated()), "ban_person": operations(banned=[77])}
        yield made


async def test_an_operator_sees_how_everything_is_doing_and_again(on: Stage) -> None:
    shown = await on.say("/operator")
    assert "Vera (@vera)" in shown.text
    on.bridge.answers["show_operations"] = operations(operated(waiting=40))
    assert "40 waiting" in (await on.press("🔄 Refresh")).text


async def test_an_operator_bans_a_person_and_lets_them_in_again(on: Stage) -> None:
    banned = await on.say("/ban 77")
    assert "✅ Banned" in banned.text
    assert on.last_asked("ban_person").about == {"person": 77, "banned": True}
    on.bridge.answers["ban_person"] = operations()
    assert "Not banned any more" in (await on.press("Unban 77")).text
    assert on.last_asked("ban_person").about == {"person": 77, "banned": False}
    assert "Not banned any more" in (await on.say("/unban 77")).text


@pytest.mark.parametrize("said", ["/ban", "/ban everybody", "/ban -5", "/ban 1 2", "/unban 99999999999999999999"])
async def test_a_ban_of_nobody_in_particular_does_nothing(on: Stage, said: str) -> None:
    assert "Whom?" in (await on.say(said)).text
    assert not [asked for asked in on.bridge.asked if asked.what == "ban_person"]


@pytest.mark.parametrize("said", ["/operator", "/ban", "/ban 77", "/unban 77"])
async def test_others_are_told_what_they_are_told_of_any_unknown_command(on: Stage, said: str) -> None:
    on.bridge.answers = {"show_operations": NOT_ONE, "ban_person": NOT_ONE}
    unknown = await on.say("/no_such_command")
    answered = await on.say(said)
    assert (answered.text, answered.buttons) == (unknown.text, unknown.buttons)


@pytest.mark.parametrize("forged", ["op:0", "ob:25:0", "ob:25:1"])
async def test_a_forged_button_of_theirs_says_no_more(on: Stage, forged: str) -> None:
    on.bridge.answers = {"show_operations": NOT_ONE, "ban_person": NOT_ONE}
    unknown = await on.say("/no_such_command")
    assert (await on.forge(forged)).text == unknown.text


async def test_an_outage_is_told_as_one(on: Stage) -> None:
    on.bridge.answers["show_operations"] = BridgeError(ErrorCode.UNAVAILABLE)
    assert "busy or cut off" in (await on.say("/operator")).text
