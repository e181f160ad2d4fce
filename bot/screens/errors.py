"""A failure as a sentence with a next step, in the person's language; never a raw code alone."""

from collections.abc import Callable
from datetime import datetime

from aiogram.filters.callback_data import CallbackData

from bot.i18n import Html, Texts
from bot.screens.layout import Button, Screen, rows_of
from bot.screens.menu import add_channel_button, browse_button, links_button
from mtproto_bridge.protocol import ErrorCode, Failure

_Sentence = Callable[[Texts, Failure, datetime], Html]


def _balance(texts: Texts, failure: Failure) -> str:
    return failure.balance_title or texts("error.the_balance")


def _rights_missing(texts: Texts, failure: Failure, _: datetime) -> Html:
    return texts("error.rights_missing", balance=_balance(texts, failure))


def _balance_unreachable(texts: Texts, failure: Failure, _: datetime) -> Html:
    return texts("error.balance_unreachable", balance=_balance(texts, failure))


def _no_such_bot(texts: Texts, failure: Failure, _: datetime) -> Html:
    if failure.username is None:
        return texts("error.no_such_bot_unnamed")
    return texts("error.no_such_bot", username=failure.username)


def _program_unavailable(texts: Texts, failure: Failure, _: datetime) -> Html:
    if failure.username is None:
        return texts("error.program_unavailable_unnamed")
    return texts("error.program_unavailable", username=failure.username)


def _program_closing(texts: Texts, failure: Failure, _: datetime) -> Html:
    if failure.end_date is None:
        return texts("error.program_closing_soon")
    return texts("error.program_closing", date=texts.moment(failure.end_date))


def _wait(message: str, over: str) -> _Sentence:
    """A sentence that says when to try again, and the one for when that moment has come."""

    def sentence(texts: Texts, failure: Failure, now: datetime) -> Html:
        if failure.retry_at is None or failure.retry_at <= now:
            return texts(over)
        return texts(message, within=texts.within(failure.retry_at - now))

    return sentence


def _too_many_channels(texts: Texts, failure: Failure, _: datetime) -> Html:
    if failure.limit is None:
        return texts("error.too_many_channels_unnumbered")
    return texts.count("error.too_many_channels", failure.limit)


def _connect_not_allowed(texts: Texts, failure: Failure, _: datetime) -> Html:
    return texts("error.connect_not_allowed", balance=_balance(texts, failure))


def _telegram(texts: Texts, failure: Failure, _: datetime) -> Html:
    code = " ".join(str(part) for part in (failure.telegram_code, failure.telegram_message) if part is not None)
    return texts("error.telegram", code=code or "?")


_WITH_FACTS: dict[ErrorCode, _Sentence] = {
    ErrorCode.RIGHTS_MISSING: _rights_missing,
    ErrorCode.BALANCE_UNREACHABLE: _balance_unreachable,
    ErrorCode.NO_SUCH_BOT: _no_such_bot,
    ErrorCode.PROGRAM_UNAVAILABLE: _program_unavailable,
    ErrorCode.PROGRAM_CLOSING: _program_closing,
    ErrorCode.FLOOD_WAIT: _wait("error.flood_wait", "error.flood_wait_over"),
    ErrorCode.SLOW_DOWN: _wait("error.slow_down", "error.slow_down_over"),
    ErrorCode.TOO_MANY_CHANNELS: _too_many_channels,
    ErrorCode.CONNECT_NOT_ALLOWED: _connect_not_allowed,
    ErrorCode.TELEGRAM: _telegram,
}

_NOT_BY_TRYING_AGAIN = frozenset(
    {
        ErrorCode.NOT_A_MANAGER,
        ErrorCode.NO_SUCH_BOT,
        ErrorCode.PROGRAM_UNAVAILABLE,
        ErrorCode.PROGRAM_CLOSING,
        ErrorCode.NOT_JOINED,
        ErrorCode.LINK_EXPIRED,
        ErrorCode.UNSUPPORTED,
        ErrorCode.BANNED,
        ErrorCode.NOT_AN_OPERATOR,
        ErrorCode.REGISTRATION_CLOSED,
        ErrorCode.REGISTRATION_GONE,
        ErrorCode.TOO_MANY_CHANNELS,
        ErrorCode.CONNECT_NOT_ALLOWED,
        ErrorCode.NO_SUCH_LINK,
        ErrorCode.TOO_MANY_LINKS,
        ErrorCode.LINK_IS_YOURS,
        ErrorCode.AWAITING_END,
        ErrorCode.INVALID_COMMISSION,
        ErrorCode.INVALID_DURATION,
        ErrorCode.WITHDRAW_IN_APP,
    }
)
"""Failures that stay what they are however often one asks: Try again would be a lie."""


def failure_screen(
    texts: Texts, failure: Failure, *, now: datetime, again: CallbackData | None = None, trace: str = ""
) -> Screen:
    """What went wrong and what to do; `again` is what Try again does, `trace` finds it in the log."""
    retry = again if failure.code not in _NOT_BY_TRYING_AGAIN else None
    rows = rows_of(
        [Button(texts.plain("error.again_button"), retry) if retry else None],
        [add_channel_button(texts) if failure.code is ErrorCode.REGISTRATION_GONE else None],
        [browse_button(texts), links_button(texts)],
    )
    return Screen(sentence_of(texts, failure, now, trace), rows)


def sentence_of(texts: Texts, failure: Failure, now: datetime, trace: str) -> Html:
    """What went wrong, and what to do."""
    if failure.code is ErrorCode.INTERNAL:
        return texts("error.internal", trace=trace)
    with_facts = _WITH_FACTS.get(failure.code)
    return with_facts(texts, failure, now) if with_facts else texts(f"error.{failure.code.value}")
