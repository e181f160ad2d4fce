"""The state of updates, of which the sandbox has none that a client could miss."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto.rpc import MethodTable

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call

methods = MethodTable()


@methods.serves(functions.updates.GetStateRequest)
def get_state(_: Call, __: TLRequest) -> TLObject:
    """core.telegram.org/method/updates.getState."""
    return types.updates.State(pts=1, qts=0, date=datetime.now(UTC), seq=0, unread_count=0)


@methods.serves(functions.updates.GetDifferenceRequest)
def get_difference(_: Call, __: TLRequest) -> TLObject:
    """core.telegram.org/method/updates.getDifference."""
    return types.updates.DifferenceEmpty(date=datetime.now(UTC), seq=0)
