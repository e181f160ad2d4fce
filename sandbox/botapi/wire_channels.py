"""Channels, who is in them and their invite links as Bot API objects (core.telegram.org/bots/api#chatmember)."""

from sandbox.botapi.model import JsonObject
from sandbox.botapi.wire import bot_user, person_user, unix
from sandbox.world import Bot, Channel, Person, World
from sandbox.world.model import ALL_RIGHTS, AdminRight, InviteLink, MemberChange, Membership

CHANNEL_BASE = 1_000_000_000_000
"""Bot API ids of channels are their MTProto ids below minus this."""
IMPLIED_RIGHT = "can_manage_chat"
"""Every admin has it."""
OTHER_RIGHTS = (
    "is_anonymous",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_manage_direct_messages",
    "can_send_welcome_messages",
)
"""Rights of channel admins that nobody has in the sandbox."""


def field_of(right: AdminRight) -> str:
    """A right's name in the Bot API: `can_post_messages`."""
    return f"can_{right}"


def chat_id(channel: Channel) -> int:
    """A channel's id in the Bot API."""
    return -(CHANNEL_BASE + channel.id)


def chat(channel: Channel) -> JsonObject:
    """A channel as Chat."""
    found: dict[str, object] = {"id": chat_id(channel), "type": "channel", "title": channel.title}
    if channel.username:
        found["username"] = channel.username
    return found


def user(world: World, user_id: int) -> JsonObject:
    """A person or a bot as User."""
    found = world.find(user_id)
    if isinstance(found, Person):
        return person_user(found)
    if isinstance(found, Bot):
        return bot_user(found)
    raise AssertionError(f"nobody has the id {user_id}")


def member(world: World, viewer: Bot, user_id: int, membership: Membership) -> JsonObject:
    """A ChatMember of whatever status; `can_be_edited` is the viewing bot's power over an admin."""
    found: dict[str, object] = {"status": membership.status, "user": user(world, user_id)}
    match membership.status:
        case "creator":
            found["is_anonymous"] = False
        case "kicked":
            found["until_date"] = 0
        case "administrator":
            found["can_be_edited"] = membership.promoted_by == viewer.id
            found[IMPLIED_RIGHT] = True
            found |= {field_of(right): right in membership.rights for right in ALL_RIGHTS}
            found |= dict.fromkeys(OTHER_RIGHTS, False)
    return found


def change(world: World, viewer: Bot, happened: MemberChange) -> JsonObject:
    """A ChatMemberUpdated."""
    found: dict[str, object] = {
        "chat": chat(happened.channel),
        "from": user(world, happened.actor_id),
        "date": unix(happened.date),
        "old_chat_member": member(world, viewer, happened.user_id, happened.before),
        "new_chat_member": member(world, viewer, happened.user_id, happened.after),
    }
    if happened.invite:
        found["invite_link"] = invite_link(world, viewer, happened.invite)
    return found


def invite_link(world: World, viewer: Bot, link: InviteLink) -> JsonObject:
    """A ChatInviteLink; of another admin's a bot sees the first half only."""
    whole = link.maker_id == viewer.id
    found: dict[str, object] = {
        "invite_link": link.url if whole else f"{link.url[: len(link.url) // 2]}...",
        "creator": user(world, link.maker_id),
        "creates_join_request": False,
        "is_primary": False,
        "is_revoked": link.revoked,
    }
    if link.name:
        found["name"] = link.name
    if link.expires:
        found["expire_date"] = unix(link.expires)
    if link.member_limit:
        found["member_limit"] = link.member_limit
    return found


def chat_shared(asked: JsonObject, channel: Channel) -> JsonObject:
    """The service message of a picked channel, with the details the bot asked for (no channel has a photo)."""
    shared: dict[str, object] = {"request_id": asked.get("request_id"), "chat_id": chat_id(channel)}
    if asked.get("request_title"):
        shared["title"] = channel.title
    if asked.get("request_username") and channel.username:
        shared["username"] = channel.username
    return {"chat_shared": shared}
