"""The sandbox's Bot API face: an HTTP server that unmodified bots poll, and the chats people have with them."""

from sandbox.botapi.chat import Chat
from sandbox.botapi.chats import Chats
from sandbox.botapi.inline import InlineAnswer, InlineQuery, InlineResult
from sandbox.botapi.model import Button, CallbackAnswer, CallbackQuery, Message
from sandbox.botapi.server import BotApiServer

__all__ = [
    "BotApiServer",
    "Button",
    "CallbackAnswer",
    "CallbackQuery",
    "Chat",
    "Chats",
    "InlineAnswer",
    "InlineQuery",
    "InlineResult",
    "Message",
]
