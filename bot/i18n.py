"""What the bot says, in the person's language: gettext catalogs, compiled in memory from the `.po` files.

A message id is a name (`program.join_button`), never a sentence: the English words are a translation too.
"""

import html
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Literal, Self

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

DOMAIN = "starling"
FALLBACK = "en"
MONTHS_A_YEAR = 12
_SPOKEN_AS = {"pt": "pt_BR"}
"""Languages we speak in one country's form only."""
_CALLED = {"id": "Bahasa Indonesia"}
"""Names of languages where Babel's alone could be a country's."""

# Control characters break lines where we did not; the direction overrides could turn a screen's text around.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_LONGEST_VALUE = 256
_STEPS = (timedelta(hours=1), timedelta(minutes=1))

FIRST_STRONG, END_OF_ISOLATE = "\u2068", "\u2069"
RIGHT_TO_LEFT_MARK = "\u200f"
_AGAINST = {"ltr": frozenset({"R", "AL", "AN"}), "rtl": frozenset({"L", "ET"})}
"""Characters that run against a language (unicode.org/reports/tr9, table 4); a % is on either side of its number."""
_PIECES = re.compile(
    r"(?<=\n)\{\w+\}(?=\n|\Z)"  # a line of its own, such as a link to copy: nothing stands beside it
    r"|(?P<whole><code>[^<]*</code>|@?\{(?P<name>\w+)\}|(?<![\w/:])[@/]\w+(?: @?[a-z]\w*)*)"  # and commands, names
    r"|<[^>]*>"  # an address in a tag is filled in as it is
)
_ISOLATE = re.compile(f"{FIRST_STRONG}[^{END_OF_ISOLATE}]*{END_OF_ISOLATE}")
_MARKUP = re.compile(r"<[^>]*>|&\w+;")


class Html(str):
    """Text that is markup already, made by us: it is not escaped again."""

    __slots__ = ()


def tidy(text: str) -> str:
    """Somebody else's text on one line, without characters that are not seen, at a bearable length."""
    seen = " ".join(_UNSEEN.sub(" ", text).split())
    return seen if len(seen) <= _LONGEST_VALUE else seen[: _LONGEST_VALUE - 1] + "…"


class Texts:
    """The sentences of one language.

    Calling it gives HTML: values are escaped unless they are Html. `plain` is for buttons and notices, where
    Telegram reads no markup.

    A value that runs against the language (a link in Arabic, an Arabic title in English) is isolated, since it would
    pull the signs and numbers beside it to its other side (unicode.org/reports/tr9, section 2.4). Digits are Latin in
    every language: links, ids and commands have no others, and Babel writes dates with no others.
    """

    def __init__(self, tag: str, catalog: GNUTranslations) -> None:
        self.locale = tag
        self._catalog = catalog
        self._babel = Locale.parse(tag)
        self.direction: Literal["ltr", "rtl"] = "rtl" if self._babel.text_direction == "rtl" else "ltr"

    @property
    def language(self) -> str:
        """The language's name in itself."""
        name = _CALLED.get(self.locale) or self._babel.get_display_name() or self.locale
        return name[:1].upper() + name[1:]

    def __call__(self, msgid: str, **values: str) -> Html:
        """One message as HTML."""
        return Html(self._filled(self._catalog.gettext(msgid), {name: _escaped(values[name]) for name in values}))

    def plain(self, msgid: str, **values: str) -> str:
        """One message without markup."""
        return self._filled(self._catalog.gettext(msgid), {name: tidy(values[name]) for name in values})

    def count(self, msgid: str, number: int, **values: str) -> Html:
        """The plural form for a number, which the message names `{n}`."""
        form = self._catalog.ngettext(msgid, msgid, number)
        escaped = {name: _escaped(values[name]) for name in values}
        return Html(self._filled(form, {"n": self.number(number), **escaped}))

    def listed(self, *values: str | None) -> str:
        """Values that are there in one line, without markup."""
        there = {f"v{place}": tidy(value) for place, value in enumerate(values) if value}
        return self._filled(" · ".join(f"{{{place}}}" for place in there), there)

    def _filled(self, form: str, values: Mapping[str, str]) -> str:
        def piece(found: re.Match[str]) -> str:
            text = found.group().format_map(values)
            ours = found["name"] and isinstance(values[found["name"]], Html)  # isolated already, in itself
            if not found["whole"] or ours or not self._runs_against(text):
                return text
            return f"{FIRST_STRONG}{text}{END_OF_ISOLATE}"

        filled = _PIECES.sub(piece, form)
        return "\n".join(map(self._marked, filled.split("\n"))) if self.direction == "rtl" else filled

    def _runs_against(self, text: str) -> bool:
        return any(unicodedata.bidirectional(sign) in _AGAINST[self.direction] for sign in _MARKUP.sub("", text))

    @staticmethod
    def _marked(line: str) -> str:
        """A line with no letter around what is isolated would run left to right: a mark says otherwise."""
        rest = _MARKUP.sub("", _ISOLATE.sub("", line))
        lost = FIRST_STRONG in line and all(unicodedata.bidirectional(sign) not in ("R", "AL", "L") for sign in rest)
        return RIGHT_TO_LEFT_MARK + line if lost else line

    def number(self, number: int | Decimal) -> str:
        """A number, with as many decimals as mean something: two, or four below one."""
        return format_decimal(number, format="#,##0.####" if -1 < number < 1 else "#,##0.##", locale=self._babel)

    def commission(self, permille: int) -> str:
        """A commission in percent, to the tenth that Telegram allows."""
        pattern = self._babel.percent_formats[None].pattern.replace("##0", "##0.#")
        return format_percent(Decimal(permille) / 1000, format=pattern, locale=self._babel)

    def duration(self, months: int | None) -> Html:
        """How long a referred user brings commission: years only where they are whole."""
        if months is None:
            return self("duration.forever")
        if months and months % MONTHS_A_YEAR == 0:
            return self.count("duration.years", months // MONTHS_A_YEAR)
        return self.count("duration.months", months)

    def stars(self, amount: int | Decimal) -> Html:
        """An amount of Stars."""
        if amount == int(amount):
            return self.count("stars.whole", int(amount))
        return self("stars.fraction", n=self.number(amount))

    def day(self, day: date) -> str:
        """A date."""
        return format_date(day, "long", locale=self._babel)

    def moment(self, moment: datetime) -> Html:
        """A date and time, in UTC, and saying so: we do not know where the person is."""
        there = moment.astimezone(UTC)
        return self("date.moment", date=self.day(there.date()), time=format_time(there, "short", locale=self._babel))

    def within(self, delta: timedelta) -> str:
        """A time from now, rounded up so that waiting this long is enough: "in 3 minutes"."""
        step = next((step for step in _STEPS if delta >= step), timedelta(seconds=1))
        whole = -(-delta // step) * step
        return format_timedelta(whole, threshold=1, add_direction=True, locale=self._babel)


def _escaped(value: str) -> str:
    return value if isinstance(value, Html) else html.escape(tidy(value))


class Translations:
    """Every language there is."""

    def __init__(self, texts: Mapping[str, Texts]) -> None:
        self._texts = texts

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `<language>/LC_MESSAGES/starling.po` for each language under a folder.

        Raises:
            FileNotFoundError: English, which everybody falls back to, is not there.
        """
        found = {file.parent.parent.name: file for file in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))}
        if FALLBACK not in found:
            raise FileNotFoundError(f"{folder} holds no {FALLBACK}/LC_MESSAGES/{DOMAIN}.po")
        return cls({tag: Texts(tag, _compiled(tag, file.read_bytes())) for tag, file in found.items()})

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages' tags."""
        return tuple(self._texts)

    def texts(self, language_code: str | None) -> Texts:
        """The language nearest to Telegram's `language_code`; English for one we do not speak."""
        wanted = (language_code or FALLBACK).replace("-", "_").lower()
        alone = wanted.partition("_")[0]
        ours = {tag.lower(): tag for tag in self._texts}
        tag = ours.get(wanted) or ours.get(alone) or _SPOKEN_AS.get(alone)
        return self._texts.get(tag or FALLBACK, self._texts[FALLBACK])


@cache
def _compiled(tag: str, source: bytes) -> GNUTranslations:
    catalog = read_po(BytesIO(source), locale=tag, domain=DOMAIN)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
