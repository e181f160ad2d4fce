"""What the tests of channels share: rights, buttons that ask for a channel, and the bot put into one."""

from typing import Any

from aiogram import Bot
from aiogram.types import (
    ChatAdministratorRights,
    KeyboardButton,
    KeyboardButtonRequestChat,
    ReplyKeyboardMarkup,
)

from sandbox.botapi import BotApiServer
from sandbox.world import Channel
from sandbox.world.model import AdminRight

THREE: tuple[AdminRight, ...] = ("post_messages", "invite_users", "promote_members")
"""What the bot needs in order to bring an account in and let it post."""
GARDEN_CLUB = 5000002
"""Nadia's private channel; Vera may post in it."""


def chat_id(channel_id: int) -> int:
    """A channel's id in the Bot API."""
    return -1_000_000_000_000 - channel_id


def rights(*names: AdminRight) -> ChatAdministratorRights:
    """Exactly these rights."""
    fields = ChatAdministratorRights.model_fields
    given: dict[str, Any] = {name: False for name, field in fields.items() if field.is_required()}
    return ChatAdministratorRights(**given | {f"can_{name}": True for name in names})


def asking(text: str = "Choose channel", **fields: Any) -> ReplyKeyboardMarkup:
    """A keyboard with one button that asks for a channel; with no `fields`, for the three rights."""
    wanted = fields or {"user_administrator_rights": rights(*THREE), "bot_administrator_rights": rights(*THREE)}
    request = KeyboardButtonRequestChat(request_id=7, chat_is_channel=True, request_title=True, **wanted)
    return ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text=text, request_chat=request)]], one_time_keyboard=True)


async def ask(bot: Bot, person: int, **fields: Any) -> None:
    """Show that keyboard to a person."""
    await bot.send_message(person, "?", reply_markup=asking(**fields))


def bring_in(server: BotApiServer, channel_id: int, *names: AdminRight) -> Channel:
    """The bot as an admin with these rights, by default the three; the update about it is forgotten."""
    face = server.face
    face.world.set_admin(channel_id, face.bot.id, names or THREE)
    server.chats.updates.drop_pending()
    return face.world.channels[channel_id]
