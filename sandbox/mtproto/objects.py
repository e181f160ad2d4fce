"""From the World's people, bots, channels and links to the objects clients get to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telethon.tl import TLObject, types

from sandbox.mtproto.peers import access_hash
from sandbox.world import links
from sandbox.world.model import NANOS, Bot, Channel, Person

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.world.model import AdminRight, Program, ReferralLink
    from sandbox.world.world import World

RIGHT_NAMES: dict[AdminRight, str] = {"promote_members": "add_admins"}
"""Where MTProto's name differs from the Bot API's."""


def user(world: World, viewer_id: int, one: Person | Bot) -> TLObject:
    """A `user` as this viewer sees it (core.telegram.org/constructor/user)."""
    hashed = access_hash(world, viewer_id, one.id)
    if isinstance(one, Bot):
        return types.User(
            one.id,
            bot=True,
            bot_can_edit=one.owner_id == viewer_id or None,
            bot_has_main_app=True,
            bot_info_version=1,
            bot_inline_placeholder="" if one.supports_inline else None,
            access_hash=hashed,
            first_name=one.title,
            username=one.username,
        )
    if one.deactivated:
        return types.User(one.id, deleted=True, access_hash=hashed)
    own = one.id == viewer_id
    return types.User(
        one.id,
        is_self=own or None,
        premium=one.premium or None,
        access_hash=hashed,
        first_name=one.first_name,
        username=one.username,
        phone=one.phone.lstrip("+") if own and one.phone else None,
    )


def users(world: World, viewer_id: int, ids: Iterable[int]) -> list[TLObject]:
    """The users among these ids, each once, for the `users` field of an answer."""
    found = (world.find(one) for one in dict.fromkeys(ids))
    return [user(world, viewer_id, one) for one in found if isinstance(one, Person | Bot)]


def channel(world: World, viewer_id: int, one: Channel) -> TLObject:
    """A `channel` as this viewer sees it, `channelForbidden` to whom it has thrown out."""
    if viewer_id in one.banned:
        return types.ChannelForbidden(one.id, access_hash(world, viewer_id, one.id), one.title, broadcast=True)
    rights = one.rights_of(viewer_id)
    return types.Channel(
        one.id,
        one.title,
        types.ChatPhotoEmpty(),
        one.created,
        creator=one.creator_id == viewer_id or None,
        left=not one.is_member(viewer_id) or None,
        broadcast=True,
        access_hash=access_hash(world, viewer_id, one.id),
        username=one.username,
        admin_rights=admin_rights(rights) if rights else None,
    )


def news_of(world: World, viewer_id: int, one: Channel) -> TLObject:
    """The `Updates` about a channel the viewer has come into, or gone out of."""
    news = [types.UpdateChannel(one.id)]
    return types.Updates(news, [], [channel(world, viewer_id, one)], date=world.clock.now(), seq=0)


def admin_rights(rights: Iterable[AdminRight]) -> TLObject:
    """A `chatAdminRights`."""
    return types.ChatAdminRights(**{RIGHT_NAMES.get(one, one): True for one in rights})


def program(one: Bot, offered: Program) -> TLObject:
    """A `starRefProgram` (core.telegram.org/constructor/starRefProgram)."""
    daily = one.daily_revenue_nanos
    return types.StarRefProgram(
        one.id,
        offered.commission_permille,
        duration_months=offered.duration_months,
        end_date=offered.end_date,
        daily_revenue_per_user=None if daily is None else types.StarsAmount(*divmod(daily, NANOS)),
    )


def connection(world: World, link: ReferralLink) -> TLObject:
    """A `connectedBotStarRef`; its revenue is whole Stars, never negative, as TDLib demands."""
    permille, months = links.terms(world, link)
    return types.ConnectedBotStarRef(
        link.url,
        link.date,
        link.bot_id,
        permille,
        participants=link.participants,
        revenue=max(0, link.revenue_nanos // NANOS),
        revoked=link.revoked or None,
        duration_months=months,
    )
