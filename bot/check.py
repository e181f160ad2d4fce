"""`python -m bot check`: what is wrong with a set-up, a sentence each."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiogram.exceptions import TelegramAPIError, TelegramUnauthorizedError

from bot.app import INLINE_OFF, make_bot
from bot.settings import Settings, place_of
from mtproto_bridge.client import BridgeClient
from processes.logs import redact

REFUSED = "BOT_TOKEN is refused by Telegram: talk to @BotFather, send /token, and copy the one it shows now."
TELEGRAM_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    good: bool | None
    """None: it works without."""
    sentence: str

    def __str__(self) -> str:
        return f"{_MARKS[self.good]} {self.sentence}"


_MARKS = {True: "✓", False: "✗", None: "!"}


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """Look at everything, from the outside in; settings that could be read are right already."""
    yield Finding(good=True, sentence="The settings can be read.")
    async for finding in _telegram(settings):
        yield finding
    client = BridgeClient.at(settings.queue_url(), name=f"{settings.bot_name}-check", prefix=settings.queue_prefix)
    try:
        queue = await _queue(client, settings)
        yield queue
        if queue.good:
            yield await _account(client)
    finally:
        await client.close()


async def _telegram(settings: Settings) -> AsyncIterator[Finding]:
    bot = make_bot(settings.bot_token.get_secret_value(), settings.bot_api_url)
    where = settings.bot_api_url or "Telegram"
    try:
        me = await bot.get_me(request_timeout=TELEGRAM_TIMEOUT_SECONDS)
    except TelegramUnauthorizedError:
        yield Finding(good=False, sentence=REFUSED)
        return
    except TelegramAPIError as error:
        reason = redact(error.message.splitlines()[0])  # it quotes the URL, and the token is in that
        yield Finding(good=False, sentence=f"{where} cannot be reached ({reason}): look at the network or a firewall.")
        return
    finally:
        await bot.session.close()
    yield Finding(good=True, sentence=f"{where} knows the token: it is @{me.username}.")
    if not me.supports_inline_queries:
        yield Finding(good=None, sentence=INLINE_OFF.format(username=me.username))


async def _queue(client: BridgeClient, settings: Settings) -> Finding:
    place = place_of(settings.queue_url())
    if await client.reachable():
        return Finding(good=True, sentence=f"The queue at {place} answers.")
    if settings.redis_url:
        return Finding(good=False, sentence=f"The queue at {place} does not answer: see that REDIS_URL is right.")
    hint = "start the bridge first (python -m mtproto_bridge run), or set DATA_DIR to the bridge's folder."
    return Finding(good=False, sentence=f"The queue at {place} does not answer: {hint}")


async def _account(client: BridgeClient) -> Finding:
    if await client.has_account():
        return Finding(good=True, sentence="A bridge with a logged-in account serves the queue.")
    hint = "log one in (python -m mtproto_bridge login) and start the bridge (python -m mtproto_bridge run)."
    return Finding(good=False, sentence=f"No bridge with a logged-in account has served this queue yet: {hint}")
