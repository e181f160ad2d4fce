"""Inline mode: what people type after the bot's name, in any chat, and what they pick.

See core.telegram.org/bots/inline. Every answer is kept as Telegram keeps it: one that is not personal is given to
whoever types the same next, and the bot is not asked.
"""

import itertools
from dataclasses import dataclass

from sandbox.botapi import wire
from sandbox.botapi.chat import Chat
from sandbox.botapi.chats import Chats
from sandbox.botapi.model import JsonObject, Keyboard, Message, NoSuchResultError
from sandbox.botapi.text import FormattedText
from sandbox.world import accounts

MAX_QUERY = 256


@dataclass(frozen=True)
class InlineResult:
    """One thing the bot offers: how it is listed, and the message it becomes."""

    id: str
    title: str
    description: str
    body: FormattedText
    buttons: Keyboard = ()


@dataclass(frozen=True)
class InlineAnswer:
    """What the bot answered."""

    results: tuple[InlineResult, ...] = ()
    next_offset: str = ""
    """What the app asks with when the person scrolls to the end; empty: that is all."""
    button: JsonObject | None = None
    """Above the results; it opens the chat with the bot."""
    personal: bool = False
    """Telegram keeps it for that person; else for everybody."""
    cache_seconds: int = 0
    """For how long."""

    def result(self, wanted: str) -> InlineResult:
        """The result with this title, or this id.

        Raises:
            NoSuchResultError: none is.
        """
        for one in self.results:
            if wanted in (one.title, one.id):
                return one
        raise NoSuchResultError(f"No result is {wanted!r}; there are {[one.title for one in self.results]}.")


@dataclass
class InlineQuery:
    """What a person typed: the bot owes it an answer within seconds."""

    id: str
    person_id: int
    text: str
    offset: str
    chat: Chat
    """Where it was typed, and where a result goes."""
    asked_at: float
    """On the wall clock (monotonic), as with pressed buttons."""
    answer: InlineAnswer | None = None
    from_cache: bool = False
    """Telegram answered it: the bot was not asked."""


_Key = tuple[str, str, int | None]
"""Text, offset, and whose it is: None where it is everybody's."""


class InlineMode:
    """Every inline query to one bot, and the answers that Telegram keeps."""

    def __init__(self, chats: Chats) -> None:
        self.chats = chats
        self.queries: dict[str, InlineQuery] = {}
        self._last: dict[int, InlineQuery] = {}
        self._kept: dict[_Key, tuple[InlineAnswer, float]] = {}
        """With the moment until when, on the wall clock."""
        self._ids = itertools.count(2_000_000_000_001)

    def types(
        self, person_id: int, text: str, *, offset: str = "", group: str | None = None, has_bot: bool = True
    ) -> InlineQuery:
        """A person types `@bot text` in their chat with the bot, or in a group; `offset` as the last page told it.

        A group that is new is made, with the bot in it or without.

        Raises:
            NoSuchPersonError: nobody has this id.
            ValueError: the bot is not in inline mode, or the text is too long: the app asks nobody.
            TelegramError: the account is frozen, banned or deleted.
        """
        chats, bot = self.chats, self.chats.bot
        person = chats.person(person_id)
        accounts.require_acting(person)
        if not bot.supports_inline:
            raise ValueError(f"@{bot.username} is not in inline mode: BotFather turns it on.")
        if len(text) > MAX_QUERY:
            raise ValueError(f"An inline query has at most {MAX_QUERY} characters; this one has {len(text)}.")
        chat = chats.group(group, has_bot=has_bot) if group else chats.chat(person_id)
        query = InlineQuery(str(next(self._ids)), person_id, text, offset, chat, asked_at=chats.wall())
        self.queries[query.id] = self._last[person_id] = query
        query.answer = self._known(query)
        query.from_cache = query.answer is not None
        if query.answer is None:
            chats.updates.push("inline_query", _wire(self, query))
        chats.anything.bump()
        return query

    def picks(self, query: InlineQuery, wanted: str) -> Message:
        """The person sends one of the results, found by its title or id, to the chat they typed in.

        Raises:
            NoSuchResultError: it is not among them.
            TelegramError: the account is frozen, banned or deleted.
        """
        result = (query.answer or InlineAnswer()).result(wanted)
        return self.chats.send_result(query.person_id, query.chat, result.body, result.buttons)

    def last(self, person_id: int) -> InlineQuery | None:
        """What the person typed last."""
        return self._last.get(person_id)

    async def answered(self, query: InlineQuery, timeout_seconds: float = 30) -> InlineAnswer:
        """Wait for the answer.

        Raises:
            TimeoutError: none came in that time.
        """
        seen = self.chats.anything.version
        while query.answer is None:
            seen = await self.chats.anything.changed(seen, timeout_seconds)
        return query.answer

    def give(self, query: InlineQuery, answer: InlineAnswer) -> None:
        """The bot has answered."""
        query.answer = answer
        if answer.cache_seconds > 0:
            key = (query.text, query.offset, query.person_id if answer.personal else None)
            self._kept[key] = (answer, self.chats.wall() + answer.cache_seconds)
        self.chats.anything.bump()

    def _known(self, query: InlineQuery) -> InlineAnswer | None:
        for whose in (query.person_id, None):
            answer, until = self._kept.get((query.text, query.offset, whose), (None, 0.0))
            if answer and self.chats.wall() < until:
                return answer
        return None


def _wire(mode: InlineMode, query: InlineQuery) -> JsonObject:
    """core.telegram.org/bots/api#inlinequery; `sender` is the private chat with the bot itself."""
    return {
        "id": query.id,
        "from": wire.person_user(mode.chats.person(query.person_id)),
        "query": query.text,
        "offset": query.offset,
        "chat_type": "sender" if query.chat.kind == "private" else "group",
    }
