"""Chats, as far as a client must list them to learn of the channels it is in; and coming in by an invite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto import objects, peers
from sandbox.mtproto.news import CHANNEL_PTS
from sandbox.mtproto.rpc import MethodTable
from sandbox.world import invites
from sandbox.world.errors import bad_request

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call
    from sandbox.world.model import Channel

methods = MethodTable()

DIALOGS_LIMIT = 100
DIALOGS_DEFAULT = 20
ARCHIVE = 1
FIRST_MESSAGE = 1


@methods.serves(functions.messages.GetDialogsRequest)
def get_dialogs(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/messages.getDialogs: the channels the account is in, newest first.

    Each has one message, the one about its creation: a dialog without any does not exist at Telegram.
    """
    if request.limit < 0:
        raise bad_request("LIMIT_INVALID")
    found = [] if request.folder_id == ARCHIVE else _newest_first(call)
    total = len(found)
    found = _after(call, found, request.offset_peer)
    page = found[: min(request.limit or DIALOGS_DEFAULT, DIALOGS_LIMIT)]
    parts: tuple[list[TLObject], ...] = (
        [_dialog(one) for one in page],
        [_creation(one) for one in page],
        [objects.channel(call.world, call.account.id, one) for one in page],
        [],
    )
    if len(page) == total:
        return types.messages.Dialogs(*parts)
    return types.messages.DialogsSlice(total, *parts)


@methods.serves(functions.messages.CheckChatInviteRequest)
def check_chat_invite(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/messages.checkChatInvite: what a link leads to, without going there."""
    found, _ = invites.look_up(call.world, call.account.id, request.hash)
    if found.is_member(call.account.id):
        return types.ChatInviteAlready(objects.channel(call.world, call.account.id, found))
    return types.ChatInvite(
        found.title,
        types.PhotoEmpty(0),
        participants_count=found.size,
        color=0,
        channel=True,
        broadcast=True,
        public=found.username is not None or None,
    )


@methods.serves(functions.messages.ImportChatInviteRequest, changes_things=True)
def import_chat_invite(call: Call, request: TLRequest) -> TLObject:
    """core.telegram.org/method/messages.importChatInvite."""
    found = invites.use(call.world, call.account.id, request.hash)
    call.about.update(channel=found.id)
    return types.messages.ChatInviteJoinResultOk(objects.news_of(call.world, call.account.id, found))


def _newest_first(call: Call) -> list[Channel]:
    mine = call.world.channels_of(call.account.id)
    return sorted(mine, key=lambda one: (one.created or call.world.clock.now(), one.id), reverse=True)


def _after(call: Call, found: list[Channel], last: TLObject) -> list[Channel]:
    """What follows the peer that ended the page before; the first page has none."""
    if isinstance(last, types.InputPeerEmpty):
        return found
    ids = [one.id for one in found]
    last_id = peers.peer(call, last).id
    return found[ids.index(last_id) + 1 :] if last_id in ids else found


def _dialog(one: Channel) -> TLObject:
    return types.Dialog(
        types.PeerChannel(one.id),
        top_message=FIRST_MESSAGE,
        read_inbox_max_id=FIRST_MESSAGE,
        read_outbox_max_id=0,
        unread_count=0,
        unread_mentions_count=0,
        unread_reactions_count=0,
        unread_poll_votes_count=0,
        notify_settings=types.PeerNotifySettings(),
        pts=CHANNEL_PTS,
    )


def _creation(one: Channel) -> TLObject:
    return types.MessageService(
        FIRST_MESSAGE,
        types.PeerChannel(one.id),
        date=one.created,
        post=True,
        action=types.MessageActionChannelCreate(one.title),
    )
