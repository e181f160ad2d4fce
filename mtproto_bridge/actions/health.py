"""The health of a channel: whether the bridge may still do there what it was let in for."""

from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.actions.balances import GONE, describe
from mtproto_bridge.protocol.events import HealthChanged
from mtproto_bridge.protocol.ids import AccountId, BalanceId
from mtproto_bridge.protocol.replies import Health
from mtproto_bridge.store import balances, outbox, people, tables
from mtproto_bridge.telegram.gateway import Gateway, Refused

_HEALTH: TypeAdapter[Health] = TypeAdapter(Health)


async def look(gateway: Gateway, account: AccountId, balance: tables.Balance) -> Health:
    """The health of a channel that this account serves, as Telegram says now; raises as any call of the gateway."""
    health, _ = await survey(gateway, account, balance)
    return health


async def survey(gateway: Gateway, account: AccountId, balance: tables.Balance) -> tuple[Health, set[int]]:
    """As `look`, and who may post there; nobody where that cannot be seen."""
    try:
        admins = await gateway.posting_admins(balance.peer_id)
    except Refused as refused:
        if refused.message == "CHAT_ADMIN_REQUIRED":
            return "rights_missing", set()
        if refused.message in GONE:
            return "unreachable", set()
        raise
    return ("ok" if account in admins else "rights_missing"), admins


async def note(session: AsyncSession, balance: tables.Balance, health: Health, now: datetime) -> Health:
    """Keep the health of a channel in the store and in `balance`; a change is told to its managers, once.

    Answers it as it was kept: where all is well but the account is frozen, it is `frozen`.
    """
    account = await session.get(tables.Account, balance.account_id)
    if account and account.state == "frozen" and health == "ok":
        health = "frozen"
    before = describe_health(balance)
    noted = await balances.note_health(session, BalanceId(balance.id), before=before, health=health, at=now)
    if noted and health != before and account:
        changed = HealthChanged(
            balance=describe(balance),
            before=before,
            health=health,
            account_name=account.name,
            account_username=account.username,
        )
        await outbox.put(session, now, await people.managers_but(session, balance.id, None), changed)
    if balance not in session:  # else it is renewed by what was written
        balance.health, balance.health_at = health, now
    return health


def describe_health(balance: tables.Balance) -> Health:
    """A channel's health as it was last kept."""
    return _HEALTH.validate_python(balance.health)
