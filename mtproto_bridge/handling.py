"""What the queue and the actions agree on: how a request is carried out on an account, and what may come of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mtproto_bridge.protocol import Reply, Request
from mtproto_bridge.protocol.ids import AccountId, BotId


class Lease(Protocol):
    """The right to use one account."""

    def holds(self) -> bool:
        """Whether it is ours at this moment, on a clock that counts suspends; any thread may ask."""


@dataclass(frozen=True)
class OurBot:
    """The bot that our people talk to."""

    id: BotId
    username: str


@dataclass(frozen=True)
class Flooded:
    """Telegram said to wait: no failure, as long as there is time."""

    method: str
    """Telegram's name of the method, such as `payments.connectStarRefBot`."""
    retry_at: datetime
    reply: Reply
    """The failure to answer where waiting would take longer than the request may."""
    may_have_acted: bool = False
    """An earlier try of this attempt broke off: nobody knows how far it came."""


Outcome = Reply | Flooded


class Handler(Protocol):
    """What the requests of a lane are handed to."""

    async def handle(
        self, account: AccountId, request: Request, *, lease: Lease, attempt: int, stored: Reply | None
    ) -> Outcome:
        """Carry out one request; failures are replies, not exceptions.

        Nothing may be sent to Telegram once the lease no longer holds. An `attempt` above 1 was begun before,
        and nobody knows how far it came; `stored` is the result of an earlier request with the same nonce.
        """

    async def connect(self, account: AccountId, lease: Lease) -> None:
        """Connect an account ahead of its next request, if that can be done; what hinders it, the request will say."""

    async def attend(self, account: AccountId, lease: Lease) -> bool:
        """Do one of the account's chores, if any is due; whether there may be more.

        It is small, and what hinders it is no failure: it is due again.
        """

    async def let_go(self, account: AccountId) -> None:
        """Disconnect an account whose lane is no longer ours."""

    def cut(self, account: AccountId) -> None:
        """Close an account's sockets at once, from any thread: its lease is over and the event loop may be stalled."""

    def remember_floods(self, account: AccountId, floods: Mapping[str, datetime]) -> None:
        """Methods Telegram said to wait with until then, when this account was another bridge's."""
