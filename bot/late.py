"""Answers that come when nobody waits for them any more: after a restart, or after the patience ran out."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot import delivery
from bot.i18n import Texts, Translations
from bot.screens import links, programs
from bot.screens.errors import failure_screen
from bot.screens.layout import Screen
from bot.talk import Recent
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import BridgeError, Reply
from mtproto_bridge.protocol.replies import AffiliationPage, Affiliations, ProgramCard, Programs

log = structlog.get_logger()


def late_screen(texts: Texts, reply: Reply, now: datetime) -> Screen | None:
    """The screen for an answer, the same as in time; None for answers nobody would look at."""
    if reply.failure:
        return failure_screen(texts, reply.failure, now=now, trace=reply.trace)
    match reply.result:
        case AffiliationPage() as page:
            return links.link_page(texts, page, note=_note(page))
        case Affiliations() as found:
            return links.links_page(texts, found)
        case Programs() as found:
            return programs.programs_page(texts, found)
        case ProgramCard() as card:
            return programs.program_card(texts, card)
    return None


def _note(page: AffiliationPage) -> str | None:
    """What was done, where something was: the reply does not say what had been asked."""
    if page.replayed or not page.changed:
        return None
    return links.after_revoke(page) if page.affiliation.revoked else links.after_join(page)


class LateReplies:
    """Shows late answers where the question was asked, one after the other."""

    def __init__(self, bot: Bot, translations: Translations, recent: Recent, now: Callable[[], datetime]) -> None:
        self._bot = bot
        self._translations = translations
        self._recent = recent
        self._now = now
        self._waiting: asyncio.Queue[Reply] = asyncio.Queue()

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
        acted = isinstance(reply.result, AffiliationPage) and reply.result.changed
        if covered and not acted:
            return
        reply = await self._present(bridge, reply)
        screen = late_screen(self._translations.texts(origin.locale), reply, self._now())
        if screen is None:
            return
        log.info("late.shown", trace=reply.trace)
        await delivery.show(self._bot, origin.chat_id, None if covered else origin.message_id, screen)

    async def _present(self, bridge: BridgeClient, reply: Reply) -> Reply:
        """A replayed or stale result is what was true once: ask what is true now."""
        caller = Caller(actor=reply.actor, origin=reply.origin, trace=reply.trace)
        now: AffiliationPage | Affiliations | ProgramCard
        try:
            match reply.result:
                case AffiliationPage(replayed=True, affiliation=link):
                    now = await bridge.show_affiliation(caller, link.balance.id, link.bot_id)
                case Affiliations(stale_accounts=[_, *_], page=page):
                    now = await bridge.list_affiliations(caller, page=page, size=links.PAGE_SIZE)
                case ProgramCard(stale_accounts=[_, *_], program=program):
                    now = await bridge.show_program(caller, bot_id=program.bot_id)
                case _:
                    return reply
        except BridgeError as error:
            return reply.model_copy(update={"result": None, "failure": error.failure})
        return reply.model_copy(update={"result": now})
