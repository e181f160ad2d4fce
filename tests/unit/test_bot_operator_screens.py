"""The operator's page: what is well, what is not, and what waits for a word."""

import pytest

from bot.callbacks import Ban, Decide, OperatorPage
from bot.i18n import Texts
from bot.screens.operator import operations_page
from mtproto_bridge.protocol import Origin
from mtproto_bridge.protocol.ids import AccountId, RegistrationId
from tests.unit.bot_samples import END, actions, checked, english, labels, operated, operations, russian, waiting, words

BOTH = pytest.mark.parametrize("texts", [english, russian], ids=["en", "ru"])


def test_an_account_is_shown_with_its_state_its_bridge_and_its_room() -> None:
    said = words(checked(operations_page(english, operations(operated(waiting=7)))))
    assert "Vera (@vera) · 1001" in said
    assert "✅ ready · served by bridge-1" in said
    assert "2 channels, room for 478 more · 7 waiting" in said
    assert "3 people" in said


@BOTH
@pytest.mark.parametrize("state", ["ready", "logged_out", "frozen", "banned", "leaving", "removed"])
def test_every_state_of_an_account_can_be_said(texts: Texts, state: str) -> None:
    shown = checked(operations_page(texts, operations(operated(state=state, served_by=None, username=None))))
    assert texts(f"operator.state_{state}") in shown.text
    assert texts("operator.unserved") in shown.text


def test_a_state_of_a_newer_bridge_is_shown_as_it_came() -> None:
    assert "hibernating ·" in words(checked(operations_page(english, operations(operated(state="hibernating")))))


def test_a_flooded_account_says_until_when() -> None:
    said = words(checked(operations_page(english, operations(operated(flooded_until=END)))))
    assert "wait until November 2, 2026" in said


@BOTH
def test_with_nothing_at_all_it_says_what_to_do(texts: Texts) -> None:
    shown = checked(operations_page(texts, operations()))
    assert "python -m mtproto_bridge login" in words(shown)
    assert actions(shown) == [OperatorPage()]


def test_dead_letters_name_the_command_for_them() -> None:
    said = words(checked(operations_page(english, operations(operated(), dead_letters=2))))
    assert "2 requests were given up" in said
    assert "python -m mtproto_bridge dead-letters" in said


def test_each_registration_that_waits_can_be_approved_or_refused() -> None:
    asked = waiting(9, origin=Origin(chat_id=1002, name="Nadia <3"))
    other = waiting(10, title="Garden Club", username="club", person_id=1004)
    found = operations(operated(), registrations=[asked, other], registrations_waiting=12)
    shown = checked(operations_page(english, found))
    said = words(shown)
    assert "12 channels wait for your word" in said
    assert "1. Quiet Gardens – from Nadia <3 (1002)" in said
    assert "2. Garden Club (@club) – from 1004 (1004)" in said
    assert actions(shown)[:4] == [
        Decide(registration_id=RegistrationId(number), approve=yes) for number in (9, 10) for yes in (True, False)
    ]
    assert labels(shown)[:2] == ["✅ Approve 1", "🚫 Refuse 1"]


def test_the_banned_can_be_let_in_again() -> None:
    shown = checked(operations_page(english, operations(operated(), banned=[77, 78])))
    assert "2 people are banned" in words(shown)
    assert Ban(person_id=77, banned=False) in actions(shown)
    assert "Unban 78" in labels(shown)


def test_hundreds_of_accounts_and_banned_people_fit_a_message() -> None:
    many = [operated(id=AccountId(n), name="W" * 128, flooded_until=END) for n in range(200)]
    waiting_for = [waiting(n, title="W" * 128) for n in range(6)]
    found = operations(*many, registrations=waiting_for, registrations_waiting=6, banned=list(range(1, 300)))
    last = checked(operations_page(russian, found, page=999))
    assert "34/34" in labels(last)
    assert OperatorPage(page=32) in actions(last)
