"""Invite links: made, revoked, and used (core.telegram.org/api/invites).

Follows core.telegram.org/method/messages.exportChatInvite, messages.editExportedChatInvite and
messages.importChatInvite.
"""

import base64
import re
from datetime import datetime

from sandbox.world import channels
from sandbox.world.errors import bad_request
from sandbox.world.model import Channel, InviteLink
from sandbox.world.world import World

MAX_MEMBERS = 99_999
HASH = re.compile(r"[A-Za-z0-9_-]{16}")


def make(  # noqa: PLR0913 - the method's own parameters
    world: World,
    maker_id: int,
    channel: Channel,
    *,
    name: str = "",
    expires: datetime | None = None,
    member_limit: int | None = None,
) -> InviteLink:
    """A new link of this admin's.

    Raises:
        TelegramError: CHAT_ADMIN_REQUIRED without invite_users, USAGE_LIMIT_INVALID, EXPIRE_DATE_INVALID.
    """
    require_inviter(maker_id, channel)
    if member_limit is not None and not 1 <= member_limit <= MAX_MEMBERS:
        raise bad_request("USAGE_LIMIT_INVALID")
    if expires is not None and expires <= world.clock.now():
        raise bad_request("EXPIRE_DATE_INVALID")
    made_up = base64.urlsafe_b64encode(world.random.randbytes(12)).decode()
    link = InviteLink(made_up, maker_id, name, expires, member_limit)
    channel.invites.append(link)
    return link


def revoke(world: World, actor_id: int, channel: Channel, url: str) -> InviteLink:
    """Nobody comes by this link any more; an admin revokes their own, the creator anybody's.

    Raises:
        TelegramError: CHAT_ADMIN_REQUIRED; INVITE_HASH_EXPIRED for a link that is not theirs to revoke.
    """
    require_inviter(actor_id, channel)
    link = next((one for one in channel.invites if one.url == url), None)
    if link is None or actor_id not in (link.maker_id, channel.creator_id):
        raise bad_request("INVITE_HASH_EXPIRED")
    if link.revoked and world.switches.revoke_invite_again == "refuse":
        raise bad_request("INVITE_HASH_EXPIRED")
    link.revoked = True
    return link


def look_up(world: World, person_id: int, invite_hash: str) -> tuple[Channel, InviteLink]:
    """Where a link leads, for an account that may be in that channel already.

    Raises:
        TelegramError: INVITE_HASH_EMPTY, INVITE_HASH_INVALID; INVITE_HASH_EXPIRED for a dead or unknown one; what
            the switch `banned_import_error` names.
    """
    if not invite_hash:
        raise bad_request("INVITE_HASH_EMPTY")
    if not HASH.fullmatch(invite_hash):
        raise bad_request("INVITE_HASH_INVALID")
    for channel in world.channels.values():
        for link in channel.invites:
            if link.hash == invite_hash:
                _require_open(world, person_id, channel, link)
                return channel, link
    raise bad_request("INVITE_HASH_EXPIRED")


def _require_open(world: World, person_id: int, channel: Channel, link: InviteLink) -> None:
    if person_id in channel.banned:
        raise bad_request(world.switches.banned_import_error)
    if link.is_dead(world.clock.now()):
        inside = channel.is_member(person_id)
        raise bad_request(world.switches.member_imports_dead_invite if inside else "INVITE_HASH_EXPIRED")


def use(world: World, person_id: int, invite_hash: str) -> Channel:
    """An account comes into a channel by a link.

    Raises:
        TelegramError: what `look_up` raises; USER_ALREADY_PARTICIPANT; CHANNELS_TOO_MUCH.
    """
    channel, link = look_up(world, person_id, invite_hash)
    if channel.is_member(person_id):
        raise bad_request("USER_ALREADY_PARTICIPANT")
    channels.join(world, person_id, channel, link)
    return channel


def require_inviter(user_id: int, channel: Channel) -> None:
    """Refuse who may not make links.

    Raises:
        TelegramError: CHAT_ADMIN_REQUIRED.
    """
    if not channel.has_right(user_id, "invite_users"):
        raise bad_request("CHAT_ADMIN_REQUIRED")
