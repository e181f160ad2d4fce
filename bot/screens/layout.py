"""A screen: a text with rows of buttons, before anybody sends it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from aiogram.filters.callback_data import CallbackData

from bot.i18n import Html, Texts
from mtproto_bridge.protocol.replies import pages_of

T = TypeVar("T")

PREVIOUS, NEXT = "◀", "▶"


@dataclass(frozen=True)
class Url:
    """A button that opens an address."""

    address: str


def share(address: str) -> Url:
    """Telegram's own way to send an address to somebody (core.telegram.org/widgets/share)."""
    return Url(f"https://t.me/share/url?url={quote(address, safe='')}")


@dataclass(frozen=True)
class Copy:
    """A button that copies a text (256 characters at most)."""

    text: str


Action = CallbackData | Url | Copy


@dataclass(frozen=True)
class Button:
    """One button."""

    text: str
    action: Action


Row = tuple[Button, ...]


@dataclass(frozen=True)
class ChannelPicker:
    """A keyboard in place of the person's own, with Telegram's picker of channels."""

    choose: str
    cancel: str
    """What the person then says."""


@dataclass(frozen=True)
class OwnKeyboard:
    """The person has their own keyboard back."""


@dataclass(frozen=True)
class Screen:
    """One message."""

    text: str
    """HTML as Telegram reads it (core.telegram.org/bots/api#html-style)."""
    rows: tuple[Row, ...] = ()
    keyboard: ChannelPicker | OwnKeyboard | None = None
    """Instead of `rows`. Such a message can never be edited (core.telegram.org/bots/api#updating-messages)."""


def paragraphs(*parts: str | None) -> str:
    """Parts with an empty line between; those that are not there leave none."""
    return "\n\n".join(part for part in parts if part)


def lines(*parts: str | None) -> Html:
    """Parts, a line each."""
    return Html("\n".join(part for part in parts if part))


def part(items: Sequence[T], page: int, size: int) -> tuple[Sequence[T], int, int]:
    """One page of a list that came whole, its number, and how many there are; past the end, the last one."""
    pages = pages_of(len(items), size)
    page = min(page, pages - 1)
    return items[page * size : (page + 1) * size], page, pages


def pager(texts: Texts, page: int, pages: int, turn: Callable[[int], CallbackData]) -> tuple[Row, ...]:
    """◀ 2/5 ▶, or nothing where there is one page. The number shows its own page anew."""
    if pages <= 1:
        return ()
    row = [Button(f"{texts.number(page + 1)}/{texts.number(pages)}", turn(page))]
    if page > 0:
        row.insert(0, Button(PREVIOUS, turn(page - 1)))
    if page < pages - 1:
        row.append(Button(NEXT, turn(page + 1)))
    return (tuple(row),)


def after(steps: Sequence[T], now: T) -> T:
    """The step a button leads to, round and round."""
    return steps[(steps.index(now) + 1) % len(steps)] if now in steps else steps[0]


def rows_of(*rows: Sequence[Button | None]) -> tuple[Row, ...]:
    """Rows of those buttons that are there; rows without any vanish."""
    kept = (tuple(button for button in row if button) for row in rows)
    return tuple(row for row in kept if row)
