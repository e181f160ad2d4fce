"""Every button fits Telegram's 64 bytes and comes back as what it was; anything else is refused."""

from typing import Any

import pytest
from aiogram.filters.callback_data import CallbackData
from hypothesis import given
from hypothesis import strategies as st

from bot import callbacks
from bot.callbacks import ALL, ButtonData, ConfirmRevoke, LinksPage, OpenProgram, OpenWatched, ProgramsPage
from bot.i18n import tidy
from mtproto_bridge.protocol.ids import WatchedId

INT64 = st.integers(-(2**63), 2**63 - 1)
NONCES = st.from_regex(r"[A-Za-z0-9_-]{14}", fullmatch=True)
PAGES = st.integers(0, 9_999)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "balance_id": INT64,
    "bot_id": INT64,
    "affiliation_id": INT64,
    "registration_id": INT64,
    "channel_id": st.integers(1, 2**63 - 1),
    "revoke_links": st.booleans(),
    "watched_id": INT64,
    "person_id": INT64,
    "approve": st.booleans(),
    "banned": st.booleans(),
    "nonce": NONCES,
    "tag": st.from_regex(r"[A-Za-z_]{0,16}", fullmatch=True),
    "page": PAGES,
    "version": st.integers(1, 9_999),
    "sort": st.sampled_from(["profit", "revenue", "date"]),
    "order": st.sampled_from(["date", "revenue", "participants"]),
    "min_permille": st.integers(0, 1_000),
    "forever": st.booleans(),
    "crawl": st.integers(0, 36**7 - 1),
    "words": st.text(),
    "to": st.sampled_from(["start", "help"]),
    "username": st.from_regex(r"[A-Za-z0-9_]{1,32}", fullmatch=True),
    "token": st.from_regex(r"[A-Za-z0-9_-]{1,28}", fullmatch=True),
    "what": st.sampled_from(["picture", "post"]),
}


def any_of(kind: type[CallbackData]) -> st.SearchStrategy[CallbackData]:
    return st.builds(kind, **{name: FIELDS[name] for name in kind.model_fields})


@given(st.one_of([any_of(kind) for kind in ALL]))
def test_a_button_fits_and_comes_back_as_it_was(button: CallbackData) -> None:
    packed = button.pack()
    assert len(packed.encode()) <= 64
    assert type(button).unpack(packed) == button


def test_every_kind_of_button_is_proven_here() -> None:
    declared = {
        thing
        for thing in vars(callbacks).values()
        if isinstance(thing, type) and issubclass(thing, CallbackData) and thing not in (CallbackData, ButtonData)
    }
    assert declared == set(ALL)


def test_no_two_kinds_share_a_prefix() -> None:
    assert len({kind.__prefix__ for kind in ALL}) == len(ALL)


@given(st.sampled_from(ALL), st.text())
def test_what_is_no_button_of_ours_is_refused_and_never_a_crash(kind: type[CallbackData], data: str) -> None:
    for forged in (data, f"{kind.__prefix__}:{data}"):
        try:
            read = kind.unpack(forged)
        except (TypeError, ValueError):
            continue
        assert len(read.pack().encode()) <= 64


@pytest.mark.parametrize(
    "forged",
    [
        "rc:1:2:3:short",
        "rc:1:2:3:AAAAAAAAAAAAA!",
        "rc:1:2:AAAAAAAAAAAAAA",
        "rc:zzzzzzzzzzzzzzzzzzzz:2:3:AAAAAAAAAAAAAA",
        "rc::2:3:AAAAAAAAAAAAAA",
    ],
)
def test_a_forged_confirmation_is_refused(forged: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        ConfirmRevoke.unpack(forged)


def test_ids_are_written_short() -> None:
    assert OpenProgram.model_validate({"bot_id": 8000002}).pack() == "p:4rgua"


@given(st.text())
def test_a_search_that_is_too_long_is_cut_and_never_within_a_letter(text: str) -> None:
    kept = ProgramsPage(words=text).words
    assert len(kept.encode()) <= callbacks.LONGEST_WORDS
    assert kept in tidy(text.replace(":", " "))
    assert ProgramsPage(words=kept).words == kept


def test_a_search_begins_at_the_first_page_of_the_newest_reading() -> None:
    here = ProgramsPage(page=3, sort="date", crawl=1_800_000_000, words="quiz")
    assert here.anew(forever=True) == ProgramsPage(sort="date", forever=True, words="quiz")
    assert here.pack() == "pp:3:d:0:0:tro8w0:quiz"


@pytest.mark.parametrize(
    ("old", "means"),
    [
        ("lp:3", LinksPage(page=3)),
        ("w:5:2", OpenWatched(watched_id=WatchedId(5), page=2)),
        ("pp:2", ProgramsPage(page=2)),
        ("pp:2:d:2s", ProgramsPage(page=2, sort="date", min_permille=100)),
    ],
)
def test_a_button_from_before_a_field_was_added_means_its_default(old: str, means: ButtonData) -> None:
    assert type(means).unpack(old) == means


def test_a_button_that_lacks_what_it_always_had_is_refused() -> None:
    for cut in ("rc:1:2:3", "w", "l:rr", "lp:1:r:9", "x:1"):
        for kind in (ConfirmRevoke, OpenWatched, LinksPage):
            with pytest.raises((TypeError, ValueError)):
                kind.unpack(cut)
