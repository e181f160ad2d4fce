"""Making Telethon clients: how they behave, and which server they speak to."""

import asyncio
import logging
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import structlog
from telethon import TelegramClient
from telethon._updates import SessionState
from telethon.crypto import rsa
from telethon.tl import types

from mtproto_bridge.telegram.leased import Permit
from mtproto_bridge.telegram.sessions import BridgeSession

DC_OF_OTHER_SERVER = 2
INTRODUCTION = "help.getConfig"
"""The one call that connecting makes."""
CALL_SECONDS = 20.0
"""How long one call may take, reconnects included."""

log = structlog.get_logger()
# It does not connect again by itself because we told it so, and calls that an error each time.
logging.getLogger("telethon.network.mtprotosender").addFilter(lambda record: "reconnection failed" not in record.msg)


class ServerSettingError(Exception):
    """MTPROTO_SERVER or MTPROTO_PUBLIC_KEY_FILE cannot be used; the text says why."""


@dataclass(frozen=True)
class OtherServer:
    """A server that is not Telegram's: the sandbox. Whoever runs it could read everything."""

    host: str
    port: int
    public_key: str

    @classmethod
    def parse(cls, address: str, key_file: Path | None) -> "OtherServer":
        """Read the two settings; only this machine may be meant.

        Raises:
            ServerSettingError: not host:port, not loopback, or no readable key.
        """
        host, _, port = address.rpartition(":")
        try:
            loopback = ip_address(host.strip("[]")).is_loopback
            number = int(port)
        except ValueError:
            raise ServerSettingError(f"MTPROTO_SERVER is {address!r}; it must be like 127.0.0.1:4430.") from None
        if not loopback:
            raise ServerSettingError(
                "MTPROTO_SERVER must be on this machine (127.0.0.1 or ::1): another server could read everything."
            )
        if key_file is None:
            raise ServerSettingError("MTPROTO_SERVER needs MTPROTO_PUBLIC_KEY_FILE, that server's public key (PEM).")
        try:
            return cls(host.strip("[]"), number, key_file.read_text("ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise ServerSettingError(f"MTPROTO_PUBLIC_KEY_FILE: {key_file} cannot be read ({error}).") from None

    def use(self) -> None:
        """Trust its key. Telethon keeps keys for the whole process, so this is said loudly.

        Raises:
            ServerSettingError: the file holds no key.
        """
        log.warning("telegram.other_server", host=self.host, port=self.port, note="this is NOT Telegram")
        try:
            rsa.add_key(self.public_key, old=False)
        except ValueError:
            raise ServerSettingError("MTPROTO_PUBLIC_KEY_FILE holds no RSA public key (PKCS#1, PEM).") from None


class QuietClient(TelegramClient):  # type: ignore[misc] # Telethon is untyped
    """Telethon without updates: it asks Telegram for nothing but what we ask it for."""

    def __init__(self, *args: Any, receive_updates: bool = False, **options: Any) -> None:  # noqa: ANN401 - Telethon's own
        super().__init__(*args, receive_updates=receive_updates, **options)
        # Where updates stand: without any such state, connecting makes three more calls one after the other.
        self._message_box.load(SessionState(0, 0, False, pts=1, qts=1, date=1, seq=1, takeout_id=None), [])

    async def _update_loop(self) -> None:
        """Leave aside what comes; Telethon's own would fetch what it believes to have missed."""
        while True:
            await self._updates_queue.get()

    async def _handle_auto_reconnect(self) -> None:
        """Telethon's own would ask who we are, to be sent updates again."""


class LoginClient(QuietClient):
    """The same while nobody is logged in: it hears of one thing only."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, receive_updates=True, **options)
        self.scanned = asyncio.Event()
        """Set when our QR code was scanned (core.telegram.org/constructor/updateLoginToken)."""

    async def _update_loop(self) -> None:
        while True:
            news = await self._updates_queue.get()
            for one in (getattr(news, "update", None), *getattr(news, "updates", ())):
                if isinstance(one, types.UpdateLoginToken):
                    self.scanned.set()

    async def _get_dc(self, dc_id: int, cdn: bool = False) -> Any:  # noqa: ANN401
        """Where a DC is, asked anew: Telethon remembers for the whole process, whatever server told it."""
        type(self)._config = None  # noqa: SLF001 - our own
        return await super()._get_dc(dc_id, cdn)


class HearingClient(QuietClient):
    """The same, and the session hears what is pushed; what was missed is asked for by whoever wants to know."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, receive_updates=True, **options)

    async def _update_loop(self) -> None:
        while True:
            self.session.hearing.hear(await self._updates_queue.get())


@dataclass(frozen=True)
class Connector:
    """Makes clients that all behave alike."""

    api_id: int
    api_hash: str
    server: OtherServer | None = None

    def client(self, session: BridgeSession, permit: Permit) -> Any:  # noqa: ANN401 - Telethon is untyped
        """A client for a logged-in account, which leaves waiting and trying again to us.

        `flood_sleep_threshold` works on the client only; an RPC code 500 would be tried six times. Connecting
        again by itself, Telethon would send unanswered calls once more, those that act included.
        """
        connection = permit.connection()
        return self._make(session, HearingClient, request_retries=0, auto_reconnect=False, connection=connection)

    def login_client(self, session: BridgeSession) -> Any:  # noqa: ANN401
        """A client for logging in: nobody else can speak for an account whose key is being made."""
        return self._make(session, LoginClient, request_retries=0)

    def _make(self, session: BridgeSession, kind: type[QuietClient], **options: Any) -> Any:  # noqa: ANN401
        if self.server:  # nothing else is spoken to; where its other DCs are, it said at login
            dc = session.dc_id or DC_OF_OTHER_SERVER
            session.set_dc(dc, self.server.host, self.server.port if dc == DC_OF_OTHER_SERVER else session.port)
        return kind(
            session,
            self.api_id,
            self.api_hash,
            flood_sleep_threshold=0,
            raise_last_call_error=True,
            connection_retries=3,
            retry_delay=1,
            device_model="Starling bridge",
            **options,
        )
