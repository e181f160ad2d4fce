"""What the Bot API keeps for one bot beside its chats, and the table of methods it implements."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from sandbox.botapi.call import Call
from sandbox.botapi.chats import Chats
from sandbox.botapi.inline import InlineMode
from sandbox.botapi.model import JsonObject, Photo
from sandbox.world import Bot, World


@dataclass
class Webhook:
    """What setWebhook set; no URL means the bot polls."""

    url: str = ""
    secret: str = ""
    last_error: str = ""
    last_error_at: int = 0


class CommandsScope(NamedTuple):
    """Whom a list of commands is for; the ids are 0 where they do not matter."""

    kind: str = "default"
    chat_id: int = 0
    user_id: int = 0


CommandsKey = tuple[CommandsScope, str]
"""Scope and language code; no language is the empty one."""


@dataclass
class BotFace:
    """One bot as the Bot API sees it."""

    world: World
    bot: Bot
    chats: Chats
    inline: InlineMode
    webhook: Webhook = field(default_factory=Webhook)
    commands: dict[CommandsKey, list[JsonObject]] = field(default_factory=dict)
    menu_buttons: dict[int, JsonObject] = field(default_factory=dict)
    """By private chat; 0 is the one for whoever has none of their own."""
    photos: dict[str, Photo] = field(default_factory=dict)
    """By file id; a picture once sent can be sent again by it."""
    unimplemented: Counter[str] = field(default_factory=Counter)
    """What was asked of the sandbox that Telegram has and it has not; any entry must fail the test."""


Handler = Callable[[BotFace, Call], object | Awaitable[object]]
HandlerT = TypeVar("HandlerT", bound=Handler)


@dataclass(frozen=True)
class Method:
    """One implemented method, with the parameters it understands or may ignore without harm."""

    name: str
    run: Handler
    parameters: frozenset[str]


METHODS: dict[str, Method] = {}
"""By lower-case name: the Bot API does not mind case."""


def method(name: str, *parameters: str) -> Callable[[HandlerT], HandlerT]:
    """Register a handler; a parameter that is not named here counts as unimplemented."""

    def register(handler: HandlerT) -> HandlerT:
        METHODS[name.lower()] = Method(name, handler, frozenset(parameters))
        return handler

    return register
