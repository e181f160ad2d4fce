"""The facts of the sandbox's Telegram and its rules; knows nothing of wires, Telethon or aiogram."""

from sandbox.world.clock import Clock
from sandbox.world.errors import TelegramError
from sandbox.world.model import Bot, Channel, Person, Program, ReferralLink
from sandbox.world.switches import Switches
from sandbox.world.world import World

__all__ = [
    "Bot",
    "Channel",
    "Clock",
    "Person",
    "Program",
    "ReferralLink",
    "Switches",
    "TelegramError",
    "World",
]
