"""Registrations of channels."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.store.tables import Registration


async def waiting(session: AsyncSession, limit: int) -> tuple[Sequence[Registration], int]:
    """The registrations that wait for the operator's word, the oldest first, and how many there are in all."""
    wait = Registration.state == "waiting"
    total = await session.scalar(select(func.count()).select_from(Registration).where(wait))
    rows = await session.scalars(select(Registration).where(wait).order_by(Registration.id).limit(limit))
    return rows.all(), total or 0
