"""Methods about channels the bot is an admin of (core.telegram.org/bots/api#createchatinvitelink and on)."""

from sandbox.botapi import wire
from sandbox.botapi import wire_channels as shown
from sandbox.botapi.call import Call
from sandbox.botapi.errors import bad_request, forbidden
from sandbox.botapi.face import BotFace, method
from sandbox.botapi.model import JsonObject
from sandbox.botapi.targets import known_chat
from sandbox.world import Channel, channels, invites
from sandbox.world.links import from_unix
from sandbox.world.model import ALL_RIGHTS

MAX_NAME = 32
RIGHTS = tuple(shown.field_of(right) for right in ALL_RIGHTS)
NO_CHANNEL_RIGHTS = ("can_pin_messages", "can_manage_topics", "can_manage_tags")
CHAT_DEFAULTS: JsonObject = {
    "accent_color_id": 0,
    "max_reaction_count": 11,
    "accepted_gift_types": {
        "unlimited_gifts": True,
        "limited_gifts": True,
        "unique_gifts": True,
        "premium_subscription": False,
        "gifts_from_channels": True,
    },
}
"""What ChatFullInfo always has; nothing in the sandbox depends on it."""


# -- looking --------------------------------------------------------------------------------------------------


@method("getChat", "chat_id")
def get_chat(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#getchat."""
    if _names_channel(call):
        return {**shown.chat(_channel(face, call, inside=False)), **CHAT_DEFAULTS}
    return {**wire.chat_object(face.world, known_chat(face, call)), **CHAT_DEFAULTS}


@method("getChatMember", "chat_id", "user_id")
def get_chat_member(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#getchatmember; in a channel for its admins only, as every bot in it is."""
    channel = _channel(face, call, inside=False)
    user_id = call.integer("user_id")
    if not channel.is_member(face.bot.id):
        raise bad_request("member list is inaccessible")
    _require_known(face, channel, user_id)
    return shown.member(face.world, face.bot, user_id, channel.membership(user_id))


@method("getChatAdministrators", "chat_id", "return_bots")
def get_chat_administrators(face: BotFace, call: Call) -> list[JsonObject]:
    """core.telegram.org/bots/api#getchatadministrators: other bots only where they are asked for."""
    channel = _channel(face, call, inside=False)
    if not channel.is_member(face.bot.id):
        raise bad_request("member list is inaccessible")
    ids = [channel.creator_id, *sorted(channel.admins)]
    if not call.flag("return_bots"):
        ids = [one for one in ids if one not in face.world.bots or one == face.bot.id]
    return [shown.member(face.world, face.bot, one, channel.membership(one)) for one in ids]


# -- acting ---------------------------------------------------------------------------------------------------


@method("createChatInviteLink", "chat_id", "name", "expire_date", "member_limit")
def create_chat_invite_link(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#createchatinvitelink."""
    channel = _with_invites(face, call)
    expires = call.integer("expire_date", 0)
    link = invites.make(
        face.world,
        face.bot.id,
        channel,
        name=call.text("name")[:MAX_NAME],
        expires=from_unix(expires) if expires else None,
        member_limit=call.integer("member_limit", 0) or None,
    )
    return shown.invite_link(face.world, face.bot, link)


@method("revokeChatInviteLink", "chat_id", "invite_link")
def revoke_chat_invite_link(face: BotFace, call: Call) -> JsonObject:
    """core.telegram.org/bots/api#revokechatinvitelink: a link the bot made."""
    channel = _with_invites(face, call)
    if not call.has("invite_link"):
        raise bad_request("invite link must be non-empty")
    link = invites.revoke(face.world, face.bot.id, channel, call.text("invite_link"))
    return shown.invite_link(face.world, face.bot, link)


@method(
    "promoteChatMember", "chat_id", "user_id", shown.IMPLIED_RIGHT, *RIGHTS, *shown.OTHER_RIGHTS, *NO_CHANNEL_RIGHTS
)
def promote_chat_member(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#promotechatmember: exactly the rights that are true; none demotes."""
    channel = _channel(face, call)
    user_id = call.integer("user_id")
    _require_known(face, channel, user_id)
    if channel.creator_id == user_id:
        raise bad_request("can't remove chat owner")
    if user_id == face.bot.id:
        raise bad_request("can't promote self")
    if not channel.has_right(face.bot.id, "promote_members"):
        raise bad_request("not enough rights")
    rights = [right for right in ALL_RIGHTS if call.flag(shown.field_of(right))]
    for name in (*shown.OTHER_RIGHTS, *NO_CHANNEL_RIGHTS, *(() if rights else (shown.IMPLIED_RIGHT,))):
        if call.flag(name):
            face.unimplemented[f"promoteChatMember({name})"] += 1
    channels.edit_admin(face.world, face.bot.id, channel, user_id, rights)
    return True


@method("leaveChat", "chat_id")
def leave_chat(face: BotFace, call: Call) -> bool:
    """core.telegram.org/bots/api#leavechat."""
    channels.leave(face.world, face.bot.id, _channel(face, call))
    return True


# -- which channel, and who -----------------------------------------------------------------------------------


def _names_channel(call: Call) -> bool:
    return call.text("chat_id").startswith(("@", "-100"))


def _with_invites(face: BotFace, call: Call) -> Channel:
    channel = _channel(face, call)
    if not channel.has_right(face.bot.id, "invite_users"):
        raise bad_request("not enough rights to manage chat invite link")
    return channel


def _channel(face: BotFace, call: Call, *, inside: bool = True) -> Channel:
    """The channel a call means. `inside`: the bot must be in it; else knowing it is enough.

    Raises:
        ApiError: chat not found, for a private channel the bot never was in too; 403 when it is out.
    """
    channel = _found(face, call)
    status = channel.membership(face.bot.id).status
    if status == "kicked":
        raise forbidden("bot was kicked from the channel chat")
    private = channel.username is None
    if status == "left" and private and face.bot.id not in channel.former:
        raise bad_request("chat not found")
    if status == "left" and (private or inside):
        raise forbidden("bot is not a member of the channel chat")
    return channel


def _found(face: BotFace, call: Call) -> Channel:
    wanted = call.text("chat_id")
    if not _names_channel(call):
        face.unimplemented[f"a channel's method in a {known_chat(face, call).kind} chat"] += 1
    elif wanted.startswith("@"):
        named = face.world.by_username(wanted.removeprefix("@"))
        if isinstance(named, Channel):
            return named
    else:
        channel = face.world.channels.get(-call.integer("chat_id") - shown.CHANNEL_BASE)
        if channel:
            return channel
    raise bad_request("chat not found")


def _require_known(face: BotFace, channel: Channel, user_id: int) -> None:
    """A bot names people it has met: who started it, and the admins of its channels.

    Raises:
        ApiError: what the switch `unknown_user_error` names.
    """
    if user_id <= 0:
        raise bad_request("invalid user_id specified")
    known = user_id in face.world.bots or channel.membership(user_id).status in ("creator", "administrator")
    if user_id in face.world.people:
        seen = user_id in channel.members or user_id in channel.former or user_id in channel.banned
        known = known or face.chats.has_started(user_id) or (seen and face.world.switches.known_by_joining)
    if not known:
        raise bad_request(face.world.switches.unknown_user_error)
