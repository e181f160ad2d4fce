"""The languages are complete and alike, and what the code says exists in them."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from gettext import GNUTranslations
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot.habits import Place, names, place_in
from bot.i18n import Html, Texts, Translations, tidy
from bot.menus import COMMANDS, commands_in
from mtproto_bridge.protocol import ErrorCode
from sandbox.botapi.html_parser import HtmlParser
from tests.unit.bot_samples import LOCALES, english, russian, translations

LANGUAGES = ("en", "ru")
NAME = re.compile(r"[a-z]+(\.[a-z_]+)+")
PLAIN = re.compile(r"command\..*|.*[._]button")
FORMS = {"en": 2, "ru": 3}


def catalog(file: Path) -> dict[str, Message]:
    with file.open("rb") as source:
        read: Catalog = read_po(source)
    return {_id(message): message for message in read if message.id}


def of(language: str) -> dict[str, Message]:
    return catalog(LOCALES / language / "LC_MESSAGES" / "starling.po")


def _id(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def forms(message: Message) -> tuple[str, ...]:
    strings = message.string
    return (strings,) if isinstance(strings, str) else tuple(strings or ())


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def constants(tree: ast.AST) -> Iterator[str]:
    """Every string in the code but names of log events."""
    for node in ast.iter_child_nodes(tree):
        is_log = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if is_log and isinstance(node.func.value, ast.Name) and node.func.value.id == "log":  # type: ignore[attr-defined]
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        yield from constants(node)


def said_in_code() -> set[str]:
    folder = Path(bot.__file__).parent
    topics = {name.partition(".")[0] for name in catalog(LOCALES / "starling.pot")}
    found = {text for file in folder.rglob("*.py") for text in constants(ast.parse(file.read_text("utf-8")))}
    named = {text for text in found if NAME.fullmatch(text) and text.partition(".")[0] in topics}
    codes = {f"error.{code.value}" for code in ErrorCode}
    return named | codes | {f"command.{name}" for name in COMMANDS}


def test_the_code_says_exactly_what_the_template_names() -> None:
    assert said_in_code() == catalog(LOCALES / "starling.pot").keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_message_and_no_other(language: str) -> None:
    assert of(language).keys() == catalog(LOCALES / "starling.pot").keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_empty_or_uncertain(language: str) -> None:
    for name, message in of(language).items():
        assert all(form.strip() for form in forms(message)), name
        assert not message.fuzzy, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_fills_in_the_same_facts_as_english(language: str) -> None:
    reference = of("en")
    for name, message in of(language).items():
        wanted = placeholders(forms(reference[name])[0])
        assert all(placeholders(form) == wanted for form in forms(message)), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plural_has_all_forms_of_its_language_and_names_its_number(language: str) -> None:
    for name, message in of(language).items():
        if message.pluralizable:
            assert len(forms(message)) == FORMS[language], name
            assert all("n" in placeholders(form) for form in forms(message)), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_html_that_telegram_takes_and_buttons_are_plain(language: str) -> None:
    for name, message in of(language).items():
        for form in forms(message):
            if PLAIN.fullmatch(name):
                assert not set("<>&") & set(form), name
            else:
                HtmlParser(form.format(**dict.fromkeys(placeholders(form), "x"))).parse()


@pytest.mark.parametrize("language", translations.languages)
def test_every_word_of_the_menu_leads_to_one_place(language: str) -> None:
    texts = translations.texts(language)
    places: dict[str, set[str]] = defaultdict(set)
    for place, name in names(texts):
        places[name].add(place)
    assert all(len(found) == 1 for found in places.values()), places
    assert {place for found in places.values() for place in found} == set(get_args(Place))
    for name, found in places.items():
        assert {place_in(f" {name}! ", texts)} == found


def test_commands_fit_telegrams_limits() -> None:
    for texts in (english, russian):
        assert [command.command for command in commands_in(texts)] == list(COMMANDS)
        assert all(1 <= len(command.description) <= 256 for command in commands_in(texts))


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
    [("ru", "ru"), ("ru-RU", "ru"), ("RU", "ru"), ("en-GB", "en"), ("de", "en"), ("", "en"), (None, "en")],
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
    assert shown == f"{tidy(title)} · @x"


@given(st.text())
def test_a_tidy_text_is_one_short_line_that_cannot_turn_the_screen_around(text: str) -> None:
    assert len(tidy(text)) <= 256
    assert not set("\n\r\t\u202e\u2066\u200f") & set(tidy(text))
