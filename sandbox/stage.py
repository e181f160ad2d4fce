"""What the control surface acts on, and what an action of it is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from sandbox.botapi import BotApiServer
from sandbox.world import Bot, Channel, World

Outcome = Mapping[str, object]


class ControlError(Exception):
    """Something that cannot happen in this world; the text is a sentence that says why."""


class MTProtoFace(Protocol):
    """What is needed of the MTProto server here; the server itself brings Telethon along."""

    def drop_connections(self) -> None:
        """Hang up on everybody."""

    def logged_in(self) -> frozenset[int]:
        """The accounts that some key acts for."""

    def revoke_session(self, account_id: int) -> bool:
        """End the newest session of an account; whether there was one."""

    @property
    def unimplemented(self) -> Counter[str]:
        """Methods a client asked for that the sandbox lacks."""


@dataclass
class Stage:
    """Everything that is running."""

    world: World
    our_bot: Bot
    botapi: BotApiServer
    mtproto: MTProtoFace


class Action(BaseModel):
    """One thing that happens."""

    model_config = ConfigDict(extra="forbid")
    name: ClassVar[str]

    def run(self, stage: Stage) -> Outcome:
        """Let it happen, and tell those who watch.

        Raises:
            ControlError, TelegramError: it cannot, in this world or at Telegram.
            NoSuchPersonError, NoSuchMessageError, NoSuchButtonError, ValueError: nobody can do that.
        """
        outcome = self._run(stage)
        stage.botapi.chats.anything.bump()
        return outcome

    def _run(self, stage: Stage) -> Outcome:
        raise NotImplementedError


def bot_in(world: World, bot_id: int) -> Bot:
    """The bot with this id.

    Raises:
        ControlError: there is none.
    """
    if bot_id not in world.bots:
        raise ControlError(f"There is no bot {bot_id} in this world.")
    return world.bots[bot_id]


def channel_in(world: World, channel_id: int) -> Channel:
    """The channel with this id.

    Raises:
        ControlError: there is none.
    """
    if channel_id not in world.channels:
        raise ControlError(f"There is no channel {channel_id} in this world.")
    return world.channels[channel_id]
