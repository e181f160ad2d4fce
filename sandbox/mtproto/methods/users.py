"""Users and what their profiles say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto import objects, peers
from sandbox.mtproto.rpc import MethodTable
from sandbox.world import programs
from sandbox.world.errors import TelegramError
from sandbox.world.model import Bot

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call

methods = MethodTable()


@methods.serves(functions.users.GetUsersRequest)
def get_users(call: Call, request: TLRequest) -> list[TLObject]:
    """core.telegram.org/method/users.getUsers: users it cannot find are left out, not refused."""
    found = []
    for named in request.id:
        try:
            found.append(objects.user(call.world, call.account.id, peers.user(call, named)))
        except TelegramError:
            continue
    return found


@methods.serves(functions.users.GetFullUserRequest)
def get_full_user(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/users.getFullUser: a mini app's program is in `starref_program`."""
    one = peers.user(call, request.id)
    offered = programs.program_of(call.world, one.id)
    full = types.UserFull(
        one.id,
        settings=types.PeerSettings(),
        notify_settings=types.PeerNotifySettings(),
        common_chats_count=0,
        starref_program=objects.program(one, offered) if isinstance(one, Bot) and offered else None,
    )
    return types.users.UserFull(full, [], [objects.user(call.world, call.account.id, one)])
