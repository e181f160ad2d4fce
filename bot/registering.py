"""A registration from the picked channel to a balance that earns: the bot's steps, and asking the bridge for its own.

Where it stands is kept by the bridge; whoever drives it goes on from there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from structlog.contextvars import bound_contextvars

from bot import obstacles, rights
from bot.callbacks import ContinueRegistration, RegisterChannel
from bot.languages import Languages
from bot.middlewares.talking import telling
from bot.obstacles import REFUSALS, HinderedError
from bot.rights import Obstacle
from bot.screens import registering as screens
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Origin
from mtproto_bridge.protocol.ids import RegistrationId
from mtproto_bridge.protocol.replies import UNDER_WAY, Registration, RegistrationPage
from mtproto_bridge.protocol.requests import LONGEST_TITLE
from processes.tasks import end

INVITE_LIFE = timedelta(minutes=10)
"""It is revoked as soon as it served; this is for when we are killed in between."""
MOST_STEPS = 8
"""Three each way, and something to mend on the way; what is not done then goes round in circles."""
MOST_AT_ONCE = 8
"""Registrations that go on by themselves, side by side."""
PAUSE_SECONDS = 2.0

log = structlog.get_logger()


class Registering:
    """Drives registrations, each once at a time."""

    def __init__(self, bot: Bot, languages: Languages, now: Callable[[], datetime]) -> None:
        self._bot = bot
        self._languages = languages
        self._now = now
        self._driving: set[RegistrationId] = set()
        self._taken_up: dict[RegistrationId, asyncio.Task[None]] = {}
        """What goes on by itself."""
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    # -- with the person looking ----------------------------------------------------------------------------

    async def begin(
        self, bridge: BridgeClient, talk: Talk, channel_id: int, *, title: str, username: str | None
    ) -> bool:
        """The person picked a channel (bare id); False when something there stands in the bot's way.

        Raises:
            BridgeError: as the bridge says; `talk.again` then tries the same.
        """
        talk.again = RegisterChannel(channel_id=channel_id)
        await talk.progress(screens.progress(talk.texts, title))
        page = await bridge.start_registration(talk.caller, channel_id, title=title[:LONGEST_TITLE], username=username)
        return await self.drive(bridge, talk, page)

    async def go_on(self, bridge: BridgeClient, talk: Talk, registration_id: RegistrationId) -> None:
        """Go on from where it stands.

        Raises:
            BridgeError: as the bridge says.
        """
        talk.again = ContinueRegistration(registration_id=registration_id)
        await self.drive(bridge, talk, await bridge.resume_registration(talk.caller, registration_id))

    async def drive(self, bridge: BridgeClient, talk: Talk, page: RegistrationPage) -> bool:
        """Do what is the bot's to do until it is done, or waits for somebody; False: something is in the bot's way.

        Raises:
            BridgeError: as the bridge says.
        """
        registration = page.registration
        if registration.id in self._driving:
            await talk.show(screens.elsewhere(talk.texts, registration))
            return True
        talk.again = ContinueRegistration(registration_id=registration.id)
        self._driving.add(registration.id)
        try:
            for _ in range(MOST_STEPS):
                registration = page.registration
                if registration.state not in UNDER_WAY:
                    await talk.show(screens.stands(talk.texts, page))
                    return True
                await talk.progress(screens.progress(talk.texts, registration.title, registration.state))
                page = await self._step(bridge, talk.caller, registration)
        except HinderedError as hindered:
            obstacle = hindered.obstacle
            log.info("registration.hindered", kind=obstacle.kind, missing=obstacle.missing)
            link = rights.startchannel_link(await talk.us())
            await talk.show(screens.hindered(talk.texts, registration, obstacle, link))
            return False
        finally:
            self._driving.discard(registration.id)
        raise BridgeError(Failure(code=ErrorCode.RIGHTS_MISSING, balance_title=registration.title))

    # -- by themselves --------------------------------------------------------------------------------------

    def take_up(self, bridge: BridgeClient, registration: Registration, origin: Origin | None = None) -> None:
        """Go on with a registration that nobody is looking after, and show it in its origin."""
        number = registration.id
        if number in self._driving or number in self._taken_up:
            return
        place = origin or registration.origin or Origin(chat_id=registration.person_id)
        caller = Caller(actor=registration.person_id, origin=place)
        task = self._taken_up[number] = asyncio.create_task(self._take_up(bridge, caller, number))
        task.add_done_callback(lambda _: self._taken_up.pop(number))

    async def _take_up(self, bridge: BridgeClient, caller: Caller, registration_id: RegistrationId) -> None:
        place = caller.origin or Origin(chat_id=caller.actor)
        texts = await self._languages.told(caller.actor, place.locale)
        caller = replace(caller, origin=place.model_copy(update={"locale": texts.locale}))
        talk = Talk(self._bot, texts, caller)
        talk.again = ContinueRegistration(registration_id=registration_id)
        with bound_contextvars(trace=caller.trace):
            async with self._room, telling(talk, self._now):
                page = await bridge.resume_registration(talk.caller, registration_id, by_itself=True)
                if registration_id not in self._driving:  # the person has not gone on with it meanwhile
                    await self.drive(bridge, talk, page)

    async def take_up_all(self, bridge: BridgeClient) -> None:
        """After a start: go on with what was under way, as soon as the bridge can say what that is.

        In new messages: an old one may have been used for something else since.
        """
        nobody = Caller(actor=self._bot.id)
        while True:
            try:
                found = await bridge.list_open_registrations(nobody)
                break
            except BridgeError as error:
                log.warning("registrations.not_listed", code=error.code)
                if error.code is ErrorCode.UNSUPPORTED:  # by an older bridge
                    return
            await asyncio.sleep(PAUSE_SECONDS)
        for registration in found.registrations:
            if registration.state in UNDER_WAY:
                place = registration.origin or Origin(chat_id=registration.person_id)
                self.take_up(bridge, registration, place.model_copy(update={"message_id": None}))

    async def finish(self, within: timedelta) -> None:
        """Wait for what goes on by itself, but not for ever; it goes on after the next start."""
        if self._taken_up:
            _, left = await asyncio.wait(list(self._taken_up.values()), timeout=within.total_seconds())
            await end(*left)

    # -- the steps ------------------------------------------------------------------------------------------

    async def _step(self, bridge: BridgeClient, caller: Caller, registration: Registration) -> RegistrationPage:
        """One step further. What the bot may not do, somebody may have done by hand: the bridge looks in any case.

        Raises:
            HinderedError: the bot may not, and nobody has.
        """
        obstacle = invite = None
        match registration.state:
            case "picked":
                invite, obstacle = await self._invite(rights.chat_id(registration.channel_id))
            case "joined":
                obstacle = await self._promote(registration)
        try:
            page = await bridge.advance_registration(caller, registration, invite=invite)
        finally:
            if invite:
                await self._revoke(rights.chat_id(registration.channel_id), invite)
        if obstacle and page.registration.state == registration.state:
            raise HinderedError(obstacle)
        return page

    async def _invite(self, chat_id: int) -> tuple[str | None, Obstacle | None]:
        """An invite link for one, or why there is none."""
        until = self._now() + INVITE_LIFE
        try:
            made = await self._bot.create_chat_invite_link(chat_id, expire_date=until, member_limit=1)
        except REFUSALS as error:
            obstacle = await obstacles.own_place(self._bot, chat_id)
            if obstacle is None:
                raise BridgeError(Failure(code=ErrorCode.TELEGRAM, telegram_message=error.message)) from error
            return None, obstacle
        return made.invite_link, None

    async def _revoke(self, chat_id: int, invite: str) -> None:
        """As soon as it served, and when it did not."""
        try:
            await self._bot.revoke_chat_invite_link(chat_id, invite)
        except TelegramAPIError as error:  # it is used up, or dies of age
            log.info("invite.not_revoked", reason=type(error).__name__)

    async def _promote(self, registration: Registration) -> Obstacle | None:
        """Give the account the right to post and no other, or say why not."""
        if registration.account is None:
            raise BridgeError(ErrorCode.REGISTRATION_GONE)
        chat_id = rights.chat_id(registration.channel_id)
        try:
            await self._bot.promote_chat_member(chat_id, registration.account.id, can_post_messages=True)
        except REFUSALS as error:
            return await obstacles.own_place(self._bot, chat_id) or obstacles.about_account(error)
        return None
