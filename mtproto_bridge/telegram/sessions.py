"""Sessions at rest: encrypted with a key that lies outside the data folder, and never without it."""

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from telethon import utils
from telethon.crypto import AuthKey
from telethon.sessions import MemorySession
from telethon.tl import types

from mtproto_bridge.protocol.ids import AccountId, BotId
from mtproto_bridge.store.accounts import KnownPeer
from mtproto_bridge.telegram.hearing import Hearing, Standing


class SessionKeyError(Exception):
    """A session or its key cannot be used; the text says why and what to do."""


@dataclass(frozen=True)
class TelegramSession:
    """What makes an account logged in: whoever has this is the account."""

    account: AccountId
    dc_id: int
    host: str
    port: int
    auth_key: bytes


class KeyRing:
    """The keys of a key file, one a line: the first one encrypts, all of them decrypt.

    A ring that was loaded looks at its file again when a session does not open: keys are rotated while bridges run.
    """

    def __init__(self, keys: Iterable[bytes], path: Path | None = None) -> None:
        self.keys = list(keys)
        self._fernet = MultiFernet([Fernet(key) for key in self.keys])
        self._path = path

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """Read a key file.

        Raises:
            SessionKeyError: it is missing or holds no keys.
        """
        try:
            return cls(path.read_bytes().split(), path)
        except FileNotFoundError:
            raise SessionKeyError(
                f"SESSION_KEY_FILE: there is no key file at {path}. `python -m mtproto_bridge login` makes one; "
                "if accounts were logged in before, put their key file back."
            ) from None
        except (OSError, ValueError) as error:
            raise SessionKeyError(f"SESSION_KEY_FILE: {path} cannot be used as a key file ({error}).") from None

    @classmethod
    def load_or_create(cls, path: Path) -> tuple["KeyRing", bool]:
        """Read a key file, or make one that only its owner may read; the second value says which."""
        if path.exists():
            return cls.load(path), False
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process was quicker
            return cls.load(path), False
        key = Fernet.generate_key()
        os.write(descriptor, key + b"\n")  # in one piece: who reads it meanwhile sees nothing or all
        os.close(descriptor)
        return cls([key], path), True

    def seal(self, session: TelegramSession) -> bytes:
        """Encrypt a session."""
        plain = {
            "account": session.account,
            "dc_id": session.dc_id,
            "host": session.host,
            "port": session.port,
            "auth_key": base64.b64encode(session.auth_key).decode(),
        }
        return self._fernet.encrypt(json.dumps(plain).encode())

    def open(self, account: AccountId, sealed: bytes) -> TelegramSession:
        """Decrypt the session of this account.

        Raises:
            SessionKeyError: sealed with another key, or another account's session put in this one's place.
        """
        try:
            plain = json.loads(self._decrypt(sealed))
        except InvalidToken:
            raise SessionKeyError(
                f"The session of account {account} was sealed with another key: put back the key file it was "
                "made with, log the account in again, or remove it "
                f"(`python -m mtproto_bridge accounts remove {account} --forget`)."
            ) from None
        if plain["account"] != account:
            raise SessionKeyError(f"The session kept for account {account} is another account's; log it in again.")
        return TelegramSession(
            account, plain["dc_id"], plain["host"], plain["port"], base64.b64decode(plain["auth_key"])
        )

    def _decrypt(self, sealed: bytes) -> bytes:
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            if self._path is None:
                raise
        fresh = KeyRing.load(self._path)
        plain = fresh._fernet.decrypt(sealed)  # noqa: SLF001 - another one of us
        self.keys, self._fernet = fresh.keys, fresh._fernet  # noqa: SLF001 - only now: a worse file changes nothing
        return plain


class BridgeSession(MemorySession):  # type: ignore[misc] # Telethon is untyped
    """Telethon's session in memory, filled from the store and telling it what access hashes it learns.

    Of people nothing is kept: the bridge addresses channels and bots only. Where updates stand is kept by `hearing`;
    Telethon's own box of updates is never asked.
    """

    def __init__(self, known: Iterable[KnownPeer] = (), updates: str | None = None) -> None:
        super().__init__()
        self.hearing = Hearing(Standing.load(updates))
        self._hashes: dict[int, KnownPeer] = {}
        self._named: dict[str, int] = {}
        self._learned: dict[int, KnownPeer] = {}
        for peer in known:
            self._note(peer)

    @classmethod
    def resume(cls, saved: TelegramSession, known: Iterable[KnownPeer], updates: str | None = None) -> "BridgeSession":
        """The session of a logged-in account."""
        session = cls(known, updates)
        session.set_dc(saved.dc_id, saved.host, saved.port)
        session.auth_key = AuthKey(saved.auth_key)
        return session

    def export(self, account: AccountId) -> TelegramSession:
        """What is to be sealed."""
        return TelegramSession(account, self.dc_id, self.server_address, self.port, self.auth_key.key)

    def process_entities(self, tlo: Any) -> None:  # noqa: ANN401 - any answer of Telegram's
        """Learn the access hashes of the channels and bots in an answer."""
        super().process_entities(tlo)
        for entity in (*getattr(tlo, "users", ()), *getattr(tlo, "chats", ())):
            peer = _known_peer(entity)
            if peer and self._hashes.get(peer.peer_id) != peer:
                self._note(peer)
                self._learned[peer.peer_id] = peer

    def _note(self, peer: KnownPeer) -> None:
        before = self._hashes.get(peer.peer_id)
        if before and before.username and self._named.get(before.username.lower()) == peer.peer_id:
            del self._named[before.username.lower()]
        self._hashes[peer.peer_id] = peer
        if peer.username:
            self._named[peer.username.lower()] = peer.peer_id

    def take_learned(self) -> list[KnownPeer]:
        """What was learned since the last call."""
        learned, self._learned = list(self._learned.values()), {}
        return learned

    def hash_of(self, marked_id: int) -> int | None:
        """The access hash this account holds for a peer, under Telethon's marked id."""
        peer = self._hashes.get(marked_id)
        return peer.access_hash if peer else None

    def peer(self, marked_id: int) -> KnownPeer | None:
        """What this account knows of a peer."""
        return self._hashes.get(marked_id)

    def bot_named(self, username: str) -> BotId | None:
        """The bot that had this username when it was last seen."""
        marked_id = self._named.get(username.lower(), 0)
        return BotId(marked_id) if marked_id > 0 else None  # a channel's is negative


def _known_peer(entity: Any) -> KnownPeer | None:  # noqa: ANN401 - a User or Channel of Telethon's
    is_bot = isinstance(entity, types.User) and entity.bot
    if not (is_bot or isinstance(entity, types.Channel)) or entity.min or entity.access_hash is None:
        return None  # a "min" hash addresses nothing
    name = entity.first_name if is_bot else entity.title
    return KnownPeer(utils.get_peer_id(entity), entity.access_hash, username_of(entity), name)


def username_of(entity: Any) -> str | None:  # noqa: ANN401
    """The first active username of a user or channel."""
    if entity.username:
        return str(entity.username)
    active = (one.username for one in entity.usernames or () if one.active)
    return next(active, None)
