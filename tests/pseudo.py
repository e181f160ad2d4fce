"""A language that nobody speaks: English in Hebrew letters, right to left.

What is still in Latin letters on a screen was not said through locales/, or is a value that was filled in; and those
must stand isolated.
"""

import re
from gettext import GNUTranslations
from html import unescape

from bot.i18n import END_OF_ISOLATE, FIRST_STRONG, Texts
from tests.unit.bot_samples import english

_NOT_SAID = re.compile(r"(<[^>]*>|\{\w+\}|&\w+;)")
_LETTERS = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "אבגדהוזחטיכלמנסעפצקרשתאבגדאבגדהוזחטיכלמנסעפצקרשתאבגד"
)
_ISOLATED = re.compile(f"{FIRST_STRONG}([^{END_OF_ISOLATE}]*){END_OF_ISOLATE}")
_TAG = re.compile(r"<[^>]*>")
_ADDRESS_ALONE = re.compile(r"^https://\S+$", re.MULTILINE)
_LATIN = re.compile(r"[A-Za-z][A-Za-z_]*")


class _Changed(GNUTranslations):
    def gettext(self, message: str) -> str:
        return _changed(english._catalog.gettext(message))

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return _changed(english._catalog.ngettext(msgid1, msgid2, n))


def _changed(message: str) -> str:
    pieces = _NOT_SAID.split(message)
    return "".join(piece if index % 2 else piece.translate(_LETTERS) for index, piece in enumerate(pieces))


PSEUDO = Texts("he", _Changed())


def not_from_locales(html: str) -> list[str]:
    """Latin words on a screen that no message said and no message was filled with."""
    return _LATIN.findall(unescape(_TAG.sub(" ", _ADDRESS_ALONE.sub("", _ISOLATED.sub(" ", html)))))


def filled_in(html: str) -> set[str]:
    """The words that were filled in and run the other way."""
    values = (unescape(_TAG.sub("", value)) for value in _ISOLATED.findall(html))
    return {value for value in values if any(map(str.isalpha, value))}
