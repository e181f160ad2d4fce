"""The keyboard button that asks for a channel (core.telegram.org/bots/api#keyboardbuttonrequestchat)."""

from collections.abc import Mapping

from sandbox.botapi.errors import ApiError, bad_request
from sandbox.botapi.wire_channels import IMPLIED_RIGHT, field_of
from sandbox.world.model import ALL_RIGHTS, AdminRight
from sandbox.world.pickers import ChannelRequest

FLAGS = frozenset(
    {
        "chat_is_channel",
        "chat_is_forum",
        "chat_has_username",
        "chat_is_created",
        "bot_is_member",
        "request_title",
        "request_username",
        "request_photo",
    }
)
RIGHTS = frozenset({"user_administrator_rights", "bot_administrator_rights"})


def parse(asked: object) -> ChannelRequest:
    """What a `request_chat` asks for.

    Raises:
        ApiError: a malformed one; USER_RIGHTS_MISSING when the bot wants rights that it does not demand of the
            person; one that asks for what the sandbox lacks.
    """
    if not isinstance(asked, Mapping):
        raise _unreadable('Field "request_chat" must be of type Object')
    unknown = asked.keys() - FLAGS - RIGHTS - {"request_id"}
    if unknown:
        raise _unreadable(f"the sandbox does not know the field {min(unknown)}")
    request_id = asked.get("request_id")
    if not isinstance(request_id, int) or not -(2**31) <= request_id < 2**31:
        raise _unreadable('Field "request_id" must be a valid Number')
    if not isinstance(asked.get("chat_is_channel"), bool):
        raise _unreadable('Field "chat_is_channel" must be of type Boolean')
    user, bot = (_rights(asked.get(name)) for name in ("user_administrator_rights", "bot_administrator_rights"))
    if not bot <= user:
        raise bad_request("USER_RIGHTS_MISSING")
    has_username = asked.get("chat_has_username")
    return ChannelRequest(
        has_username=has_username if isinstance(has_username, bool) else None,
        created=asked.get("chat_is_created") is True,
        user_rights=user,
        bot_rights=bot,
        bot_is_member=asked.get("bot_is_member") is True,
    )


def _rights(sent: object) -> frozenset[AdminRight]:
    if sent is None:
        return frozenset()
    if not isinstance(sent, Mapping):
        raise _unreadable("administrator rights must be of type Object")
    named = {name for name, given in sent.items() if given is True}
    found = frozenset(right for right in ALL_RIGHTS if field_of(right) in named)
    lacking = named - {field_of(right) for right in found} - {IMPLIED_RIGHT}
    if lacking:
        raise _unreadable(f"the sandbox's channels have no right {min(lacking)}")
    return found


def _unreadable(reason: str) -> ApiError:
    return bad_request(f"can't parse keyboard button: {reason}")
