"""Programs: browse them in Telegram's order, and look one up."""

from datetime import timedelta

from mtproto_bridge.actions.balances import describe, known_balances
from mtproto_bridge.actions.context import Context
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.ids import BalanceId, BotId
from mtproto_bridge.protocol.replies import Program, ProgramCard, Programs
from mtproto_bridge.protocol.requests import BrowsePrograms, ShowProgram
from mtproto_bridge.store import affiliations, programs, tables

INDEX_LIFE = timedelta(minutes=5)
"""How old the index may be before browsing crawls it anew."""
CRAWL_PAGE = 100
MOST_CRAWLED = 1_000
"""Programs one crawl reads: the most profitable ones."""


async def browse(context: Context, request: BrowsePrograms) -> Programs:
    """One page of programs, most profitable first, from the index."""
    await _crawl_if_old(context)
    mine, stale = await known_balances(context, links=True)
    async with context.store.begin() as session:
        rows, total = await programs.page_by_profit(session, offset=request.page * request.size, limit=request.size)
        joined = {bot for _, bot in await affiliations.joined_bots(session, [BalanceId(one.id) for one in mine])}
    pages = max(1, -(-total // request.size))
    shown = [_describe(row, joined=row.bot_id in joined) for row in rows]
    return Programs(programs=shown, page=request.page, pages=pages, total=total, stale_accounts=stale)


async def _crawl_if_old(context: Context) -> None:
    async with context.crawling:
        async with context.store.begin() as session:
            crawled_at = await programs.crawled_at(session)
        if crawled_at is None or crawled_at < context.now() - INDEX_LIFE:
            await _crawl(context)


async def _crawl(context: Context) -> None:
    found: dict[BotId, Program] = {}
    offset: str | None = ""
    while offset is not None and len(found) < MOST_CRAWLED:
        page = await context.gateway.suggested(offset, CRAWL_PAGE)
        found.update({program.bot_id: program for program in page.programs})
        offset = page.next_offset
    async with context.store.begin() as session:
        await programs.replace_order(session, list(found.values()), context.now())


async def show(context: Context, request: ShowProgram) -> ProgramCard:
    """One program as it is now, with the actor's balances.

    Raises:
        BridgeError: no_such_bot, program_unavailable.
    """
    bot_id, username = await _find(context, request)
    program = await context.gateway.program(bot_id, username)
    if program is None:
        raise BridgeError(Failure(code=ErrorCode.PROGRAM_UNAVAILABLE, username=username))
    mine, stale = await known_balances(context, links=True)
    async with context.store.begin() as session:
        await programs.remember(session, program, context.now())
        joined = await affiliations.joined_bots(session, [BalanceId(one.id) for one in mine])
    return ProgramCard(
        program=program.model_copy(update={"joined": any(bot == bot_id for _, bot in joined)}),
        balances=[describe(one, joined=(one.id, bot_id) in joined) for one in mine],
        stale_accounts=stale,
    )


async def _find(context: Context, request: ShowProgram) -> tuple[BotId, str | None]:
    """The bot, from the index where it is known: resolving a username is the scarcest call."""
    if request.bot_id is not None:
        return request.bot_id, await _username(context, request.bot_id)
    username = request.username or ""
    async with context.store.begin() as session:
        known = await programs.by_username(session, username)
    if known:
        return BotId(known.bot_id), known.username
    found = await context.gateway.find_bot(username)
    if found is None:
        raise BridgeError(Failure(code=ErrorCode.NO_SUCH_BOT, username=username))
    return found.id, found.username


async def _username(context: Context, bot_id: BotId) -> str | None:
    """A bot's username, from the index; a deep link may name a bot before anybody browsed."""
    async with context.store.begin() as session:
        known = await programs.username_of(session, bot_id)
    if known:
        return known
    await _crawl_if_old(context)
    async with context.store.begin() as session:
        return await programs.username_of(session, bot_id)


def _describe(row: tables.Program, *, joined: bool) -> Program:
    return Program(
        bot_id=BotId(row.bot_id),
        username=row.username,
        title=row.title,
        commission_permille=row.commission_permille,
        duration_months=row.duration_months,
        end_date=row.end_date,
        daily_revenue_nanos=row.daily_revenue_nanos,
        joined=joined,
    )
