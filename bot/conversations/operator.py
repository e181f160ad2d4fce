"""/operator, /ban and /unban, for the operators. To anybody else they are commands we do not have.

Who is an operator the bridge knows; it is asked before anything is answered.
"""

import re

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import Ban, OperatorPage
from bot.screens import menu, operator
from bot.screens.layout import Screen
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import BridgeError, ErrorCode

_PERSON = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


async def command(_: Message, talk: Talk, bridge: BridgeClient) -> None:
    """/operator."""
    await talk.show(await _operations(talk, bridge))


async def turn(_: CallbackQuery, callback_data: OperatorPage, talk: Talk, bridge: BridgeClient) -> None:
    """Refresh, and ◀ ▶ through the accounts."""
    await talk.show(await _operations(talk, bridge, page=callback_data.page))


async def ban(_: Message, command: CommandObject, talk: Talk, bridge: BridgeClient) -> None:
    """/ban 123 and /unban 123, by Telegram user id."""
    person = _PERSON.fullmatch((command.args or "").strip())
    if person is None:
        await talk.show(await _operations(talk, bridge, note="operator.note_which"))
    else:
        await talk.show(await _ban(talk, bridge, int(person[0]), banned=command.command == "ban"))


async def unban(_: CallbackQuery, callback_data: Ban, talk: Talk, bridge: BridgeClient) -> None:
    """Unban, in the list of the banned."""
    await talk.show(await _ban(talk, bridge, callback_data.person_id, banned=callback_data.banned))


async def _operations(talk: Talk, bridge: BridgeClient, *, note: str | None = None, page: int = 0) -> Screen:
    try:
        found = await bridge.show_operations(talk.caller)
    except BridgeError as error:
        return _for_others(talk, error)
    return operator.operations_page(talk.texts, found, note=note, page=page)


async def _ban(talk: Talk, bridge: BridgeClient, person: int, *, banned: bool) -> Screen:
    try:
        found = await bridge.ban_person(talk.caller, person, banned=banned)
    except BridgeError as error:
        return _for_others(talk, error)
    note = "operator.note_banned" if banned else "operator.note_unbanned"
    return operator.operations_page(talk.texts, found, note=note)


def _for_others(talk: Talk, error: BridgeError) -> Screen:
    if error.code is not ErrorCode.NOT_AN_OPERATOR:
        raise error
    return menu.unknown_command(talk.texts)


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="operator")
    found.message.register(command, Command("operator"))
    found.message.register(ban, Command("ban", "unban"))
    found.callback_query.register(turn, OperatorPage.filter())
    found.callback_query.register(unban, Ban.filter())
    return found
