"""What the bridge tells unasked, brought to everybody who is to hear it, in their language."""

from collections import OrderedDict
from collections.abc import Sequence

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramNetworkError, TelegramRetryAfter, TelegramServerError

from bot import delivery
from bot.languages import Languages
from bot.registering import Registering
from bot.screens.alerts import alert
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import Origin
from mtproto_bridge.protocol.events import Event, Hearer, RegistrationDecided

MOST_REMEMBERED = 10_000
_TROUBLE = (TelegramNetworkError, TelegramServerError, TelegramRetryAfter)
"""It passes, though it may take hours."""

log = structlog.get_logger()


class Alerts:
    """Tells each event once: it may come twice, with the same id."""

    def __init__(self, bot: Bot, languages: Languages, registering: Registering) -> None:
        self._bot = bot
        self._languages = languages
        self._registering = registering
        self._untold: OrderedDict[str, Sequence[Hearer]] = OrderedDict()
        """Of each event that came lately: who is still to hear it."""

    async def tell(self, bridge: BridgeClient, event: Event) -> bool:
        """Bring one event to its hearers; False when it is to come again, for those who could not be reached."""
        before = self._untold.get(event.id, event.hearers)
        if not before and event.id in self._untold:
            return True
        left = [hearer for hearer in before if not await self._tell(event, hearer)]
        self._untold[event.id] = left
        if len(self._untold) > MOST_REMEMBERED:
            self._untold.popitem(last=False)
        what = event.what
        if not left and isinstance(what, RegistrationDecided) and what.registration.state != "refused":
            place = next((_place(one) for one in event.hearers), None)
            self._registering.take_up(bridge, what.registration, place)
        return not left

    async def _tell(self, event: Event, hearer: Hearer) -> bool:
        """Whether this hearer is done with."""
        screen = alert(await self._languages.told(hearer.person_id, hearer.locale), event.what)
        if screen is None:
            return True
        try:
            await delivery.send(self._bot, hearer.person_id, screen)
        except _TROUBLE as error:
            log.warning("alert.delayed", id=event.id, reason=type(error).__name__)
            return False
        except TelegramAPIError as error:  # the person blocked us, or the chat is gone: normal life
            log.info("alert.not_shown", id=event.id, reason=type(error).__name__)
        return True


def _place(hearer: Hearer) -> Origin:
    """Something new is told in a message of its own."""
    return Origin(chat_id=hearer.person_id, locale=hearer.locale)
