"""Every error of Telegram's that the facts know becomes a sentence: from Telethon's exception to the screen."""

import pytest
from telethon.errors import rpc_message_to_error
from telethon.tl import types
from telethon.tl.functions.payments import ConnectStarRefBotRequest

from bot.callbacks import LinksPage
from bot.i18n import Texts
from bot.screens.errors import failure_screen
from mtproto_bridge import login
from mtproto_bridge.actions.context import failure_of
from mtproto_bridge.protocol import ErrorCode, Failure
from mtproto_bridge.telegram.errors import translate
from mtproto_bridge.telegram.gateway import AccountLost, FloodWait, NotReached, Refused
from tests.unit.bot_samples import NOW, actions, checked, english, russian, words

BOTH = pytest.mark.parametrize("texts", [english, russian], ids=["en", "ru"])
MEANT = {
    (400, "STARREF_EXPIRED"): ErrorCode.LINK_EXPIRED,
    (400, "STARREF_HASH_REVOKED"): ErrorCode.LINK_EXPIRED,
    (400, "STARREF_AWAITING_END"): ErrorCode.AWAITING_END,
    (400, "STARREF_PERMILLE_TOO_LOW"): ErrorCode.INVALID_COMMISSION,
    (400, "STARREF_PERMILLE_INVALID"): ErrorCode.INVALID_COMMISSION,
    (400, "STARREF_MONTHS_TOO_LOW"): ErrorCode.INVALID_DURATION,
    (400, "BOT_INVALID"): ErrorCode.PROGRAM_UNAVAILABLE,
    (403, "PEER_ID_INVALID"): ErrorCode.BALANCE_UNREACHABLE,
    (400, "PEER_ID_INVALID"): ErrorCode.BALANCE_UNREACHABLE,
    (400, "CHAT_ADMIN_REQUIRED"): ErrorCode.RIGHTS_MISSING,
    (400, "CHANNEL_PRIVATE"): ErrorCode.BALANCE_UNREACHABLE,
    (406, "CHANNEL_PRIVATE"): ErrorCode.BALANCE_UNREACHABLE,
    (400, "CHANNEL_INVALID"): ErrorCode.BALANCE_UNREACHABLE,
    (400, "USERNAME_NOT_OCCUPIED"): ErrorCode.NO_SUCH_BOT,
    (400, "USERNAME_INVALID"): ErrorCode.NO_SUCH_BOT,
    (400, "PASSWORD_MISSING"): ErrorCode.WITHDRAW_IN_APP,
    (400, "PASSWORD_HASH_INVALID"): ErrorCode.WITHDRAW_IN_APP,
    (400, "PASSWORD_TOO_FRESH_3600"): ErrorCode.WITHDRAW_IN_APP,
    (400, "SESSION_TOO_FRESH_3600"): ErrorCode.WITHDRAW_IN_APP,
    (420, "FROZEN_METHOD_INVALID"): ErrorCode.FROZEN,
    (400, "FROZEN_PARTICIPANT_MISSING"): ErrorCode.FROZEN,
}
"""What a person is told of by a sentence of its own."""
OURS = (
    "CONNECTION_LAYER_INVALID",
    "SUBSCRIPTION_ID_INVALID",
    "CHANNELS_ADMIN_LOCATED_TOO_MUCH",
    "CHANNELS_ADMIN_PUBLIC_TOO_MUCH",
    "BOT_METHOD_INVALID",
    "USER_BOT_REQUIRED",
    "STARREF_OF_THE_FUTURE",
)
"""Faults of ours, and what nobody knows yet: the sentence names the code."""
ON_THE_CONSOLE = (
    "AUTH_TOKEN_INVALID",
    "AUTH_TOKEN_INVALID1",
    "AUTH_TOKEN_INVALIDX",
    "AUTH_TOKEN_EXPIRED",
    "AUTH_TOKEN_ALREADY_ACCEPTED",
    "SESSION_PASSWORD_NEEDED",
    "API_ID_PUBLISHED_FLOOD",
    "API_ID_INVALID",
)
"""What only a log-in meets."""


def raised(code: int, message: str) -> Exception:
    """What the gateway raises where Telegram answers this."""
    request = ConnectStarRefBotRequest(types.InputPeerSelf(), types.InputUserSelf())
    return translate(rpc_message_to_error(types.RpcError(code, message), request))


def told(texts: Texts, failure: Failure) -> str:
    shown = checked(failure_screen(texts, failure, now=NOW, again=LinksPage(), trace="abc"))
    assert actions(shown), "there is a next step"
    return words(shown)


@BOTH
@pytest.mark.parametrize(("code", "message"), MEANT)
def test_a_known_refusal_is_a_sentence_that_does_not_name_its_code(texts: Texts, code: int, message: str) -> None:
    refused = raised(code, message)
    assert isinstance(refused, Refused)
    failure = failure_of(refused)
    assert failure == Failure(code=MEANT[code, message])
    said = told(texts, failure)
    assert message not in said
    assert len(said.split()) > 6


@BOTH
@pytest.mark.parametrize("message", OURS)
def test_any_other_refusal_is_told_with_its_code_in_small_print_at_the_end(texts: Texts, message: str) -> None:
    refused = raised(400, message)
    assert isinstance(refused, Refused)
    failure = failure_of(refused)
    assert (failure.code, failure.telegram_message) == (ErrorCode.TELEGRAM, message)
    shown = failure_screen(texts, failure, now=NOW, again=LinksPage(), trace="abc")
    sentence, _, small = shown.text.rpartition("\n\n")
    assert len(sentence.split()) > 6
    assert small.startswith("<i>")
    assert f"400 {message}" in small
    assert LinksPage() in actions(shown), "it can be tried again"


def test_an_answer_without_a_record_is_told_as_any_other_refusal() -> None:
    said = told(english, Failure(code=ErrorCode.TELEGRAM, telegram_code=500, telegram_message="EMPTY"))
    assert "500 EMPTY" in said


@pytest.mark.parametrize(
    "message",
    ["AUTH_KEY_UNREGISTERED", "SESSION_REVOKED", "SESSION_EXPIRED", "USER_DEACTIVATED", "USER_DEACTIVATED_BAN"],
)
def test_an_account_that_is_lost_is_no_refusal(message: str) -> None:
    assert isinstance(raised(401, message), AccountLost)
    assert "logged out" in told(english, Failure(code=ErrorCode.ACCOUNT_UNAVAILABLE))


@pytest.mark.parametrize("message", ["FLOOD_WAIT_42", "FLOOD_PREMIUM_WAIT_42", "SLOWMODE_WAIT_42"])
def test_a_wait_says_how_long(message: str) -> None:
    flood = raised(420, message)
    assert isinstance(flood, FloodWait)
    assert (flood.method, flood.seconds) == ("payments.connectStarRefBot", 42)


def test_an_outage_of_telegrams_is_no_refusal() -> None:
    assert isinstance(raised(500, "RPC_CALL_FAIL"), NotReached)


@pytest.mark.parametrize("message", ON_THE_CONSOLE)
def test_what_only_a_log_in_meets_has_its_sentence_on_the_console(message: str) -> None:
    assert message in login.SENTENCES


@pytest.mark.parametrize("message", ["PASSWORD_TOO_FRESH_3600", "SESSION_TOO_FRESH_60"])
def test_a_code_with_a_number_keeps_its_words(message: str) -> None:
    refused = raised(400, message)
    assert isinstance(refused, Refused)
    assert refused.message == message
