"""What is filled into a message: numbers, dates and durations by the language, names that stay in their place."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from gettext import GNUTranslations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import Html, Texts, Translations, tidy
from bot.menus import COMMANDS
from sandbox.botapi.html_parser import HtmlParser
from tests.pseudo import PSEUDO
from tests.unit.bot_samples import english, russian, translations


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("pt", "pt_BR"),
        ("pt-br", "pt_BR"),
        ("pt-pt", "pt_BR"),
        ("id", "id"),
        ("zh-hans", "en"),
        ("zh", "en"),
        ("in", "en"),
        ("p", "en"),
        ("i", "en"),
    ],
)
def test_of_languages_with_a_country_only_portuguese_is_taken_for_another(code: str, tag: str) -> None:
    spoken = {one: Texts(one, GNUTranslations()) for one in ("en", "id", "pt_BR", "zh_TW")}
    assert Translations(spoken).texts(code).locale == tag


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("en", "English"),
        ("ru", "Русский"),
        ("uk", "Українська"),
        ("es", "Español"),
        ("pt_BR", "Português (Brasil)"),
        ("fr", "Français"),
        ("de", "Deutsch"),
        ("it", "Italiano"),
        ("tr", "Türkçe"),
        ("ar", "العربية"),
        ("fa", "فارسی"),
        ("id", "Bahasa Indonesia"),
    ],
)
def test_a_language_has_its_own_name(tag: str, name: str) -> None:
    assert Texts(tag, GNUTranslations()).language == name


def test_the_help_names_every_command() -> None:
    for texts in (english, russian):
        said = texts("help.text")
        assert [name for name in COMMANDS if f"/{name} " not in said] == ["help"]


@pytest.mark.parametrize(
    ("code", "language"),
    [("ru", "ru"), ("ru-RU", "ru"), ("RU", "ru"), ("en-GB", "en"), ("tlh", "en"), ("", "en"), (None, "en")],
)
def test_the_nearest_language_is_spoken(code: str | None, language: str) -> None:
    assert translations.texts(code).locale == language


def test_a_folder_without_english_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Translations.load(tmp_path)


@pytest.mark.parametrize(
    ("number", "russian_words"),
    [
        (0, "0 звёзд"),
        (1, "1 звезда"),
        (2, "2 звезды"),
        (5, "5 звёзд"),
        (11, "11 звёзд"),
        (21, "21 звезда"),
        (112, "112 звёзд"),
    ],
)
def test_russian_counts_in_three_forms(number: int, russian_words: str) -> None:
    assert russian.stars(number) == f"⭐ {russian_words}"


def test_stars_may_be_fractions() -> None:
    assert english.stars(Decimal("1.50")) == "⭐ 1.5 Stars"
    assert english.stars(Decimal("2.00")) == "⭐ 2 Stars"
    assert russian.stars(Decimal("0.0028")) == "⭐ 0,0028 звезды"


@pytest.mark.parametrize(
    ("permille", "en", "ru"), [(200, "20%", "20\u00a0%"), (125, "12.5%", "12,5\u00a0%"), (1, "0.1%", "0,1\u00a0%")]
)
def test_a_commission_has_no_trailing_zeros(permille: int, en: str, ru: str) -> None:
    assert (english.commission(permille), russian.commission(permille)) == (en, ru)


@pytest.mark.parametrize(
    ("months", "en", "ru"),
    [
        (None, "forever", "бессрочно"),
        (0, "0 months", "0 месяцев"),
        (1, "1 month", "1 месяц"),
        (12, "1 year", "1 год"),
        (18, "18 months", "18 месяцев"),
        (24, "2 years", "2 года"),
        (36, "3 years", "3 года"),
    ],
)
def test_only_whole_years_are_called_years(months: int | None, en: str, ru: str) -> None:
    assert (english.duration(months), russian.duration(months)) == (en, ru)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "in 1 second"), (59, "in 59 seconds"), (61, "in 2 minutes"), (3600, "in 1 hour"), (3601, "in 2 hours")],
)
def test_a_wait_is_never_said_shorter_than_it_is(seconds: float, said: str) -> None:
    assert english.within(timedelta(seconds=seconds)) == said


def test_a_moment_says_that_it_is_in_utc() -> None:
    moment = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert tidy(english.moment(moment)) == "November 2, 2026, 9:30 AM UTC"
    assert russian.moment(moment) == "2 ноября 2026 г., 09:30 UTC"


def test_values_are_escaped_and_our_own_markup_is_not() -> None:
    assert "&lt;b&gt;" in english("program.title", title="<b>", username="x")
    assert "<i>ours</i>" in english("program.title", title=Html("<i>ours</i>"), username="x")


@given(st.text())
def test_whatever_somebody_calls_their_app_the_text_around_it_stays(title: str) -> None:
    shown, _ = HtmlParser(english("program.title", title=title, username="x")).parse()
    assert re.sub("[\u2068\u2069]", "", shown) == f"{tidy(title)} · @x"


@given(st.text())
def test_a_tidy_text_is_one_short_line_that_cannot_turn_the_screen_around(text: str) -> None:
    assert len(tidy(text)) <= 256
    assert not set("\n\r\t\u202e\u2066\u200f") & set(tidy(text))


# -- values that run against the language ----------------------------------------------------------------------


def test_a_title_that_runs_the_other_way_leaves_what_stands_beside_it_in_its_place() -> None:
    shown = english("program.title", title="حديقة 5", username="garden_bot")
    assert shown == "<b>\u2068حديقة 5\u2069</b> · @garden_bot"
    assert english.plain("channels.item_button", mark="1", channel="حديقة") == "1 \u2068حديقة\u2069"


def test_in_a_language_that_runs_right_to_left_names_keep_their_sign_and_their_line_runs_so_too() -> None:
    shown = PSEUDO("program.title", title="Quiz Night", username="quiz_bot")
    assert shown == "\u200f<b>\u2068Quiz Night\u2069</b> · \u2068@quiz_bot\u2069"
    assert PSEUDO("program.title", title="חידון", username="quiz_bot").startswith("<b>חידון</b> · \u2068@")


def test_what_people_copy_is_isolated_around_not_inside() -> None:
    assert PSEUDO("link.url", url="https://t.me/x") == "\u200f\u2068<code>https://t.me/x</code>\u2069"


def test_a_link_on_its_own_line_is_nothing_but_the_link() -> None:
    assert PSEUDO("link.caption", title="Quiz", url="https://t.me/x").split("\n")[1] == "https://t.me/x"


def test_an_address_in_a_tag_stays_as_it_is() -> None:
    assert '<a href="https://t.me/x">' in PSEUDO("join.confirm_terms", terms="https://t.me/x")


def test_commands_in_a_sentence_are_isolated_too() -> None:
    texts = translations.texts("en")
    assert "\u2068" not in texts("help.text")
    arabic = Texts("ar", english._catalog)
    assert "\u2068/programs\u2069 –" in arabic("help.text")
    one_run = "\u2068/programs quiz finds those with that word in their name\u2069"  # what is to be typed
    assert one_run in arabic("help.text")


def test_our_own_words_inside_others_are_not_isolated_twice() -> None:
    account = PSEUDO("channel.account", name="Vera", username="vera")
    assert account.count("\u2068") == 2
    assert PSEUDO("register.left_kept", channel="חנות", account=account).count("\u2068") == 2


@pytest.mark.parametrize("tag", ["ar", "fa"])
def test_digits_are_latin_everywhere_as_in_links_and_commands(tag: str) -> None:
    """Babel writes dates in no others, and one screen has one kind."""
    texts = Texts(tag, english._catalog)
    moment = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    said = [
        texts.number(1234567),
        texts.commission(125),
        texts.stars(Decimal("0.5")),
        texts.day(moment.date()),
        texts.moment(moment),
        texts.within(timedelta(minutes=3)),
    ]
    digits = {sign for text in said for sign in text if sign.isdigit()}
    assert digits <= set("0123456789")
    assert texts.commission(125) == "12.5%"
