"""Answers that come when nobody waits for them any more: after a restart, or after the patience ran out."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot import delivery
from bot.i18n import Texts
from bot.languages import Languages
from bot.registering import Registering
from bot.screens import alerts, channels, links, operator, privacy, programs, watched
from bot.screens.errors import failure_screen
from bot.screens.layout import Screen
from bot.talk import Recent
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import BridgeError, Reply
from mtproto_bridge.protocol.replies import (
    AffiliationPage,
    Affiliations,
    ChannelPage,
    ChannelRemoved,
    Channels,
    CheckedLink,
    Forgotten,
    Operations,
    ProgramCard,
    Programs,
    RegistrationPage,
    Result,
    WatchedPage,
)

MOST_REMEMBERED = 1_000

log = structlog.get_logger()


def late_screen(texts: Texts, reply: Reply, now: datetime, us: str, *, note: str | None = None) -> Screen | None:
    """The screen for an answer, the same as in time; None for answers nobody would look at.

    `us` is our username; `note` says on a link's page what was done.
    """
    if reply.failure:
        return failure_screen(texts, reply.failure, now=now, trace=reply.trace)
    if isinstance(reply.result, AffiliationPage):
        return links.link_page(texts, reply.result, note=note)
    if isinstance(reply.result, ProgramCard):
        return programs.program_card(texts, reply.result, us)
    screen = _SCREENS.get(type(reply.result))
    return screen(texts, reply.result) if screen else None


_SCREENS: dict[type[Result] | type[None], Callable[[Texts, Any], Screen]] = {
    Affiliations: links.links_page,
    Programs: programs.programs_page,
    Channels: channels.channels_page,
    ChannelPage: channels.channel_page,
    ChannelRemoved: channels.removed,
    # Decided by an operator: who registers a channel is shown how it goes on.
    RegistrationPage: lambda texts, page: alerts.decided(texts, page.registration),
    WatchedPage: watched.watched_page,
    CheckedLink: watched.checked_link,
    Operations: operator.operations_page,
    Forgotten: privacy.forgotten,
}


def _note(reply: Reply, present: Reply) -> str | None:
    """What was done, where something was and is still so: the reply does not say what had been asked."""
    if not _acted(reply) or not isinstance(reply.result, AffiliationPage):
        return None
    done, shown = reply.result, present.result
    if done.affiliation.revoked:
        return links.after_revoke(done)
    if not isinstance(shown, AffiliationPage) or shown.affiliation.revoked:
        return None
    if shown.affiliation.id != done.affiliation.id:  # it has a successor
        return None
    unseen = shown.affiliation.url is None and not done.replaced_link
    return "link.note_joined_unseen" if unseen else links.after_join(done)


def _acted(reply: Reply) -> bool:
    """Whether something was done just now, which is told in any case."""
    if isinstance(reply.result, ChannelRemoved | Forgotten):
        return not reply.result.replayed
    return isinstance(reply.result, AffiliationPage) and reply.result.changed and not reply.result.replayed


def _without_url(reply: Reply) -> Reply:
    page = reply.result
    if not isinstance(page, AffiliationPage):
        return reply
    affiliation = page.affiliation.model_copy(update={"url": None})
    return reply.model_copy(update={"result": page.model_copy(update={"affiliation": affiliation})})


class LateReplies:
    """Shows late answers where the question was asked, one after the other."""

    def __init__(
        self,
        bot: Bot,
        languages: Languages,
        recent: Recent,
        registering: Registering,
        now: Callable[[], datetime],
    ) -> None:
        self._bot = bot
        self._languages = languages
        self._registering = registering
        self._recent = recent
        self._now = now
        self._waiting: asyncio.Queue[Reply] = asyncio.Queue()
        self._asked: deque[str] = deque(maxlen=MOST_REMEMBERED)
        """Traces of what was asked anew: an answer to that which is late itself is not asked for on and on."""

    async def receive(self, reply: Reply) -> None:
        """Take an answer over; the reader of answers must not wait until Telegram has shown it."""
        self._waiting.put_nowait(reply)

    async def work(self, bridge: BridgeClient) -> None:
        """Show answers until cancelled."""
        while True:
            reply = await self._waiting.get()
            try:
                await self.show(bridge, reply)
            except TelegramAPIError as error:  # the person blocked us, or the chat is gone
                log.info("late.not_shown", trace=reply.trace, reason=type(error).__name__)
            except Exception:
                log.exception("late.failed", trace=reply.trace)

    async def show(self, bridge: BridgeClient, reply: Reply) -> None:
        """Show one late answer."""
        origin = reply.origin
        if origin is None or (reply.failure and self._recent.is_ours(reply.trace)):
            return  # an error that replaces another error, or covers a list that came all the same, helps nobody
        covered = self._recent.is_covered(origin.chat_id, origin.message_id, reply.trace)
        if isinstance(reply.result, RegistrationPage) and reply.result.registration.person_id == reply.actor:
            place = origin.model_copy(update={"message_id": None}) if covered else origin
            self._registering.take_up(bridge, reply.result.registration, place)
            return
        if not _acted(reply) and (covered or reply.trace in self._asked):
            return
        texts = await self._languages.told(reply.actor, origin.locale)
        origin = origin.model_copy(update={"locale": texts.locale})
        present = await self._present(bridge, reply.model_copy(update={"origin": origin}))
        us = (await self._bot.me()).username or ""
        screen = late_screen(texts, present, self._now(), us, note=_note(reply, present))
        if screen is None:
            return
        log.info("late.shown", trace=reply.trace)
        await delivery.show(self._bot, origin.chat_id, None if covered else origin.message_id, screen)

    async def _present(self, bridge: BridgeClient, reply: Reply) -> Reply:
        """What is true now, where the answer is what was true once, or holds a URL that was theirs to see then."""
        asking = _asking_anew(bridge, reply)
        if asking is None:
            return reply
        self._asked.append(reply.trace)
        try:
            return reply.model_copy(update={"result": await asking})
        except BridgeError as error:
            if _acted(reply):  # that is told, whatever stands in the way of its URL
                return _without_url(reply)
            return reply.model_copy(update={"result": None, "failure": error.failure})


def _asking_anew(bridge: BridgeClient, reply: Reply) -> Awaitable[Result] | None:
    caller = Caller(actor=reply.actor, origin=reply.origin, trace=reply.trace)
    match reply.result:
        case AffiliationPage(affiliation=link) as page if page.replayed or not link.revoked:
            return bridge.show_affiliation(caller, link.balance.id, link.bot_id)
        case Affiliations(stale_accounts=[_, *_], page=page, sort=sort):
            return bridge.list_affiliations(caller, page=page, size=links.PAGE_SIZE, sort=sort)
        case ProgramCard(stale_accounts=[_, *_], program=program):
            return bridge.show_program(caller, bot_id=program.bot_id)
        case Channels(stale_accounts=[_, *_]):
            return bridge.list_channels(caller)
        case CheckedLink(stale_accounts=[_, *_], url=url):
            return bridge.check_link(caller, url)
    return None
