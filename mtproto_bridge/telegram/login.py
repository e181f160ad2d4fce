"""Logging in, step by step, as core.telegram.org/api/auth has it, and out again.

The consoles around it are `mtproto_bridge.login` and `mtproto_bridge.removal`.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from enum import Enum
from math import ceil
from typing import TypeVar

from telethon import errors

from mtproto_bridge.handling import Lease
from mtproto_bridge.store.accounts import KnownPeer
from mtproto_bridge.telegram.connecting import CALL_SECONDS, Connector
from mtproto_bridge.telegram.errors import translate, translated, words_of
from mtproto_bridge.telegram.floods import Floods
from mtproto_bridge.telegram.gateway import Capabilities, FloodWait, FoundBot, Me, OwnChannel, Refused
from mtproto_bridge.telegram.leased import Permit
from mtproto_bridge.telegram.sessions import BridgeSession, TelegramSession
from mtproto_bridge.telegram.telethon_gateway import TelethonGateway

T = TypeVar("T")


class Step(Enum):
    """What is to be asked next."""

    PHONE = "phone"
    CODE = "code"
    PASSWORD = "password"
    DONE = "done"


class LoginRefused(Exception):  # noqa: N818 - an answer of Telegram's
    """Telegram refused a step: `words` are its own, `step` is what to ask (again)."""

    def __init__(self, words: str, step: Step | None, *, seconds: int | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.step = step
        """None: nothing to ask will help."""
        self.seconds = seconds


_BACK_TO = {
    "PHONE_NUMBER_INVALID": Step.PHONE,
    "PHONE_NUMBER_UNOCCUPIED": Step.PHONE,
    "PHONE_NUMBER_BANNED": Step.PHONE,
    "PHONE_CODE_INVALID": Step.CODE,
    "PHONE_CODE_EMPTY": Step.CODE,
    "PHONE_CODE_EXPIRED": Step.PHONE,
    "PASSWORD_HASH_INVALID": Step.PASSWORD,
    "SRP_ID_INVALID": Step.PASSWORD,
}


class Login:
    """One login. Call `connect`, then what `Step` says, then `account` and `session`."""

    def __init__(self, connector: Connector) -> None:
        self._session = BridgeSession()
        self._client = connector.login_client(self._session)
        self._phone = ""
        self._learned: list[KnownPeer] = []

    async def connect(self) -> None:
        """Reach Telegram.

        Raises:
            NotReached: it cannot be reached.
            LoginRefused: API_ID is not one.
        """
        await self._guarded(self._client.connect())

    async def close(self) -> None:
        """Disconnect."""
        await self._client.disconnect()

    async def send_code(self, phone: str) -> Step:
        """Have Telegram send a code to the account's other devices, or by SMS."""
        self._phone = phone
        await self._guarded(self._client.send_code_request(phone))
        return Step.CODE

    async def enter_code(self, code: str) -> Step:
        """Sign in with the code."""
        try:
            await self._guarded(self._client.sign_in(self._phone, code))
        except errors.SessionPasswordNeededError:
            return Step.PASSWORD
        return Step.DONE

    async def password_hint(self) -> str:
        """The hint the account's owner left for the two-step password."""
        from telethon.tl.functions.account import GetPasswordRequest  # noqa: PLC0415 - a slow import, needed here only

        answer = await self._guarded(self._client(GetPasswordRequest()))
        return answer.hint or ""

    async def enter_password(self, password: str) -> Step:
        """Sign in with the two-step password; it never leaves this machine (SRP)."""
        await self._guarded(self._client.sign_in(password=password))
        return Step.DONE

    async def me(self) -> Me:
        """Who was logged in."""
        return await self._gateway().me()

    async def channels(self) -> dict[OwnChannel, set[int]]:
        """The channels it may post in, and who may post in each.

        Raises:
            Refused, FloodWait, NotReached: they cannot be read now.
        """
        gateway = self._gateway()
        admins = {}
        for channel in await gateway.own_channels():
            with suppress(Refused):  # a channel that will not say is not registered
                admins[channel] = await gateway.posting_admins(channel.peer_id)
        return admins

    async def capabilities(self) -> Capabilities:
        """What Telegram lets it do.

        Raises:
            Refused, FloodWait, NotReached: it cannot be read now.
        """
        return await self._gateway().capabilities()

    async def bots(self) -> list[FoundBot]:
        """The bots it owns. Raises as `capabilities` does."""
        return await self._gateway().own_bots()

    def _gateway(self) -> TelethonGateway:
        async def keep(peers: Sequence[KnownPeer]) -> None:
            self._learned.extend(peers)

        return TelethonGateway(self._client, self._session, keep, Floods())

    def result(self, me: Me) -> tuple[TelegramSession, list[KnownPeer]]:
        """What is to be sealed, and the access hashes learned on the way."""
        return self._session.export(me.id), self._learned

    async def _guarded(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except errors.SessionPasswordNeededError:
            raise
        except errors.RPCError as error:
            translated = translate(error)
            if isinstance(translated, FloodWait):
                raise LoginRefused("FLOOD_WAIT", None, seconds=ceil(translated.seconds)) from error
            words = words_of(error)
            raise LoginRefused(words, _BACK_TO.get(words)) from error
        except Exception as error:
            raise translate(error) from error


async def log_out(connector: Connector, saved: TelegramSession, lease: Lease) -> None:
    """End a session at Telegram (core.telegram.org/method/auth.logOut): its key is void from then on.

    Raises:
        AccountLost: it was void before.
        Refused, FloodWait: Telegram does not do it now.
        NotReached: Telegram cannot be reached, or the lease is over.
    """
    from telethon.tl.functions.auth import LogOutRequest  # noqa: PLC0415 - a slow import, needed here only

    client = connector.client(BridgeSession.resume(saved, ()), Permit(lease))
    try:
        with translated():
            async with asyncio.timeout(CALL_SECONDS):
                await client.connect()
                await client(LogOutRequest())
    finally:
        await client.disconnect()
