"""One chat with the bot, as the people in it see it now."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.botapi.model import (
    CallbackAnswer,
    ChatKind,
    Message,
    NoSuchMessageError,
    ReplyKeyboard,
)
from sandbox.botapi.signal import Signal


@dataclass
class Chat:
    """A private chat (its id is the person's) or a group (a negative id)."""

    id: int
    kind: ChatKind
    title: str = ""
    has_bot: bool = True
    """Where the bot is not, it hears nothing and cannot write; people may still use it inline."""
    messages: list[Message] = field(default_factory=list)
    deleted: dict[int, Message] = field(default_factory=dict)
    """What stood here once: an app that has not heard of it may still show it."""
    answers: list[CallbackAnswer] = field(default_factory=list)
    """What the bot answered to pressed buttons, oldest first: toasts and alerts."""
    reply_keyboard: ReplyKeyboard | None = None
    """Until the bot sends another or takes it away."""
    keyboard_open: bool = False
    """A one-time keyboard collapses with its first use; the person can open it again."""
    blocked: bool = False
    """Whether the person blocked the bot."""
    action: str = ""
    """What the bot says it is doing ("typing"), until it posts something or the action runs out."""
    action_until: float = 0
    signal: Signal = field(default_factory=Signal)
    """Bumped with each visible change: a message posted, edited, deleted; a button answered."""

    @property
    def version(self) -> int:
        """How many visible changes there have been; take it before acting, then wait for `changed`."""
        return self.signal.version

    @property
    def last(self) -> Message:
        """The newest message.

        Raises:
            NoSuchMessageError: the chat is empty.
        """
        if not self.messages:
            raise NoSuchMessageError(f"Chat {self.id} is empty.")
        return self.messages[-1]

    @property
    def last_from_bot(self) -> Message:
        """The bot's newest message.

        Raises:
            NoSuchMessageError: it has said nothing.
        """
        for message in reversed(self.messages):
            if message.from_bot:
                return message
        raise NoSuchMessageError(f"The bot has said nothing in chat {self.id}.")

    def find(self, message_id: int) -> Message | None:
        """The message with this id, unless it was deleted."""
        return next((one for one in self.messages if one.id == message_id), None)

    def message(self, message_id: int) -> Message:
        """The message with this id.

        Raises:
            NoSuchMessageError: there is none (any more).
        """
        found = self.find(message_id)
        if found is None:
            raise NoSuchMessageError(f"Chat {self.id} has no message {message_id}.")
        return found

    def add(self, message: Message) -> Message:
        """Put a message at the end."""
        self.messages.append(message)
        self.messages.sort(key=lambda one: one.id)
        self.signal.bump()
        return message

    def remove(self, message: Message) -> None:
        """Delete a message for everybody."""
        self.messages.remove(message)
        self.deleted[message.id] = message
        self.signal.bump()

    async def changed(self, after: int, timeout_seconds: float = 5) -> int:
        """Wait for the next visible change after version `after`; returns the new version.

        Raises:
            TimeoutError: nothing changed in that time.
        """
        return await self.signal.changed(after, timeout_seconds)

    async def until(self, condition: Callable[["Chat"], bool], timeout_seconds: float = 30) -> None:
        """Wait until the chat looks as wanted, asking again after each visible change.

        Raises:
            TimeoutError: it did not come to that; the text says what stands there instead.
        """
        seen = self.version
        try:
            while not condition(self):
                seen = await self.signal.changed(seen, timeout_seconds)
        except TimeoutError:
            raise TimeoutError(f"Not so within {timeout_seconds} s; the chat: {self.transcript()}") from None

    def transcript(self) -> str:
        """The last messages in short, for the text of a failed test."""
        return " | ".join(
            f"{'bot' if one.from_bot else one.sender_id}: {one.text[:200]!r} {one.labels or ''}"
            for one in self.messages[-6:]
        )
