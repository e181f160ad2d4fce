"""Watched links on the screen: alive or dead is said plainly, and what only Telegram shows too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.callbacks import (
    ForgetWatched,
    KeepReferral,
    LinksPage,
    OpenLink,
    OpenProgram,
    OpenWatched,
    OwnBalance,
    WatchedExtra,
)
from bot.i18n import Texts
from bot.pictures import qr_code
from bot.screens import Copy, Url, links, sharing, watched
from mtproto_bridge.protocol.ids import BotId, WatchedId
from mtproto_bridge.protocol.links import ReferralLink
from sandbox.botapi.pictures import read_photo
from tests.unit import bot_samples as samples
from tests.unit.bot_samples import END, URL, actions, checked, english, program, russian, words

BOTH = pytest.mark.parametrize("texts", [english, russian], ids=["en", "ru"])
BOT, FIVE = BotId(8000002), WatchedId(5)
HERE = LinksPage(page=2, order="revenue")
PROFILE = Url("https://t.me/quiz_bot?profile")


@BOTH
def test_joining_oneself_is_told_in_steps_and_asks_for_the_link_but_never_for_a_login(texts: Texts) -> None:
    shown = checked(watched.own_balance(texts, program()))
    assert PROFILE in actions(shown)
    assert OpenProgram(bot_id=BOT) in actions(shown)
    said = words(shown)
    assert "Quiz Night" in said
    assert all(f"{step}. " in said for step in (1, 2, 3))
    assert words(checked(watched.not_understood(texts)))


def test_it_says_where_the_counters_are() -> None:
    for shown in (
        watched.own_balance(english, program()),
        watched.watched_page(english, samples.watched_page()),
        links.links_page(english, samples.links(samples.watched())),
    ):
        assert "visible only in Telegram" in words(shown)


def test_a_live_link_can_be_copied_shared_and_shown() -> None:
    shown = checked(watched.watched_page(english, samples.watched_page(), note="watched.note_kept", back=HERE))
    said = words(shown)
    assert URL in said
    assert "Alive" in said
    assert "12.5%" in said
    assert "Checked: November 1, 2026" in said
    for action in (
        Copy(URL),
        PROFILE,
        WatchedExtra(watched_id=FIVE, what="picture"),
        WatchedExtra(watched_id=FIVE, what="post"),
        OpenWatched(watched_id=FIVE, page=2, order="revenue"),
        ForgetWatched(watched_id=FIVE, page=2, order="revenue"),
        HERE,
    ):
        assert action in actions(shown)


@BOTH
def test_a_dead_link_says_so_and_cannot_be_shared(texts: Texts) -> None:
    shown = checked(watched.watched_page(texts, samples.watched_page(alive=False)))
    assert texts("watched.dead") in shown.text
    assert URL not in shown.text
    assert not any(isinstance(action, Copy | WatchedExtra) for action in actions(shown))
    assert OwnBalance(bot_id=BOT) in actions(shown), "its program can be joined again"


@pytest.mark.parametrize("offered", [None, program(end_date=END)])
def test_a_dead_links_program_that_takes_nobody_is_not_offered(offered: object) -> None:
    shown = checked(watched.watched_page(english, samples.watched_page(alive=False, program=offered)))
    assert not any(isinstance(action, OwnBalance) for action in actions(shown))


def test_a_closing_program_is_said_with_its_date() -> None:
    closing = samples.watched(program=program(end_date=END))
    page = checked(watched.watched_page(english, samples.watched_page(program=closing.program)))
    listed = checked(links.links_page(english, samples.links(closing)))
    for shown in (page, listed):
        assert "closes on November 2, 2026" in words(shown)


def test_a_checked_link_says_whose_program_it_is_and_can_be_kept() -> None:
    shown = checked(watched.checked_link(english, samples.checked_link()))
    assert "alive" in words(shown)
    assert "Quiz Night · @quiz_bot" in words(shown)
    assert KeepReferral.unpack("wk:quiz_bot:AbCdEfGh1234") in actions(shown)
    assert OpenProgram(bot_id=BOT) in actions(shown)
    assert not any(isinstance(action, Url | Copy) for action in actions(shown)), "nobody follows it from here"


def test_a_dead_or_kept_link_is_not_offered_to_be_kept() -> None:
    dead = checked(watched.checked_link(english, samples.checked_link(alive=False, program=None)))
    kept = checked(watched.checked_link(english, samples.checked_link(watched_id=FIVE)))
    for shown in (dead, kept):
        assert not any(isinstance(action, KeepReferral) for action in actions(shown))
    assert "@quiz_bot is dead" in words(dead)
    assert OpenWatched(watched_id=FIVE) in actions(kept)
    assert "It isn’t one of your links" in words(dead)
    assert "It is one of your links" in words(kept)


@BOTH
def test_an_older_link_of_ones_own_balance_says_so_and_leads_to_the_newest(texts: Texts) -> None:
    for alive in (True, False):
        found = samples.checked_link(alive=alive, own=samples.link(url=None))
        shown = checked(watched.checked_link(texts, found))
        assert texts("watched.check_older", balance="Garden") in shown.text
        assert OpenLink(balance_id=samples.GARDEN.id, bot_id=BOT) in actions(shown)
        assert not any(isinstance(action, KeepReferral) for action in actions(shown))


@BOTH
def test_the_question_for_a_link_names_the_ways_one_is_written(texts: Texts) -> None:
    assert words(checked(watched.ask_for_link(texts)))
    again = words(checked(watched.ask_for_link(texts, not_understood=True)))
    assert "?start=_tgr_" in again
    assert "?ref=" in again


def test_a_token_that_fits_no_button_leaves_it_out() -> None:
    long = ReferralLink("quiz_bot", "A" * 59)
    shown = checked(watched.checked_link(english, samples.checked_link(url=long.url)))
    assert not any(isinstance(action, KeepReferral) for action in actions(shown))
    assert watched.check_button_data(long) is None


@BOTH
def test_a_post_has_the_app_the_link_and_says_what_it_is(texts: Texts) -> None:
    shown = checked(sharing.post(texts, "Quiz <Night>", URL))
    assert "Quiz <Night>" in words(shown)
    assert URL in words(shown)
    assert texts("link.disclosure") in shown.text
    assert shown.rows == (), "it is forwarded as it is"
    assert "I earn Stars" in words(sharing.post(english, "Quiz", URL))


def test_the_qr_code_is_a_picture_telegram_takes() -> None:
    picture = read_photo(qr_code(URL), number=1)
    assert picture.width == picture.height
    assert picture.width > 300


@given(st.text(max_size=300))
def test_no_title_breaks_a_screen(title: str) -> None:
    link = samples.watched(bot_title=title, program=program(title=title))
    checked(links.links_page(english, samples.links(*[link] * 6)))
    checked(watched.watched_page(english, samples.watched_page(bot_title=title)))
    checked(watched.checked_link(english, samples.checked_link(program=program(title=title))))
    checked(sharing.post(english, title, URL))
