"""Which installation this store belongs to."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.store.tables import Installation


async def installation_id(session: AsyncSession) -> str:
    """The id the store was given when it was made; a copy of the store has the same."""
    return (await session.scalars(select(Installation.id))).one()
