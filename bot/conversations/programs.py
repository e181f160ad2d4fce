"""/programs, searching them, and a program's card."""

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from bot.callbacks import FindProgram, OpenProgram, ProgramsPage, SearchPrograms
from bot.screens import programs
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.protocol.replies import Programs

_WITHIN = "within"


class Searching(StatesGroup):
    """What this conversation waits for: words, which `bot.conversations.words` takes as it takes any."""

    words = State()


async def command(_: Message, command: CommandObject, talk: Talk, bridge: BridgeClient) -> None:
    """/programs, or /programs with words to search for."""
    await search(talk, bridge, ProgramsPage(words=command.args or ""))


async def search(talk: Talk, bridge: BridgeClient, wanted: ProgramsPage) -> None:
    """Answer what was written with a list."""
    talk.again = wanted
    await talk.working()
    await _show_page(talk, bridge, wanted)


async def ask(_: CallbackQuery, callback_data: SearchPrograms, talk: Talk, state: FSMContext) -> None:
    """Search: the list's order and filters hold for the words that come."""
    here = ProgramsPage.model_validate(callback_data.model_dump())
    await state.set_data({_WITHIN: here.pack()})  # first: whoever finds the question open finds what it is about
    await state.set_state(Searching.words)
    await talk.show(programs.ask_for_words(talk.texts, here))


async def within(state: FSMContext) -> ProgramsPage:
    """The list that words are searched in, which closes the question: all programs where none was asked."""
    if await state.get_state() != Searching.words.state:
        return ProgramsPage()
    kept = (await state.get_data()).get(_WITHIN)
    await state.clear()
    return ProgramsPage.unpack(kept) if kept else ProgramsPage()  # another device answered it at this moment


async def turn(_: CallbackQuery, callback_data: ProgramsPage, talk: Talk, bridge: BridgeClient) -> None:
    """◀ ▶, another order or filter, or the button that opens the list."""
    await _show_page(talk, bridge, callback_data)


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
    await talk.show(programs.program_card(talk.texts, found, await talk.us()))


async def _show_page(talk: Talk, bridge: BridgeClient, wanted: ProgramsPage) -> None:
    found = await _browse(talk, bridge, wanted, wanted.page, wanted.crawl)
    renewed = wanted.crawl not in (0, found.crawl)
    if wanted.page and (renewed or not found.programs):  # page 3 of another reading would repeat some, and skip others
        found = await _browse(talk, bridge, wanted, 0, found.crawl)
    await talk.show(programs.programs_page(talk.texts, found, note="programs.note_renewed" if renewed else None))


async def _browse(talk: Talk, bridge: BridgeClient, wanted: ProgramsPage, page: int, crawl: int) -> Programs:
    return await bridge.browse_programs(
        talk.caller,
        page=page,
        size=programs.PAGE_SIZE,
        sort=wanted.sort,
        min_permille=wanted.min_permille,
        forever=wanted.forever,
        words=wanted.words,
        crawl=crawl or None,
    )


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="programs")
    found.message.register(command, Command("programs"))
    found.callback_query.register(turn, ProgramsPage.filter())
    found.callback_query.register(ask, SearchPrograms.filter())
    found.callback_query.register(card, OpenProgram.filter())
    found.callback_query.register(find, FindProgram.filter())
    return found
