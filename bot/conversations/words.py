"""What no other conversation took: plain words, unknown commands, buttons nobody understands any more."""

from aiogram import F, Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message

from bot.callbacks import FindProgram, ProgramsPage
from bot.conversations import channels, links
from bot.conversations.programs import Searching, open_card, search, within
from bot.conversations.watched import ask_for_link, check
from bot.habits import Place, place_in
from bot.languages import Languages
from bot.references import username_in
from bot.screens import menu
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol.links import referral_in


def names_a_bot(text: str) -> str | None:
    """The bot plain words name. A lone word does so only as bots are named: looking names up is scarce."""
    marked = any(mark in text for mark in "@/.:") or text.strip().lower().endswith("bot")
    return username_in(text) if marked else None


async def words(message: Message, talk: Talk, bridge: BridgeClient, state: FSMContext, languages: Languages) -> None:
    """A referral link is checked, a bot's name or another link opens its program's card.

    Words that name a place of the menu show it, unless a search was asked for; others are searched.
    """
    text = message.text or ""
    if not ProgramsPage(words=text).words:  # a picture, or nothing but signs
        await talk.show(menu.hint(talk.texts))
        return
    asked = await state.get_state() == Searching.words.state
    wanted = (await within(state)).anew(words=text)
    place = None if asked else place_in(text, talk.texts, languages.english)
    username = names_a_bot(text)
    if place:
        await _show(place, talk, bridge, state)
    elif referral_in(text):
        await check(talk, bridge, text)
    elif username:
        talk.again = FindProgram(username=username)
        await talk.working()
        await open_card(talk, bridge, username=username)
    else:
        await search(talk, bridge, wanted)


async def _show(place: Place, talk: Talk, bridge: BridgeClient, state: FSMContext) -> None:
    """What is wanted is done with the buttons there, never at once."""
    match place:
        case "start":
            await talk.show(menu.start(talk.texts))
        case "help":
            await talk.show(menu.help_page(talk.texts))
        case "programs":
            await search(talk, bridge, ProgramsPage())
        case "links":
            await links.open_list(talk, bridge)
        case "revoke":
            await links.open_list(talk, bridge, note="links.note_revoke")
        case "channels":
            await channels.open_list(talk, bridge)
        case "check":
            await ask_for_link(talk, state)
        case "cancel":
            await talk.show(menu.cancelled(talk.texts, something=False))


async def unknown_command(_: Message, talk: Talk) -> None:
    """A command we do not have."""
    await talk.show(menu.unknown_command(talk.texts))


async def stale(_: CallbackQuery, talk: Talk) -> None:
    """A button of an earlier version, or data nobody of us wrote."""
    await talk.show(menu.stale(talk.texts))


def router() -> Router:
    """The handlers of this conversation; it comes last."""
    found = Router(name="words")
    found.message.register(unknown_command, F.text.startswith("/"))
    found.message.register(words)
    found.callback_query.register(stale)
    return found
