"""Channels and who runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto import objects, peers
from sandbox.mtproto.news import CHANNEL_PTS
from sandbox.mtproto.rpc import MethodTable, NotServedError
from sandbox.world import channels
from sandbox.world.errors import bad_request
from sandbox.world.model import ALL_RIGHTS

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
    ids = [one.id, channel.creator_id, *_promoters(channel, [one.id])]
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
        objects.users(call.world, call.account.id, [*page, channel.creator_id, *_promoters(channel, page)]),
    )


@methods.serves(functions.channels.GetFullChannelRequest)
def get_full_channel(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/channels.getFullChannel; how many admins there are is for admins."""
    one = peers.channel(call, request.channel)
    rights = one.rights_of(call.account.id)
    full = types.ChannelFull(
        one.id,
        about="",
        read_inbox_max_id=0,
        read_outbox_max_id=0,
        unread_count=0,
        chat_photo=types.PhotoEmpty(0),
        notify_settings=types.PeerNotifySettings(),
        bot_info=[],
        pts=CHANNEL_PTS,
        can_view_participants=bool(rights) or None,
        participants_count=one.size,
        admins_count=1 + len(one.admins) if rights else None,
    )
    return types.messages.ChatFull(full, [objects.channel(call.world, call.account.id, one)], [])


@methods.serves(functions.channels.JoinChannelRequest, changes_things=True)
def join_channel(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/channels.joinChannel: public ones only."""
    one = peers.channel(call, request.channel)
    if not one.is_member(call.account.id):
        channels.join(call.world, call.account.id, one)
    elif call.world.switches.join_again == "refuse":
        raise bad_request("USER_ALREADY_PARTICIPANT")
    call.about.update(channel=one.id)
    return types.messages.ChatInviteJoinResultOk(objects.news_of(call.world, call.account.id, one))


@methods.serves(functions.channels.LeaveChannelRequest, changes_things=True)
def leave_channel(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/channels.leaveChannel; whoever left a private channel hears CHANNEL_PRIVATE."""
    one = peers.channel(call, request.channel)
    channels.leave(call.world, call.account.id, one)
    call.about.update(channel=one.id)
    return objects.news_of(call.world, call.account.id, one)


@methods.serves(functions.channels.EditAdminRequest, changes_things=True)
def edit_admin(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/channels.editAdmin: exactly these rights; none demotes."""
    one, user = peers.channel(call, request.channel), peers.user(call, request.user_id)
    asked = {name for name, given in request.admin_rights.to_dict().items() if given is True}
    rights = {right for right in ALL_RIGHTS if objects.RIGHT_NAMES.get(right, right) in asked}
    unknown = asked - {objects.RIGHT_NAMES.get(right, right) for right in rights} - {"other"}
    if unknown:
        raise NotServedError(f"channels.editAdmin({min(unknown)})")
    channels.edit_admin(call.world, call.account.id, one, user.id, rights)
    return objects.news_of(call.world, call.account.id, one)


def _promoters(channel: Channel, ids: list[int]) -> list[int]:
    return [channel.promoted_by[one] for one in ids if one in channel.promoted_by]


def _require_admin(call: Call, channel: Channel) -> None:
    if call.account.id != channel.creator_id and call.account.id not in channel.admins:
        raise bad_request("CHAT_ADMIN_REQUIRED")


def _participant(call: Call, channel: Channel, user_id: int) -> TLObject:
    """A `ChannelParticipant` of whatever kind (core.telegram.org/type/ChannelParticipant)."""
    own = user_id == call.account.id
    if user_id == channel.creator_id:
        return types.ChannelParticipantCreator(user_id, objects.admin_rights(ALL_RIGHTS))
    membership = channel.membership(user_id)
    if membership.status == "administrator":
        return types.ChannelParticipantAdmin(
            user_id,
            promoted_by=membership.promoted_by,
            date=channel.created,
            admin_rights=objects.admin_rights(membership.rights),
            can_edit=call.account.id in (channel.creator_id, membership.promoted_by) or None,
            is_self=own or None,
            inviter_id=channel.creator_id if own else None,
        )
    if own:
        return types.ChannelParticipantSelf(user_id, channel.creator_id, channel.created)
    return types.ChannelParticipant(user_id, channel.created)
