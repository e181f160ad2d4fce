"""What stands in a chat with the bot: messages, their buttons and pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sandbox.botapi.text import FormattedText

JsonObject = Mapping[str, object]
"""A JSON object that markup.py has checked."""


@dataclass(frozen=True)
class Button:
    """One inline button, kept as the bot sent it."""

    text: str
    fields: JsonObject

    @property
    def callback_data(self) -> str | None:
        """What the bot is told when it is pressed."""
        return _string(self.fields.get("callback_data"))

    @property
    def url(self) -> str | None:
        """Where it leads."""
        return _string(self.fields.get("url"))

    @property
    def copy_text(self) -> str | None:
        """What it puts on the clipboard."""
        copied = self.fields.get("copy_text")
        return _string(copied.get("text")) if isinstance(copied, Mapping) else None


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True)
class ReplyKeyboard:
    """The keyboard under the input field, rows of KeyboardButton objects."""

    rows: tuple[tuple[JsonObject, ...], ...]
    one_time: bool = False
    placeholder: str = ""


@dataclass(frozen=True)
class Photo:
    """A picture in memory."""

    file_id: str
    content: bytes = field(repr=False)
    content_type: str
    width: int
    height: int


@dataclass
class Message:
    """One message as the person sees it now."""

    id: int
    chat_id: int
    sender_id: int
    from_bot: bool
    date: datetime
    body: FormattedText
    """The text, or the caption of a photo."""
    buttons: Keyboard = ()
    photo: Photo | None = None
    edit_date: datetime | None = None
    reply_to: int | None = None
    service: JsonObject | None = None
    """Fields of a service message, such as `chat_shared`."""
    silent: bool = False
    protected: bool = False
    via_bot: bool = False
    """A person sent it, picked from what the bot offered inline."""
    has_keyboard: bool = False
    """It came with a reply keyboard, or took one away: then it cannot be edited."""

    @property
    def text(self) -> str:
        """What it says, without formatting."""
        return self.body.plain

    @property
    def html(self) -> str:
        """What it says, with Telegram's HTML."""
        return self.body.html()

    @property
    def edited(self) -> bool:
        """Whether the bot has changed it since it was sent."""
        return self.edit_date is not None

    @property
    def labels(self) -> list[list[str]]:
        """The texts on its buttons, row by row."""
        return [[button.text for button in row] for row in self.buttons]

    def button(self, wanted: str) -> Button:
        """The button with this text, or this callback data.

        Raises:
            NoSuchButtonError: this message has none now.
        """
        for row in self.buttons:
            for button in row:
                if wanted in (button.text, button.callback_data):
                    return button
        raise NoSuchButtonError(f"Message {self.id} has no button {wanted!r}; it has {self.labels}.")


@dataclass(frozen=True)
class CallbackAnswer:
    """What the bot answered to a pressed button."""

    text: str = ""
    alert: bool = False
    url: str = ""


@dataclass
class CallbackQuery:
    """A button pressed: the bot owes it an answer within seconds."""

    id: str
    person_id: int
    chat_id: int
    message_id: int
    data: str
    pressed_at: float
    """On the wall clock (monotonic): Telegram's patience does not follow the world's time."""
    answer: CallbackAnswer | None = None


ChatKind = Literal["private", "group"]


class NoSuchButtonError(Exception):
    """The button a person should press is not there; the text says which are."""


class NoSuchResultError(Exception):
    """The inline result a person should pick was not offered; the text says which were."""


class NoSuchMessageError(Exception):
    """The message is not in that chat (any more)."""


class NoSuchPersonError(Exception):
    """There is no such person in this world."""


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
