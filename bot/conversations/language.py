"""/language."""

from aiogram import Bot, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import menus
from bot.callbacks import ChooseLanguage
from bot.languages import Languages
from bot.screens.language import language_page
from bot.talk import Talk


async def command(_: Message, talk: Talk, languages: Languages) -> None:
    """/language."""
    chosen = await languages.chosen(talk.caller.actor)
    await talk.show(language_page(talk.texts, languages.all, chosen=chosen))


async def choose(
    query: CallbackQuery, callback_data: ChooseLanguage, talk: Talk, languages: Languages, bot: Bot
) -> None:
    """A language, or as in Telegram: the answer is in it already, and the menu follows."""
    texts = await languages.choose(query.from_user, callback_data.tag or None)
    chosen = await languages.chosen(talk.caller.actor)
    await talk.show(language_page(texts, languages.all, chosen=chosen, done=True))
    await talk.rest()
    await menus.follow(bot, talk.caller.actor, texts if chosen else None)


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="language")
    found.message.register(command, Command("language"))
    found.callback_query.register(choose, ChooseLanguage.filter())
    return found
