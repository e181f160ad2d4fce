"""What a client has missed (core.telegram.org/api/updates)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto import objects, peers
from sandbox.mtproto.news import CHANNEL_PTS
from sandbox.mtproto.rpc import MethodTable
from sandbox.world.errors import bad_request

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call

methods = MethodTable()

POLL_SECONDS = 30
"""How long a client that looks at a channel need not ask again."""


@methods.serves(functions.updates.GetStateRequest)
def get_state(call: Call, _: TLRequest) -> TLObject:
    """core.telegram.org/method/updates.getState."""
    return _state(call)


@methods.serves(functions.updates.GetDifferenceRequest)
def get_difference(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/updates.getDifference: the channels in which the account's own place has changed."""
    if request.date is None:
        raise bad_request("DATE_EMPTY")
    present = _state(call)
    _require_known(request.pts, present.pts)
    missed = present.pts - request.pts
    if not missed:
        return types.updates.DifferenceEmpty(present.date, present.seq)
    if request.pts_total_limit and missed > request.pts_total_limit:
        return types.updates.DifferenceTooLong(present.pts)
    me, found = call.account.id, list(call.news.after(call.account.id, request.pts))
    return types.updates.Difference(
        new_messages=[],
        new_encrypted_messages=[],
        other_updates=[types.UpdateChannel(one) for one in found],
        chats=[objects.channel(call.world, me, call.world.channels[one]) for one in found],
        users=[],
        state=present,
    )


@methods.serves(functions.updates.GetChannelDifferenceRequest)
def get_channel_difference(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/updates.getChannelDifference: nothing new, or CHANNEL_PRIVATE for whoever is out."""
    peers.channel(call, request.channel)
    _require_known(request.pts, CHANNEL_PTS)
    return types.updates.ChannelDifferenceEmpty(CHANNEL_PTS, final=True, timeout=POLL_SECONDS)


def _state(call: Call) -> types.updates.State:
    pts = call.news.pts(call.account.id)
    return types.updates.State(pts=pts, qts=0, date=datetime.now(UTC), seq=0, unread_count=0)


def _require_known(pts: int, present: int) -> None:
    """Refuse a state the server never gave.

    Raises:
        TelegramError: PERSISTENT_TIMESTAMP_EMPTY, PERSISTENT_TIMESTAMP_INVALID.
    """
    if pts == 0:
        raise bad_request("PERSISTENT_TIMESTAMP_EMPTY")
    if not 0 < pts <= present:
        raise bad_request("PERSISTENT_TIMESTAMP_INVALID")
