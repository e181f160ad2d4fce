"""/start with its deep links, /help, /cancel."""

import re

from aiogram import Bot, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import menus
from bot.callbacks import Menu, OpenChannel, OpenProgram
from bot.conversations.channels import open_channel
from bot.conversations.programs import open_card
from bot.languages import Languages
from bot.screens import menu
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol.ids import BalanceId, BotId

# `j_<bot id>` opens a program's card, `b_<balance id>` a channel. No payload of ours may begin with `_tgr_`, which is
# Telegram's.
_PAYLOAD = re.compile(r"([jb])_([1-9][0-9]{0,17})", re.ASCII)


async def start(
    _: Message, command: CommandObject, talk: Talk, bridge: BridgeClient, languages: Languages, bot: Bot
) -> None:
    """/start, or a link t.me/<us>?start=j_<bot id> or b_<balance id>."""
    payload = _PAYLOAD.fullmatch(command.args or "")
    if payload is None:
        await talk.show(menu.start(talk.texts))
        if await languages.chosen(talk.caller.actor):  # they have a menu of their own, maybe of an earlier version
            await menus.follow(bot, talk.caller.actor, talk.texts)
        return
    number = int(payload[2])
    if payload[1] == "j":
        talk.again = OpenProgram(bot_id=BotId(number))
        await talk.working()
        await open_card(talk, bridge, bot_id=BotId(number))
    else:
        talk.again = OpenChannel(balance_id=BalanceId(number))
        await talk.working()
        await open_channel(talk, bridge, BalanceId(number))


async def help_page(_: Message, talk: Talk) -> None:
    """/help."""
    await talk.show(menu.help_page(talk.texts))


async def cancel(_: Message, talk: Talk, raw_state: str | None = None) -> None:
    """/cancel: the question itself is left by the command's being one."""
    await talk.show(menu.cancelled(talk.texts, something=raw_state is not None))


async def choose(_: CallbackQuery, callback_data: Menu, talk: Talk) -> None:
    """A button of the menu."""
    await talk.show(menu.help_page(talk.texts) if callback_data.to == "help" else menu.start(talk.texts))


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="menu")
    found.message.register(start, Command("start"))
    found.message.register(help_page, Command("help"))
    found.message.register(cancel, Command("cancel"))
    found.callback_query.register(choose, Menu.filter())
    return found
