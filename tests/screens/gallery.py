"""Every screen of every language on one page, drawn like Telegram's messages, for a person to read them all."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from babel import Locale

from bot.i18n import Texts
from bot.screens.layout import Button, ChannelPicker, Copy, OwnKeyboard, Screen, Url
from tests.screens.examples import every_example
from tests.screens.snapshots import done

_FRAME = Path(__file__).parent / "gallery.html"


def page(languages: Sequence[Texts]) -> str:
    """The whole page; it needs nothing from elsewhere."""
    options = "".join(
        f'<option value="{texts.locale}">{escape(Locale.parse(texts.locale).get_display_name() or "")}</option>'
        for texts in languages
    )
    screens = "\n".join(_section(name, languages) for name in every_example())
    frame = _FRAME.read_text("utf-8")
    return frame.replace("<!-- languages -->", options).replace("<!-- screens -->", screens)


def _section(name: str, languages: Sequence[Texts]) -> str:
    example = every_example()[name]
    shown = "\n".join(_message(texts, example(texts)) for texts in languages)
    return f'<section><h2>{escape(name)}</h2><div class="side">\n{shown}\n</div></section>'


def _message(texts: Texts, screen: Screen) -> str:
    rows = "".join(f'<div class="row">{"".join(map(_button, row))}</div>' for row in screen.rows)
    keyboard = "".join(_keyboard(screen))
    tag = texts.locale
    return (
        f'<article lang="{tag.replace("_", "-")}" data-language="{tag}" dir="{texts.direction}">'
        f'<div class="bubble">{screen.text}</div>{rows}{keyboard}</article>'
    )


def _button(button: Button) -> str:
    mark = "↗" if isinstance(button.action, Url) else "📋" if isinstance(button.action, Copy) else ""
    corner = f"<i>{mark}</i>" if mark else ""
    return f'<span class="button" dir="auto" title="{escape(done(button))}">{escape(button.text)}{corner}</span>'


def _keyboard(screen: Screen) -> Iterator[str]:
    match screen.keyboard:
        case ChannelPicker(choose, cancel):
            for text in (choose, cancel):
                yield f'<div class="row own"><span class="button" dir="auto">{escape(text)}</span></div>'
        case OwnKeyboard():
            yield '<div class="row own"><span class="button">⌨</span></div>'
