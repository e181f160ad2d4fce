"""A person's share of what is scarce, and what usernames are remembered to be."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtproto_bridge.actions.names import HIT_LIFE, MISS_LIFE, Names
from mtproto_bridge.actions.shares import Buckets
from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.telegram.floods import Floods
from mtproto_bridge.telegram.gateway import FloodWait, FoundBot
from tests.bridge_fixtures import TestClock

ANNA, BORIS = 1, 2
EVERY = timedelta(seconds=20)
ACCOUNT, OTHER = AccountId(1), AccountId(2)
QUIZ = FoundBot(BotId(7), "quiz_bot", "Quiz")


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


def test_five_at_once_and_one_more_every_twenty_seconds(clock: TestClock) -> None:
    bucket = Buckets(5, EVERY, clock.now)
    assert [bucket.take(ANNA) for _ in range(5)] == [None] * 5
    assert bucket.take(ANNA) == clock.now() + EVERY
    clock.move(seconds=19)
    assert bucket.take(ANNA) == clock.now() + timedelta(seconds=1)
    clock.move(seconds=1)
    assert bucket.take(ANNA) is None, "being refused costs nothing"
    assert bucket.take(ANNA) == clock.now() + EVERY


def test_one_persons_share_is_nobody_elses(clock: TestClock) -> None:
    bucket = Buckets(1, EVERY, clock.now)
    assert (bucket.take(ANNA), bucket.take(BORIS)) == (None, None)
    assert bucket.take(ANNA)


def test_who_stays_away_has_a_full_share_again_and_no_more(clock: TestClock) -> None:
    bucket = Buckets(2, EVERY, clock.now)
    bucket.take(ANNA)
    clock.move(days=1)
    assert [bucket.take(ANNA) is None for _ in range(3)] == [True, True, False]


def test_people_are_not_remembered_without_end(clock: TestClock) -> None:
    bucket = Buckets(1, EVERY, clock.now, most_people=2)
    for person in (ANNA, BORIS, 3):
        assert bucket.take(person) is None
    assert bucket.take(BORIS), "still known"
    assert bucket.take(ANNA) is None, "forgotten"
    assert len(bucket._full_at) == 2


@given(pauses=st.lists(st.integers(0, 60), min_size=1, max_size=60), size=st.integers(1, 6))
def test_within_any_time_a_person_gets_no_more_than_their_share(pauses: list[int], size: int) -> None:
    clock = TestClock()
    bucket = Buckets(size, EVERY, clock.now)
    granted = []
    for pause in pauses:
        clock.move(seconds=pause)
        again_at = bucket.take(ANNA)
        if again_at is None:
            granted.append(clock.now())
        else:
            assert clock.now() < again_at <= clock.now() + EVERY
    for first, start in enumerate(granted):
        for last, end in enumerate(granted[first:], start=1):
            assert last <= size + (end - start) / EVERY


# -- usernames -----------------------------------------------------------------------------------------------------


def test_a_miss_is_believed_for_ten_minutes_and_a_hit_for_longer(clock: TestClock) -> None:
    names = Names(clock.now)
    assert names.get(ACCOUNT, "quiz_bot") is None
    names.put(ACCOUNT, "Quiz_Bot", QUIZ)
    names.put(ACCOUNT, "nobody", None)
    for username, bot in (("quiz_BOT", QUIZ), ("NOBODY", None)):
        known = names.get(ACCOUNT, username)
        assert known
        assert known.bot == bot
    clock.move(seconds=MISS_LIFE.total_seconds())
    assert timedelta(minutes=10) == MISS_LIFE
    assert names.get(ACCOUNT, "nobody") is None
    assert names.get(ACCOUNT, "quiz_bot")
    clock.move(seconds=HIT_LIFE.total_seconds())
    assert names.get(ACCOUNT, "quiz_bot") is None


def test_what_one_account_found_is_unknown_to_another(clock: TestClock) -> None:
    names = Names(clock.now)
    names.put(ACCOUNT, "quiz_bot", QUIZ)
    assert names.get(OTHER, "quiz_bot") is None


def test_names_are_not_remembered_without_end(clock: TestClock) -> None:
    names = Names(clock.now, most=2)
    for username in ("a", "b", "a", "c"):
        names.put(ACCOUNT, username, None)
    assert names.get(ACCOUNT, "a"), "asked for again, it is younger than b"
    assert names.get(ACCOUNT, "b") is None
    assert len(names._known) == 2


# -- floods --------------------------------------------------------------------------------------------------------


def test_a_flooded_method_is_left_alone_until_its_time_and_no_other(clock: TestClock) -> None:
    floods = Floods(clock.now)
    with pytest.raises(FloodWait), floods.watch("a.b"):
        raise FloodWait("a.b", 30)
    with floods.watch("a.c"):
        pass
    clock.move(seconds=29.5)
    with pytest.raises(FloodWait) as caught, floods.watch("a.b"):
        pytest.fail("it was let through")
    assert (caught.value.method, caught.value.seconds) == ("a.b", 0.5)
    assert str(caught.value) == "wait 1 s"
    clock.move(seconds=0.5)
    with floods.watch("a.b"):
        pass


def test_what_another_bridge_was_told_counts_and_the_longer_wait_holds(clock: TestClock) -> None:
    floods = Floods(clock.now)
    later, soon = clock.now() + timedelta(seconds=60), clock.now() + timedelta(seconds=5)
    floods.remember({"a.b": later})
    floods.remember({"a.b": soon})
    with pytest.raises(FloodWait) as caught, floods.watch("a.b"):
        pytest.fail("it was let through")
    assert caught.value.seconds == 60


def test_looking_when_there_will_be_a_token_takes_none(clock: TestClock) -> None:
    bucket = Buckets(2, EVERY, clock.now)
    assert bucket.next_at(ANNA) is None
    for _ in range(2):
        assert bucket.next_at(ANNA) is None
        bucket.take(ANNA)
    assert bucket.next_at(ANNA) == bucket.next_at(ANNA) == clock.now() + EVERY
    clock.move(seconds=20)
    assert bucket.next_at(ANNA) is None
