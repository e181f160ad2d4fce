"""Leases: the right of one bridge to serve a lane, for a while (docs/queue.md).

Every time in here is on the lease clock, which counts suspends, and is taken before the server is asked: a lease
of ours is always over a little earlier for us than for the server.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue.clock import lease_clock
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.redis import QueueServer

LIFE = 0.8
"""Of the TTL: a lease lives shorter, so that an account is served again within one TTL after its bridge died."""
RENEW_AFTER, START_UNTIL = 1 / 3, 2 / 3
"""Of a lease's life: when it is renewed, and until when work may start."""


def bridge_of(token: str | None) -> str | None:
    """Whose lease a token is (`bridge:epoch:nonce`); None where nobody holds it."""
    return token.partition(":")[0] if token else None


@dataclass(eq=False)
class HeldLease:
    """A lease of ours (a `handling.Lease`)."""

    account: AccountId
    token: str
    """`bridge:epoch:nonce`; the epoch only grows."""
    life: float
    """Seconds from one renewal."""
    renewed_at: float
    given_up: bool = False

    def holds(self) -> bool:
        """Whether it is ours at this moment; any thread may ask."""
        return not self.given_up and lease_clock() < self.renewed_at + self.life

    def may_start(self) -> bool:
        """Whether enough of it is left to start work."""
        return not self.given_up and lease_clock() < self.renewed_at + self.life * START_UNTIL


@dataclass(frozen=True)
class Taken:
    """What came of taking lanes."""

    leases: list[HeldLease]
    free_in: float | None
    """Seconds until the first of the others' leases ends, unless it is renewed."""


class Leases:
    """Takes, renews and releases leases for one bridge."""

    def __init__(self, server: QueueServer, keys: Keys, bridge: str, ttl: float) -> None:
        self._server = server
        self._keys = keys
        self._bridge = bridge
        self.life = ttl * LIFE

    @property
    def renew_every(self) -> float:
        """Seconds between two renewals."""
        return self.life * RENEW_AFTER

    async def renew(self, leases: Sequence[HeldLease], *, leaving: bool = False) -> tuple[int, list[HeldLease]]:
        """Say that we live (or are `leaving`) and keep our leases: how many bridges live, and what we lost."""
        asked_at = lease_clock()
        life = int(self.life * 1000)
        keys = [self._keys.bridges(), *(self._keys.lease(one.account) for one in leases)]
        tokens = [one.token for one in leases]
        living, *kept = await self._server.script("renew", keys, self._bridge, 0 if leaving else life, life, *tokens)
        lost = []
        for lease, ours in zip(leases, kept, strict=True):
            if ours:
                lease.renewed_at = asked_at
            else:
                lost.append(lease)
        return int(living), lost

    async def take(self, accounts: Sequence[AccountId], most: int) -> Taken:
        """Take up to `most` lanes that nobody holds."""
        if not accounts:
            return Taken([], None)
        asked_at = lease_clock()
        keys = [self._keys.epochs(), *map(self._keys.lease, accounts)]
        life = int(self.life * 1000)
        answers = await self._server.script(
            "acquire", keys, self._bridge, secrets.token_hex(4), life, max(0, most), *accounts
        )
        taken, held = [], []
        for account, answer in zip(accounts, answers, strict=True):
            if isinstance(answer, str):
                taken.append(HeldLease(account, answer, self.life, asked_at))
            else:
                held.append(answer / 1000)
        return Taken(taken, min((one for one in held if one > 0), default=None))

    async def release(self, lease: HeldLease, tried: Iterable[str] = ()) -> None:
        """Give a lease back at once, and let the other bridges know; with the entries `tried` and not finished."""
        lease.given_up = True
        keys = [self._keys.lease(lease.account), self._keys.attempts(lease.account), self._keys.news()]
        await self._server.script("release", keys, lease.token, self._bridge, *tried)
