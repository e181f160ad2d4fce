"""What the bridge tells unasked, brought to everybody who is to hear it, in their language."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramNetworkError, TelegramServerError

from bot import delivery
from bot.i18n import Translations
from bot.registering import Registering
from bot.screens.alerts import alert
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import Origin
from mtproto_bridge.protocol.events import Event, Hearer, RegistrationDecided

MOST_REMEMBERED = 10_000
TRIES = 5
_FIRST_PAUSE_SECONDS = 1.0

log = structlog.get_logger()


class Alerts:
    """Tells each event once: it may come twice, with the same id."""

    def __init__(
        self,
        bot: Bot,
        translations: Translations,
        registering: Registering,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bot = bot
        self._translations = translations
        self._registering = registering
        self._sleep = sleep
        self._told: OrderedDict[str, None] = OrderedDict()

    async def tell(self, bridge: BridgeClient, event: Event) -> None:
        """Bring one event to its hearers."""
        if event.id in self._told:
            return
        self._told[event.id] = None
        if len(self._told) > MOST_REMEMBERED:
            self._told.popitem(last=False)
        for hearer in event.hearers:
            await self._tell(event, hearer)
        what = event.what
        if isinstance(what, RegistrationDecided) and what.registration.state != "refused":
            place = next((_place(one) for one in event.hearers), None)
            self._registering.take_up(bridge, what.registration, place)

    async def _tell(self, event: Event, hearer: Hearer) -> None:
        screen = alert(self._translations.texts(hearer.locale), event.what)
        if screen is None:
            return
        for attempt in range(TRIES):
            try:
                await delivery.send(self._bot, hearer.person_id, screen)
            except (TelegramNetworkError, TelegramServerError) as error:
                log.warning("alert.delayed", id=event.id, reason=type(error).__name__)
                await self._sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
            except TelegramAPIError as error:  # the person blocked us, or the chat is gone: normal life
                log.info("alert.not_shown", id=event.id, reason=type(error).__name__)
                return
            else:
                return


def _place(hearer: Hearer) -> Origin:
    """Something new is told in a message of its own."""
    return Origin(chat_id=hearer.person_id, locale=hearer.locale)
