"""How a person hands a channel to a bot: a keyboard button that asks for one, or a link that adds the bot.

Follows core.telegram.org/bots/api#keyboardbuttonrequestchat and core.telegram.org/api/links#bot-links. What the
person's app would not offer is a ValueError; what Telegram refuses, a TelegramError.
"""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from sandbox.world import channels
from sandbox.world.model import ALL_RIGHTS, AdminRight, Bot, Channel
from sandbox.world.world import World


@dataclass(frozen=True)
class ChannelRequest:
    """What a button asks for."""

    has_username: bool | None = None
    """Public channels only, or private ones only; None: any."""
    created: bool = False
    """Only channels the person owns."""
    user_rights: frozenset[AdminRight] = frozenset()
    """The person must hold these."""
    bot_rights: frozenset[AdminRight] = frozenset()
    """The bot is added with these, in the same tap."""
    bot_is_member: bool = False
    """Only channels the bot is in; where it asks for rights, the app brings it in."""


def offered(world: World, bot: Bot, person_id: int, request: ChannelRequest) -> list[Channel]:
    """The channels a person's picker lists."""
    return [one for one in world.channels_of(person_id) if _fits(bot, person_id, one, request)]


def _fits(bot: Bot, person_id: int, channel: Channel, request: ChannelRequest) -> bool:
    return (
        request.has_username in (None, channel.username is not None)
        and (not request.created or channel.creator_id == person_id)
        and request.user_rights <= channel.rights_of(person_id)
        and (not request.bot_is_member or bool(request.bot_rights) or channel.is_member(bot.id))
    )


def pick(  # noqa: PLR0913 - who picks what for whom
    world: World, bot: Bot, person_id: int, channel_id: int, request: ChannelRequest, *, adds_bot: bool = True
) -> Channel:
    """A person picks a channel; the app adds the bot with the rights it asks for, an old app does not.

    Raises:
        ValueError: the picker does not list this channel.
        TelegramError: the person may not give the bot these rights.
    """
    channel = next((one for one in offered(world, bot, person_id, request) if one.id == channel_id), None)
    if channel is None:
        raise ValueError(f"The picker of {person_id} does not list a channel {channel_id}.")
    if adds_bot:
        _add(world, bot, person_id, channel, request.bot_rights)
    return channel


def make(  # noqa: PLR0913 - who makes what for whom
    world: World, bot: Bot, person_id: int, title: str, username: str | None, request: ChannelRequest
) -> Channel:
    """A person makes a channel from within the picker: it is theirs, and the bot is added as in `pick`.

    Raises:
        ValueError: the button wants a public channel and there is no username, or the other way round.
        TelegramError: what `channels.create` raises.
    """
    if request.has_username not in (None, username is not None):
        raise ValueError(f"The button asks for a {'public' if request.has_username else 'private'} channel.")
    channel = channels.create(world, person_id, title, username)
    _add(world, bot, person_id, channel, request.bot_rights)
    return channel


def add_by_link(world: World, bot: Bot, person_id: int, channel_id: int, url: str) -> Channel:
    """A person opens `https://t.me/<bot>?startchannel&admin=post_messages+...` and picks a channel of theirs.

    Raises:
        ValueError: it is no such link of this bot, or the app does not list this channel.
        TelegramError: the person may not give the bot these rights.
    """
    return pick(world, bot, person_id, channel_id, asked_by_link(bot, url))


def asked_by_link(bot: Bot, url: str) -> ChannelRequest:
    """What such a link asks for: channels where the person may add admins, and rights for the bot.

    Raises:
        ValueError: it is no such link of this bot.
    """
    address = urlsplit(url)
    asked = parse_qs(address.query, keep_blank_values=True)
    if (
        address.netloc != "t.me"
        or address.path.strip("/").lower() != bot.username.lower()
        or "startchannel" not in asked
    ):
        raise ValueError(f"{url} adds no bot {bot.username} to a channel.")
    wanted = set(asked.get("admin", [""])[0].split())  # a plus in a query is a space
    if not wanted or wanted - set(ALL_RIGHTS):
        raise ValueError(f"The sandbox's channels have the rights {' '.join(ALL_RIGHTS)}; {url} asks for others.")
    rights = frozenset(right for right in ALL_RIGHTS if right in wanted)
    return ChannelRequest(user_rights=frozenset({"promote_members"}), bot_rights=rights)


def added(bot: Bot, channel: Channel, request: ChannelRequest) -> list[AdminRight]:
    """The rights the bot would get in this channel beside what it has; none: it is not added."""
    return [right for right in ALL_RIGHTS if right in request.bot_rights - channel.rights_of(bot.id)]


def _add(world: World, bot: Bot, person_id: int, channel: Channel, rights: frozenset[AdminRight]) -> None:
    """Give the bot what it asks for beside what it has; nothing happens when it has all that."""
    present = channel.rights_of(bot.id)
    if rights - present:
        channels.edit_admin(world, person_id, channel, bot.id, rights | present)
