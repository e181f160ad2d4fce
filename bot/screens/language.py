"""/language: the languages there are, each in its own words."""

from collections.abc import Sequence

from bot.callbacks import ChooseLanguage
from bot.i18n import Texts
from bot.screens.layout import Button, Screen, rows_of

COLUMNS = 2
CHOSEN = "✓"


def language_page(texts: Texts, spoken: Sequence[Texts], *, chosen: str | None, done: bool = False) -> Screen:
    """The languages, two in a row, with a mark on the `chosen` one; `done`: it was chosen just now."""
    text = texts("language.done" if done else "language.text", language=texts.language)
    buttons = [_button(one.language, one.locale, chosen) for one in spoken]
    pairs = (buttons[start : start + COLUMNS] for start in range(0, len(buttons), COLUMNS))
    return Screen(text, rows_of(*pairs, [_button(texts.plain("language.as_in_telegram_button"), None, chosen)]))


def _button(name: str, tag: str | None, chosen: str | None) -> Button:
    return Button(f"{CHOSEN} {name}" if tag == chosen else name, ChooseLanguage(tag=tag or ""))
