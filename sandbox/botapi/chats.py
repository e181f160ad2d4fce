"""What people do in their chats with the bot, and what they see there: the in-process face of the Bot API.

Everything here is instant: acting queues an update for the bot, and `Chat.changed` or `Chat.until` wait for
what the bot makes of it.
"""

import itertools
import time
from collections.abc import Callable
from datetime import timedelta

from sandbox.botapi import channel_buttons, wire, wire_channels
from sandbox.botapi.chat import Chat
from sandbox.botapi.model import (
    CallbackAnswer,
    CallbackQuery,
    JsonObject,
    Keyboard,
    Message,
    NoSuchButtonError,
    NoSuchPersonError,
)
from sandbox.botapi.signal import Signal
from sandbox.botapi.text import FormattedText, format_text
from sandbox.botapi.updates import Updates
from sandbox.world import Bot, Channel, Person, World, accounts, attribution, pickers
from sandbox.world.model import MemberChange

MAX_TEXT = 4096
FIRST_GROUP_ID = -4_000_001
ACTION_SECONDS = 5.0
"""How long "typing" shows (core.telegram.org/bots/api#sendchataction)."""


class Chats:
    """Every chat with one bot."""

    def __init__(self, world: World, bot: Bot, *, wall: Callable[[], float] = time.monotonic) -> None:
        self.world = world
        self.bot = bot
        self.wall = wall
        """Seconds on a clock of this process; what the world's moved time must not touch."""
        self.updates = Updates()
        self.queries: dict[str, CallbackQuery] = {}
        self.anything = Signal()
        """Bumped with every change in any chat, typing included: what the page waits for."""
        self._chats: dict[int, Chat] = {}
        self._message_ids = itertools.count(1)
        self._query_ids = itertools.count(1_000_000_000_001)
        world.on_member_change.append(self._member_changed)
        world.on_message.append(self._written)

    # -- looking --------------------------------------------------------------------------------------------

    def chat(self, person_id: int) -> Chat:
        """A person's private chat with the bot, empty before their first word.

        Raises:
            NoSuchPersonError: nobody has this id.
        """
        self.person(person_id)
        return self._chats.setdefault(person_id, Chat(person_id, "private"))

    def history(self, person_id: int) -> list[Message]:
        """What stands in a person's private chat now, oldest first."""
        return list(self.chat(person_id).messages)

    def answers(self, person_id: int) -> list[CallbackAnswer]:
        """The bot's answers to this person's pressed buttons, oldest first."""
        return list(self.chat(person_id).answers)

    def group(self, title: str, *, has_bot: bool = True) -> Chat:
        """The group with this title; made on first use, with the bot in it or without."""
        for chat in self._chats.values():
            if chat.kind == "group" and chat.title == title:
                return chat
        chat_id = FIRST_GROUP_ID - sum(chat.kind == "group" for chat in self._chats.values())
        return self._chats.setdefault(chat_id, Chat(chat_id, "group", title, has_bot))

    def known(self, chat_id: int) -> Chat | None:
        """A group the bot is in, or the private chat of a person who exists, by its Bot API id."""
        chat = self.chat(chat_id) if chat_id in self.world.people else self._chats.get(chat_id)
        return chat if chat and chat.has_bot else None

    def person(self, person_id: int) -> Person:
        """The person with this id.

        Raises:
            NoSuchPersonError: nobody has it.
        """
        if person_id not in self.world.people:
            raise NoSuchPersonError(f"There is no person {person_id} in this world.")
        return self.world.people[person_id]

    def _acting(self, person_id: int) -> Person:
        """The person with this id, whose account must be in good standing."""
        person = self.person(person_id)
        accounts.require_acting(person)
        return person

    def has_started(self, person_id: int) -> bool:
        """Whether the person ever wrote to the bot: before that it cannot write to them."""
        return self.bot.id in self.world.people[person_id].started_bots

    # -- acting ---------------------------------------------------------------------------------------------

    def say(self, person_id: int, text: str, *, group: str | None = None) -> Message:
        """A person sends a text, in private or in the group with that title.

        In a group the bot hears what Telegram's privacy mode lets through: commands, and messages that
        mention it.

        Raises:
            NoSuchPersonError: nobody has this id.
            ValueError: a text no Telegram client would send.
            TelegramError: the account is frozen, banned or deleted.
        """
        person = self._acting(person_id)
        body = format_text(text, [])
        if not body.plain or body.length > MAX_TEXT:
            raise ValueError(f"A message has 1 to {MAX_TEXT} characters; this one has {body.length}.")
        chat = self.group(group) if group else self.chat(person_id)
        if chat.kind == "private":
            self._open(chat, person)
        message = self.post(chat, Message(self.next_id(), chat.id, person_id, False, self.world.clock.now(), body))
        keyboard = chat.reply_keyboard
        if keyboard and keyboard.one_time and any(b.get("text") == text for row in keyboard.rows for b in row):
            chat.keyboard_open = False
        if chat.kind == "private" or (chat.has_bot and self._is_for_bot(body)):
            self.updates.push("message", wire.message(self.world, self.bot, chat, message))
        return message

    def press(
        self,
        person_id: int,
        message_id: int,
        wanted: str,
        *,
        group: str | None = None,
        inaccessible: bool = False,
    ) -> CallbackQuery:
        """A person presses an inline button, found by its text or its callback data.

        The bot gets the message without content when it is too old, and with `inaccessible`, which may also press a
        button of a message that was deleted.

        Raises:
            NoSuchPersonError, NoSuchMessageError: no such person or message.
            NoSuchButtonError: the message has no such button, or it is one the client handles alone.
            TelegramError: the account is frozen, banned or deleted.
        """
        self._acting(person_id)
        chat = self.group(group) if group else self.chat(person_id)
        deleted = chat.deleted.get(message_id) if inaccessible else None
        message = deleted or chat.message(message_id)
        data = message.button(wanted).callback_data
        if data is None:
            raise NoSuchButtonError(f"The button {wanted!r} does not tell the bot: the app opens or copies it.")
        query = CallbackQuery(str(next(self._query_ids)), person_id, chat.id, message_id, data, pressed_at=self.wall())
        self.queries[query.id] = query
        whole_for = timedelta(hours=self.world.switches.callback_message_hours)
        if inaccessible or self.world.clock.now() - message.date > whole_for:
            shown = wire.inaccessible(self.world, chat, message)
        else:
            shown = wire.message(self.world, self.bot, chat, message)
        self.updates.push("callback_query", wire.callback_query(self.person(person_id), query, shown))
        return query

    def send_result(self, person_id: int, chat: Chat, body: FormattedText, buttons: Keyboard) -> Message:
        """A person sends what the bot offered inline; the bot hears of that wherever it is, in groups, too.

        Raises:
            TelegramError: the account is frozen, banned or deleted.
        """
        person, now = self._acting(person_id), self.world.clock.now()
        if chat.kind == "private":
            self._open(chat, person)
        sent = Message(self.next_id(), chat.id, person_id, False, now, body, buttons, via_bot=True)
        self.post(chat, sent)
        if chat.has_bot:
            self.updates.push("message", wire.message(self.world, self.bot, chat, sent))
        return sent

    def share_channel(
        self, person_id: int, channel_id: int, *, button: str | None = None, adds_bot: bool = True
    ) -> Message:
        """A person picks a channel with the keyboard button (by its text, or the first) that asks for one.

        The app adds the bot with the rights the button asks for, and `my_chat_member` comes before `chat_shared`;
        with `adds_bot` false it is an app too old for that.

        Raises:
            NoSuchButtonError: no keyboard that asks for a channel is shown.
            ValueError: the picker does not list that channel.
            TelegramError: the person may not give the bot these rights.
        """
        asked = self._asking_button(person_id, button)
        request = channel_buttons.parse(asked)
        channel = pickers.pick(self.world, self.bot, person_id, channel_id, request, adds_bot=adds_bot)
        return self._shared(person_id, asked, channel)

    def share_new_channel(
        self, person_id: int, title: str, username: str | None = None, *, button: str | None = None
    ) -> Message:
        """A person makes a new channel in the picker, and picks it.

        Raises:
            NoSuchButtonError: no keyboard that asks for a channel is shown.
            ValueError: the button asks for another kind of channel.
            TelegramError: the channel cannot be made.
        """
        asked = self._asking_button(person_id, button)
        request = channel_buttons.parse(asked)
        channel = pickers.make(self.world, self.bot, person_id, title, username, request)
        return self._shared(person_id, asked, channel)

    def asked(self, person_id: int, button: str | None = None) -> pickers.ChannelRequest:
        """What that button of the keyboard asks for.

        Raises:
            NoSuchButtonError: no keyboard that asks for a channel is shown.
        """
        return channel_buttons.parse(self._asking_button(person_id, button))

    def _asking_button(self, person_id: int, text: str | None) -> JsonObject:
        self._acting(person_id)
        keyboard = self.chat(person_id).reply_keyboard
        for row in keyboard.rows if keyboard else ():
            for button in row:
                asked = button.get("request_chat")
                if isinstance(asked, dict) and asked.get("chat_is_channel") and text in (None, button["text"]):
                    return asked
        raise NoSuchButtonError("No button that asks for a channel is shown.")

    def _shared(self, person_id: int, asked: JsonObject, channel: Channel) -> Message:
        chat = self.chat(person_id)
        shared = wire_channels.chat_shared(asked, channel)
        message = Message(
            self.next_id(), chat.id, person_id, False, self.world.clock.now(), FormattedText(), service=shared
        )
        self.post(chat, message)
        if chat.reply_keyboard and chat.reply_keyboard.one_time:
            chat.keyboard_open = False
        self.updates.push("message", wire.message(self.world, self.bot, chat, message))
        return message

    def block(self, person_id: int, *, blocked: bool = True) -> None:
        """A person blocks the bot, or takes that back; the bot is told once."""
        chat = self.chat(person_id)
        if chat.blocked == blocked:
            return
        chat.blocked = blocked
        change = wire.blocked(self.world, self.bot, chat, blocked=blocked)
        self.updates.push("my_chat_member", change)
        self.touch(chat)

    def _written(self, person_id: int, bot_id: int, text: str) -> None:
        if bot_id == self.bot.id:
            self.say(person_id, text)

    def _member_changed(self, change: MemberChange) -> None:
        """Tell the bot of its own place in a channel, and of others' where it is an admin."""
        if change.user_id == self.bot.id:
            told = change.actor_id != self.bot.id or self.world.switches.told_of_own_leaving
            kind = "my_chat_member"
        else:
            told = change.channel.is_member(self.bot.id)
            kind = "chat_member"
        if told:
            self.updates.push(kind, wire_channels.change(self.world, self.bot, change))
        self.anything.bump()

    # -- the bot's side -------------------------------------------------------------------------------------

    def next_id(self) -> int:
        """Message ids count over all private chats and groups of one bot, as at Telegram."""
        return next(self._message_ids)

    def post(self, chat: Chat, message: Message) -> Message:
        """Put a message into a chat; what the bot said it was doing is done."""
        if message.from_bot:
            chat.action_until = 0
        chat.add(message)
        self.anything.bump()
        return message

    def touch(self, chat: Chat) -> None:
        """Tell those who wait that this chat looks different."""
        chat.signal.bump()
        self.anything.bump()

    def show_action(self, chat: Chat, action: str) -> None:
        """The bot says that it is doing something; no visible change for those who wait for its answer."""
        chat.action, chat.action_until = action, self.wall() + ACTION_SECONDS
        self.anything.bump()

    def _open(self, chat: Chat, person: Person) -> None:
        """Writing needs the chat: the app makes a person unblock the bot before it lets them write."""
        if chat.blocked:
            self.block(person.id, blocked=False)
        attribution.start(self.world, person.id, self.bot.id)

    def _is_for_bot(self, body: FormattedText) -> bool:
        handle = f"@{self.bot.username}".lower()
        for span in body.spans:
            word = body.plain[span.start : span.end].lower()
            if span.kind == "bot_command" and ("@" not in word or word.endswith(handle)):
                return True
            if span.kind == "mention" and word == handle:
                return True
        return False
