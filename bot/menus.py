"""The menu of commands, in each language and in the one a person chose. Without it everything works all the same."""

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import BotCommand, BotCommandScopeAllPrivateChats, BotCommandScopeChat, MenuButtonCommands

from bot.i18n import FALLBACK, Texts, Translations

COMMANDS = (
    "start",
    "programs",
    "join",
    "links",
    "check",
    "channels",
    "language",
    "privacy",
    "help",
    "cancel",
    "delete_me",
)

log = structlog.get_logger()


def commands_in(texts: Texts) -> list[BotCommand]:
    """The menu of commands in one language."""
    return [BotCommand(command=name, description=texts.plain(f"command.{name}")) for name in COMMANDS]


async def introduce(bot: Bot, translations: Translations) -> None:
    """Give Telegram the menu for every language its apps may be in, and have the menu button open it.

    Telegram names languages by two letters (core.telegram.org/bots/api#setmycommands); others see English.
    """
    scope = BotCommandScopeAllPrivateChats()
    try:
        for tag in translations.languages:
            commands = commands_in(translations.texts(tag))
            await bot.set_my_commands(commands, scope, None if tag == FALLBACK else tag.partition("_")[0])
        await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
    except TelegramAPIError as error:
        log.warning("menu.not_set", reason=type(error).__name__)


async def follow(bot: Bot, person_id: int, texts: Texts | None) -> None:
    """Show a person the menu in the language they chose; None: in the one of their app."""
    scope = BotCommandScopeChat(chat_id=person_id)
    try:
        if texts:
            await bot.set_my_commands(commands_in(texts), scope)
        else:
            await bot.delete_my_commands(scope)
    except TelegramAPIError as error:
        log.warning("menu.not_followed", reason=type(error).__name__)
