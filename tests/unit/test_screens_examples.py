"""Every screen there is, in every language: Telegram takes it, people can read it, and it says what it said before."""

import inspect
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import FrameType
from typing import get_args, get_type_hints
from urllib.parse import unquote

import pytest

from bot import screens
from bot.i18n import END_OF_ISOLATE, FIRST_STRONG, RIGHT_TO_LEFT_MARK, Html, Texts
from bot.screens.layout import Copy, Screen, Url
from sandbox.botapi.html_parser import HtmlParser
from tests.catalogs import LANGUAGES, TEMPLATE, messages
from tests.pseudo import PSEUDO, filled_in, not_from_locales
from tests.screens.examples import every_example
from tests.screens.snapshots import FOLDER, drawn, snapshot
from tests.unit.bot_samples import checked, english, translations

EVERY = pytest.mark.parametrize("language", LANGUAGES)
LONGEST = {"caption": 1_024, "notice": 200}
"""What Telegram reads of a picture's caption and of an answer to a tap; of a text it reads 4096 (bots/api)."""
LONGEST_BUTTON = 64
LONGEST_NAMES = ("Ж" * 128, "🌿" * 128, "<" * 128)
"""Telegram's limit for a channel's title; an app's is 64. Most emoji count twice, and an escaped sign once."""
CONTROLS = {FIRST_STRONG, END_OF_ISOLATE, RIGHT_TO_LEFT_MARK}
SHOWN_ELSEWHERE = {
    "command.": "the list of commands",
    "date.": "filled into others",
    "right.": "filled into others",
    "words.": "what people say, not the bot",
}
NAMES = {
    # people, apps, channels and accounts in the samples, and what Telegram and Python call things
    *("A", "B", "C", "Anna", "Boris", "Борис", "Nadia <3", "Vera", "@vera_bridge", "Vera (@vera)", "Garden", "Kitchen"),
    *("Quiz Night", "@quiz_bot", "Chess Club", "@chess_bot", "@garden_bot", "Own App", "chess", "bridge-1"),
    *("Quiet Gardens", "Quiet Gardens (@gardens)", "@gardens", "400 STARREF_NEW", "4f0c1d"),
    *(translations.texts(tag).language for tag in translations.languages),  # languages name themselves
    "https://t.me/quiz_bot?start=_tgr_AbCdEfGh1234",
    "https://t.me/starling_bot?startchannel&admin=post_messages+invite_users+promote_members",
    *(f"Garden {number}" for number in range(1, 12)),
}


@cache
def shown(language: str) -> dict[str, Screen]:
    texts = translations.texts(language)
    return {name: example(texts) for name, example in every_example().items()}


def screen_functions() -> Iterator[Callable[..., object]]:
    """The public functions of bot/screens that make a screen."""
    for module in iter_modules(screens.__path__, f"{screens.__name__}."):
        for name, function in inspect.getmembers(import_module(module.name), inspect.isfunction):
            made = get_type_hints(function).get("return")
            if function.__module__ == module.name and not name.startswith("_") and Screen in (made, *get_args(made)):
                yield function


def test_every_screen_has_an_example() -> None:
    """Add one in tests/screens/examples."""
    run = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            run.add(frame.f_code)

    sys.setprofile(note)
    try:
        for example in every_example().values():
            example(english)
    finally:
        sys.setprofile(None)
    assert not [function.__qualname__ for function in screen_functions() if function.__code__ not in run]


def test_every_message_is_seen_in_an_example() -> None:
    """A state that says something of its own has an example of its own."""
    said: set[str] = set()

    class Noting(Texts):
        def __call__(self, msgid: str, **values: str) -> Html:
            said.add(msgid)
            return super().__call__(msgid, **values)

        def plain(self, msgid: str, **values: str) -> str:
            said.add(msgid)
            return super().plain(msgid, **values)

        def count(self, msgid: str, number: int, **values: str) -> Html:
            said.add(msgid)
            return super().count(msgid, number, **values)

    noting = Noting("en", english._catalog)
    for example in every_example().values():
        example(noting)
    unseen = messages(TEMPLATE).keys() - said
    assert not {name for name in unseen if not name.startswith(tuple(SHOWN_ELSEWHERE))}


@EVERY
def test_screens_say_what_they_said(language: str) -> None:
    """What is meant to change is written down by `python -m tests.screens --update`, and its difference read."""
    kept = FOLDER / f"{language}.txt"
    assert snapshot(translations.texts(language)) == kept.read_text("utf-8"), "python -m tests.screens --update"


def test_no_snapshot_is_left_of_a_language_that_is_gone() -> None:
    assert {file.stem for file in Path(FOLDER).glob("*.txt")} == set(LANGUAGES)


@EVERY
def test_telegram_takes_every_screen(language: str) -> None:
    for name, screen in shown(language).items():
        assert 0 < length(checked(screen)) <= longest(name), name


@EVERY
@pytest.mark.parametrize("called", LONGEST_NAMES, ids=lambda called: called[0])
def test_a_screen_fits_when_everything_is_called_at_length(language: str, called: str) -> None:
    class Long(Texts):
        def __call__(self, msgid: str, **values: str) -> Html:
            return super().__call__(msgid, **self._long(values))

        def plain(self, msgid: str, **values: str) -> str:
            return super().plain(msgid, **self._long(values))

        @staticmethod
        def _long(values: dict[str, str]) -> dict[str, str]:
            """Apps' names are 64 characters at most, channels' and people's 128."""
            most = {"title": 64, "program": 64, "balance": 128, "channel": 128, "name": 128, "account": 128}
            return values | {
                name: called[: most[name]]
                for name, value in values.items()
                if name in most and not isinstance(value, Html)
            }

    texts = Long(language, translations.texts(language)._catalog)
    for name, example in every_example().items():
        assert length(checked(example(texts))) <= longest(name), name


@EVERY
def test_a_button_says_something_short(language: str) -> None:
    for name, screen in shown(language).items():
        for button in (button for row in screen.rows for button in row):
            assert 0 < len(button.text) <= LONGEST_BUTTON, (name, button.text)


@EVERY
def test_what_leaves_the_screen_carries_no_direction_controls(language: str) -> None:
    for screen in (*shown(language).values(), *pseudo().values()):
        for button in (button for row in screen.rows for button in row):
            match button.action:
                case Url(address):
                    assert not CONTROLS & set(unquote(address)), address
                case Copy(text):
                    assert not CONTROLS & set(text), text


@EVERY
def test_what_is_isolated_is_so_within_its_line(language: str) -> None:
    for screen in shown(language).values():
        for text in (screen.text, *(button.text for row in screen.rows for button in row)):
            for line in text.split("\n"):
                assert line.count(FIRST_STRONG) == line.count(END_OF_ISOLATE), line
                assert f"{FIRST_STRONG}{FIRST_STRONG}" not in line, line


@cache
def pseudo() -> dict[str, Screen]:
    return {name: example(PSEUDO) for name, example in every_example().items()}


@pytest.mark.parametrize("name", every_example())
def test_a_screen_says_nothing_that_is_not_in_the_catalogs(name: str) -> None:
    """In a language of other letters, all that is in Latin ones is known data, and stands isolated."""
    screen = pseudo()[name]
    texts = (screen.text, *(button.text for row in screen.rows for button in row))
    lines = [line for text in texts for line in text.split("\n") if line.removeprefix("✓ ") not in NAMES]
    assert not [word for line in lines for word in not_from_locales(line)], drawn(screen)
    assert {value for text in texts for value in filled_in(text)} <= NAMES, "another name in a sample? Add it to NAMES"


def longest(name: str) -> int:
    """How much Telegram takes of what an example of this name shows."""
    return LONGEST.get(name.partition(": ")[2].partition(" ")[0].rstrip(","), 4_096)


def length(screen: Screen) -> int:
    """How long Telegram finds a screen's text: in UTF-16 units, without the markup."""
    text, _ = HtmlParser(screen.text).parse()
    return len(text.encode("utf-16-le")) // 2
