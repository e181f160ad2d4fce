"""The words about money are the glossary's in every message: locales/GLOSSARY.md."""

import re

import pytest

from tests.catalogs import ENGLISH, LANGUAGES, LOCALES, forms, of

ROW = re.compile(r"^\| (?P<word>[^|]+) \| (?P<translation>[^|]+) \| (?P<begins>[^|]+) \|$", re.MULTILINE)
NAMED = {
    "affiliate program": r"affiliate program",
    "commission": r"commission",
    "balance": r"balance",
    "Stars": r"\bStars?\b",
    "held": r"\b(holds?|held)\b.*commission|commission.*\b(holds?|held)\b",
    "revoke": r"revok",
    "link": r"\blinks?\b",
    "referred user": r"referred",
    "channel": r"channel",
    "withdraw": r"withdraw",
}
"""How English names each word that is tested."""
NOT_WORDS = re.compile(r"\{\w+\}|<[^>]*>|/\w+")
"""Placeholders, tags and commands."""


def glossary(language: str) -> dict[str, list[str]]:
    """How each word begins in a language; words that have no one beginning are left out."""
    text = (LOCALES / "GLOSSARY.md").read_text("utf-8")
    section = text.partition(f"\n## {language}\n")[2].partition("\n## ")[0]
    rows = {
        row["word"]: row["begins"].split(", ") for row in ROW.finditer(section) if row["word"] not in ("word", "---")
    }
    return {word: begins for word, begins in rows.items() if begins != ["–"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_its_words(language: str) -> None:
    assert set(glossary(language)) >= set(NAMED)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_about_money_uses_the_glossarys_words(language: str) -> None:
    begins, said = glossary(language), of(language)
    strange = [
        (name, word)
        for name, message in of(ENGLISH).items()
        if not re.fullmatch(r"right\..*|.*_button", name)  # Telegram's own names; a button may leave words out
        for word, english in NAMED.items()
        if re.search(english, NOT_WORDS.sub(" ", forms(message)[0]))
        and not any(begin.casefold() in " ".join(forms(said[name])).casefold() for begin in begins[word])
    ]
    assert not strange
