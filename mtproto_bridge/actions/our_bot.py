"""Making an account known to our own bot: a bot can name, and so promote, only who once pressed Start."""

from mtproto_bridge.handling import OurBot
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store import Store, accounts
from mtproto_bridge.telegram.gateway import Gateway


async def press_start(gateway: Gateway, store: Store, account: AccountId, bot: OurBot) -> bool:
    """Press Start at our bot, unless this account did so before; answers whether it was pressed now.

    Raises:
        Refused, FloodWait, AccountLost, NotReached: it may not have been pressed.
    """
    async with store.begin() as session:
        if await accounts.started_bot(session, account) == bot.id:
            return False
    started = await gateway.start_bot(bot.username)
    async with store.begin() as session:
        await accounts.note_started(session, account, started)
    return True
