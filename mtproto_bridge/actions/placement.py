"""Which account takes a channel. The rule is here and nowhere else."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.actions.context import Inside
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.protocol.replies import UNDER_WAY, RegistrationState
from mtproto_bridge.store import accounts, balances, registrations, tables
from mtproto_bridge.store.registrations import Room
from mtproto_bridge.telegram.limits import free_channels

JOINS_AT_ONCE, JOIN_EVERY = 5, timedelta(minutes=1)
"""How many channels an account comes into at once, and how soon into one more: who hurries looks like a spammer."""
FULL_FOR = timedelta(days=1)
"""How long an account is left alone after Telegram said that it is in too many channels."""

_NOW = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """The account a channel is given to, and how far it is there."""

    account: AccountId
    state: RegistrationState
    """`picked`: it is to come in. `promoted`: it should have its right."""


async def place(
    context: Inside, session: AsyncSession, channel_id: int, row: tables.Registration | None = None
) -> Place:
    """Where a registration goes on; `row` says how far it came.

    With the account that serves the channel; else where it was begun; else with the account that comes in for
    somebody else already; else with the best one.

    Raises:
        BridgeError: no_capacity.
    """
    begun = _begun(row)
    served = await balances.of_channel(session, channel_id)
    if served and served[1] in accounts.SERVING:
        serving = AccountId(served[0].account_id)
        return begun if begun and begun.account == serving else Place(serving, "promoted")
    best = [one.account for one in await _ranked(context, session)]
    if begun and (begun.account in best or (begun.state != "picked" and await _is_ready(session, begun.account))):
        return begun
    coming = await registrations.coming_by(session, channel_id, context.now())
    if coming and coming in best:
        return Place(coming, "picked")
    if not best:
        raise BridgeError(ErrorCode.NO_CAPACITY)
    return Place(best[0], "picked")


async def another(context: Inside, session: AsyncSession, *, but: Container[int] = ()) -> AccountId:
    """The account that takes a channel over from one that cannot come in now.

    Raises:
        BridgeError: no_capacity; slow_down when all that have room have come into too many channels just now.
    """
    best = next((one for one in await _ranked(context, session) if one.account not in but), None)
    if best is None:
        raise BridgeError(ErrorCode.NO_CAPACITY)
    again_at = context.shared.joins.next_at(best.account)
    if again_at:
        raise BridgeError(Failure(code=ErrorCode.SLOW_DOWN, retry_at=again_at))
    return best.account


def _begun(row: tables.Registration | None) -> Place | None:
    if row is None or row.account_id is None or row.state not in UNDER_WAY:
        return None
    return Place(AccountId(row.account_id), row.state)


async def _is_ready(session: AsyncSession, account: AccountId) -> bool:
    row = await accounts.row(session, account)
    return row is not None and row.state == "ready"


async def _ranked(context: Inside, session: AsyncSession) -> list[Room]:
    """The accounts with room, the best first.

    Those that Telegram lets connect programs before all others; who may come into a channel at once before who has
    to wait; and those with most room.
    """
    now = context.now()
    have_room = [
        one
        for one in await registrations.rooms(session, now)
        if _free(one) and not (one.full_at and one.full_at > now - FULL_FOR)
    ]
    joins = context.shared.joins
    return sorted(
        have_room,
        key=lambda one: (one.may_connect is False, joins.next_at(one.account) or _NOW, -_free(one), one.account),
    )


def _free(room: Room) -> int:
    return free_channels(room.held, premium=room.premium)
