"""Balances: who may act for which. The rule of authorization is here and nowhere else.

A person may act for a channel that Telegram says, at that moment, they created or administer with the right
to post; and for an account that is they themselves (same Telegram id).
"""

from datetime import datetime, timedelta

from mtproto_bridge.actions.context import Context, Inside
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.ids import AccountId, BalanceId
from mtproto_bridge.protocol.replies import Balance, Balances, Refreshed
from mtproto_bridge.protocol.requests import ListBalances, Refresh
from mtproto_bridge.store import affiliations, balances, tables
from mtproto_bridge.telegram.gateway import BalancePeer, Refused

PROOF_LIFE = timedelta(seconds=60)
"""How long lists may use an answer of Telegram's on who manages what."""

_GONE = ("CHANNEL_PRIVATE", "CHANNEL_INVALID", "PEER_ID_INVALID")


async def authorize(context: Context, balance_id: BalanceId) -> tables.Balance:
    """The balance, once Telegram has said just now that the actor may act for it.

    Raises:
        BridgeError: not_a_manager (also for a balance that does not exist), moved, rights_missing,
            balance_unreachable.
    """
    async with context.store.begin() as session:
        balance, manager = await balances.find(session, balance_id, context.actor)
    if balance is None:
        raise BridgeError(ErrorCode.NOT_A_MANAGER)
    if balance.account_id != context.account:
        raise BridgeError(Failure(code=ErrorCode.MOVED, account_id=balance.account_id))
    try:
        allowed = await _ask_telegram(context, balance)
    except BridgeError as error:
        # What is wrong with a channel is told to its managers only.
        raise error if manager else BridgeError(ErrorCode.NOT_A_MANAGER) from error
    if not _tells_the_same(manager, allowed=allowed, since=context.now() - PROOF_LIFE / 2):
        async with context.store.begin() as session:
            await balances.note_proof(session, balance_id, context.actor, allowed=allowed, at=context.now())
    if not allowed:
        raise BridgeError(ErrorCode.NOT_A_MANAGER)
    return balance


def _tells_the_same(manager: tables.Manager | None, *, allowed: bool, since: datetime) -> bool:
    """Whether what is kept for lists says this already; acting never relies on it."""
    if manager is None:
        return not allowed
    return manager.allowed == allowed and _since(manager.checked_at, since)


async def _ask_telegram(context: Context, balance: tables.Balance) -> bool:
    if balance.kind == "account":
        return balance.peer_id == context.actor == context.account
    if balance.kind != "channel":
        return False
    try:
        admins = await context.gateway.posting_admins(balance.peer_id)
    except Refused as refused:
        if refused.message == "CHAT_ADMIN_REQUIRED":
            raise BridgeError(Failure(code=ErrorCode.RIGHTS_MISSING, balance_title=balance.title)) from refused
        if refused.message in _GONE:
            raise BridgeError(Failure(code=ErrorCode.BALANCE_UNREACHABLE, balance_title=balance.title)) from refused
        raise
    if context.actor not in admins:
        return False
    if context.account not in admins:
        raise BridgeError(Failure(code=ErrorCode.RIGHTS_MISSING, balance_title=balance.title))
    return True


async def known_balances(context: Inside, *, links: bool = False) -> tuple[list[tables.Balance], list[AccountId]]:
    """The balances that Telegram said within the last minute the actor may act for, and who should ask again.

    With `links`, what was read of the balances' links counts as well.
    """
    async with context.store.begin() as session:
        rows = await balances.managed_by(session, context.actor)
    fresh = context.now() - PROOF_LIFE
    mine, stale = [], set()
    for balance, manager in rows:
        if not _since(manager.checked_at, fresh) or (links and not _since(balance.listed_at, fresh)):
            stale.add(AccountId(balance.account_id))
        if manager.allowed and _since(manager.checked_at, fresh):
            mine.append(balance)
    return mine, sorted(stale)


def _since(moment: datetime | None, start: datetime) -> bool:
    return moment is not None and moment >= start


async def list_balances(context: Inside, _: ListBalances) -> Balances:
    """The balances the actor may act for."""
    mine, stale = await known_balances(context)
    return Balances(balances=[describe(one) for one in mine], stale_accounts=stale)


async def refresh(context: Context, request: Refresh) -> Refreshed:
    """Ask Telegram anew for the actor's balances on this account, and read their links where wanted."""
    async with context.store.begin() as session:
        rows = await balances.managed_by(session, context.actor)
    for balance, _ in rows:
        if balance.account_id == context.account:
            await _renew(context, balance, links=request.links)
    return Refreshed()


async def _renew(context: Context, balance: tables.Balance, *, links: bool) -> None:
    balance_id = BalanceId(balance.id)
    now = context.now()
    try:
        allowed = await _ask_telegram(context, balance)
        found = await context.gateway.connections(peer_of(balance)) if allowed and links else None
    except BridgeError:
        allowed, found = False, None
    except Refused:  # of this balance nothing new is known; the others are not to blame
        return
    async with context.store.begin() as session:
        await balances.note_proof(session, balance_id, context.actor, allowed=allowed, at=now)
        if found is not None:
            await affiliations.save_list(session, balance_id, found, now)
        if links:  # also when it may not be read: asking again at once would not help
            await balances.mark_listed(session, balance_id, now)


def describe(balance: tables.Balance, *, joined: bool = False) -> Balance:
    """A balance as it travels."""
    return Balance.model_validate(
        {
            "id": balance.id,
            "kind": balance.kind,
            "title": balance.title,
            "username": balance.username,
            "joined": joined,
        }
    )


def peer_of(balance: tables.Balance) -> BalancePeer:
    """A balance as Telegram addresses it."""
    return BalancePeer(describe(balance).kind, balance.peer_id)
