"""Logging in, step by step, as core.telegram.org/api/auth and core.telegram.org/api/qr-login have it, and out again.

The consoles around it are `mtproto_bridge.login` and `mtproto_bridge.removal`. Telethon's own helpers for this ask
more than is needed, resend codes and sign in for good behind our back, so its raw requests are used.
"""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Any

from telethon import errors, password, utils
from telethon.tl import functions, types

from mtproto_bridge.handling import Lease
from mtproto_bridge.store.accounts import KnownPeer
from mtproto_bridge.telegram.connecting import CALL_SECONDS, Connector
from mtproto_bridge.telegram.errors import translate, translated, words_of
from mtproto_bridge.telegram.floods import Floods
from mtproto_bridge.telegram.gateway import AccountLost, FloodWait, Me, NotReached, OwnChannel, Refused
from mtproto_bridge.telegram.leased import Permit
from mtproto_bridge.telegram.sessions import BridgeSession, TelegramSession
from mtproto_bridge.telegram.telethon_gateway import TelethonGateway


class Step(Enum):
    """What is to be asked next."""

    WAY = "way"
    """By QR code, or by which phone number."""
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


_ELSEWHERE: dict[str, Step | None] = {
    "SESSION_PASSWORD_NEEDED": Step.PASSWORD,
    "PHONE_CODE_EXPIRED": Step.WAY,
    "PHONE_NUMBER_BANNED": Step.WAY,
    "PHONE_NUMBER_FLOOD": Step.WAY,
    "PHONE_NUMBER_INVALID": Step.WAY,
    "PHONE_NUMBER_UNOCCUPIED": Step.WAY,
    "AUTH_RESTART": Step.WAY,
    "AUTH_KEY_UNREGISTERED": Step.WAY,
    "SESSION_REVOKED": Step.WAY,
    "USER_DEACTIVATED": Step.WAY,
    "USER_DEACTIVATED_BAN": Step.WAY,
    "API_ID_INVALID": None,
    "API_ID_PUBLISHED_FLOOD": None,
    "CONNECTION_API_ID_INVALID": None,
    "UPDATE_APP_TO_LOGIN": None,
}
"""What does not lead back to the step it came from."""


@dataclass(frozen=True)
class QrCode:
    """What is to be scanned, and for how long from now on."""

    url: str
    seconds: float


class Login:
    """One login. Call `connect`, then what `Step` says, then `me` and `result`; `close` at the end, always."""

    def __init__(self, connector: Connector, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """`sleep` waits for a QR code to expire; a test may pass its own."""
        self._session = BridgeSession()
        self._client = connector.login_client(self._session)
        self._api = (connector.api_id, connector.api_hash)
        self._sleep = sleep
        self._phone, self._code_hash = "", ""
        self._learned: list[KnownPeer] = []
        self._may_be_in = False
        self.kept = False
        """Set once the session is in the store: from then on it outlives us."""

    async def connect(self) -> None:
        """Reach Telegram.

        Raises:
            NotReached: it cannot be reached.
            LoginRefused: API_ID is not one.
        """
        await self._guarded(self._client.connect(), Step.WAY)

    async def close(self) -> bool:
        """Disconnect, and end a session that was signed in but not kept; False when it may live on at Telegram."""
        try:
            return self.kept or not self._may_be_in or await self._end()
        finally:
            await self._client.disconnect()

    async def _end(self) -> bool:
        try:
            with translated():
                async with asyncio.timeout(CALL_SECONDS):
                    await self._client(functions.auth.LogOutRequest())
        except AccountLost:  # it was never signed in, or is no more
            return True
        except (Refused, FloodWait, NotReached):
            return False
        return True

    # -- by QR code -----------------------------------------------------------------------------------------

    async def qr_code(self) -> QrCode | None:
        """A fresh code to be scanned; None when one was, and we are in.

        Telegram moves us to the DC of who scanned it.
        """
        self._client.scanned.clear()
        self._may_be_in = True
        token = await self._ask(functions.auth.ExportLoginTokenRequest(*self._api, []), Step.WAY)
        if isinstance(token, types.auth.LoginTokenMigrateTo):
            await self._guarded(self._client._switch_dc(token.dc_id), Step.WAY)  # noqa: SLF001 - it has no other name
            token = await self._ask(functions.auth.ImportLoginTokenRequest(token.token), Step.WAY)
        if isinstance(token, types.auth.LoginTokenSuccess):
            return None
        url = "tg://login?token=" + base64.urlsafe_b64encode(token.token).decode().rstrip("=")
        there = time.time() + self._client._sender._state.time_offset  # noqa: SLF001 - Telegram's clock, whatever ours is
        return QrCode(url, max(1.0, token.expires.timestamp() - there))

    async def scanned(self, code: QrCode) -> None:
        """Wait until the code was scanned or has expired: `qr_code` then tells which."""
        waits = [asyncio.ensure_future(one) for one in (self._client.scanned.wait(), self._sleep(code.seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    # -- by phone and code ----------------------------------------------------------------------------------

    async def send_code(self, phone: str) -> Step:
        """Have Telegram send a code to the account's other devices, or by SMS."""
        digits = utils.parse_phone(phone)
        if not digits:
            raise LoginRefused("PHONE_NUMBER_INVALID", Step.WAY)
        sent = await self._ask(functions.auth.SendCodeRequest(digits, *self._api, types.CodeSettings()), Step.WAY)
        no_code_yet = types.auth.SentCodeTypeSetUpEmailRequired
        if not isinstance(sent, types.auth.SentCode) or isinstance(sent.type, no_code_yet):
            raise LoginRefused("CODE_NOT_SENT", Step.WAY)
        self._phone, self._code_hash = digits, sent.phone_code_hash
        return Step.CODE

    async def enter_code(self, code: str) -> Step:
        """Sign in with the code."""
        self._may_be_in = True
        answer = await self._ask(functions.auth.SignInRequest(self._phone, self._code_hash, code), Step.CODE)
        if isinstance(answer, types.auth.AuthorizationSignUpRequired):
            raise LoginRefused("PHONE_NUMBER_UNOCCUPIED", Step.WAY)
        return Step.DONE

    # -- the two-step password ------------------------------------------------------------------------------

    async def password_hint(self) -> str:
        """The hint the account's owner left for the two-step password."""
        answer = await self._ask(functions.account.GetPasswordRequest(), Step.PASSWORD)
        return answer.hint or ""

    async def enter_password(self, secret: str) -> Step:
        """Sign in with the two-step password; it never leaves this machine (SRP)."""
        challenge = await self._ask(functions.account.GetPasswordRequest(), Step.PASSWORD)
        proof = password.compute_check(challenge, secret)
        await self._ask(functions.auth.CheckPasswordRequest(proof), Step.PASSWORD)
        return Step.DONE

    # -- who came in ----------------------------------------------------------------------------------------

    async def me(self) -> Me:
        """Who was logged in.

        Raises:
            Refused, FloodWait, AccountLost, NotReached: Telegram does not say.
        """
        return await self.gateway().me()

    async def channels(self) -> dict[OwnChannel, set[int]]:
        """The channels it may post in, and who may post in each.

        Raises:
            Refused, FloodWait, AccountLost, NotReached: they cannot be read now.
        """
        gateway = self.gateway()
        admins = {}
        for channel in await gateway.own_channels():
            with suppress(Refused):  # a channel that will not say is not registered
                admins[channel] = await gateway.posting_admins(channel.peer_id)
        return admins

    def gateway(self) -> TelethonGateway:
        """The account at Telegram."""

        async def keep(peers: Sequence[KnownPeer]) -> None:
            self._learned.extend(peers)

        return TelethonGateway(self._client, self._session, keep, Floods())

    def result(self, me: Me) -> tuple[TelegramSession, list[KnownPeer]]:
        """What is to be sealed, and the access hashes learned on the way."""
        return self._session.export(me.id), self._learned

    # -- asking ---------------------------------------------------------------------------------------------

    async def _ask(self, request: Any, step: Step) -> Any:  # noqa: ANN401 - Telethon's requests and answers
        return await self._guarded(self._sent(request), step)

    async def _sent(self, request: Any) -> Any:  # noqa: ANN401
        try:
            return await self._client(request)
        except errors.InvalidDCError:  # the account lives on another DC, and Telethon has gone there
            return await self._client(request)
        finally:  # how long to wait is said by Telegram each time: it may be another phone number
            self._client._flood_waited_requests.clear()  # noqa: SLF001

    async def _guarded(self, call: Awaitable[Any], step: Step) -> Any:  # noqa: ANN401
        with translated():
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    return await call
            except errors.RPCError as error:
                raise _refusal(error, step) from error


def _refusal(error: Any, step: Step) -> LoginRefused:  # noqa: ANN401 - one of Telethon's
    flood = translate(error)
    if isinstance(flood, FloodWait):
        return LoginRefused("FLOOD_WAIT", step, seconds=ceil(flood.seconds))
    words = words_of(error)
    return LoginRefused(words, _ELSEWHERE.get(words, step))


async def log_out(connector: Connector, saved: TelegramSession, lease: Lease) -> None:
    """End a session at Telegram (core.telegram.org/method/auth.logOut): its key is void from then on.

    Raises:
        AccountLost: it was void before.
        Refused, FloodWait: Telegram does not do it now.
        NotReached: Telegram cannot be reached, or the lease is over.
    """
    client = connector.client(BridgeSession.resume(saved, ()), Permit(lease))
    try:
        with translated():
            async with asyncio.timeout(CALL_SECONDS):
                await client.connect()
                await client(functions.auth.LogOutRequest())
    finally:
        await client.disconnect()
