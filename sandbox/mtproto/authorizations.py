"""What the server remembers of each authorization key: its salts, who is logged in with it, its sessions.

It all lives as long as the sandbox: a client may come back with a stored key after any restart of its own.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.mtproto.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.mtproto.crypto import AuthKey

SALT_SECONDS = 1800
SESSIONS_KEPT = 32


@dataclass(frozen=True, slots=True)
class Salt:
    """A server salt and the wall-clock seconds between which it is good."""

    since: int
    until: int
    value: int


class Salts:
    """A key's server salts: each half an hour, the last one accepted for as long again.

    See https://core.telegram.org/mtproto/description#server-salt
    """

    def __init__(self, first: int) -> None:
        now = int(time.time())
        self._salts = [Salt(now, now + SALT_SECONDS, first)]

    def current(self) -> int:
        """The salt to use now."""
        return self.upcoming(1)[0].value

    def upcoming(self, count: int) -> list[Salt]:
        """The salt of now and those after it."""
        now = int(time.time())
        self._salts = [salt for salt in self._salts if now < salt.until + SALT_SECONDS]
        present = [salt for salt in self._salts if now < salt.until]
        while len(present) < count:
            since = present[-1].until if present else now
            present.append(Salt(since, since + SALT_SECONDS, _random_salt()))
            self._salts.append(present[-1])
        return present[:count]

    def accepts(self, value: int) -> bool:
        """Whether a message with this salt is taken."""
        now = int(time.time())
        return any(s.value == value and s.since <= now < s.until + SALT_SECONDS for s in self._salts)

    def expire(self) -> None:
        """Let every salt the client knows be wrong from now on."""
        self._salts = []


@dataclass(eq=False)
class Authorization:
    """One authorization key and what was done with it."""

    key: AuthKey
    salts: Salts
    account_id: int | None = None
    pending_account_id: int | None = None
    """Who gave a right login code and still owes the two-step password."""
    layer: int | None = None
    """The API layer of the client's latest invokeWithLayer; remembered per key, as Telegram does."""
    revoked: bool = False
    """Its session was ended from another device, and nobody has logged in with the key since."""
    duplicated: bool = False
    """Used from two places at once: Telegram never takes such a key again."""
    sessions: dict[int, Session] = field(default_factory=dict)

    def session(self, session_id: int) -> Session:
        """The session with this id, made when the client just made it up; the oldest ones are forgotten."""
        session = self.sessions.get(session_id)
        if session is None:
            while len(self.sessions) >= SESSIONS_KEPT:
                del self.sessions[next(iter(self.sessions))]
            session = self.sessions[session_id] = Session(session_id)
        return session

    def log_in(self, account_id: int) -> None:
        """The key now acts for this account."""
        self.account_id, self.pending_account_id, self.revoked = account_id, None, False

    def log_out(self, *, revoked: bool = False) -> None:
        """The key acts for nobody any more; `revoked`: not of its own accord."""
        self.account_id, self.pending_account_id, self.revoked = None, None, revoked


class Authorizations:
    """All keys the server has made, by their ids."""

    def __init__(self) -> None:
        self._by_id: dict[int, Authorization] = {}

    def __iter__(self) -> Iterator[Authorization]:
        return iter(self._by_id.values())

    def add(self, key: AuthKey, salt: int) -> Authorization:
        """Remember a new key and its first salt."""
        authorization = self._by_id[key.id] = Authorization(key, Salts(salt))
        return authorization

    def get(self, key_id: int) -> Authorization | None:
        """The key with this id, if the server made it."""
        return self._by_id.get(key_id)

    def forget(self, authorization: Authorization) -> None:
        """Destroy a key: its packets are answered with the transport error 404 from now on."""
        self._by_id.pop(authorization.key.id, None)

    def end_sessions(self, account_id: int) -> None:
        """Log an account out on every key."""
        for authorization in self:
            if account_id in (authorization.account_id, authorization.pending_account_id):
                authorization.log_out()

    def revoke_newest(self, account_id: int) -> bool:
        """End the newest of an account's sessions; whether there was one."""
        of_account = [one for one in self if one.account_id == account_id]
        if of_account:
            of_account[-1].log_out(revoked=True)
        return bool(of_account)


def _random_salt() -> int:
    return secrets.randbits(64) - (1 << 63)
