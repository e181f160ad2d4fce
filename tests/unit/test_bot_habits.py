"""Plain words that name a place of the menu."""

from collections import defaultdict
from typing import get_args

import pytest

from bot.habits import _NAMED, Place, names, place_in
from tests.unit.bot_samples import translations


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


@pytest.mark.parametrize("language", translations.languages)
def test_a_word_is_known_however_a_phone_writes_it(language: str) -> None:
    """Turkish ones have two capital letters i, and capitalise another letter than English does."""
    texts = translations.texts(language)
    for message in {message for messages in _NAMED.values() for message in messages}:
        for word in (one.strip() for one in texts.plain(message).split(",")):
            place = place_in(word, texts)
            assert place, word
            for written in (word.capitalize(), word.upper(), capitalised_in_turkish(word), in_turkish(word).upper()):
                assert place_in(written, texts) == place, written


def in_turkish(word: str) -> str:
    """Its small i gets the dot in capitals."""
    return word.replace("i", "İ")


def capitalised_in_turkish(word: str) -> str:
    return in_turkish(word[:1]).upper() + word[1:]


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("İptal et", "cancel"),
        ("İPTAL", "cancel"),
        ("KATIL", "programs"),
        ("BAĞLANTILARIM", "links"),
        ("Yardım", "help"),
    ],
)
def test_turkish_words_are_known_as_phones_capitalise_them(written: str, place: Place) -> None:
    assert place_in(written, translations.texts("tr")) == place
