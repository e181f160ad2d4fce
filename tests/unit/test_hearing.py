"""What an account is told unasked, pushed or in differences of every kind."""

from datetime import UTC, datetime, timedelta
from typing import Any

from telethon.tl import functions, types

from mtproto_bridge.telegram.hearing import DIFFERENCE_EVERY, MOST_MISSED, Hearing, Standing

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
KNOWN = Standing(pts=10, qts=2, date=int(NOW.timestamp()), seq=3)


def state(pts: int) -> Any:
    return types.updates.State(pts=pts, qts=2, date=NOW, seq=4, unread_count=0)


def difference(kind: Any, *channels: int, **where: Any) -> Any:
    nothing: dict[str, Any] = {"new_messages": [], "new_encrypted_messages": [], "chats": [], "users": []}
    return kind(other_updates=[types.UpdateChannel(one) for one in channels], **nothing, **where)


def pushed(*updates: Any) -> Any:
    return types.Updates(updates=list(updates), users=[], chats=[], date=NOW, seq=0)


def test_an_account_whose_updates_were_never_asked_for_begins_where_they_stand_now() -> None:
    hearing = Hearing(Standing.load(None))
    assert isinstance(hearing.question(NOW), functions.updates.GetStateRequest)
    hearing.take_answer(state(7), NOW)
    heard = hearing.take()
    assert (heard.channels, Standing.load(heard.updates)) == (frozenset(), Standing.of(state(7)))
    assert hearing.question(NOW) is None


def test_the_next_connection_asks_from_where_the_last_one_stood() -> None:
    asked = Hearing(Standing.load(KNOWN.dump())).question(NOW)
    assert isinstance(asked, functions.updates.GetDifferenceRequest)
    assert (asked.pts, asked.qts, asked.date, asked.pts_total_limit) == (10, 2, NOW, MOST_MISSED)


def test_a_difference_in_slices_is_asked_for_until_its_end() -> None:
    hearing = Hearing(KNOWN)
    hearing.take_answer(difference(types.updates.DifferenceSlice, 5, 6, intermediate_state=state(11)), NOW)
    assert hearing.take().channels == frozenset({5, 6})
    asked = hearing.question(NOW)
    assert asked is not None
    assert asked.pts == 11
    hearing.take_answer(difference(types.updates.Difference, 7, state=state(12)), NOW)
    assert hearing.take().channels == frozenset({7})
    assert hearing.question(NOW) is None


def test_an_empty_difference_leaves_updates_where_they_stood() -> None:
    hearing = Hearing(KNOWN)
    hearing.take_answer(types.updates.DifferenceEmpty(date=NOW, seq=3), NOW)
    assert Standing.load(hearing.take().updates) == KNOWN
    assert hearing.question(NOW + DIFFERENCE_EVERY - timedelta(seconds=1)) is None
    assert hearing.question(NOW + DIFFERENCE_EVERY) is not None


def test_after_too_much_was_missed_it_may_be_any_channel_and_one_begins_anew() -> None:
    hearing = Hearing(KNOWN)
    hearing.take_answer(types.updates.DifferenceTooLong(pts=5000), NOW)
    heard = hearing.take()
    assert (heard.channels, heard.updates) == (None, None)
    assert isinstance(hearing.question(NOW), functions.updates.GetStateRequest)
    assert hearing.take().channels == frozenset(), "once"


def test_what_is_pushed_is_heard_in_every_wrapping_and_only_channels_count() -> None:
    hearing = Hearing(KNOWN)
    hearing.hear(pushed(types.UpdateChannel(5), types.UpdateConfig(), types.UpdateChannel(5)))
    hearing.hear(types.UpdateShort(types.UpdateChannel(6), NOW))
    hearing.hear(types.UpdateShort(types.UpdateConfig(), NOW))
    assert hearing.take().channels == frozenset({5, 6})
    assert hearing.take().channels == frozenset()


def test_when_telegram_will_push_no_more_of_it_the_difference_is_asked_for_at_once() -> None:
    hearing = Hearing(KNOWN)
    hearing.take_answer(types.updates.DifferenceEmpty(date=NOW, seq=3), NOW)
    hearing.hear(types.UpdatesTooLong())
    assert hearing.question(NOW) is not None
