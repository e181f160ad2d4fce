"""Which bot works with this queue: it says so itself when it starts."""

from mtproto_bridge.handling import OurBot
from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.redis import QueueServer


async def introduce(server: QueueServer, keys: Keys, bot: OurBot) -> None:
    """Write down who the bot is. Raises an Outage."""
    await server.put(keys.bot(), f"{bot.id} {bot.username}")


async def our_bot(server: QueueServer, keys: Keys) -> OurBot | None:
    """The bot that introduced itself last, None when none ever did. Raises an Outage."""
    number, _, username = (await server.get(keys.bot()) or "").partition(" ")
    return OurBot(BotId(int(number)), username) if username else None
