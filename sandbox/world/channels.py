"""Who is in a channel and what they may do there: one truth for both faces.

Follows core.telegram.org/method/channels.editAdmin, channels.joinChannel and channels.leaveChannel.
"""

from collections.abc import Iterable

from sandbox.world.errors import TelegramError, bad_request
from sandbox.world.model import AdminRight, Channel, InviteLink, Membership, Person
from sandbox.world.world import World

CHANNELS_LIMIT = 500
CHANNELS_LIMIT_PREMIUM = 1000
"""core.telegram.org/api/config: channels_limit_default, channels_limit_premium."""
FIRST_NEW_ID = 6_000_001
"""Ids of channels made on the spot start here."""


def create(world: World, creator_id: int, title: str, username: str | None = None) -> Channel:
    """A person makes a channel; with a username it is public.

    Raises:
        TelegramError: CHANNELS_TOO_MUCH, CHAT_TITLE_EMPTY, USERNAME_OCCUPIED.
    """
    if not title.strip():
        raise bad_request("CHAT_TITLE_EMPTY")
    if username and world.by_username(username):
        raise bad_request("USERNAME_OCCUPIED")
    _require_room(world, creator_id)
    channel_id = FIRST_NEW_ID
    while world.find(channel_id):
        channel_id += 1
    channel = Channel(channel_id, title, creator_id, username)
    world.add(channel)
    return channel


def limit_of(person: Person) -> int:
    """How many channels an account may be in."""
    if person.channels_limit is not None:
        return person.channels_limit
    return CHANNELS_LIMIT_PREMIUM if person.premium else CHANNELS_LIMIT


def edit_admin(world: World, actor_id: int, channel: Channel, user_id: int, rights: Iterable[AdminRight]) -> None:
    """Give somebody exactly these rights; none demotes them.

    Raises:
        TelegramError: CHAT_ADMIN_REQUIRED for an actor who may not promote, or not edit this admin;
            USER_CREATOR; 403 RIGHT_FORBIDDEN for a right the actor does not hold; USER_KICKED;
            INPUT_USER_DEACTIVATED for rights to a banned or deleted account; what the switch
            `promote_stranger_error` names for a person who is not in the channel.
    """
    given = frozenset(rights)
    present = channel.membership(user_id)
    _require_say_over(channel, actor_id, present)
    if not given <= channel.rights_of(actor_id):
        raise TelegramError(403, "RIGHT_FORBIDDEN")
    person = world.people.get(user_id)
    if given and person and person.deactivated:
        raise bad_request("INPUT_USER_DEACTIVATED")
    if present.status == "kicked" and person:
        raise bad_request("USER_KICKED")
    if not present.inside and (user_id not in world.bots or not given):
        raise bad_request(world.switches.promote_stranger_error)
    if given or present.status == "administrator":
        world.set_admin(channel.id, user_id, given, by=actor_id)
    if not given:
        _promoter_gone(world, channel, user_id)


def join(world: World, person_id: int, channel: Channel, invite: InviteLink | None = None) -> None:
    """An account enters a channel: a public one, or any by an invite link that the caller has checked.

    Raises:
        TelegramError: CHANNEL_PRIVATE when it was banned, or comes to a private channel without a link;
            CHANNELS_TOO_MUCH.
    """
    if person_id in channel.banned or (invite is None and channel.username is None):
        raise bad_request("CHANNEL_PRIVATE")
    _require_room(world, person_id)
    if invite:
        invite.joined += 1
    with world.changing(channel, person_id, person_id, invite):
        channel.members.add(person_id)


def leave(world: World, user_id: int, channel: Channel) -> None:
    """Somebody leaves of their own accord, a bot included.

    Raises:
        TelegramError: USER_CREATOR, USER_NOT_PARTICIPANT.
    """
    _out(world, user_id, channel, actor_id=user_id)


def remove(world: World, actor_id: int, channel: Channel, user_id: int) -> None:
    """An admin throws somebody out for good.

    Raises:
        TelegramError: CHAT_ADMIN_REQUIRED, USER_CREATOR, USER_NOT_PARTICIPANT.
    """
    _require_say_over(channel, actor_id, channel.membership(user_id))
    _out(world, user_id, channel, actor_id=actor_id)


def _require_say_over(channel: Channel, actor_id: int, present: Membership) -> None:
    """Only the creator and whoever promoted an admin may change that admin."""
    if not channel.has_right(actor_id, "promote_members"):
        raise bad_request("CHAT_ADMIN_REQUIRED")
    if present.status == "creator":
        raise bad_request("USER_CREATOR")
    if actor_id != channel.creator_id and present.promoted_by not in (None, actor_id):
        raise bad_request("CHAT_ADMIN_REQUIRED")


def _out(world: World, user_id: int, channel: Channel, *, actor_id: int) -> None:
    if user_id == channel.creator_id:
        raise bad_request("USER_CREATOR")
    if not channel.is_member(user_id):
        raise bad_request("USER_NOT_PARTICIPANT")
    with world.changing(channel, user_id, actor_id):
        channel.admins.pop(user_id, None)
        channel.promoted_by.pop(user_id, None)
        channel.members.discard(user_id)
        if actor_id != user_id:
            channel.banned.add(user_id)
    _promoter_gone(world, channel, user_id)


def _promoter_gone(world: World, channel: Channel, promoter_id: int) -> None:
    """What an admin who is none any more leaves behind: links, and admins of their making."""
    if not world.switches.invites_survive_maker:
        for link in channel.invites:
            link.revoked = link.revoked or link.maker_id == promoter_id
    orphans = [admin for admin, by in channel.promoted_by.items() if by == promoter_id]
    for admin in orphans:
        if world.switches.rights_survive_promoter:
            del channel.promoted_by[admin]  # from now on the creator's to edit
        else:
            world.set_admin(channel.id, admin, ())


def _require_room(world: World, person_id: int) -> None:
    if len(world.channels_of(person_id)) >= limit_of(world.people[person_id]):
        raise bad_request("CHANNELS_TOO_MUCH")
