"""Old habits: plain words that mean a place of the menu, in the person's language or in English.

They only ever show something. Nothing is joined, revoked or removed because somebody wrote a word.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from bot.i18n import Texts

Place = Literal["start", "help", "programs", "links", "revoke", "channels", "check", "cancel"]

_NAMED: Mapping[Place, Sequence[str]] = {
    "start": ("words.start",),
    "help": ("words.help", "menu.help_button"),
    "programs": ("words.programs", "menu.browse_button"),
    "links": ("words.links", "menu.links_button"),
    "revoke": ("words.revoke", "link.revoke_button"),
    "channels": ("words.channels", "menu.add_channel_button"),
    "check": ("words.check",),
    "cancel": ("words.cancel",),
}
"""Messages that name each place: a button, or several ways to say it with commas between."""
_SIGNS = re.compile(r"\W+")


def place_in(text: str, *languages: Texts) -> Place | None:
    """The place all of the text names in one of the languages, None when it names none."""
    said = _bare(text)
    return next((place for texts in languages for place, name in names(texts) if said == name), None)


def names(texts: Texts) -> Iterator[tuple[Place, str]]:
    """Everything that names a place in a language."""
    for place, messages in _NAMED.items():
        for message in messages:
            yield from ((place, name) for one in texts.plain(message).split(",") if (name := _bare(one)))


def _bare(text: str) -> str:
    """Without signs and accents, however it is written.

    Turkish has an i with a dot and one without in both cases, and phones write either for the other.
    """
    letters = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    return _SIGNS.sub(" ", "".join(sign for sign in letters if not unicodedata.combining(sign))).strip()
