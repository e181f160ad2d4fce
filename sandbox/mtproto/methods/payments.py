"""Affiliate programs (core.telegram.org/api/bots/referrals). The rules are the World's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto import objects, peers
from sandbox.mtproto.rpc import MethodTable
from sandbox.world import links, programs
from sandbox.world.errors import bad_request

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call
    from sandbox.world.links import Connections
    from sandbox.world.programs import Order

methods = MethodTable()


@methods.serves(functions.payments.GetSuggestedStarRefBotsRequest)
def get_suggested_star_ref_bots(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/payments.getSuggestedStarRefBots; its PEER_ID_INVALID has the code 403."""
    balance = peers.peer(call, request.peer, code=403)
    page = programs.suggested(call.world, call.account.id, balance.id, _order(request), request.offset, request.limit)
    return types.payments.SuggestedStarRefBots(
        page.total,
        [objects.program(one, one.program) for one in page.bots if one.program],
        [objects.user(call.world, call.account.id, one) for one in page.bots],
        next_offset=page.next_offset,
    )


@methods.serves(functions.payments.ConnectStarRefBotRequest, changes_things=True)
def connect_star_ref_bot(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/payments.connectStarRefBot."""
    balance, bot = peers.peer(call, request.peer), peers.bot(call, request.bot)
    return _changed(call, links.connect(call.world, call.account.id, balance.id, bot.id))


@methods.serves(functions.payments.GetConnectedStarRefBotRequest)
def get_connected_star_ref_bot(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/payments.getConnectedStarRefBot."""
    balance, bot = peers.peer(call, request.peer), peers.bot(call, request.bot)
    return _answer(call, links.connected(call.world, call.account.id, balance.id, bot.id))


@methods.serves(functions.payments.GetConnectedStarRefBotsRequest)
def get_connected_star_ref_bots(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/payments.getConnectedStarRefBots."""
    if request.limit < 0:
        raise bad_request("LIMIT_INVALID")
    balance = peers.peer(call, request.peer)
    after = None
    if request.offset_date is not None and request.offset_link:
        after = int(request.offset_date.timestamp()), request.offset_link
    return _answer(call, links.connections(call.world, call.account.id, balance.id, after, request.limit))


@methods.serves(functions.payments.EditConnectedStarRefBotRequest, changes_things=True)
def edit_connected_star_ref_bot(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/payments.editConnectedStarRefBot: the record it changed."""
    balance = peers.peer(call, request.peer)
    return _changed(
        call, links.edit(call.world, call.account.id, balance.id, request.link, revoked=bool(request.revoked))
    )


def _order(request: TLRequest) -> Order:
    if request.order_by_revenue:
        return "revenue"
    return "date" if request.order_by_date else "profit"


def _changed(call: Call, found: Connections) -> TLObject:
    """The answer, and for the journal what the call did."""
    link = found.links[0]
    call.about.update(
        balance=link.balance_id, bot=link.bot_id, url=link.url, revoked=link.revoked, changed=found.changed
    )
    return _answer(call, found)


def _answer(call: Call, found: Connections) -> TLObject:
    ids = [link.bot_id for link in found.links]
    return types.payments.ConnectedStarRefBots(
        found.total,
        [objects.connection(call.world, link) for link in found.links],
        objects.users(call.world, call.account.id, ids),
    )
