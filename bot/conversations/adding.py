"""Add my channel: the picker, what comes of it, going on with what was begun, and the operator's word on it."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import structlog
from aiogram import Bot, F, Router
from aiogram.enums import ChatMemberStatus, ChatType
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Chat, ChatMemberUpdated, ChatShared, Message

from bot import rights
from bot.callbacks import AddChannel, ContinueRegistration, Decide, RegisterChannel
from bot.i18n import Texts
from bot.obstacles import REFUSALS
from bot.registering import Registering
from bot.screens import alerts
from bot.screens import registering as screens
from bot.screens.layout import Screen
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient

MOST_REMEMBERED = 10_000
TOLD_WITHIN = timedelta(seconds=30)

log = structlog.get_logger()


class Picking(StatesGroup):
    """What this conversation waits for."""

    channel = State()


class Tidings:
    """One tap in the picker is told twice: the shared channel, and the bot's new place there. The first one acts."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._first: OrderedDict[tuple[int, int], tuple[str, datetime]] = OrderedDict()

    def is_second(self, person: int, channel_id: int, kind: Literal["shared", "added"]) -> bool:
        """Whether the other kind of it came just before."""
        first = self._first.pop((person, channel_id), None)
        if first and first[0] != kind and self._now() - first[1] < TOLD_WITHIN:
            return True
        self._first[person, channel_id] = (kind, self._now())
        if len(self._first) > MOST_REMEMBERED:
            self._first.popitem(last=False)
        return False

    def forget(self, person: int, channel_id: int) -> None:
        """Nothing came of the first: whatever comes next acts."""
        self._first.pop((person, channel_id), None)


# -- the picker -----------------------------------------------------------------------------------------------


async def add(_: CallbackQuery, talk: Talk, state: FSMContext) -> None:
    """Add my channel."""
    await _pick(talk, state)


async def _pick(talk: Talk, state: FSMContext) -> None:
    await state.set_state(Picking.channel)
    await talk.say(screens.pick(talk.texts, rights.startchannel_link(await talk.us())))


async def says_cancel(message: Message, texts: Texts) -> bool:
    """Whether the picker's other button was pressed, which says its own words."""
    return message.text == texts.plain("register.cancel_button")


async def cancel(_: Message, talk: Talk, state: FSMContext) -> None:
    """The picker's Cancel, or /cancel while it is shown."""
    await state.clear()
    await talk.say(screens.not_picked(talk.texts))


# -- a channel is there ---------------------------------------------------------------------------------------


async def _begin(  # noqa: PLR0913 - what it needs
    talk: Talk,
    bridge: BridgeClient,
    registering: Registering,
    tidings: Tidings,
    channel_id: int,
    about: Chat | ChatShared,
) -> None:
    """Register what was picked; when nothing comes of it, the other telling of the same tap acts."""
    title, begun = about.title or about.username or str(channel_id), False
    try:
        if await _can_be_told(talk, screens.picked(talk.texts, title)):
            begun = await registering.begin(bridge, talk, channel_id, title=title, username=about.username)
    finally:
        if not begun:
            tidings.forget(talk.caller.actor, channel_id)


async def _can_be_told(talk: Talk, screen: Screen) -> bool:
    try:
        await talk.say(screen)
    except TelegramBadRequest:  # who never wrote to the bot cannot be asked anything
        log.info("person.unreachable")
        return False
    return True


async def shared(  # noqa: PLR0913 - aiogram fills in what each needs
    message: Message, talk: Talk, bridge: BridgeClient, registering: Registering, tidings: Tidings, state: FSMContext
) -> None:
    """A channel was picked, on whichever device."""
    if message.chat_shared is None:
        return
    await state.clear()
    picked = message.chat_shared
    channel_id = rights.channel_id(picked.chat_id)
    if not tidings.is_second(talk.caller.actor, channel_id, "shared"):
        await _begin(talk, bridge, registering, tidings, channel_id, picked)


def gives_place(update: ChatMemberUpdated) -> bool:
    """Whether somebody made the bot an admin of a channel, or gave it the rights it lacked there."""
    if update.chat.type != ChatType.CHANNEL or update.new_chat_member.status != ChatMemberStatus.ADMINISTRATOR:
        return False
    before, after = rights.missing(update.old_chat_member), rights.missing(update.new_chat_member)
    return update.old_chat_member.status != ChatMemberStatus.ADMINISTRATOR or (bool(before) and not after)


async def added(
    update: ChatMemberUpdated, talk: Talk, bridge: BridgeClient, registering: Registering, tidings: Tidings
) -> None:
    """The bot was added to a channel: by the picker, by the link for old apps, or by hand."""
    channel_id = rights.channel_id(update.chat.id)
    if not tidings.is_second(talk.caller.actor, channel_id, "added"):
        await _begin(talk, bridge, registering, tidings, channel_id, update.chat)


# -- going on -------------------------------------------------------------------------------------------------


async def go_on(
    _: CallbackQuery, callback_data: ContinueRegistration, talk: Talk, bridge: BridgeClient, registering: Registering
) -> None:
    """Continue, Try again, Refresh."""
    await registering.go_on(bridge, talk, callback_data.registration_id)


async def register(  # noqa: PLR0913 - as above
    _: CallbackQuery,
    callback_data: RegisterChannel,
    talk: Talk,
    bridge: BridgeClient,
    bot: Bot,
    registering: Registering,
    state: FSMContext,
) -> None:
    """Register a channel once more; where the bot is not in it, the picker brings it in."""
    chat = await _channel_of(bot, callback_data.channel_id, talk.caller.actor)
    if chat is None:
        await _pick(talk, state)
    else:
        title = chat.title or chat.username or str(callback_data.channel_id)
        await registering.begin(bridge, talk, callback_data.channel_id, title=title, username=chat.username)


async def _channel_of(bot: Bot, channel_id: int, person: int) -> Chat | None:
    """A channel the bot is in, where the person is an admin: the button's data may be forged."""
    chat_id = rights.chat_id(channel_id)
    try:
        member = await bot.get_chat_member(chat_id, person)
        admin = member.status in (ChatMemberStatus.CREATOR, ChatMemberStatus.ADMINISTRATOR)
        return await bot.get_chat(chat_id) if admin else None
    except REFUSALS:
        return None


async def decide(_: CallbackQuery, callback_data: Decide, talk: Talk, bridge: BridgeClient) -> None:
    """The operator's word; what another operator said before stays."""
    decided = await bridge.decide_registration(
        talk.caller, callback_data.registration_id, approve=callback_data.approve
    )
    await talk.show(alerts.decided(talk.texts, decided.registration))


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="adding")
    found.message.register(shared, F.chat_shared)
    found.message.register(cancel, says_cancel)
    found.message.register(cancel, Command("cancel"), StateFilter(Picking.channel))
    found.my_chat_member.register(added, gives_place)
    found.callback_query.register(add, AddChannel.filter())
    found.callback_query.register(go_on, ContinueRegistration.filter())
    found.callback_query.register(register, RegisterChannel.filter())
    found.callback_query.register(decide, Decide.filter())
    return found
