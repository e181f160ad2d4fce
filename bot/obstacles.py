"""What may stand in the bot's own way in a channel, found by looking at what the bot is there."""

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError

from bot import rights
from bot.rights import Obstacle

REFUSALS = (TelegramBadRequest, TelegramForbiddenError)
"""How Telegram says no; all else is trouble on the way."""
_NOT_SEEN = ("participant_id_invalid", "user not found", "user_id_invalid", "user_not_participant")


class HinderedError(Exception):
    """The bot cannot do its step in a channel."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(obstacle.kind)
        self.obstacle = obstacle


async def own_place(bot: Bot, chat_id: int) -> Obstacle | None:
    """What the bot lacks in a channel; None: it has its place and its rights."""
    try:
        me = await bot.get_chat_member(chat_id, bot.id)
    except TelegramForbiddenError:
        return Obstacle("thrown_out")
    except TelegramBadRequest:
        return Obstacle("not_there")
    missing = rights.missing(me)
    return Obstacle("rights", missing) if missing else None


def about_account(error: TelegramBadRequest | TelegramForbiddenError) -> Obstacle:
    """Why an account could not be promoted, though the bot has all its rights."""
    return Obstacle("unmet" if any(words in error.message.lower() for words in _NOT_SEEN) else "not_ours")
