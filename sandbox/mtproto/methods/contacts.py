"""Finding people by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto import objects
from sandbox.mtproto.rpc import MethodTable
from sandbox.world import accounts, attribution
from sandbox.world.errors import bad_request
from sandbox.world.model import Bot, Channel

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call

methods = MethodTable()

USERNAME = re.compile(r"[a-z][a-z0-9_]{2,31}", re.IGNORECASE)


@methods.serves(functions.contacts.ResolveUsernameRequest)
def resolve_username(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/contacts.resolveUsername; with a referer, the link counts as followed."""
    if not call.world.switches.frozen_resolves:
        accounts.require_acting(call.account)
    if not USERNAME.fullmatch(request.username):
        raise bad_request("USERNAME_INVALID")
    found = call.world.by_username(request.username)
    if found is None:
        raise bad_request("USERNAME_NOT_OCCUPIED")
    if request.referer is not None:
        if not isinstance(found, Bot):
            raise bad_request("STARREF_EXPIRED")
        attribution.follow(call.world, call.account.id, found.id, request.referer)
    if isinstance(found, Channel):
        shown = objects.channel(call.world, call.account.id, found)
        return types.contacts.ResolvedPeer(types.PeerChannel(found.id), [shown], [])
    shown = objects.user(call.world, call.account.id, found)
    return types.contacts.ResolvedPeer(types.PeerUser(found.id), [], [shown])
