"""Login tokens: a client shows one as a QR code, and who scans it logs that client in.

See https://core.telegram.org/api/qr-login
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.world.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sandbox.mtproto.authorizations import Authorization

TOKEN_BYTES = 32
TOKEN_SECONDS = 30


@dataclass(eq=False)
class LoginToken:
    """One token, and what became of it."""

    value: bytes
    asked_by: Authorization
    except_ids: frozenset[int]
    """Accounts the client has already."""
    expires: int
    """Seconds on the wall clock, as clients count; once accepted it is good until it is used."""
    person_id: int | None = None
    """Who accepted it."""
    used: bool = False


class LoginTokens:
    """Every token the server has made."""

    def __init__(self, tell: Callable[[Authorization], None], wall: Callable[[], float] = time.time) -> None:
        """`tell` sends updateLoginToken to the key whose token was accepted."""
        self.wall = wall
        """Tests may move it; the world's clock does not reach what clients hold against their own."""
        self._tell = tell
        self._by_value: dict[bytes, LoginToken] = {}

    def export(self, authorization: Authorization, except_ids: Collection[int]) -> LoginToken:
        """The token of this key's that was accepted, else a new one; older ones stay good until they expire."""
        for token in self._by_value.values():
            if token.asked_by is authorization and token.person_id is not None and not token.used:
                return token
        expires = int(self.wall()) + TOKEN_SECONDS
        token = LoginToken(secrets.token_bytes(TOKEN_BYTES), authorization, frozenset(except_ids), expires)
        self._by_value[token.value] = token
        return token

    def accept(self, person_id: int, value: bytes) -> LoginToken:
        """Somebody who is logged in elsewhere lets the client that shows the token in.

        Raises:
            TelegramError: AUTH_TOKEN_INVALID, AUTH_TOKEN_EXPIRED, AUTH_TOKEN_ALREADY_ACCEPTED, or
                AUTH_TOKEN_EXCEPTION when the client has this account already.
        """
        token = self._find(value)
        if token.person_id is not None:
            raise bad_request("AUTH_TOKEN_ALREADY_ACCEPTED")
        if token.expires <= self.wall():
            raise bad_request("AUTH_TOKEN_EXPIRED")
        if person_id in token.except_ids:
            raise bad_request("AUTH_TOKEN_EXCEPTION")
        token.person_id = person_id
        self._tell(token.asked_by)
        return token

    def accepted(self, value: bytes) -> LoginToken:
        """A token with which a client was sent to another DC.

        Raises:
            TelegramError: AUTH_TOKEN_INVALID, AUTH_TOKEN_EXPIRED, AUTH_TOKEN_ALREADY_ACCEPTED (and used).
        """
        token = self._find(value)
        if token.used:
            raise bad_request("AUTH_TOKEN_ALREADY_ACCEPTED")
        if token.person_id is None:
            raise bad_request("AUTH_TOKEN_EXPIRED" if token.expires <= self.wall() else "AUTH_TOKEN_INVALID")
        return token

    def _find(self, value: bytes) -> LoginToken:
        token = self._by_value.get(value)
        if token is None:
            raise bad_request("AUTH_TOKEN_INVALID")
        return token
