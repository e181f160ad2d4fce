"""Which bot is meant, and how an account comes to address it. Resolving a username is Telegram's scarcest call."""

from mtproto_bridge.actions import index
from mtproto_bridge.actions.context import Context
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.protocol.replies import Program
from mtproto_bridge.store import programs


async def meet(context: Context, bot: BotId) -> None:
    """See to it that this account can address a bot: an access hash is good for one account only.

    Raises:
        BridgeError: no_such_bot, slow_down.
    """
    if context.gateway.knows(bot):
        return
    username = await _username(context, bot)
    if username is None:  # a deep link may name a bot before anybody browsed
        await index.have(context)
        username = await _username(context, bot)
    if context.gateway.knows(bot):
        return
    if username is None or await resolve(context, username) != bot:
        raise BridgeError(Failure(code=ErrorCode.NO_SUCH_BOT, username=username))


async def _username(context: Context, bot: BotId) -> str | None:
    async with context.store.begin() as session:
        return await programs.username_of(session, bot)


async def program_by_name(context: Context, username: str) -> Program | None:
    """The program of the bot with this username, None when it offers none.

    Raises:
        BridgeError: no_such_bot, slow_down.
    """
    remembered = context.shared.names.get(context.account, username)
    bot = None if remembered else await met(context, username)
    if bot:
        program = await context.gateway.program(bot)
        if context.gateway.met(username) == bot:  # it still has that name: Telegram has just said so
            return program
    bot = await resolve(context, username)
    if bot is None:
        raise BridgeError(Failure(code=ErrorCode.NO_SUCH_BOT, username=username))
    return await context.gateway.program(bot)


async def met(context: Context, username: str) -> BotId | None:
    """The bot this account can address that was last seen under the username."""
    bot = context.gateway.met(username)
    if bot is None:
        async with context.store.begin() as session:
            row = await programs.by_username(session, username)
        bot = BotId(row.bot_id) if row else None
    return bot if bot and context.gateway.knows(bot) else None


async def resolve(context: Context, username: str) -> BotId | None:
    """The bot that has this username, None where nobody has or it is no bot.

    Raises:
        BridgeError: slow_down, when the actor has used up their share of this call.
    """
    names = context.shared.names
    async with names.resolving[context.account]:
        known = names.get(context.account, username)
        if known is None:
            take_share(context)
            known = names.put(context.account, username, await context.gateway.find_bot(username))
    return known.bot.id if known.bot else None


def take_share(context: Context) -> None:
    """Count one resolving for the actor.

    Raises:
        BridgeError: slow_down, when the actor has used up their share of this call.
    """
    again_at = context.shared.resolves.take(context.actor)
    if again_at:
        raise BridgeError(Failure(code=ErrorCode.SLOW_DOWN, retry_at=again_at))
