"""What is done for an account unasked: one small thing at a time, so that 500 channels do not make a burst.

Who holds its lane calls `attend` about every minute, and sooner as long as there is more. An account is connected
when there is something to do, not before.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import cast

import structlog

from mtproto_bridge.actions import index
from mtproto_bridge.actions.balances import peer_of
from mtproto_bridge.actions.describing import describe
from mtproto_bridge.actions.health import note, see
from mtproto_bridge.actions.life import FROZEN, Life
from mtproto_bridge.actions.shares import Buckets
from mtproto_bridge.protocol.events import AccountGone, ChannelIdle, ChannelReleased, LinkState
from mtproto_bridge.protocol.ids import AccountId, BalanceId
from mtproto_bridge.protocol.links import referral_in
from mtproto_bridge.protocol.replies import Health
from mtproto_bridge.store import Store, accounts, affiliations, balances, forgetting, outbox, people, tables
from mtproto_bridge.telegram.gateway import FloodWait, Gateway, NotReached, Refused, SessionSealed

DAILY = timedelta(days=1)
THAW_LOOK = timedelta(hours=1)
"""How often Telegram is asked whether a frozen account may act again."""
UNUSED = timedelta(days=90)
"""How long a channel that a person registered may be without a live link."""
NOTICE = timedelta(days=7)
"""Between telling its managers and releasing it."""
MOST_LINKS = 20
"""Of a channel whose account is gone: the links whose state is told."""
BRIDGE = 0
"""Nobody's id: the bridge has a share of resolving usernames like one person."""
LOOK_PATIENCE = timedelta(hours=6)
"""How long the managers of a lost account's channels are not told, so that all links can be looked at before."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Loss:
    """What was seen of a banned account's channels, until their managers are told."""

    since: datetime
    alive: dict[int, bool | None] = field(default_factory=dict)
    """Links by the store's number; None: it cannot be said."""


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What a chore is given: one account."""

    account: AccountId
    store: Store
    now: Callable[[], datetime]
    life: Life
    resolves: Buckets
    crawling: asyncio.Lock
    """Held while the index of programs is read anew."""
    losses: dict[AccountId, Loss]
    """Outlives the errand, as the share above does."""
    connected: Gateway | None
    """Set when it is connected already."""
    gateway: Callable[[], Awaitable[Gateway]]
    """Connects it if it is not; raises as any call of the gateway, NotReached also when it is not its turn."""


Chore = Callable[[Errand], Awaitable[bool]]
"""Does one thing, if any is due; whether there was one."""


async def attend(errand: Errand) -> bool:
    """Do the first chore that is due and can be done; whether there was one. What hinders one holds up no other.

    Raises:
        AccountLost: of this account.
    """
    for chore in await _due(errand):
        try:
            if await chore(errand):
                return True
        except FloodWait as flood:
            log.info("chore.flooded", account=errand.account, method=flood.method, seconds=round(flood.seconds, 3))
        except Refused as refused:
            log.warning("chore.refused", account=errand.account, telegram=refused.message)
            if refused.message == FROZEN:
                await errand.life.freeze(errand.account, frozen=True)
        except (SessionSealed, NotReached) as error:
            log.debug("chore.put_off", account=errand.account, reason=type(error).__name__)
    return False


async def _due(errand: Errand) -> list[Chore]:
    """What may be due, in its order."""
    async with errand.store.begin() as session:
        row = await accounts.row(session, errand.account)
        desk = next(iter(await accounts.all_accounts(session)), None)
    if row is None:
        return []
    due: list[Chore] = []
    serves = row.state in accounts.SERVING
    if serves:
        due += [partial(check_account, row=row), partial(hear, before=row.updates), check_channel]
    if row.state == "ready":
        due += [leave_abandoned, release_idle]
    if desk == errand.account:
        due += [partial(tell_of_loss, may_ask=serves), *([renew_index] if serves else [])]
    return due


async def check_account(errand: Errand, *, row: tables.Account) -> bool:
    """Once a day, and after each log-in: what Telegram allows the account; more often while it is frozen."""
    every = THAW_LOOK if row.state == "frozen" else DAILY
    if row.checked_at and errand.now() < row.checked_at + every:
        return False
    may = await (await errand.gateway()).capabilities()
    async with errand.store.begin() as session:
        await accounts.note_allowed(
            session, errand.account, premium=may.premium, may_connect=may.may_connect, at=errand.now()
        )
    await errand.life.freeze(errand.account, frozen=may.frozen)
    return True


async def renew_index(errand: Errand) -> bool:
    """As long as somebody browses at all: programs as they are now, so that nobody who browses waits for them."""
    return await index.renew(errand.store, errand.crawling, errand.gateway, errand.now(), index.FRESH)


async def hear(errand: Errand, *, before: str | None) -> bool:
    """As long as the account is connected: channels in which its place changed are looked at soon."""
    if errand.connected is None:
        return False
    try:
        heard = await errand.connected.heard(errand.now())
    except NotReached:  # also while Telegram's difference is out of order: the daily look is not to wait for that
        return False
    if heard.updates != before or heard.channels is None or heard.channels:
        async with errand.store.begin() as session:  # one transaction: what came before updates stood there is kept
            await accounts.save_updates(session, errand.account, heard.updates)
            await balances.make_due(session, errand.account, heard.channels)
    return False


async def check_channel(errand: Errand) -> bool:
    """Once a day, and when its account was told of a change: a channel's health, who may post, whether it is used."""
    now = errand.now()
    async with errand.store.begin() as session:
        balance = await balances.health_due(session, errand.account, now - DAILY)
    if balance is None:
        return False
    balance_id = BalanceId(balance.id)
    gateway = await errand.gateway()
    try:
        seen = await see(gateway, errand.account, balance.peer_id)
    except Refused as refused:  # nothing is known of it; the others are not to wait for that
        log.warning("chore.refused", account=errand.account, telegram=refused.message)
        seen = None
    async with errand.store.begin() as session:
        if seen and seen.health == "ok":
            await balances.note_posting(session, balance_id, seen.posting, now)
        await note(session, balance, seen.health if seen else cast("Health", balance.health), now)
        await balances.note_use(session, balance_id, now)
    return True


async def release_idle(errand: Errand) -> bool:
    """A channel that a person registered and that has no live link for long: its managers are told, then it is left."""
    now = errand.now()
    async with errand.store.begin() as session:
        balance = await balances.idle(session, errand.account, unused=now - UNUSED, told=now - NOTICE)
    if balance is None:
        return False
    gateway, number = await errand.gateway(), BalanceId(balance.id)
    if await _is_used(errand, gateway, balance):
        return True
    if balance.idle_told_at is None:
        async with errand.store.begin() as session:
            if await balances.note_idle(session, number, now):
                idle = ChannelIdle(balance=describe(balance), release_at=now + NOTICE)
                await outbox.put(session, now, await people.managers_but(session, balance.id, None), idle)
        return True
    await _leave(errand, gateway, balance)
    async with errand.store.begin() as session:
        still = await session.get(tables.Balance, balance.id, with_for_update=True)
        if still is None or still.account_id != errand.account or await affiliations.live_of(session, number, 1):
            return True  # it went to another account or is used after all: its health says that this one has left
        released = ChannelReleased(balance=describe(balance))
        await outbox.put(session, now, await people.managers_but(session, balance.id, None), released)
        await balances.remove(session, number)
    return True


async def leave_abandoned(errand: Errand) -> bool:
    """A channel whose managers are all forgotten is left: nobody is there to be told. Its links stay as they are."""
    async with errand.store.begin() as session:
        balance = await forgetting.abandoned(session, errand.account, errand.now())
    if balance is None:
        return False
    await _leave(errand, await errand.gateway(), balance)
    number = BalanceId(balance.id)
    async with errand.store.begin() as session:
        if await forgetting.is_abandoned(session, number, errand.account):  # else somebody registered it meanwhile
            await balances.remove(session, number)
    return True


async def _leave(errand: Errand, gateway: Gateway, balance: tables.Balance) -> None:
    """Leave a channel; where Telegram says anything but that the account is frozen, it is out of it already."""
    try:
        await gateway.leave_channel(balance.peer_id)
    except Refused as refused:
        if refused.message == FROZEN:
            raise
        log.info("chore.left_before", account=errand.account, telegram=refused.message)


async def _is_used(errand: Errand, gateway: Gateway, balance: tables.Balance) -> bool:
    """Whether the channel has a live link after all, as Telegram says now; the store, where it does not say."""
    balance_id, now = BalanceId(balance.id), errand.now()
    try:
        listed = await gateway.connections(peer_of(balance))
    except Refused:
        listed = None
    async with errand.store.begin() as session:
        if listed is not None:
            await affiliations.save_list(session, balance_id, listed, now)
        await balances.note_use(session, balance_id, now)
        return bool(await affiliations.live_of(session, balance_id, 1))


async def tell_of_loss(errand: Errand, *, may_ask: bool) -> bool:
    """The managers of a channel whose account is banned are told, with how its links are as far as the desk can see.

    As long as not all of them could be looked at, the channel is left for a later look.
    """
    async with errand.store.begin() as session:
        found = await balances.bereft(session)
        links = await affiliations.live_of(session, BalanceId(found[0].id), MOST_LINKS) if found else []
    if found is None:
        errand.losses.clear()
        return False
    balance, lost = found
    now = errand.now()
    loss = errand.losses.setdefault(AccountId(lost.id), Loss(now))
    if may_ask and not await _look_at(errand, loss, links) and now < loss.since + LOOK_PATIENCE:
        return False
    states = [LinkState(bot_title=one.bot_title, alive=loss.alive.get(one.id)) for one in links]
    async with errand.store.begin() as session:
        if await balances.set_health(
            session,
            BalanceId(balance.id),
            account=AccountId(lost.id),
            before=balance.health,
            after="account_lost",
            at=now,
        ):
            gone = AccountGone(balance=describe(balance), account_name=lost.name, links=states)
            await outbox.put(session, now, await people.managers_but(session, balance.id, None), gone)
    return True


async def _look_at(errand: Errand, loss: Loss, links: Sequence[tables.Affiliation]) -> bool:
    """Look which links are alive, as far as the share goes; whether there is nothing left that a later look may say."""
    try:
        for link in links:
            if link.id in loss.alive:
                continue
            gateway = await errand.gateway()
            if errand.resolves.take(BRIDGE):
                return False
            loss.alive[link.id] = await _is_alive(gateway, link)
    except SessionSealed:
        return True
    except (FloodWait, NotReached):
        return False
    return True


async def _is_alive(gateway: Gateway, link: tables.Affiliation) -> bool | None:
    referral = referral_in(link.url)
    try:
        return await gateway.link_alive(link.bot_username, referral.token) is not None if referral else None
    except Refused:
        return None
