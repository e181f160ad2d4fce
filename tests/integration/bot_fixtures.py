"""The whole bot against the sandbox's Bot API, with a bridge that answers from a script."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiogram.fsm.storage.memory import MemoryStorage

from bot.app import App, make_bot, make_dispatcher
from bot.i18n import Translations
from bot.languages import Languages
from bot.late import LateReplies
from bot.registering import Registering
from bot.talk import Recent
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import AffiliationId, BalanceId, BotId, RegistrationId, WatchedId
from mtproto_bridge.protocol.replies import (
    AffiliationPage,
    Affiliations,
    Cards,
    ChannelPage,
    ChannelRemoved,
    Channels,
    CheckedLink,
    Forgotten,
    OpenRegistrations,
    Operations,
    ProgramCard,
    Programs,
    Registration,
    RegistrationPage,
    TermsAccepted,
    Unwatched,
    WatchedPage,
)
from mtproto_bridge.protocol.requests import Sort
from sandbox.botapi import BotApiServer, Chat, Message, wire
from sandbox.botapi.model import CallbackQuery
from sandbox.world import Bot, Clock, Person, World
from tests.sandbox_fixtures import START
from tests.unit.bot_samples import NOW, translations

TOKEN = "7000001:AAStarlingSandboxTokenThatOpensNothing1"
OURS = 7000001
ANNA, BORIS = 2001, 2002
"""Anna's Telegram is in English, Boris's in Russian."""

R = TypeVar("R")
Answer = Callable[[], Any]


@dataclass(frozen=True)
class Asked:
    """One request as the bot made it."""

    what: str
    caller: Caller
    about: dict[str, object]


class ScriptedBridge(BridgeClient):
    """Answers each kind of request with what was set for it; anything else is a failure of the test."""

    def __init__(self) -> None:  # not the real one: there is no queue
        self.answers: dict[str, Any] = {}
        self.open: list[Registration] = []
        """The registrations under way when the bot asks for them."""
        self.not_yet: list[BridgeError] = []
        """What it is answered before it is told these."""
        self.asked: list[Asked] = []
        self.asked_one = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.closed = False

    async def start(self) -> None:
        """There is nothing to read."""

    def introduce_bot(self, bot_id: int, username: str) -> None:
        """There is nobody to tell."""

    async def close(self) -> None:
        self.closed = True
        self.go_on.set()

    async def _answer(self, kind: type[R], what: str, caller: Caller, **about: object) -> R:
        self.asked.append(Asked(what, caller, about))
        self.asked_one.set()
        await self.go_on.wait()
        if self.closed:
            raise BridgeError(ErrorCode.NO_ANSWER)
        answer = self.answers[what]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, kind)
        return answer

    async def browse_programs(self, caller: Caller, **wanted: Any) -> Programs:
        return await self._answer(Programs, "browse_programs", caller, **wanted)

    async def show_program(
        self, caller: Caller, *, username: str | None = None, bot_id: BotId | None = None
    ) -> ProgramCard:
        return await self._answer(ProgramCard, "show_program", caller, username=username, bot_id=bot_id)

    async def list_affiliations(self, caller: Caller, *, page: int, size: int, sort: Sort = "date") -> Affiliations:
        return await self._answer(Affiliations, "list_affiliations", caller, page=page, size=size, sort=sort)

    async def list_cards(self, caller: Caller, *, page: int, size: int) -> Cards:
        return await self._answer(Cards, "list_cards", caller, page=page, size=size)

    async def show_affiliation(self, caller: Caller, balance_id: BalanceId, bot_id: BotId) -> AffiliationPage:
        return await self._answer(AffiliationPage, "show_affiliation", caller, balance=balance_id, bot=bot_id)

    async def accept_terms(self, caller: Caller, version: int) -> TermsAccepted:
        return await self._answer(TermsAccepted, "accept_terms", caller, version=version)

    async def join(self, caller: Caller, balance_id: BalanceId, bot_id: BotId, nonce: str) -> AffiliationPage:
        return await self._answer(AffiliationPage, "join", caller, balance=balance_id, bot=bot_id, nonce=nonce)

    async def revoke(
        self, caller: Caller, balance_id: BalanceId, affiliation_id: AffiliationId, nonce: str
    ) -> AffiliationPage:
        about = {"balance": balance_id, "affiliation": affiliation_id, "nonce": nonce}
        return await self._answer(AffiliationPage, "revoke", caller, **about)

    async def list_channels(self, caller: Caller) -> Channels:
        return await self._answer(Channels, "list_channels", caller)

    async def show_channel(self, caller: Caller, balance_id: BalanceId) -> ChannelPage:
        return await self._answer(ChannelPage, "show_channel", caller, balance=balance_id)

    async def remove_channel(
        self, caller: Caller, balance_id: BalanceId, nonce: str, *, revoke_links: bool
    ) -> ChannelRemoved:
        about = {"balance": balance_id, "nonce": nonce, "revoke_links": revoke_links}
        return await self._answer(ChannelRemoved, "remove_channel", caller, **about)

    async def start_registration(
        self, caller: Caller, channel_id: int, *, title: str, username: str | None = None
    ) -> RegistrationPage:
        about = {"channel": channel_id, "title": title, "username": username}
        return await self._answer(RegistrationPage, "start_registration", caller, **about)

    async def resume_registration(
        self, caller: Caller, registration_id: RegistrationId, *, by_itself: bool = False
    ) -> RegistrationPage:
        del by_itself  # only the bridge's clock knows the difference
        return await self._answer(RegistrationPage, "resume_registration", caller, registration=registration_id)

    async def advance_registration(
        self, caller: Caller, registration: Registration, *, invite: str | None = None
    ) -> RegistrationPage:
        about = {"registration": registration.id, "invite": invite}
        return await self._answer(RegistrationPage, "advance_registration", caller, **about)

    async def decide_registration(
        self, caller: Caller, registration_id: RegistrationId, *, approve: bool
    ) -> RegistrationPage:
        about = {"registration": registration_id, "approve": approve}
        return await self._answer(RegistrationPage, "decide_registration", caller, **about)

    async def list_open_registrations(self, caller: Caller) -> OpenRegistrations:
        assert caller.actor == OURS
        if self.not_yet:
            raise self.not_yet.pop(0)
        return OpenRegistrations(registrations=self.open)

    async def check_link(self, caller: Caller, url: str, *, own_too: bool = False) -> CheckedLink:
        return await self._answer(CheckedLink, "check_link", caller, url=url, **({"own_too": True} if own_too else {}))

    async def watch_link(self, caller: Caller, url: str) -> WatchedPage:
        return await self._answer(WatchedPage, "watch_link", caller, url=url)

    async def show_watched(self, caller: Caller, watched_id: WatchedId) -> WatchedPage:
        return await self._answer(WatchedPage, "show_watched", caller, watched=watched_id)

    async def unwatch_link(self, caller: Caller, watched_id: WatchedId) -> Unwatched:
        return await self._answer(Unwatched, "unwatch_link", caller, watched=watched_id)

    async def forget_me(self, caller: Caller, nonce: str) -> Forgotten:
        return await self._answer(Forgotten, "forget_me", caller, nonce=nonce)

    async def show_operations(self, caller: Caller) -> Operations:
        return await self._answer(Operations, "show_operations", caller)

    async def ban_person(self, caller: Caller, person_id: int, *, banned: bool = True) -> Operations:
        return await self._answer(Operations, "ban_person", caller, person=person_id, banned=banned)


@dataclass
class Stage:
    """A running bot and the people who talk with it."""

    app: App
    api: BotApiServer
    bridge: ScriptedBridge
    world: World
    languages: Languages
    forged: int = field(default=0)

    def chat(self, person: int = ANNA) -> Chat:
        return self.api.chats.chat(person)

    async def say(self, text: str, *, person: int = ANNA) -> Message:
        """Say something; the message the bot answers with."""
        before = len(self.chat(person).messages)
        self.api.chats.say(person, text)
        await self.chat(person).until(lambda chat: len(chat.messages) > before + 1)
        return self.chat(person).last_from_bot

    async def press(self, wanted: str, *, person: int = ANNA) -> Message:
        """Press a button of the newest message, by its text or data; the message once the press is answered."""
        message = self.chat(person).last_from_bot
        query = self.api.chats.press(person, message.id, wanted)
        await self.rested(query)
        return self.chat(person).last_from_bot

    async def forge(self, data: str, *, person: int = ANNA, message_id: int | None = None) -> Message:
        """Send a callback that no button of the message carries, as a modified app can."""
        chats, chat = self.api.chats, self.chat(person)
        self.forged += 1
        shown = chat.last_from_bot
        query = CallbackQuery(f"forged-{self.forged}", person, chat.id, shown.id, data, pressed_at=chats.wall())
        chats.queries[query.id] = query
        content = dict(wire.message(self.world, chats.bot, chat, shown))
        if message_id is not None:
            content["message_id"] = message_id
        chats.updates.push("callback_query", wire.callback_query(chats.person(person), query, content))
        await self.rested(query)
        return chat.last_from_bot

    async def rested(self, query: CallbackQuery) -> None:
        """Wait until a pressed button was answered: the bot does that last, but for joins and revokes."""
        await self.chat(query.person_id).until(lambda _: query.answer is not None)

    async def shows(self, text: str, *, person: int = ANNA) -> Message:
        """Wait until the newest message says this."""
        chat = self.chat(person)
        await chat.until(lambda _: any(one.from_bot for one in chat.messages) and text in chat.last_from_bot.text)
        return chat.last_from_bot

    def last_asked(self, what: str) -> Asked:
        return next(asked for asked in reversed(self.bridge.asked) if asked.what == what)


def small_stage() -> tuple[World, Bot]:
    """Two people and our bot."""
    world = World(clock=Clock(START))
    ours = Bot(OURS, "Starling", "starling_bot", owner_id=ANNA, token=TOKEN, supports_inline=True)
    world.add(Person(ANNA, "Anna", "anna"), Person(BORIS, "Борис", "boris", language="ru"), ours)
    return world, ours


@asynccontextmanager
async def bot_api(world: World, ours: Bot) -> AsyncIterator[BotApiServer]:
    """The Bot API; leaving fails when the bot asked for something the sandbox lacks."""
    api = BotApiServer(world, ours)
    await api.start()
    try:
        yield api
    finally:
        await api.stop()
    assert not api.unimplemented, api.unimplemented


@asynccontextmanager
async def running(app: App) -> AsyncIterator[asyncio.Task[None]]:
    """An app that runs until the end of the block."""
    task = asyncio.create_task(app.run(handle_signals=False))
    await app.started.wait()
    try:
        yield task
    finally:
        await app.stop()
        await task


@asynccontextmanager
async def stage(translations: Translations = translations) -> AsyncIterator[Stage]:
    """Everything, running."""
    world, ours = small_stage()
    async with bot_api(world, ours) as api:
        bridge, recent, bot = ScriptedBridge(), Recent(), make_bot(TOKEN, api.base_url)
        storage = MemoryStorage()
        languages = Languages(translations, storage, bot.id)
        registering = Registering(bot, languages, lambda: NOW)
        dispatcher = make_dispatcher(
            bridge=bridge,
            storage=storage,
            languages=languages,
            recent=recent,
            registering=registering,
            now=lambda: NOW,
        )
        late = LateReplies(bot, languages, recent, registering, lambda: NOW)
        app = App(bot, bridge, dispatcher, late, registering, translations)
        async with running(app):
            yield Stage(app, api, bridge, world, languages)
