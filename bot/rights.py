"""What the bot may do in a channel: enough to bring an account in and let it post, and nothing else."""

from dataclasses import dataclass
from typing import Literal

from aiogram.types import ChatAdministratorRights, ChatMember, ChatMemberAdministrator

NEEDED = ("post_messages", "invite_users", "promote_members")
"""It invites the account, makes it an admin, and can only give a right to post that it has itself."""

_CHANNEL_BASE = 1_000_000_000_000


@dataclass(frozen=True)
class Obstacle:
    """Why Telegram refused.

    The bot is not in the channel (an old app's picker), was thrown out or has left, lacks rights (`missing`), cannot
    name the account, or may not change an admin of somebody else's making.
    """

    kind: Literal["not_there", "thrown_out", "rights", "unmet", "not_ours"]
    missing: tuple[str, ...] = ()


def wanted() -> ChatAdministratorRights:
    """These rights and no others, as a button asks for them."""
    none = {name: False for name, field in ChatAdministratorRights.model_fields.items() if field.is_required()}
    return ChatAdministratorRights.model_validate(none | {f"can_{name}": True for name in NEEDED})


def missing(member: ChatMember) -> tuple[str, ...]:
    """Those of the needed rights that the bot does not have as this member of a channel."""
    if not isinstance(member, ChatMemberAdministrator):
        return NEEDED
    return tuple(name for name in NEEDED if not getattr(member, f"can_{name}"))


def startchannel_link(username: str) -> str:
    """The link by which a person adds the bot to a channel with these rights.

    Follows core.telegram.org/api/links#bot-links; apps that are too old for the picker know it.
    """
    return f"https://t.me/{username}?startchannel&admin={'+'.join(NEEDED)}"


def chat_id(channel_id: int) -> int:
    """A channel's id in the Bot API, from its bare one."""
    return -_CHANNEL_BASE - channel_id


def channel_id(chat_id: int) -> int:
    """A channel's bare id, from that in the Bot API."""
    return -_CHANNEL_BASE - chat_id
