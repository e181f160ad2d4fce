"""The index of programs: what the accounts have seen, in Telegram's own orders."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.protocol.replies import Program as SeenProgram
from mtproto_bridge.protocol.requests import LONGEST_TITLE, ProgramSort
from mtproto_bridge.store.tables import Listed, Program
from mtproto_bridge.store.upsert import Upsert

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
_RANKS = {"profit": Listed.rank_profit, "revenue": Listed.rank_revenue, "date": Listed.rank_date}
KEPT = timedelta(minutes=30)
"""How long a reading that is not the newest may still be paged through."""


@dataclass(frozen=True)
class Wanted:
    """Which programs, in which order."""

    sort: ProgramSort = "profit"
    min_permille: int = 0
    forever: bool = False
    words: str = ""


async def page(
    session: AsyncSession, crawl: int, wanted: Wanted, *, offset: int, limit: int
) -> tuple[Sequence[Program], int]:
    """One page of a reading, and how many there are in all."""
    rank = _RANKS[wanted.sort]
    filters = [Listed.crawl == crawl, rank.is_not(None), Listed.commission_permille >= wanted.min_permille]
    if wanted.forever:
        filters.append(Listed.duration_months.is_(None))
    filters += [Listed.words.contains(word, autoescape=True) for word in wanted.words.casefold().split()]
    total = await session.scalar(select(func.count()).select_from(Listed).where(*filters))
    found = select(Program).join(Listed, Listed.bot_id == Program.bot_id).where(*filters).order_by(rank)
    rows = await session.scalars(found.offset(offset).limit(limit))
    return rows.all(), total or 0


async def newest_crawl(session: AsyncSession) -> int | None:
    """The newest reading of Telegram's lists (its moment, in seconds), None when there was none."""
    return await session.scalar(select(func.max(Listed.crawl)))


async def has_crawl(session: AsyncSession, crawl: int) -> bool:
    """Whether that reading is kept."""
    return await session.scalar(select(Listed.crawl).where(Listed.crawl == crawl).limit(1)) is not None


async def keep_crawl(
    session: AsyncSession, orders: Mapping[ProgramSort, Sequence[SeenProgram]], read_at: datetime
) -> None:
    """Keep a whole reading: each program once, with its place in each order. Readings grown old are forgotten."""
    crawl = int(read_at.timestamp())
    ranks: dict[BotId, dict[str, int]] = defaultdict(dict)
    seen: dict[BotId, SeenProgram] = {}
    for sort, listed in orders.items():
        for rank, program in enumerate(listed):
            ranks[program.bot_id].setdefault(f"rank_{sort}", rank)
            seen[program.bot_id] = program
    for program in seen.values():
        await _SEEN.run(session, _told(program, read_at))
    oldest = int((read_at - KEPT).timestamp())
    await session.execute(delete(Listed).where((Listed.crawl < oldest) | (Listed.crawl == crawl)))
    for bot, program in seen.items():
        session.add(
            Listed(
                crawl=crawl,
                bot_id=bot,
                commission_permille=program.commission_permille,
                duration_months=program.duration_months,
                words=f"{program.title[:LONGEST_TITLE]} @{program.username}".casefold(),
                **ranks[bot],
            )
        )


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


async def end_date_of(session: AsyncSession, bot: BotId) -> datetime | None:
    """When the bot's program closes, as last seen."""
    return await session.scalar(select(Program.end_date).where(Program.bot_id == bot))
