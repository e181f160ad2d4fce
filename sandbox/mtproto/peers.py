"""Access hashes, and from the peers clients name to the World's people, bots and channels.

An access hash is valid for one account only: it says "this account has met this peer".
See https://core.telegram.org/api/peers#access-hash
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from telethon.tl import TLObject, types

from sandbox.mtproto.rpc import NotServedError
from sandbox.world.errors import TelegramError, bad_request
from sandbox.world.model import Bot, Channel, Person

if TYPE_CHECKING:
    from sandbox.mtproto.rpc import Call
    from sandbox.world.world import World

SELF = (types.InputUserSelf, types.InputPeerSelf)
USERS = (types.InputUser, types.InputPeerUser)
CHANNELS = (types.InputChannel, types.InputPeerChannel)


def access_hash(world: World, account_id: int, peer_id: int) -> int:
    """The hash under which this account, and no other, may name this peer. Never 0."""
    key = f"starling sandbox {world.seed}".encode()
    digest = blake2b(f"{account_id} {peer_id}".encode(), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def user(call: Call, named: TLObject, *, error: str = "USER_ID_INVALID") -> Person | Bot:
    """The user an InputUser (or InputPeer) names; `error` is what this method answers to a wrong one."""
    if isinstance(named, SELF):
        return call.account
    if isinstance(named, USERS) and _may_name(call, named.user_id, named.access_hash):
        found = call.world.find(named.user_id)
        if isinstance(found, Person | Bot):
            return found
    if isinstance(named, types.InputUserFromMessage | types.InputPeerUserFromMessage):
        raise NotServedError(type(named).__name__)
    raise bad_request(error)


def bot(call: Call, named: TLObject) -> Bot:
    """The bot an InputUser names, else BOT_INVALID."""
    found = user(call, named, error="BOT_INVALID")
    if not isinstance(found, Bot):
        raise bad_request("BOT_INVALID")
    return found


def channel(call: Call, named: TLObject) -> Channel:
    """The channel an InputChannel (or InputPeerChannel) names, when the account may see it.

    Raises:
        TelegramError: CHANNEL_INVALID for a wrong hash, CHANNEL_PRIVATE when a private channel is named by an
            account that is not in it (any more), or any by one that was banned; FROZEN_PARTICIPANT_MISSING when a
            frozen account names one it is not in.
    """
    if isinstance(named, types.InputChannelFromMessage | types.InputPeerChannelFromMessage):
        raise NotServedError(type(named).__name__)
    if not isinstance(named, CHANNELS) or not _may_name(call, named.channel_id, named.access_hash):
        raise bad_request("CHANNEL_INVALID")
    found = call.world.find(named.channel_id)
    if not isinstance(found, Channel):
        raise bad_request("CHANNEL_INVALID")
    stranger = not found.is_member(call.account.id)
    if stranger and (found.username is None or call.account.id in found.banned):
        raise bad_request("CHANNEL_PRIVATE")
    if stranger and call.account.frozen_since:
        raise bad_request("FROZEN_PARTICIPANT_MISSING")
    return found


def peer(call: Call, named: TLObject, *, code: int = 400) -> Person | Bot | Channel:
    """Whoever an InputPeer names; `code` goes with this method's PEER_ID_INVALID."""
    if isinstance(named, types.InputPeerChannel | types.InputPeerChannelFromMessage):
        return channel(call, named)
    try:
        return user(call, named, error="PEER_ID_INVALID")
    except TelegramError as refusal:
        raise TelegramError(code, refusal.message) from refusal


def _may_name(call: Call, peer_id: int, given_hash: int) -> bool:
    return bool(given_hash == access_hash(call.world, call.account.id, peer_id))
