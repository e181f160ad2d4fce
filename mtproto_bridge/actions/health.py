"""A channel's health: what Telegram shows the account that serves it, and who is told when that changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.actions.describing import describe
from mtproto_bridge.protocol.events import HealthChanged
from mtproto_bridge.protocol.ids import AccountId, BalanceId
from mtproto_bridge.protocol.replies import Health
from mtproto_bridge.store import accounts, balances, outbox, people, tables
from mtproto_bridge.telegram.gateway import Gateway, Refused

GONE = ("CHANNEL_PRIVATE", "CHANNEL_INVALID", "PEER_ID_INVALID", "FROZEN_PARTICIPANT_MISSING")
"""What an account hears of a channel that it does not see any more."""


@dataclass(frozen=True)
class Seen:
    """A channel as Telegram shows it to an account at one moment."""

    health: Health
    posting: frozenset[int] = frozenset()
    """Who may post there; known only to a healthy account."""


async def see(gateway: Gateway, account: AccountId, channel_id: int) -> Seen:
    """Ask Telegram who may post in a channel: the account itself is to be among them."""
    try:
        posting = await gateway.posting_admins(channel_id)
    except Refused as refused:
        if refused.message == "CHAT_ADMIN_REQUIRED":
            return Seen("rights_missing")
        if refused.message in GONE:
            return Seen("unreachable")
        raise
    return Seen("ok" if account in posting else "rights_missing", frozenset(posting))


async def look(gateway: Gateway, account: AccountId, balance: tables.Balance) -> Health:
    """The health of one of the account's channels, asked of Telegram now."""
    return (await see(gateway, account, balance.peer_id)).health


def shown(health: str, account_state: str) -> Health:
    """What a channel's health comes to when its account itself is in trouble."""
    if account_state not in accounts.SERVING:
        return "account_lost"
    if account_state == "frozen" and health == "ok":
        return "frozen"
    return cast("Health", health)


async def note(
    session: AsyncSession, balance: tables.Balance, health: Health, now: datetime, *, actor: int | None = None
) -> None:
    """Keep a channel's health; its managers are told once when it changed, but for the one who looks at it now."""
    before, account_id = balance.health, AccountId(balance.account_id)
    if not await balances.set_health(
        session, BalanceId(balance.id), account=account_id, before=before, after=health, at=now
    ):
        return
    if before == health:
        return
    account = await accounts.row(session, account_id)
    changed = HealthChanged(
        balance=describe(balance),
        before=cast("Health", before),
        health=health,
        account_name=account.name if account else "",
        account_username=account.username if account else None,
    )
    await outbox.put(session, now, await people.managers_but(session, balance.id, actor), changed)
