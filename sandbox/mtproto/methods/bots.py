"""Bots and who owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions

from sandbox.mtproto import objects
from sandbox.mtproto.rpc import MethodTable

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call

methods = MethodTable()


@methods.serves(functions.bots.GetAdminedBotsRequest)
def get_admined_bots(call: Call, _: TLRequest) -> list[TLObject]:
    """core.telegram.org/method/bots.getAdminedBots: those the account owns, by id."""
    mine = sorted(one.id for one in call.world.bots.values() if one.owner_id == call.account.id)
    return objects.users(call.world, call.account.id, mine)
