"""What every action is given, and the one place where Telegram's refusals become failures of the contract."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from mtproto_bridge.actions.life import Life
from mtproto_bridge.actions.names import Names
from mtproto_bridge.actions.people import People
from mtproto_bridge.actions.referrals import Referrals
from mtproto_bridge.actions.shares import Buckets
from mtproto_bridge.handling import OurBot
from mtproto_bridge.protocol import ErrorCode, Failure, Origin
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store import Store
from mtproto_bridge.telegram.gateway import Gateway, Refused


@dataclass(frozen=True)
class Rules:
    """What the operator decides."""

    registration: Literal["approval", "open", "closed"] = "approval"
    registration_limit: int = 20
    """Channels one person may register."""
    operators: frozenset[int] = frozenset()
    """Telegram user ids."""


@dataclass(frozen=True)
class Lane:
    """What the queue knows of one account."""

    served_by: str | None = None
    waiting: int = 0
    floods: Mapping[str, datetime] = field(default_factory=dict)
    """Methods that Telegram said to wait with, and until when."""


class DeskUnreachable(Exception):  # noqa: N818 - an outage, no error of ours
    """What is known of the queue cannot be read now."""


class Desk(Protocol):
    """What is known of the queue, for operators mostly. Raises DeskUnreachable."""

    async def lanes(self, accounts: Sequence[AccountId]) -> Mapping[AccountId, Lane]:
        """How the lanes of these accounts are doing."""

    async def dead_letters(self) -> int:
        """How many requests were given up."""

    async def drop_letters(self, person: int) -> None:
        """Drop a person's requests that were given up."""

    async def our_bot(self) -> OurBot | None:
        """The bot that works with this queue, None when none ever did."""


@dataclass(frozen=True)
class Shared:
    """What the requests of one bridge have in common."""

    rules: Rules
    people: People
    desk: Desk
    life: Life

    crawling: asyncio.Lock
    """Held while the index of programs is read anew: one crawl serves all who wait for it."""
    names: Names
    referrals: Referrals
    resolves: Buckets
    """Each person's share of resolving usernames."""
    joins: Buckets
    """How many channels each account may come into now."""


@dataclass(frozen=True, kw_only=True)
class Inside:
    """One request that asks Telegram nothing: it is answered although no account is connected."""

    account: AccountId
    """Whose lane it is in."""
    store: Store
    actor: int
    origin: Origin | None
    now: Callable[[], datetime]
    shared: Shared
    again: bool = False
    """It was begun before, and nobody knows how far it came: what it wants done may have been done by that."""
    late: bool = False
    """Its time is over: what it wants done must not be done any more, only told if it was."""


@dataclass(frozen=True, kw_only=True)
class Context(Inside):
    """One request on one account, connected."""

    gateway: Gateway


_SENTENCES = {
    "STARREF_EXPIRED": ErrorCode.LINK_EXPIRED,
    "STARREF_HASH_REVOKED": ErrorCode.LINK_EXPIRED,
    "USERNAME_NOT_OCCUPIED": ErrorCode.NO_SUCH_BOT,
    "USERNAME_INVALID": ErrorCode.NO_SUCH_BOT,
    "BOT_INVALID": ErrorCode.PROGRAM_UNAVAILABLE,
    "CHAT_ADMIN_REQUIRED": ErrorCode.RIGHTS_MISSING,
    "CHANNEL_PRIVATE": ErrorCode.BALANCE_UNREACHABLE,
    "CHANNEL_INVALID": ErrorCode.BALANCE_UNREACHABLE,
    "PEER_ID_INVALID": ErrorCode.BALANCE_UNREACHABLE,
    "FROZEN_METHOD_INVALID": ErrorCode.FROZEN,
    "FROZEN_PARTICIPANT_MISSING": ErrorCode.FROZEN,
    "STARREF_AWAITING_END": ErrorCode.AWAITING_END,
    "STARREF_PERMILLE_TOO_LOW": ErrorCode.INVALID_COMMISSION,
    "STARREF_PERMILLE_INVALID": ErrorCode.INVALID_COMMISSION,
    "STARREF_MONTHS_TOO_LOW": ErrorCode.INVALID_DURATION,
    "PASSWORD_MISSING": ErrorCode.WITHDRAW_IN_APP,
    "PASSWORD_HASH_INVALID": ErrorCode.WITHDRAW_IN_APP,
    "PASSWORD_TOO_FRESH": ErrorCode.WITHDRAW_IN_APP,
    "SESSION_TOO_FRESH": ErrorCode.WITHDRAW_IN_APP,
}
_NUMBER = re.compile(r"_\d+$")


def failure_of(refused: Refused) -> Failure:
    """What Telegram's refusal means; one we have no sentence for keeps its code and message."""
    known = _SENTENCES.get(_NUMBER.sub("", refused.message))
    if known:
        return Failure(code=known)
    return Failure(code=ErrorCode.TELEGRAM, telegram_code=refused.code, telegram_message=refused.message)
