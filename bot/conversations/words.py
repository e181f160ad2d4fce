"""What no other conversation took: plain words, unknown commands, buttons nobody understands any more."""

from aiogram import F, Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message

from bot.callbacks import FindProgram, ProgramsPage
from bot.conversations.programs import open_card, search, within
from bot.conversations.watched import check
from bot.references import username_in
from bot.screens import menu
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol.links import referral_in


def names_a_bot(text: str) -> str | None:
    """The bot plain words name. A lone word does so only as bots are named: looking names up is scarce."""
    marked = any(mark in text for mark in "@/.:") or text.strip().lower().endswith("bot")
    return username_in(text) if marked else None


async def words(message: Message, talk: Talk, bridge: BridgeClient, state: FSMContext) -> None:
    """A referral link is checked, a bot's name or another link opens its program's card; other words are searched."""
    text = message.text or ""
    if not ProgramsPage(words=text).words:  # a picture, or nothing but signs
        await talk.show(menu.hint(talk.texts))
        return
    wanted = (await within(state)).anew(words=text)
    link, username = referral_in(text), names_a_bot(text)
    if link:
        await check(talk, bridge, link)
    elif username:
        talk.again = FindProgram(username=username)
        await talk.working()
        await open_card(talk, bridge, username=username)
    else:
        await search(talk, bridge, wanted)


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
