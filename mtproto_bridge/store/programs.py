"""The index of programs: what the accounts have seen, in Telegram's own order."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.protocol.replies import Program as SeenProgram
from mtproto_bridge.store.tables import Program
from mtproto_bridge.store.upsert import Upsert

LONGEST_TITLE = 255

_COLUMNS = (
    "username",
    "title",
    "commission_permille",
    "duration_months",
    "end_date",
    "daily_revenue_nanos",
    "seen_at",
)
_SEEN = Upsert(Program, ("bot_id",), _COLUMNS)
_RANKED = Upsert(Program, ("bot_id",), (*_COLUMNS, "rank_profit"))


async def page_by_profit(session: AsyncSession, *, offset: int, limit: int) -> tuple[Sequence[Program], int]:
    """One page in Telegram's order by profit, and how many there are in all."""
    listed = select(Program).where(Program.rank_profit.is_not(None)).order_by(Program.rank_profit)
    total = await session.scalar(select(func.count()).select_from(Program).where(Program.rank_profit.is_not(None)))
    rows = await session.scalars(listed.offset(offset).limit(limit))
    return rows.all(), total or 0


async def replace_order(session: AsyncSession, programs: Sequence[SeenProgram], seen_at: datetime) -> None:
    """Take a whole crawl over: its order, and that what it lacks is no longer listed."""
    await session.execute(update(Program).values(rank_profit=None))
    for rank, program in enumerate(programs):
        await _RANKED.run(session, _told(program, seen_at) | {"rank_profit": rank})


async def remember(session: AsyncSession, program: SeenProgram, seen_at: datetime) -> None:
    """Keep what was seen of a program; its place in the order stays."""
    await _SEEN.run(session, _told(program, seen_at))


def _told(program: SeenProgram, seen_at: datetime) -> dict[str, object]:
    told: dict[str, object] = program.model_dump(include=set(_COLUMNS)) | {"seen_at": seen_at}
    return told | {"bot_id": program.bot_id, "title": program.title[:LONGEST_TITLE]}


async def username_of(session: AsyncSession, bot: BotId) -> str | None:
    """The username a program's bot was last seen with: an account that never met it can resolve that."""
    return await session.scalar(select(Program.username).where(Program.bot_id == bot))


async def by_username(session: AsyncSession, username: str) -> Program | None:
    """The program of the bot last seen with this username; usernames are case-insensitive."""
    return await session.scalar(select(Program).where(func.lower(Program.username) == username.lower()))


async def crawled_at(session: AsyncSession) -> datetime | None:
    """When the order was last read whole, None when never."""
    return await session.scalar(select(func.min(Program.seen_at)).where(Program.rank_profit.is_not(None)))


async def end_date_of(session: AsyncSession, bot: BotId) -> datetime | None:
    """When the bot's program closes, as last seen."""
    return await session.scalar(select(Program.end_date).where(Program.bot_id == bot))
