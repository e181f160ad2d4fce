"""The composition root: what the bot is made of, and how it runs and ends."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.exceptions import (
    TelegramNetworkError,
    TelegramNotFound,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.fsm.storage.base import DEFAULT_DESTINY, BaseStorage, DefaultKeyBuilder, StorageKey
from aiogram.fsm.storage.redis import RedisStorage
from aiogram.types import Message, User
from redis.asyncio import Redis

from bot import menus
from bot.alerts import Alerts
from bot.conversations import (
    adding,
    channels,
    inline,
    join,
    language,
    links,
    menu,
    operator,
    privacy,
    programs,
    watched,
    words,
)
from bot.i18n import Translations
from bot.languages import Languages
from bot.late import LateReplies
from bot.middlewares.context import ContextMiddleware
from bot.middlewares.outermost import tell_of_failure
from bot.middlewares.private_only import PrivateOnlyMiddleware
from bot.middlewares.retry_after import RetryAfterMiddleware
from bot.middlewares.talking import TalkMiddleware
from bot.registering import Registering
from bot.session import Session
from bot.talk import Recent
from mtproto_bridge.client import BridgeClient, storage_pool
from processes.tasks import end

LOCALES = Path(__file__).resolve().parent.parent / "locales"
UPDATES = ["message", "callback_query", "my_chat_member", "inline_query"]

FINISH_WITHIN = timedelta(seconds=5)
"""How long a stop waits for answers that are under way; what comes later is shown after the next start."""
INLINE_OFF = (
    "Inline mode is off, so @{username} finds nothing when it is typed in other chats: talk to @BotFather, send"
    " /setinline, choose @{username}, and send a placeholder such as: a word, or nothing for your links."
)
LAST_WORDS_WITHIN = timedelta(seconds=2)
QUESTION_LIFE = timedelta(days=1)
"""How long a question waits for its answer, and how long it is kept what it was about."""
UNREACHABLE_PAUSE_SECONDS = 2.0
MOST_AT_ONCE = 1_000
"""Updates worked on side by side; further ones wait at Telegram."""

log = structlog.get_logger()


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class TokenRefusedError(Exception):
    """Telegram does not know the token."""


class FinishingDispatcher(Dispatcher):
    """A Dispatcher that lets running handlers finish before it closes what they use."""

    async def finish(self, within: timedelta) -> None:
        """Wait for the handlers that run, but not for ever."""
        if self._handle_update_tasks:
            await asyncio.wait(self._handle_update_tasks, timeout=within.total_seconds())

    async def emit_shutdown(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - aiogram's own signature
        """Finish, then close."""
        await self.finish(FINISH_WITHIN)
        await super().emit_shutdown(*args, **kwargs)


class Storage(RedisStorage):
    """Open questions die of age, with what they are about; what has a destiny of its own stays."""

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Keep something."""
        await super().set_data(key, data)
        if key.destiny == DEFAULT_DESTINY:
            await self.redis.expire(self.key_builder.build(key, "data"), QUESTION_LIFE)


@dataclass(frozen=True)
class App:
    """A bot, ready to run once."""

    bot: Bot
    bridge: BridgeClient
    dispatcher: FinishingDispatcher
    late: LateReplies
    registering: Registering
    translations: Translations
    started: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it begins to ask Telegram for updates, or when it will never begin."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when everything is closed."""

    async def run(self, *, handle_signals: bool = True, polling_seconds: int = 30) -> None:
        """Answer people until `stop`, SIGTERM or SIGINT; closes everything it was made of.

        Raises:
            TokenRefusedError: Telegram does not know the token.
        """
        by_itself: list[asyncio.Task[None]] = []
        try:
            me = await introduce(self.bot, self.translations)
            if not me.supports_inline_queries:
                log.warning("inline.off", hint=INLINE_OFF.format(username=me.username))
            self.bridge.introduce_bot(me.id, me.username or "")
            await self.bridge.start()
            by_itself.append(asyncio.create_task(self.late.work(self.bridge)))
            by_itself.append(asyncio.create_task(self.registering.take_up_all(self.bridge)))
            self.dispatcher.startup.register(self._say_started)
            await self.dispatcher.start_polling(
                self.bot,
                allowed_updates=UPDATES,
                polling_timeout=polling_seconds,
                handle_signals=handle_signals,
                close_bot_session=False,
                tasks_concurrency_limit=MOST_AT_ONCE,
            )
        finally:
            await self.bridge.close()  # whoever still waits is told that no answer came
            await self.dispatcher.finish(LAST_WORDS_WITHIN)
            await end(*by_itself)
            await self.registering.finish(LAST_WORDS_WITHIN)
            await self.dispatcher.storage.close()
            await self.bot.session.close()
            self.started.set()
            self.ended.set()
            log.info("bot.stopped")

    async def stop(self) -> None:
        """End `run`, and wait until it has ended; a second call only waits."""
        await self.started.wait()
        if not self.stopping.is_set() and not self.ended.is_set():
            self.stopping.set()
            await self.dispatcher.stop_polling()
        await self.ended.wait()

    async def _say_started(self) -> None:
        self.started.set()


def compose(  # noqa: PLR0913 - what it is told from outside
    *,
    token: str,
    queue_url: str,
    prefix: str = "starling",
    name: str = "bot-1",
    bot_api_url: str | None = None,
    now: Callable[[], datetime] = utc_now,
) -> App:
    """Everything together: one bot on one queue."""
    translations = Translations.load(LOCALES)
    bot = make_bot(token, bot_api_url)
    storage = make_storage(queue_url, prefix)
    languages = Languages(translations, storage, bot.id)
    recent = Recent()
    registering = Registering(bot, languages, now)
    late = LateReplies(bot, languages, recent, registering, now)
    alerts = Alerts(bot, languages, registering)
    bridge = BridgeClient.at(
        queue_url,
        name=name,
        prefix=prefix,
        on_late=late.receive,
        on_event=lambda event: alerts.tell(bridge, event),
        now=now,
    )
    dispatcher = make_dispatcher(
        bridge=bridge,
        storage=storage,
        languages=languages,
        recent=recent,
        registering=registering,
        now=now,
    )
    return App(bot, bridge, dispatcher, late, registering, translations)


def make_bot(token: str, bot_api_url: str | None = None) -> Bot:
    """The Bot API, at Telegram or at another server."""
    api = TelegramAPIServer.from_base(bot_api_url) if bot_api_url else PRODUCTION
    session = Session(api=api)
    session.middleware(RetryAfterMiddleware())
    return Bot(token, session=session)


def make_storage(queue_url: str, prefix: str) -> Storage:
    """Where open questions are kept over a restart, and the languages people chose."""
    keys = DefaultKeyBuilder(prefix=f"{{{prefix}}}:fsm", with_bot_id=True, with_destiny=True)
    return Storage(Redis(connection_pool=storage_pool(queue_url)), key_builder=keys, state_ttl=QUESTION_LIFE)


def make_dispatcher(  # noqa: PLR0913 - what it is made of
    *,
    bridge: BridgeClient,
    storage: BaseStorage,
    languages: Languages,
    recent: Recent,
    registering: Registering,
    now: Callable[[], datetime] = utc_now,
) -> FinishingDispatcher:
    """The routers and what stands around them."""
    dispatcher = FinishingDispatcher(
        storage=storage,
        bridge=bridge,
        now=now,
        languages=languages,
        registering=registering,
        tidings=adding.Tidings(now),
        turns=inline.Turns(),
    )
    dispatcher.update.outer_middleware(ContextMiddleware(languages))
    for observer in (dispatcher.message, dispatcher.callback_query):
        observer.outer_middleware(PrivateOnlyMiddleware(storage))
        observer.middleware(TalkMiddleware(recent, now))
    dispatcher.my_chat_member.middleware(TalkMiddleware(recent, now))
    dispatcher.message.filter(_not_by_inline_mode)
    dispatcher.errors.register(tell_of_failure)
    dispatcher.include_routers(
        adding.router(),
        menu.router(),
        programs.router(),
        join.router(),
        links.router(),
        channels.router(),
        watched.router(),
        operator.router(),
        language.router(),
        privacy.router(),
        inline.router(),
        words.router(),
    )
    return dispatcher


async def _not_by_inline_mode(message: Message, bot: Bot) -> bool:
    """A card of ours that somebody picked in their chat with us is no word to us, and no answer to a question."""
    return message.via_bot is None or message.via_bot.id != bot.id


async def introduce(bot: Bot, translations: Translations) -> User:
    """Tell Telegram who we are: no webhook, and our menu in every language. Waits until it says who we are to it.

    Raises:
        TokenRefusedError: Telegram does not know the token.
    """
    told = False
    while True:
        try:
            me = await bot.me()
            await bot.delete_webhook()
            break
        except (TelegramUnauthorizedError, TelegramNotFound) as error:
            raise TokenRefusedError from error
        except (TelegramNetworkError, TelegramServerError) as error:
            if not told:
                log.warning("telegram.unreachable", reason=str(error))
            told = True
            await asyncio.sleep(UNREACHABLE_PAUSE_SECONDS)
    await menus.introduce(bot, translations)
    return me
