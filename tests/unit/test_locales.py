"""The languages are complete and alike, and what the code says exists in them."""

from gettext import c2py
from pathlib import Path

import pytest

from bot.menus import commands_in
from sandbox.botapi.html_parser import HtmlParser
from tests.catalogs import (
    ENGLISH,
    LANGUAGES,
    PLAIN,
    TEMPLATE,
    _blocks,
    _rewrite,
    counted_in_code,
    forms,
    messages,
    of,
    placeholders,
    plural_forms,
    po,
    read,
    said_in_code,
)
from tests.unit.bot_samples import translations

EVERY = pytest.mark.parametrize("language", LANGUAGES)
AWKWARD = ("", "<", "&amp;", "'\"", "</b><b", "𝓪" * 256, "مرحبا (5)", "👩‍👩‍👧‍👦", "\u202eevil", "{n}", "{0}")
NUMBERS = (0, 1, 2, 3, 5, 11, 21, 100, 1_000_000)
MARKS = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_the_code_says_exactly_what_the_template_names() -> None:
    """`make messages` adds what is missing and takes out what nobody says."""
    assert said_in_code() == messages(TEMPLATE).keys()


def test_what_is_counted_in_the_code_has_plural_forms() -> None:
    assert {name for name, message in messages(TEMPLATE).items() if message.pluralizable} >= counted_in_code()


def test_a_copied_template_gets_the_plural_forms_of_its_language(tmp_path: Path) -> None:
    copied = tmp_path / "starling.po"
    written = 'msgid "forget.left"\nmsgid_plural "forget.left"\nmsgstr[0] "{n} channel"\nmsgstr[1] ""'
    empty = written.replace("{n} channel", "")
    copied.write_text(TEMPLATE.read_text("utf-8").replace(empty, f"# Said at the end.\n{written}"), "utf-8")
    template = messages(TEMPLATE)
    counted = {name for name, message in template.items() if message.pluralizable}
    _rewrite(copied, ["", *template], counted, 3)
    found = _blocks(copied)
    assert found[""] == _blocks(TEMPLATE)[""]
    assert found.pop("forget.left") == f"# Said at the end.\n{written}", "what somebody wrote is theirs"
    assert {name: block.count("msgstr[") for name, block in found.items() if name in counted} == dict.fromkeys(
        counted - {"forget.left"}, 3
    )


@EVERY
def test_a_language_has_every_message_in_the_templates_order_and_no_other(language: str) -> None:
    assert list(of(language)) == list(messages(TEMPLATE))


@EVERY
def test_no_message_is_empty_or_uncertain(language: str) -> None:
    for name, message in of(language).items():
        assert all(form.strip() for form in forms(message)), name
        assert not message.fuzzy, name


@EVERY
def test_a_translation_fills_in_the_same_facts_as_english(language: str) -> None:
    """A plural form that stands for one number alone may spell it out."""
    reference, alone = of(ENGLISH), forms_of_one_number(language)
    for name, message in of(language).items():
        wanted = placeholders(forms(reference[name])[0])
        for index, form in enumerate(forms(message)):
            spelt_out = {"n"} if message.pluralizable and index in alone else set()
            assert wanted - spelt_out <= placeholders(form) <= wanted, (name, index)
            assert "{{" not in form, name


def forms_of_one_number(language: str) -> set[int]:
    """The plural forms that are used for a single number."""
    rule = c2py(read(po(language)).plural_expr)
    chosen = [rule(number) for number in range(1_000)]
    return {form for form in set(chosen) if chosen.count(form) == 1}


@EVERY
def test_a_language_counts_as_its_people_do(language: str) -> None:
    header = dict(read(po(language)).mime_headers)
    assert header["Plural-Forms"].rstrip(";") == plural_forms(language).rstrip(";")
    assert header["Language"] == language
    for name, message in of(language).items():
        if message.pluralizable:
            assert len(forms(message)) == int(plural_forms(language)[len("nplurals=")]), name


@EVERY
def test_every_number_can_be_said_of_everything_that_is_counted(language: str) -> None:
    texts = translations.texts(language)
    for name, message in of(language).items():
        if message.pluralizable:
            facts = dict.fromkeys(placeholders("".join(forms(message))) - {"n"}, "x")
            for number in NUMBERS:
                assert texts.count(name, number, **facts), (name, number)


@EVERY
@pytest.mark.parametrize("value", AWKWARD)
def test_whatever_is_filled_in_telegram_takes_the_message(language: str, value: str) -> None:
    texts = translations.texts(language)
    for name, message in of(language).items():
        facts = dict.fromkeys(placeholders("".join(forms(message))), value)
        if PLAIN.fullmatch(name):
            assert texts.plain(name, **facts).strip() or not value, name
        elif message.pluralizable:
            facts.pop("n")
            assert all(HtmlParser(texts.count(name, number, **facts)).parse() for number in NUMBERS), name
        else:
            HtmlParser(texts(name, **facts)).parse()


@EVERY
def test_nothing_is_marked_up_where_telegram_reads_no_markup(language: str) -> None:
    for name, message in of(language).items():
        if PLAIN.fullmatch(name):
            assert not any(set("<>&") & set(form) for form in forms(message)), name


@EVERY
def test_a_translation_marks_up_with_the_same_tags_as_english(language: str) -> None:
    reference = of(ENGLISH)
    for name, message in of(language).items():
        wanted = kinds(forms(reference[name])[0])
        assert all(kinds(form) == wanted for form in forms(message)), name


def kinds(form: str) -> set[str]:
    """The kinds of formatting in a message."""
    return {span.kind for span in HtmlParser(form.format_map(dict.fromkeys(placeholders(form), "x.org"))).parse()[1]}


@EVERY
def test_direction_is_left_to_the_code(language: str) -> None:
    """`Texts` isolates values; marks in a translation would be seen by nobody who edits it."""
    for name, message in of(language).items():
        assert not any(MARKS & set(form) for form in forms(message)), name


@EVERY
def test_commands_fit_telegrams_limits(language: str) -> None:
    described = commands_in(translations.texts(language))
    assert all(1 <= len(command.description) <= 256 for command in described)
