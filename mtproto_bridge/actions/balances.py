"""Balances: who may act for which. The rule of authorization is here and nowhere else.

A person may act for a channel that Telegram says, at that moment, they created or administer with the right
to post; and for an account that is they themselves (same Telegram id), and the bots that account owns.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.actions import health
from mtproto_bridge.actions.context import Context, Inside
from mtproto_bridge.actions.describing import describe
from mtproto_bridge.actions.together import together
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.ids import AccountId, BalanceId
from mtproto_bridge.protocol.replies import Balances, Refreshed
from mtproto_bridge.protocol.requests import ListBalances, Refresh
from mtproto_bridge.store import accounts, affiliations, balances, tables
from mtproto_bridge.telegram.gateway import BalancePeer, Refused

T = TypeVar("T")

PROOF_LIFE = timedelta(seconds=60)
"""How long lists may use an answer of Telegram's on who manages what."""

_TROUBLES = {"rights_missing": ErrorCode.RIGHTS_MISSING, "unreachable": ErrorCode.BALANCE_UNREACHABLE}


async def authorize(context: Context, balance_id: BalanceId, *, looks: bool = False) -> tables.Balance:
    """The balance, once Telegram has said just now that the actor may act for it.

    `looks`: the actor is shown a channel's health now, so a change of it is told to the others only.

    Raises:
        BridgeError: not_a_manager (also for a balance that does not exist), moved, rights_missing,
            balance_unreachable.
    """
    balance, manager = await _find(context, balance_id)
    await _prove(context, balance, manager, looks=looks)
    return balance


async def authorize_and_read(
    context: Context, balance_id: BalanceId, read: Callable[[tables.Balance], Awaitable[T]]
) -> tuple[tables.Balance, T]:
    """As `authorize`, and what `read` finds out of the balance.

    Telegram is asked for both at once where the actor is known as a manager: who waits, waits for one answer less.
    Nothing that was read leaves here before Telegram has said who may see it.
    """
    balance, manager = await _find(context, balance_id)
    proving = _prove(context, balance, manager)
    if not is_known(manager):
        await proving
        return balance, await read(balance)
    _, found = await together(proving, read(balance))
    return balance, found


async def _find(context: Context, balance_id: BalanceId) -> tuple[tables.Balance, tables.Manager | None]:
    async with context.store.begin() as session:
        balance, manager = await balances.find(session, balance_id, context.actor)
    if balance is None:
        raise BridgeError(ErrorCode.NOT_A_MANAGER)
    _require_here(context, balance)
    return balance, manager


async def _prove(
    context: Context, balance: tables.Balance, manager: tables.Manager | None, *, looks: bool = False
) -> None:
    balance_id = BalanceId(balance.id)
    try:
        allowed = await _ask_telegram(context, balance, looks=looks)
    except BridgeError as error:
        # What is wrong with a channel is told to its managers only.
        raise error if is_known(manager) else BridgeError(ErrorCode.NOT_A_MANAGER) from error
    if not _tells_the_same(manager, allowed=allowed, since=context.now() - PROOF_LIFE / 2):
        async with context.store.begin() as session:
            await balances.note_proof(session, balance_id, context.actor, allowed=allowed, at=context.now())
    if not allowed:
        raise BridgeError(ErrorCode.NOT_A_MANAGER)


async def require_served(context: Inside, balance_id: BalanceId) -> None:
    """See that the balance is this account's still, where Telegram is not asked about it.

    Raises:
        BridgeError: moved.
    """
    async with context.store.begin() as session:
        balance, _ = await balances.find(session, balance_id, context.actor)
    if balance:
        _require_here(context, balance)


def _require_here(context: Inside, balance: tables.Balance) -> None:
    if balance.account_id != context.account:
        raise BridgeError(Failure(code=ErrorCode.MOVED, account_id=balance.account_id))


def _tells_the_same(manager: tables.Manager | None, *, allowed: bool, since: datetime) -> bool:
    """Whether what is kept for lists says this already; acting never relies on it."""
    if manager is None:
        return not allowed
    return manager.allowed == allowed and _since(manager.checked_at, since)


def is_known(manager: tables.Manager | None) -> bool:
    """Whether somebody is known as a manager, where Telegram cannot be asked: it said so last, or never was asked."""
    return manager is not None and (manager.allowed or manager.checked_at is None)


async def _ask_telegram(context: Context, balance: tables.Balance, *, looks: bool = False) -> bool:
    if balance.kind == "channel":
        return await _posts_in(context, balance, looks=looks)
    if context.actor != context.account:
        return False
    if balance.kind == "bot":
        return any(one.id == balance.peer_id for one in await context.gateway.own_bots())
    return balance.peer_id == context.actor


async def _posts_in(context: Context, balance: tables.Balance, *, looks: bool) -> bool:
    seen = await health.see(context.gateway, context.account, balance.peer_id)
    if seen.health != balance.health:
        async with context.store.begin() as session:
            actor = context.actor if looks else None
            await health.note(session, balance, seen.health, context.now(), actor=actor)
    if seen.posting and context.actor not in seen.posting:
        return False
    if seen.health != "ok":
        raise BridgeError(Failure(code=_TROUBLES[seen.health], balance_title=balance.title))
    return True


async def known_balances(context: Inside, *, links: bool = False) -> tuple[list[tables.Balance], list[AccountId]]:
    """The balances that Telegram said within the last minute the actor may act for, and who should ask again.

    With `links`, what was read of the balances' links counts as well.
    """
    async with context.store.begin() as session:
        rows = await balances.managed_by(session, context.actor)
        stale = await _forgotten_owner(context, session)
    fresh = context.now() - PROOF_LIFE
    mine = []
    for balance, manager in rows:
        if not _since(manager.checked_at, fresh) or (links and not _since(balance.listed_at, fresh)):
            stale.add(AccountId(balance.account_id))
        if manager.allowed and _since(manager.checked_at, fresh) and balance.health not in _TROUBLES:
            mine.append(balance)
    return mine, sorted(stale)


async def known_channels(context: Inside) -> tuple[list[tuple[tables.Balance, tables.Account]], list[AccountId]]:
    """The channels that Telegram last said the actor may act for, healthy or not, and who should ask again.

    What an account served that cannot be asked any more is among them: they are to see that.
    """
    async with context.store.begin() as session:
        rows = await balances.channels_of(session, context.actor)
        stale = await _forgotten_owner(context, session)
    fresh = context.now() - PROOF_LIFE
    mine = []
    for balance, manager, account in rows:
        asks = account.state in accounts.SERVING
        is_fresh = _since(manager.checked_at, fresh)
        if asks and not is_fresh:
            stale.add(AccountId(account.id))
        if manager.allowed and (is_fresh or not asks):
            mine.append((balance, account))
    return mine, sorted(stale)


async def _forgotten_owner(context: Inside, session: AsyncSession) -> set[AccountId]:
    """The actor's own account, where they were forgotten and came back: it knows what is theirs."""
    return {AccountId(context.actor)} if await balances.is_own_unknown(session, context.actor) else set()


def _since(moment: datetime | None, start: datetime) -> bool:
    return moment is not None and moment >= start


async def list_balances(context: Inside, _: ListBalances) -> Balances:
    """The balances the actor may act for."""
    mine, stale = await known_balances(context)
    return Balances(balances=[describe(one) for one in mine], stale_accounts=stale)


async def refresh(context: Context, request: Refresh) -> Refreshed:
    """Ask Telegram anew for the actor's balances on this account, and read their links where wanted."""
    if context.actor == context.account:
        await _find_own(context)
    async with context.store.begin() as session:
        rows = await balances.managed_by(session, context.actor)
    for balance, _ in rows:
        if balance.account_id == context.account:
            await _renew(context, balance, links=request.links)
    return Refreshed()


async def _find_own(context: Context) -> None:
    """Write down what is the account's own person's; whether it is theirs still is asked like for any balance."""
    async with context.store.begin() as session:
        await balances.register_own(session, context.account)
    with suppress(Refused):  # the other balances are not to blame
        owned = await context.gateway.own_bots()
        async with context.store.begin() as session:
            await balances.register_bots(session, context.account, owned)


async def _renew(context: Context, balance: tables.Balance, *, links: bool) -> None:
    balance_id = BalanceId(balance.id)
    now = context.now()
    allowed: bool | None
    try:
        allowed = await _ask_telegram(context, balance)
        found = await context.gateway.connections(peer_of(balance)) if allowed and links else None
    except BridgeError:
        allowed, found = None, None
    except Refused:  # of this balance nothing new is known; the others are not to blame
        return
    async with context.store.begin() as session:
        if allowed is None:
            await balances.note_asked(session, balance_id, context.actor, now)
        else:
            await balances.note_proof(session, balance_id, context.actor, allowed=allowed, at=now)
        if found is not None:
            await affiliations.save_list(session, balance_id, found, now)
        if links:  # also when it may not be read: asking again at once would not help
            await balances.mark_listed(session, balance_id, now)


def peer_of(balance: tables.Balance) -> BalancePeer:
    """A balance as Telegram addresses it."""
    return BalancePeer(describe(balance).kind, balance.peer_id)
