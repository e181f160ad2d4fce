"""What the bot itself keeps of a person, and how it is erased."""

from aiogram import Bot
from aiogram.fsm.storage.base import StorageKey

from bot import menus
from bot.languages import Languages


async def forget(bot: Bot, languages: Languages, person_id: int) -> None:
    """Erase a person's open question, what it was about, and the language they chose, in their menu too."""
    question = StorageKey(bot_id=bot.id, chat_id=person_id, user_id=person_id)
    await languages.storage.set_state(question, None)
    await languages.storage.set_data(question, {})
    await languages.forget(person_id)
    await menus.follow(bot, person_id, None)
