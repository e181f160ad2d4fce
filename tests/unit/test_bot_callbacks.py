"""Every button fits Telegram's 64 bytes and comes back as what it was; anything else is refused."""

import pytest
from aiogram.filters.callback_data import CallbackData
from hypothesis import given
from hypothesis import strategies as st

from bot import callbacks
from bot.callbacks import ALL, ButtonData, ConfirmRevoke, LinksPage, OpenProgram, OpenWatched, ProgramsPage
from bot.i18n import tidy
from mtproto_bridge.protocol.ids import WatchedId
from tests.buttons import FIELDS, IDS, LONGEST, any_of


@given(st.one_of([any_of(kind) for kind in ALL]))
def test_a_button_fits_and_comes_back_as_it_was(button: CallbackData) -> None:
    packed = button.pack()
    assert len(packed.encode()) <= 64
    assert type(button).unpack(packed) == button


@pytest.mark.parametrize("kind", ALL)
def test_a_button_fits_with_all_it_carries_at_its_longest(kind: type[CallbackData]) -> None:
    button = kind.model_validate({name: LONGEST[name] for name in kind.model_fields})
    assert len(button.pack().encode()) <= 64
    assert kind.unpack(button.pack()) == button


def test_every_field_is_proven_here() -> None:
    assert {name for kind in ALL for name in kind.model_fields} == {*FIELDS, *IDS} == {*LONGEST}


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
