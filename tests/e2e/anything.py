"""Two people who tap and type at random, and what must hold whatever they do.

A walk is steps, a step is acts at the same moment. Each act names what it is about by a number, which counts round and
round what is there then: so any act can follow any other, and a walk that failed still means something when acts are
taken out of it.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.methods import (
    AnswerInlineQuery,
    EditMessageText,
    Response,
    SendMessage,
    SendPhoto,
    TelegramMethod,
)
from aiogram.methods.base import TelegramType
from structlog.processors import format_exc_info
from structlog.testing import capture_logs

from sandbox.botapi import Message
from sandbox.botapi.model import CallbackQuery, NoSuchButtonError, NoSuchMessageError
from sandbox.serve import Sandbox
from sandbox.world import Channel, TelegramError, links
from sandbox.world.model import NANOS, ReferralLink
from tests.e2e.starling import CLUB, NADIA, SAM, VERA, Someone, Starling, running_starling

PEOPLE = (NADIA, SAM)
CORNER, FINDS, SHED = 5000003, 5000004, 5000005
"""Sam's channels, and one more of Nadia's. No account serves Finds and the shed; Garden Club is both people's."""
OWN_TITLES = {NADIA: ("Quiet Gardens", "Tool Shed"), SAM: ("Sam’s Corner", "Sam’s Finds")}
FIRST_FIGURE = 730_137
PATIENCE = 60
"""Seconds after which a step that does not come to its end fails."""
IMPOSSIBLE = (NoSuchButtonError, NoSuchMessageError, TelegramError, ValueError)
"""Acts that no app would offer at that moment: nothing happens."""
_BETWEEN_DIGITS = re.compile(r"(?<=\d)\W(?=\d)")

Act = Callable[["Walk"], Awaitable[None]]
"""Something somebody does: see tests/e2e/acts.py."""


@dataclass
class Walk(BaseRequestMiddleware):
    """What goes on, and what the bot says to whom meanwhile."""

    starling: Starling
    shown: Counter[int] = field(default_factory=Counter)
    """How often the bot showed something in each chat, or tried to."""
    buttons: dict[int, list[str]] = field(default_factory=lambda: {one: [] for one in PEOPLE})
    """What each person's buttons ever carried."""
    said: dict[int, list[str]] = field(default_factory=lambda: {one: [] for one in PEOPLE})
    wrong: list[str] = field(default_factory=list)
    """What must not have happened, and did."""
    pressed: list[CallbackQuery] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    """How often each kind of button was pressed."""
    owed: Counter[int] = field(default_factory=Counter)
    """How often something is to be shown to each person until the end of this step."""

    async def step(self, acts: Sequence[Act]) -> None:
        """Let all this happen at once, wait until nothing goes on any more, and judge."""
        self.shown.clear()
        self.owed.clear()
        self.pressed.clear()
        for act in acts:
            with suppress(*IMPOSSIBLE):
                await act(self)
        await self.settled()
        self.judge()

    async def settled(self) -> None:
        """Wait until the bot has taken all updates, and is done with them."""
        updates, app = self.starling.sandbox.botapi.chats.updates, self.starling.bot
        assert app is not None
        async with asyncio.timeout(PATIENCE):
            while True:
                await updates.being_polled.wait()
                if tasks := [*app.dispatcher._handle_update_tasks, *app.registering._taken_up.values()]:
                    await asyncio.wait(tasks)
                elif updates.pending:
                    await asyncio.sleep(0)  # the poll that waits has been woken, and takes them next
                elif updates.being_polled.is_set():
                    return

    def judge(self) -> None:
        """Raises AssertionError for what must not be."""
        place = self.starling.sandbox
        assert not place.crashes, place.crashes
        assert not place.unimplemented, place.unimplemented
        assert not self.wrong, self.wrong
        assert all(one.answer for one in self.pressed), "a pressed button was left turning"
        for one in PEOPLE:
            chat = place.botapi.chats.chat(one)
            missing = self.owed[one] - self.shown[one]
            assert missing <= 0 or chat.blocked, f"nothing was shown for {missing} acts: {chat.transcript()}"
            left = [message for message in chat.messages if _goes_on(message)]
            assert not left, f"nothing goes on, and it is said: {[message.text for message in left]}"

    # -- what people are ------------------------------------------------------------------------------------

    def person(self, number: int) -> Someone:
        return self.starling.person(PEOPLE[number % len(PEOPLE)])

    def link(self, number: int) -> ReferralLink:
        return self.starling.world.links[number % len(self.starling.world.links)]

    def messages(self, person: int) -> list[Message]:
        """What the bot wrote to somebody, newest first; deleted messages too."""
        chat = self.starling.sandbox.botapi.chats.chat(person)
        every = [*chat.messages, *chat.deleted.values()]
        return sorted((one for one in every if one.from_bot), key=lambda one: -one.id)

    # -- what the bot does ----------------------------------------------------------------------------------

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        """Overhear a call of the bot's."""
        person = self._told(method)
        if person in PEOPLE:
            self._hear(person, method)
        return await make_request(bot, method)

    def _told(self, method: TelegramMethod[Any]) -> object:
        if isinstance(method, AnswerInlineQuery):
            return self.starling.sandbox.botapi.inline.queries[method.inline_query_id].person_id
        return method.chat_id if isinstance(method, SendMessage | EditMessageText | SendPhoto) else None

    def _hear(self, person: int, method: Any) -> None:
        self.shown[person] += 1
        markup = getattr(method, "reply_markup", None)
        for row in getattr(markup, "inline_keyboard", None) or ():
            for button in row:
                data = button.callback_data
                self.buttons[person] += [data] if data else []
                if not (data or button.url or button.copy_text) or len((data or "").encode()) > 64:
                    self.wrong.append(f"a button that can do nothing: {button}")
        content = [getattr(method, part, None) for part in ("text", "caption", "reply_markup", "results")]
        self.wrong += self._foreign(person, " ".join(str(part) for part in content))

    def _foreign(self, person: int, content: str) -> Iterator[str]:
        """What of this is another's: links of balances the person may not act for, unless they said them."""
        digits, world = _BETWEEN_DIGITS.sub("", content), self.starling.world
        for link in world.links:
            channel = world.channels.get(link.balance_id)
            if channel and "post_messages" in channel.rights_of(person):
                continue
            if link.token in content and not any(link.token in text for text in self.said[person]):
                yield f"{person} was shown the link {link.url} of {link.balance_id}: {content}"
            if link.participants and (str(link.participants) in digits or str(link.revenue_nanos // NANOS) in digits):
                yield f"{person} was shown the figures of {link.url} of {link.balance_id}: {content}"
        for owner, titles in OWN_TITLES.items():
            if owner != person:
                yield from (f"{person} was shown {title}: {content}" for title in titles if title in content)


def _goes_on(message: Message) -> bool:
    return message.from_bot and not message.buttons and "⏳" in message.text


# -- the world ------------------------------------------------------------------------------------------------


def a_world() -> Sandbox:
    """Each of the two has channels of their own, one they share, and links with figures no other link has."""
    place = Sandbox.load()
    world = place.world
    world.people[SAM].language = "ru"
    posts = {VERA: {"post_messages"}}
    world.add(
        Channel(CORNER, OWN_TITLES[SAM][0], SAM, admins=posts),  # type: ignore[arg-type] # a right
        Channel(FINDS, OWN_TITLES[SAM][1], SAM, username="sams_finds"),
        Channel(SHED, OWN_TITLES[NADIA][1], NADIA),
    )
    world.set_admin(CLUB, SAM, ["post_messages"])
    for bot in (8000001, 8000002, 8000003):
        links.connect(world, VERA, CORNER, bot)
    for number, link in enumerate(world.links):
        link.participants, link.revenue_nanos = FIRST_FIGURE + number, (FIRST_FIGURE + 100_000 + number) * NANOS
    return place


async def walked(steps: Sequence[Sequence[Act]]) -> None:
    """Walk all of this in a world of its own.

    Raises:
        AssertionError: something was as it must not be.
    """
    with errors_logged() as errors:
        world = running_starling(
            sandbox=a_world(),
            newcomers=(SAM,),
            registration="open",
            lease_seconds=60,  # a slow machine is no error
        )
        async with world as starling:
            walk = starling.overheard_by = Walk(starling)
            assert starling.bot is not None
            starling.bot.bot.session.middleware(walk)
            for step in steps:
                await walk.step(step)
                assert not errors(), errors()


@contextmanager
def errors_logged() -> Iterator[Callable[[], list[object]]]:
    """Everything that is logged as an error meanwhile, by us or by a library."""
    others = _Errors(logging.ERROR)
    logging.getLogger().addHandler(others)
    try:
        with capture_logs(processors=[format_exc_info]) as ours:
            bad = ("error", "critical")
            yield lambda: [*(one for one in ours if one["log_level"] in bad), *others.found]
    finally:
        logging.getLogger().removeHandler(others)


class _Errors(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(logging.Formatter().format(record))
