"""Who did what for which balance."""

from datetime import datetime
from typing import Literal, cast

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.store.tables import Audit

Action = Literal["register", "join", "revoke", "remove"]

_WRITE = insert(cast("Table", Audit.__table__))


async def write(  # noqa: PLR0913 - what an entry says
    session: AsyncSession, *, at: datetime, person: int, action: Action, balance: int, bot: int
) -> None:
    """Note that a person did something for a balance."""
    entry = {"at": at, "person_id": person, "action": action, "balance_id": balance, "bot_id": bot}
    await session.execute(_WRITE, entry)
