"""What every action is given, and the one place where Telegram's refusals become failures of the contract."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mtproto_bridge.actions.names import Names
from mtproto_bridge.actions.shares import Buckets
from mtproto_bridge.protocol import ErrorCode, Failure
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store import Store
from mtproto_bridge.telegram.gateway import Gateway, Refused


@dataclass(frozen=True)
class Shared:
    """What the requests of one bridge have in common."""

    crawling: asyncio.Lock
    """Held while the index of programs is read anew: one crawl serves all who wait for it."""
    names: Names
    resolves: Buckets
    """Each person's share of resolving usernames."""


@dataclass(frozen=True)
class Context:
    """One request on one account."""

    account: AccountId
    gateway: Gateway
    store: Store
    actor: int
    now: Callable[[], datetime]
    shared: Shared
    again: bool
    """It was begun before, and nobody knows how far it came: what it wants done may have been done by that."""
    late: bool = False
    """Its time is over: what it wants done must not be done any more, only told if it was."""


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
}


def failure_of(refused: Refused) -> Failure:
    """What Telegram's refusal means; one we have no sentence for keeps its code and message."""
    known = _SENTENCES.get(refused.message)
    if known:
        return Failure(code=known)
    return Failure(code=ErrorCode.TELEGRAM, telegram_code=refused.code, telegram_message=refused.message)
