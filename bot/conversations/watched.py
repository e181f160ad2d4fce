"""My own balance: joining in Telegram itself, pasting the link here, and having it watched."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from bot.callbacks import (
    CheckReferral,
    ForgetWatched,
    KeepReferral,
    LinksPage,
    OpenWatched,
    OwnBalance,
    WatchedExtra,
    WatchedLinks,
)
from bot.conversations.links import show_page
from bot.conversations.sharing import say_extra
from bot.screens import links, programs, watched
from bot.screens.layout import Screen
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.links import ReferralLink, referral_in
from mtproto_bridge.protocol.requests import LONGEST_URL

PAGE_OUT_OF_REACH = frozenset(
    {ErrorCode.RIGHTS_MISSING, ErrorCode.BALANCE_UNREACHABLE, ErrorCode.FROZEN, ErrorCode.ACCOUNT_UNAVAILABLE}
)
"""Why a link's page cannot be had, although the link itself can be looked at as anybody may."""


class Pasting(StatesGroup):
    """Questions this conversation waits for an answer to."""

    link = State()


class Checking(StatesGroup):
    """The question of /check."""

    link = State()


async def own_balance(
    _: CallbackQuery, callback_data: OwnBalance, talk: Talk, bridge: BridgeClient, state: FSMContext
) -> None:
    """My own balance, in the choice of one."""
    card = await bridge.show_program(talk.caller, bot_id=callback_data.bot_id)
    if card.program.end_date:
        await talk.show(programs.program_card(talk.texts, card, await talk.us(), note="join.note_closing"))
        return
    await state.set_state(Pasting.link)
    await talk.show(watched.own_balance(talk.texts, card.program))


async def pasted(message: Message, talk: Talk, bridge: BridgeClient, state: FSMContext) -> None:
    """The answer to the question. Which prefixes mark a referral link, the bridge knows for sure."""
    text = message.text or ""
    link = referral_in(text)
    talk.again = watched.check_button_data(link) if link else None
    await talk.working()
    try:
        screen = await _keep(talk, bridge, link.url if link else text[:LONGEST_URL])
    except BridgeError as error:
        if error.code is not ErrorCode.NO_SUCH_LINK:
            await state.clear()
            raise
        await talk.show(watched.not_understood(talk.texts))
        return
    await state.clear()
    await talk.show(screen)


async def keep(_: CallbackQuery, callback_data: KeepReferral, talk: Talk, bridge: BridgeClient) -> None:
    """Keep it under My links, on the page of a checked link."""
    await talk.show(await _keep(talk, bridge, f"https://t.me/{callback_data.username}?ref={callback_data.token}"))


async def _keep(talk: Talk, bridge: BridgeClient, url: str) -> Screen:
    try:
        found = await bridge.watch_link(talk.caller, url)
    except BridgeError as error:
        return await _own_page(talk, bridge, error, url)
    return watched.watched_page(talk.texts, found, note="watched.note_kept" if found.new else "watched.note_known")


async def check_again(_: CallbackQuery, callback_data: CheckReferral, talk: Talk, bridge: BridgeClient) -> None:
    """Try a check again."""
    await check(talk, bridge, ReferralLink(callback_data.username, callback_data.token).url)


async def check_command(
    _: Message, command: CommandObject, talk: Talk, bridge: BridgeClient, state: FSMContext
) -> None:
    """/check with a link, or /check alone."""
    if command.args is None:
        await ask_for_link(talk, state)
    else:
        await _check_words(command.args, talk, bridge, state)


async def ask_for_link(talk: Talk, state: FSMContext, *, not_understood: bool = False) -> None:
    """Ask which link to check."""
    await state.set_state(Checking.link)
    await talk.show(watched.ask_for_link(talk.texts, not_understood=not_understood))


async def told(message: Message, talk: Talk, bridge: BridgeClient, state: FSMContext) -> None:
    """The answer to the question."""
    await _check_words(message.text or "", talk, bridge, state)


async def _check_words(text: str, talk: Talk, bridge: BridgeClient, state: FSMContext) -> None:
    await state.clear()
    try:
        await check(talk, bridge, text)
    except BridgeError as error:
        if error.code is not ErrorCode.NO_SUCH_LINK:
            raise
        await ask_for_link(talk, state, not_understood=True)


async def check(talk: Talk, bridge: BridgeClient, text: str) -> None:
    """Is the referral link in a text alive, whose program is it, and is it theirs?"""
    link = referral_in(text)
    url = link.url if link else text[:LONGEST_URL]  # only the bridge knows all prefixes of such links
    talk.again = watched.check_button_data(link) if link else None
    await talk.working()
    try:
        screen = await _checked(talk, bridge, url)
    except BridgeError as error:
        if error.code is not ErrorCode.NOT_A_MANAGER:
            raise
        screen = await _checked(talk, bridge, url)  # theirs once: by now the bridge knows that it is so no more
    await talk.show(screen)


async def _checked(talk: Talk, bridge: BridgeClient, url: str) -> Screen:
    """Theirs or a watched one: its page. Else what is found."""
    try:
        found = await bridge.check_link(talk.caller, url)
    except BridgeError as error:
        return await _own_page(talk, bridge, error, url)
    if found.watched_id is None:
        return watched.checked_link(talk.texts, found)
    return watched.watched_page(talk.texts, await bridge.show_watched(talk.caller, found.watched_id))


async def _own_page(talk: Talk, bridge: BridgeClient, error: BridgeError, url: str) -> Screen:
    """A link of one of the person's own balances has a page that says more; any other failure stays one."""
    own = error.failure
    if own.code is not ErrorCode.LINK_IS_YOURS or own.balance_id is None or own.bot_id is None:
        raise error
    try:
        found = await bridge.show_affiliation(talk.caller, own.balance_id, own.bot_id)
    except BridgeError as gone:
        if gone.code in PAGE_OUT_OF_REACH:
            return watched.checked_link(talk.texts, await bridge.check_link(talk.caller, url, own_too=True))
        if gone.code is not ErrorCode.NOT_JOINED:
            raise
        raise BridgeError(ErrorCode.LINK_EXPIRED) from gone  # we remember it, Telegram does not
    return links.link_page(talk.texts, found)


async def old_list(_: CallbackQuery, talk: Talk, bridge: BridgeClient) -> None:
    """Watched links were a list of their own once; now they are among all links."""
    await show_page(talk, bridge, LinksPage())


async def show(_: CallbackQuery, callback_data: OpenWatched, talk: Talk, bridge: BridgeClient) -> None:
    """One watched link; also Check again."""
    found = await bridge.show_watched(talk.caller, callback_data.watched_id)
    back = LinksPage(page=callback_data.page, order=callback_data.order)
    await talk.show(watched.watched_page(talk.texts, found, back=back))


async def forget(_: CallbackQuery, callback_data: ForgetWatched, talk: Talk, bridge: BridgeClient) -> None:
    """Forget, which only this bot does: the link itself stays as it is."""
    await bridge.unwatch_link(talk.caller, callback_data.watched_id)
    back = LinksPage(page=callback_data.page, order=callback_data.order)
    await show_page(talk, bridge, back, note="watched.note_forgotten")


async def extra(_: CallbackQuery, callback_data: WatchedExtra, talk: Talk, bridge: BridgeClient) -> None:
    """The QR code or the post, if the link is still alive."""
    talk.again = OpenWatched(watched_id=callback_data.watched_id)
    found = await bridge.show_watched(talk.caller, callback_data.watched_id)
    link = found.watched
    if link.alive:
        await say_extra(talk, callback_data.what, link.bot_title, link.url)
    else:
        await talk.show(watched.watched_page(talk.texts, found))


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="watched")
    found.message.register(pasted, StateFilter(Pasting.link), F.text, ~F.text.startswith("/"))
    found.message.register(check_command, Command("check"))
    found.message.register(told, StateFilter(Checking.link), F.text, ~F.text.startswith("/"))
    found.callback_query.register(own_balance, OwnBalance.filter())
    found.callback_query.register(keep, KeepReferral.filter())
    found.callback_query.register(check_again, CheckReferral.filter())
    found.callback_query.register(old_list, WatchedLinks.filter())
    found.callback_query.register(show, OpenWatched.filter())
    found.callback_query.register(forget, ForgetWatched.filter())
    found.callback_query.register(extra, WatchedExtra.filter())
    return found
