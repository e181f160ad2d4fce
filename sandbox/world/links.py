"""Connections of a balance to a program, and their links (facts, rules 15-21).

Follows core.telegram.org/method/payments.connectStarRefBot, editConnectedStarRefBot,
getConnectedStarRefBot and getConnectedStarRefBots.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.world.errors import bad_request
from sandbox.world.model import ReferralLink
from sandbox.world.programs import program_of, settle
from sandbox.world.world import World

LIST_LIMIT = 100


@dataclass(frozen=True)
class Connections:
    """A page of connections and how many there are in all."""

    total: int
    links: list[ReferralLink]
    changed: bool = False
    """Whether this very call made, revived or revoked the link."""


def connect(world: World, account_id: int, balance_id: int, bot_id: int) -> Connections:
    """Connect a balance to a program: exactly one record, and the total count (rules 15, 16, 18).

    Raises:
        TelegramError: PEER_ID_INVALID, CHAT_ADMIN_REQUIRED, or what the switch
            `connect_refused_error` names where no program takes new affiliates.
    """
    world.require_controlled(account_id, balance_id)
    program = program_of(world, bot_id)
    if program is None or program.end_date or bot_id == balance_id:
        raise bad_request(world.switches.connect_refused_error)
    present = _present(world, balance_id, bot_id)
    alive = present is not None and not present.revoked
    if present and alive and world.switches.repeat_connect == "same_url":
        link = present
    elif present and present.revoked and present.program is program and world.switches.reconnect == "revive":
        present.revoked = False
        link = present
    else:
        link = _new_link(world, balance_id, bot_id)
    return Connections(len(_listed(world, balance_id)), [link], changed=link is not present or not alive)


def _new_link(world: World, balance_id: int, bot_id: int) -> ReferralLink:
    bot = world.bots[bot_id]
    program = bot.program
    if program is None:
        raise AssertionError("checked by connect")
    token = base64.urlsafe_b64encode(world.random.randbytes(9)).decode()
    link = ReferralLink(
        url=f"https://t.me/{bot.username}?start={world.config.start_prefixes[0]}{token}",
        token=token,
        balance_id=balance_id,
        bot_id=bot_id,
        date=world.clock.now(),
        program=program,
        commission_permille=program.commission_permille,
        duration_months=program.duration_months,
    )
    world.links.append(link)
    return link


def edit(world: World, account_id: int, balance_id: int, url: str, *, revoked: bool) -> Connections:
    """Revoke a link, or (revoked False) restore it (rule 17): the record it changed.

    Raises:
        TelegramError: PEER_ID_INVALID, CHAT_ADMIN_REQUIRED, STARREF_HASH_REVOKED.
    """
    settle(world)
    world.require_controlled(account_id, balance_id)
    link = next((one for one in world.links if one.url == url and one.balance_id == balance_id), None)
    if link is None:
        raise bad_request(world.switches.foreign_link_error)
    if revoked and link.revoked:
        raise bad_request("STARREF_HASH_REVOKED")
    if not revoked and (not world.switches.unrevoke or link.program is not program_of(world, link.bot_id)):
        raise bad_request("STARREF_HASH_REVOKED")
    changed = link.revoked != revoked
    link.revoked = revoked
    return Connections(1, [link], changed)


def connected(world: World, account_id: int, balance_id: int, bot_id: int) -> Connections:
    """The connection of one balance to one program: none or one, which may be revoked (rule 19)."""
    settle(world)
    world.require_controlled(account_id, balance_id)
    link = _present(world, balance_id, bot_id)
    return Connections(1 if link else 0, [link] if link else [])


def connections(
    world: World, account_id: int, balance_id: int, after: tuple[int, str] | None, limit: int
) -> Connections:
    """A page of a balance's connections, newest first, strictly after the (date, url) given (rule 19)."""
    settle(world)
    world.require_controlled(account_id, balance_id)
    rows = _listed(world, balance_id)
    page = [link for link in rows if after is None or _place(link) > (-after[0], after[1])]
    return Connections(len(rows), page[: min(limit or 20, LIST_LIMIT)])


def terms(world: World, link: ReferralLink) -> tuple[int, int | None]:
    """The commission (permille) and duration (months) a connection shows now (rule 20)."""
    active = link.program.end_date is None and not link.revoked
    if world.switches.live_commission and active:
        return link.program.commission_permille, link.program.duration_months
    return link.commission_permille, link.duration_months


def by_token(world: World, bot_id: int, token: str) -> ReferralLink:
    """The live link with this token at this bot (rule 22).

    Raises:
        TelegramError: STARREF_EXPIRED for an unknown or dead token, or another bot's.
    """
    settle(world)
    link = next((one for one in world.links if one.token == token and one.bot_id == bot_id), None)
    if link is None or link.revoked:
        raise bad_request("STARREF_EXPIRED")
    return link


def _present(world: World, balance_id: int, bot_id: int) -> ReferralLink | None:
    """The newest record of the pair: one link per (program, balance)."""
    mine = (one for one in reversed(world.links) if one.balance_id == balance_id and one.bot_id == bot_id)
    return next(mine, None)


def _listed(world: World, balance_id: int) -> list[ReferralLink]:
    newest = {one.bot_id: one for one in world.links if one.balance_id == balance_id}
    shown = (one for one in newest.values() if world.switches.list_revoked or not one.revoked)
    return sorted(shown, key=_place)


def _place(link: ReferralLink) -> tuple[int, str]:
    return -int(link.date.timestamp()), link.url


def from_unix(seconds: int) -> datetime:
    """A Telegram date (whole seconds since 1970, UTC) as a datetime."""
    return datetime.fromtimestamp(seconds, UTC)
