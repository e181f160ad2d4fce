"""/channels: the list, one channel's page, removing it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from aiogram import Bot, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import rights
from bot.callbacks import AskRemove, BotLeaves, ChannelsPage, ChooseRemoval, ConfirmRemoval, OpenChannel
from bot.obstacles import REFUSALS
from bot.screens import channels, registering
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import BridgeError, ErrorCode, Nonce
from mtproto_bridge.protocol.ids import BalanceId

Now = Callable[[], datetime]

OLD_BUTTON_NOTES = {
    ErrorCode.CONFIRMATION_EXPIRED: "removal.note_expired",
    ErrorCode.CONFIRMATION_CHANGED: "removal.note_changed",
}


async def command(_: Message, talk: Talk, bridge: BridgeClient) -> None:
    """/channels."""
    await open_list(talk, bridge)


async def open_list(talk: Talk, bridge: BridgeClient) -> None:
    """Answer what was written with the list."""
    talk.again = ChannelsPage()
    await talk.working()
    await _show_page(talk, bridge, 0)


async def turn(_: CallbackQuery, callback_data: ChannelsPage, talk: Talk, bridge: BridgeClient) -> None:
    """◀ ▶, or the button that opens the list."""
    await _show_page(talk, bridge, callback_data.page)


async def _show_page(talk: Talk, bridge: BridgeClient, page: int) -> None:
    found = await bridge.list_channels(talk.caller)
    await talk.show(channels.channels_page(talk.texts, found, page))


async def show(_: CallbackQuery, callback_data: OpenChannel, talk: Talk, bridge: BridgeClient) -> None:
    """One channel's page; also Check now and Keep it."""
    await open_channel(talk, bridge, callback_data.balance_id, page=callback_data.page)


async def open_channel(talk: Talk, bridge: BridgeClient, balance_id: BalanceId, *, page: int = 0) -> None:
    """Show a channel as it is now."""
    found = await bridge.show_channel(talk.caller, balance_id)
    await talk.show(channels.channel_page(talk.texts, found, page=page))


async def leave(_: CallbackQuery, callback_data: BotLeaves, talk: Talk, bridge: BridgeClient, bot: Bot) -> None:
    """The bot leaves, and the bridge looks whether its account kept its right; without that the bot is needed there."""
    found = await bridge.show_channel(talk.caller, callback_data.balance_id)
    if found.channel.health != "ok":
        await talk.show(channels.channel_page(talk.texts, found))
        return
    if found.channel.balance.channel_id is not None:
        with suppress(*REFUSALS):  # it is out already
            await bot.leave_chat(rights.chat_id(found.channel.balance.channel_id))
        found = await bridge.show_channel(talk.caller, callback_data.balance_id)
    await talk.show(registering.left(talk.texts, found))


# -- removing -------------------------------------------------------------------------------------------------


async def ask_removal(_: CallbackQuery, callback_data: AskRemove, talk: Talk, bridge: BridgeClient, now: Now) -> None:
    """Remove on the channel's page; without live links there is nothing to choose."""
    found = await bridge.show_channel(talk.caller, callback_data.balance_id)
    if found.channel.links:
        await talk.show(channels.ask_removal(talk.texts, found, callback_data.page))
    else:
        await talk.show(channels.confirm_removal(talk.texts, found, Nonce.mint(now()), revoke_links=False))


async def choose_removal(
    _: CallbackQuery, callback_data: ChooseRemoval, talk: Talk, bridge: BridgeClient, now: Now
) -> None:
    """What becomes of the links is chosen."""
    await _ask(talk, bridge, now, callback_data)


async def _ask(talk: Talk, bridge: BridgeClient, now: Now, wanted: ChooseRemoval, *, note: str | None = None) -> None:
    found = await bridge.show_channel(talk.caller, wanted.balance_id)
    nonce = Nonce.mint(now())
    await talk.show(channels.confirm_removal(talk.texts, found, nonce, revoke_links=wanted.revoke_links, note=note))


async def confirm_removal(
    _: CallbackQuery, callback_data: ConfirmRemoval, talk: Talk, bridge: BridgeClient, now: Now
) -> None:
    """The confirmation's button: the one place that removes."""
    balance_id, revoke_links = callback_data.balance_id, callback_data.revoke_links
    await talk.progress(channels.removing(talk.texts))
    try:
        done = await bridge.remove_channel(talk.caller, balance_id, callback_data.nonce, revoke_links=revoke_links)
    except BridgeError as error:
        if error.code not in OLD_BUTTON_NOTES:
            raise
        anew = ChooseRemoval(balance_id=balance_id, revoke_links=revoke_links)
        await _ask(talk, bridge, now, anew, note=OLD_BUTTON_NOTES[error.code])
        return
    await talk.show(channels.removed(talk.texts, done))


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="channels")
    found.message.register(command, Command("channels"))
    found.callback_query.register(turn, ChannelsPage.filter())
    found.callback_query.register(show, OpenChannel.filter())
    found.callback_query.register(leave, BotLeaves.filter())
    found.callback_query.register(ask_removal, AskRemove.filter())
    found.callback_query.register(choose_removal, ChooseRemoval.filter())
    found.callback_query.register(confirm_removal, ConfirmRemoval.filter())
    return found
