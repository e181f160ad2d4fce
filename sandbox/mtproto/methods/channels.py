"""Channels and who runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto import objects, peers
from sandbox.mtproto.rpc import MethodTable, NotServedError
from sandbox.world.errors import bad_request

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call
    from sandbox.world.model import Channel

methods = MethodTable()

PARTICIPANTS_LIMIT = 200


@methods.serves(functions.channels.GetChannelsRequest)
def get_channels(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/channels.getChannels."""
    found = [peers.channel(call, named) for named in request.id]
    return types.messages.Chats([objects.channel(call.world, call.account.id, one) for one in found])


@methods.serves(functions.channels.GetParticipantRequest)
def get_participant(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/channels.getParticipant: about others, in a broadcast channel, admins only."""
    channel = peers.channel(call, request.channel)
    named = request.participant
    if isinstance(named, types.InputPeerChannel | types.InputPeerChat):
        raise bad_request("PARTICIPANT_ID_INVALID")
    one = peers.user(call, named, error="PARTICIPANT_ID_INVALID")
    if one.id != call.account.id:
        _require_admin(call, channel)
    if not channel.is_member(one.id):
        raise bad_request("USER_NOT_PARTICIPANT")
    shown = _participant(call, channel, one.id)
    ids = [one.id, channel.creator_id]
    return types.channels.ChannelParticipant(
        shown,
        [objects.channel(call.world, call.account.id, channel)],
        objects.users(call.world, call.account.id, ids),
    )


@methods.serves(functions.channels.GetParticipantsRequest)
def get_participants(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/channels.getParticipants, the admins of it: creator first, then by id.

    It always answers in full: `hash` could only save bytes. Telegram cuts a limit over 200 down in silence;
    here it is refused, so that nobody counts on more.
    """
    if not isinstance(request.filter, types.ChannelParticipantsAdmins):
        raise NotServedError(f"channels.getParticipants({type(request.filter).__name__})")
    if request.limit < 0 or request.limit > PARTICIPANTS_LIMIT:
        raise bad_request("LIMIT_INVALID")
    if request.offset < 0:
        raise bad_request("OFFSET_INVALID")
    channel = peers.channel(call, request.channel)
    _require_admin(call, channel)
    ids = [channel.creator_id, *sorted(channel.admins)]
    page = ids[request.offset : request.offset + request.limit]
    return types.channels.ChannelParticipants(
        len(ids),
        [_participant(call, channel, one) for one in page],
        [objects.channel(call.world, call.account.id, channel)],
        objects.users(call.world, call.account.id, [*page, channel.creator_id]),
    )


def _require_admin(call: Call, channel: Channel) -> None:
    if call.account.id != channel.creator_id and call.account.id not in channel.admins:
        raise bad_request("CHAT_ADMIN_REQUIRED")


def _participant(call: Call, channel: Channel, user_id: int) -> TLObject:
    """A `ChannelParticipant` of whatever kind (core.telegram.org/type/ChannelParticipant)."""
    own = user_id == call.account.id
    if user_id == channel.creator_id:
        return types.ChannelParticipantCreator(user_id, objects.admin_rights(objects.ALL_RIGHTS))
    rights = channel.admins.get(user_id)
    if rights is not None:
        return types.ChannelParticipantAdmin(
            user_id,
            promoted_by=channel.creator_id,
            date=channel.created,
            admin_rights=objects.admin_rights(rights),
            can_edit=call.account.id == channel.creator_id or None,
            is_self=own or None,
            inviter_id=channel.creator_id if own else None,
        )
    if own:
        return types.ChannelParticipantSelf(user_id, channel.creator_id, channel.created)
    return types.ChannelParticipant(user_id, channel.created)
