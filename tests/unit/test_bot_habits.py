"""Plain words that name a place of the menu."""

from collections import defaultdict
from typing import get_args

import pytest

from bot.habits import Place, names, place_in
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
