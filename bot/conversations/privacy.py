"""/privacy, and /delete_me."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from aiogram import Bot, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.callbacks import AskForget, ConfirmForget
from bot.forgetting import forget
from bot.languages import Languages
from bot.screens import privacy
from bot.talk import Talk
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import BridgeError, ErrorCode, Nonce

Now = Callable[[], datetime]


async def command(_: Message, talk: Talk) -> None:
    """/privacy."""
    await talk.show(privacy.privacy_page(talk.texts))


async def delete_me(_: Message, talk: Talk, now: Now) -> None:
    """/delete_me: nothing happens before the confirmation."""
    await talk.show(privacy.confirm(talk.texts, Nonce.mint(now())))


async def ask(_: CallbackQuery, talk: Talk, now: Now) -> None:
    """The same, from the privacy page."""
    await talk.show(privacy.confirm(talk.texts, Nonce.mint(now())))


async def confirm(  # noqa: PLR0913 - what a handler is given
    _: CallbackQuery,
    callback_data: ConfirmForget,
    talk: Talk,
    bridge: BridgeClient,
    languages: Languages,
    bot: Bot,
    now: Now,
) -> None:
    """The confirmation's button: the one place that forgets somebody, on both sides.

    Here first: what the bot keeps is little and soon chosen again, and nobody would erase it once the bridge is done
    and the bot ends, or Redis fails.
    """
    await talk.progress(privacy.forgetting(talk.texts))
    await forget(bot, languages, talk.caller.actor)
    try:
        done = await bridge.forget_me(_unnamed(talk.caller), callback_data.nonce)
    except BridgeError as error:
        if error.code is not ErrorCode.CONFIRMATION_EXPIRED:
            raise
        await talk.show(privacy.confirm(talk.texts, Nonce.mint(now()), note="forget.note_expired"))
        return
    await talk.show(privacy.forgotten(talk.texts, done))


def _unnamed(caller: Caller) -> Caller:
    """What is asked is remembered for a day, so that it is done once: without the name."""
    return replace(caller, origin=caller.origin and caller.origin.model_copy(update={"name": None}))


def router() -> Router:
    """The handlers of this conversation."""
    found = Router(name="privacy")
    found.message.register(command, Command("privacy"))
    found.message.register(delete_me, Command("delete_me"))
    found.callback_query.register(ask, AskForget.filter())
    found.callback_query.register(confirm, ConfirmForget.filter())
    return found
