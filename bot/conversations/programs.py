"""/programs and a program's card."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.callbacks import FindProgram, OpenProgram, ProgramsPage
from bot.screens import programs
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol.ids import BotId


async def command(_: Message, talk: Talk, bridge: BridgeClient) -> None:
    """/programs."""
    talk.again = ProgramsPage()
    await talk.working()
    await _show_page(talk, bridge, 0)


async def turn(_: CallbackQuery, callback_data: ProgramsPage, talk: Talk, bridge: BridgeClient) -> None:
    """◀ ▶, or the button that opens the list."""
    await _show_page(talk, bridge, callback_data.page)


async def card(_: CallbackQuery, callback_data: OpenProgram, talk: Talk, bridge: BridgeClient) -> None:
    """A program of the list."""
    await open_card(talk, bridge, bot_id=callback_data.bot_id)


async def find(_: CallbackQuery, callback_data: FindProgram, talk: Talk, bridge: BridgeClient) -> None:
    """Try a search by username again."""
    await open_card(talk, bridge, username=callback_data.username)


async def open_card(
    talk: Talk, bridge: BridgeClient, *, username: str | None = None, bot_id: BotId | None = None
) -> None:
    """Show the card of a program named by one of the two."""
    found = await bridge.show_program(talk.caller, username=username, bot_id=bot_id)
    await talk.show(programs.program_card(talk.texts, found))


async def _show_page(talk: Talk, bridge: BridgeClient, page: int) -> None:
    found = await bridge.browse_programs(talk.caller, page=page, size=programs.PAGE_SIZE)
    if not found.programs and page > 0 and found.pages > 0:  # the list became shorter: its last page, then
        found = await bridge.browse_programs(talk.caller, page=min(page, found.pages) - 1, size=programs.PAGE_SIZE)
    await talk.show(programs.programs_page(talk.texts, found))


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="programs")
    found.message.register(command, Command("programs"))
    found.callback_query.register(turn, ProgramsPage.filter())
    found.callback_query.register(card, OpenProgram.filter())
    found.callback_query.register(find, FindProgram.filter())
    return found
