"""/join: which program, which balance, the terms, the confirmation, the link."""

from collections.abc import Callable
from datetime import datetime

from aiogram import F, Router
from aiogram.filters import Command, CommandObject, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from bot.callbacks import AcceptTerms, AskJoin, ChooseBalance, ConfirmJoin, FindProgram, OpenLink
from bot.conversations.programs import open_card
from bot.references import username_in
from bot.screens import join, links, programs
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Nonce
from mtproto_bridge.protocol.replies import AffiliationPage

Now = Callable[[], datetime]

OLD_BUTTON_NOTES = {
    ErrorCode.CONFIRMATION_EXPIRED: "join.note_expired",
    ErrorCode.CONFIRMATION_CHANGED: "join.note_changed",
    ErrorCode.TERMS_NOT_ACCEPTED: None,
}
"""Refusals of a confirmation that is out of date: what takes its place, and what is said above it."""


class Asking(StatesGroup):
    """Questions this conversation waits for an answer to."""

    program = State()


async def command(_: Message, command: CommandObject, talk: Talk, bridge: BridgeClient, state: FSMContext) -> None:
    """/join @bot, /join with a link, or /join alone."""
    if command.args is None:
        await state.set_state(Asking.program)
        await talk.show(join.ask_for_program(talk.texts))
    else:
        await _look_up(command.args, talk, bridge, state)


async def told(message: Message, talk: Talk, bridge: BridgeClient, state: FSMContext) -> None:
    """The answer to the question."""
    await _look_up(message.text or "", talk, bridge, state)


async def _look_up(reference: str, talk: Talk, bridge: BridgeClient, state: FSMContext) -> None:
    username = username_in(reference)
    if username is None:
        await state.set_state(Asking.program)
        await talk.show(join.ask_for_program(talk.texts, not_understood=True))
        return
    await state.clear()
    talk.again = FindProgram(username=username)
    await talk.working()
    await open_card(talk, bridge, username=username)


async def choose(_: CallbackQuery, callback_data: ChooseBalance, talk: Talk, bridge: BridgeClient) -> None:
    """Join on the card: with one balance there is nothing to choose."""
    card = await bridge.show_program(talk.caller, bot_id=callback_data.bot_id)
    if card.program.end_date:
        await talk.show(programs.program_card(talk.texts, card, await talk.us(), note="join.note_closing"))
    else:
        await talk.show(join.choose_balance(talk.texts, card, callback_data.page))


async def ask(_: CallbackQuery, callback_data: AskJoin, talk: Talk, bridge: BridgeClient, now: Now) -> None:
    """A balance is chosen, or a revoked link is to be had again."""
    await _ask(talk, bridge, now, callback_data)


async def _ask(talk: Talk, bridge: BridgeClient, now: Now, wanted: AskJoin, *, note: str | None = None) -> None:
    """Draw the confirmation from what is true now, before the first one the terms, or show the link there is."""
    card = await bridge.show_program(talk.caller, bot_id=wanted.bot_id)
    balance = programs.find(card.balances, wanted.balance_id)
    if balance is None:
        raise BridgeError(ErrorCode.NOT_A_MANAGER)
    alive = await _live_link(talk, bridge, wanted) if balance.joined else None
    if alive:
        await talk.show(links.link_page(talk.texts, alive, note=note or links.after_join(alive)))
    elif card.program.end_date:
        await talk.show(programs.program_card(talk.texts, card, await talk.us(), note="join.note_closing"))
    elif not balance.may_connect:
        raise BridgeError(Failure(code=ErrorCode.CONNECT_NOT_ALLOWED, balance_title=balance.title))
    elif not card.terms_accepted:
        await talk.show(join.terms(talk.texts, card, balance))
    else:
        await talk.show(join.confirm_join(talk.texts, card, balance, Nonce.mint(now()), note=note))


async def _live_link(talk: Talk, bridge: BridgeClient, wanted: AskJoin) -> AffiliationPage | None:
    """The link of a balance that is said to have one: that may be a minute old, and it revoked since."""
    try:
        found = await bridge.show_affiliation(talk.caller, wanted.balance_id, wanted.bot_id)
    except BridgeError as error:
        if error.code is ErrorCode.NOT_JOINED:
            return None
        raise
    return None if found.affiliation.revoked else found


async def accept(_: CallbackQuery, callback_data: AcceptTerms, talk: Talk, bridge: BridgeClient, now: Now) -> None:
    """Accept on the terms; a text that changed since is shown anew."""
    await bridge.accept_terms(talk.caller, callback_data.version)
    await _ask(talk, bridge, now, AskJoin(balance_id=callback_data.balance_id, bot_id=callback_data.bot_id))


async def confirm(_: CallbackQuery, callback_data: ConfirmJoin, talk: Talk, bridge: BridgeClient, now: Now) -> None:
    """The confirmation's button: the one place that joins."""
    balance_id, bot_id = callback_data.balance_id, callback_data.bot_id
    anew = AskJoin(balance_id=balance_id, bot_id=bot_id)
    talk.again = anew
    joining = bridge.join(talk.caller, balance_id, bot_id, callback_data.nonce)
    try:
        found = await talk.meanwhile(join.joining(talk.texts), joining)
    except BridgeError as error:
        if error.code is ErrorCode.NO_ANSWER:  # it may have been done: look, do not ask again
            talk.again = OpenLink(balance_id=balance_id, bot_id=bot_id)
        if error.code not in OLD_BUTTON_NOTES:
            raise
        await _ask(talk, bridge, now, anew, note=OLD_BUTTON_NOTES[error.code])
        return
    note: str | None = links.after_join(found)
    if found.replayed:  # a second tap: what was true after the first may not be so any more
        found, note = await bridge.show_affiliation(talk.caller, balance_id, bot_id), None
    await talk.show(links.link_page(talk.texts, found, note=note))


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="join")
    found.message.register(command, Command("join"))
    found.message.register(told, StateFilter(Asking.program), F.text, ~F.text.startswith("/"))
    found.callback_query.register(choose, ChooseBalance.filter())
    found.callback_query.register(ask, AskJoin.filter())
    found.callback_query.register(accept, AcceptTerms.filter())
    found.callback_query.register(confirm, ConfirmJoin.filter())
    return found
