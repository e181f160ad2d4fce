"""Channels as their managers see them: with their health; and taking the bridge out of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.actions import health
from mtproto_bridge.actions.affiliations import ALREADY_REVOKED
from mtproto_bridge.actions.balances import authorize, is_known, known_channels, peer_of
from mtproto_bridge.actions.context import Context, Inside
from mtproto_bridge.actions.describing import describe, describe_account
from mtproto_bridge.actions.notices import acted
from mtproto_bridge.actions.registrations import described
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import BalanceId
from mtproto_bridge.protocol.replies import Channel, ChannelPage, ChannelRemoved, Channels
from mtproto_bridge.protocol.requests import ListChannels, RemoveChannel, ShowChannel
from mtproto_bridge.store import affiliations, audit, balances, people, registrations, tables
from mtproto_bridge.telegram.gateway import Connection, Refused

NOT_INSIDE = (*health.GONE, "USER_NOT_PARTICIPANT")
OWN_CHANNEL = "USER_CREATOR"
"""A creator cannot leave: the channel is the account's own, and stays its own."""
TROUBLES = (ErrorCode.RIGHTS_MISSING, ErrorCode.BALANCE_UNREACHABLE)


async def list_channels(context: Inside, _: ListChannels) -> Channels:
    """The actor's channels with their health, and their registrations under way."""
    mine, stale = await known_channels(context)
    async with context.store.begin() as session:
        links = await affiliations.live_links(session, [BalanceId(balance.id) for balance, _ in mine])
        rows = await registrations.open_of(session, context.actor, context.now())
        return Channels(
            channels=[_describe(*one, links.get(BalanceId(one[0].id), 0)) for one in mine],
            registrations=[await described(session, row) for row in rows],
            stale_accounts=stale,
        )


async def show(context: Context, request: ShowChannel) -> ChannelPage:
    """One channel as it is now. What is wrong with it is part of the page.

    Raises:
        BridgeError: not_a_manager, moved.
    """
    try:
        await authorize(context, request.balance_id, looks=True)
    except BridgeError as error:
        if error.code not in TROUBLES:
            raise
    async with context.store.begin() as session:
        balance = await _known(context, session, request.balance_id)
        balance.health_at = context.now()
        return await _page(context, session, balance)


async def show_lost(context: Inside, request: ShowChannel) -> ChannelPage:
    """One channel whose account cannot be used any more, as it was last seen.

    Raises:
        BridgeError: not_a_manager.
    """
    async with context.store.begin() as session:
        return await _page(context, session, await _known(context, session, request.balance_id))


async def _known(context: Inside, session: AsyncSession, balance_id: BalanceId) -> tables.Balance:
    """A channel the actor is known to manage.

    Raises:
        BridgeError: not_a_manager.
    """
    balance, manager = await balances.find(session, balance_id, context.actor)
    if balance is None or balance.kind != "channel" or not is_known(manager):
        raise BridgeError(ErrorCode.NOT_A_MANAGER)
    return balance


async def _page(context: Inside, session: AsyncSession, balance: tables.Balance) -> ChannelPage:
    account = await session.get_one(tables.Account, balance.account_id)
    links = await affiliations.live_links(session, [BalanceId(balance.id)])
    others = await people.managers_but(session, balance.id, context.actor)
    return ChannelPage(channel=_describe(balance, account, sum(links.values())), other_managers=len(others))


def _describe(balance: tables.Balance, account: tables.Account, links: int) -> Channel:
    return Channel(
        balance=describe(balance),
        health=health.shown(balance.health, account.state),
        links=links,
        checked_at=balance.health_at,
        account=describe_account(account),
    )


# -- removing -----------------------------------------------------------------------------------------------------


async def remove(context: Context, request: RemoveChannel) -> ChannelRemoved:
    """Take the bridge out of a channel; its links are revoked first, or left as they are.

    Bears being run twice: what is done already is not in the way. Where the account lost its right or its place,
    there is nothing to leave any more; but links that were to be revoked then stay, so that is refused.

    Raises:
        BridgeError: as `authorize`; deadline_passed.
    """
    async with context.store.begin() as session:
        balance, _ = await balances.find(session, request.balance_id, context.actor)
    if balance is None and context.again:
        return ChannelRemoved(title="")
    trouble = None
    try:
        await authorize(context, request.balance_id)
    except BridgeError as error:
        if error.code not in TROUBLES:
            raise
        trouble = error
    async with context.store.begin() as session:
        balance = await _known(context, session, request.balance_id)
        kept = (await affiliations.live_links(session, [request.balance_id])).get(request.balance_id, 0)
    if context.late:
        raise BridgeError(ErrorCode.DEADLINE_PASSED)
    revoked = 0
    if request.revoke_links and kept and trouble:
        raise trouble
    if request.revoke_links and not trouble:
        revoked, kept = await _revoke_all(context, balance, known=kept), 0
    await _leave(context, balance)
    return await _forget(context, balance, revoked=revoked, left_earning=kept)


async def remove_lost(context: Inside, request: RemoveChannel) -> ChannelRemoved:
    """Forget a channel whose account cannot be used any more; its links can no longer be revoked by us.

    Raises:
        BridgeError: not_a_manager, deadline_passed; account_unavailable when there are links to be revoked.
    """
    async with context.store.begin() as session:
        balance, _ = await balances.find(session, request.balance_id, context.actor)
        if balance is None and context.again:
            return ChannelRemoved(title="")
        balance = await _known(context, session, request.balance_id)
        kept = (await affiliations.live_links(session, [request.balance_id])).get(request.balance_id, 0)
    if context.late:
        raise BridgeError(ErrorCode.DEADLINE_PASSED)
    if request.revoke_links and kept:
        raise BridgeError(ErrorCode.ACCOUNT_UNAVAILABLE)
    return await _forget(context, balance, revoked=0, left_earning=kept)


async def _revoke_all(context: Context, balance: tables.Balance, *, known: int) -> int:
    """Revoke every live link of a channel, also those we did not make; answers how many. `known`: as last seen."""
    peer = peer_of(balance)
    live: list[Connection] = []
    with _unless_refused(*(() if known else ("CHAT_ADMIN_REQUIRED",))):  # perhaps only owners may read them
        live = [one for one in await context.gateway.connections(peer) if not one.revoked]
    for link in live:
        with _unless_refused(ALREADY_REVOKED):
            await context.gateway.revoke(peer, link.url)
        async with context.store.begin() as session:  # each by itself: a flood may come in between
            at, number = context.now(), BalanceId(balance.id)
            await affiliations.save(session, number, replace(link, revoked=True), at)
            await audit.write(
                session, at=at, person=context.actor, action="revoke", balance=balance.id, bot=link.bot_id
            )
    return len(live)


async def _leave(context: Context, balance: tables.Balance) -> None:
    with _unless_refused(*NOT_INSIDE, OWN_CHANNEL):
        await context.gateway.leave_channel(balance.peer_id)


async def _forget(context: Inside, balance: tables.Balance, *, revoked: int, left_earning: int) -> ChannelRemoved:
    async with context.store.begin() as session:
        await acted(context, session, "remove", balance)
        await balances.remove(session, BalanceId(balance.id))
    return ChannelRemoved(title=balance.title, revoked=revoked, left_earning=left_earning)


@contextmanager
def _unless_refused(*messages: str) -> Iterator[None]:
    """Go on after these refusals: what was wanted is so already."""
    try:
        yield
    except Refused as refused:
        if refused.message not in messages:
            raise
