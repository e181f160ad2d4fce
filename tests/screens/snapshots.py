"""Every screen of one language as a text to read: its HTML as it is sent, and its buttons with what they do.

The signs that isolate values from the text around them cannot be seen, so they are written ⟦ and ⟧, a mark ⇐.
"""

from pathlib import Path

from bot.i18n import END_OF_ISOLATE, FIRST_STRONG, RIGHT_TO_LEFT_MARK, Texts
from bot.screens.layout import Button, ChannelPicker, Copy, OwnKeyboard, Screen, Url
from tests.screens.examples import every_example

FOLDER = Path(__file__).parent / "snapshots"
_SEEN = {ord(FIRST_STRONG): "⟦", ord(END_OF_ISOLATE): "⟧", ord(RIGHT_TO_LEFT_MARK): "⇐", 0xA0: "⍽", 0x202F: "⍽"}


def snapshot(texts: Texts) -> str:
    """All of a language."""
    shown = (f"=== {name}\n{drawn(example(texts))}\n" for name, example in every_example().items())
    return "\n".join(shown)


def drawn(screen: Screen) -> str:
    """One screen."""
    rows = ["  ".join(f"[{button.text}]({done(button)})" for button in row) for row in screen.rows]
    return "\n".join([screen.text, *rows, *_keyboard(screen)]).translate(_SEEN)


def done(button: Button) -> str:
    """What a button does, as Telegram is told."""
    match button.action:
        case Url(address):
            return address
        case Copy(text):
            return f"copies {text}"
        case data:
            return data.pack()


def _keyboard(screen: Screen) -> list[str]:
    match screen.keyboard:
        case ChannelPicker(choose, cancel):
            return [f"[{choose}](picks a channel)", f"[{cancel}](says so)"]
        case OwnKeyboard():
            return ["(their own keyboard is back)"]
    return []


def update(texts: Texts) -> None:
    """Write a language's snapshot."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{texts.locale}.txt").write_text(snapshot(texts), "utf-8")
