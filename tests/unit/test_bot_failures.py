"""Every failure becomes a sentence with a next step, in the person's language."""

from datetime import timedelta

import pytest

from bot.callbacks import AskJoin
from bot.i18n import Texts
from bot.screens import Screen
from bot.screens.errors import failure_screen
from mtproto_bridge.protocol import ErrorCode, Failure
from mtproto_bridge.protocol.ids import BalanceId, BotId
from tests.unit.bot_samples import END, NOW, actions, checked, english, russian, words

BOTH = pytest.mark.parametrize("texts", [english, russian], ids=["en", "ru"])
AGAIN = AskJoin(balance_id=BalanceId(1), bot_id=BotId(2))
FULL = {
    "retry_at": NOW + timedelta(seconds=90),
    "end_date": END,
    "account_id": 5,
    "telegram_code": 400,
    "telegram_message": "SOMETHING_<NEW>",
    "balance_title": "Garden & Co",
    "username": "quiz_bot",
    "limit": 20,
}


@BOTH
@pytest.mark.parametrize("code", ErrorCode)
@pytest.mark.parametrize("facts", [{}, FULL], ids=["bare", "with facts"])
def test_every_failure_is_a_sentence_with_a_next_step(texts: Texts, code: ErrorCode, facts: dict[str, object]) -> None:
    failure = Failure.model_validate({"code": code, **facts})
    shown = checked(failure_screen(texts, failure, now=NOW, again=AGAIN, trace="abc123"))
    said = words(shown)
    assert len(said.split()) >= 6
    assert "_" not in code.value or code.value not in said
    assert "None" not in said
    assert shown.rows


def fails(code: ErrorCode, **facts: object) -> Screen:
    return failure_screen(english, Failure.model_validate({"code": code, **facts}), now=NOW, again=AGAIN, trace="abc")


def test_an_unknown_refusal_shows_telegrams_code_inside_a_sentence_and_can_be_tried_again() -> None:
    shown = fails(ErrorCode.TELEGRAM, telegram_code=400, telegram_message="STARREF_WHAT")
    assert "400 STARREF_WHAT" in words(shown)
    assert AGAIN in actions(shown)


@pytest.mark.parametrize("code", [ErrorCode.FLOOD_WAIT, ErrorCode.SLOW_DOWN])
def test_who_has_to_wait_is_told_how_long_and_may_then_try_again(code: ErrorCode) -> None:
    shown = fails(code, retry_at=NOW + timedelta(seconds=90))
    assert "in 2 minutes" in words(shown)
    assert AGAIN in actions(shown)
    assert "again now" in words(fails(code, retry_at=NOW))


def test_a_lost_right_names_the_channel_and_the_way_to_give_it_back() -> None:
    said = words(fails(ErrorCode.RIGHTS_MISSING, balance_title="Garden & Co"))
    assert "Garden & Co" in said
    assert "Post messages" in said


def test_a_fault_of_ours_names_its_trace() -> None:
    assert "abc" in words(fails(ErrorCode.INTERNAL))


@pytest.mark.parametrize("code", [ErrorCode.NOT_A_MANAGER, ErrorCode.NO_SUCH_BOT, ErrorCode.PROGRAM_CLOSING])
def test_what_trying_again_cannot_change_offers_no_trying_again(code: ErrorCode) -> None:
    assert AGAIN not in actions(fails(code))
