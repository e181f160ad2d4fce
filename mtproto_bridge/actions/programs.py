"""Programs: browse them in Telegram's order, and look one up."""

from datetime import UTC, datetime

from mtproto_bridge.actions import index
from mtproto_bridge.actions.balances import known_balances
from mtproto_bridge.actions.bots import meet, program_by_name
from mtproto_bridge.actions.context import Context
from mtproto_bridge.actions.describing import describe
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.ids import BalanceId, BotId
from mtproto_bridge.protocol.replies import Program, ProgramCard, Programs, pages_of
from mtproto_bridge.protocol.requests import BrowsePrograms, ShowProgram
from mtproto_bridge.store import accounts, affiliations, people, programs, tables


async def browse(context: Context, request: BrowsePrograms) -> Programs:
    """One page of programs from the index, of the reading that is named or of the newest one."""
    await index.have(context)
    mine, stale = await known_balances(context, links=True)
    wanted = programs.Wanted(request.sort, request.min_permille, request.forever, request.words)
    async with context.store.begin() as session:
        crawl = request.crawl
        if crawl is None or not await programs.has_crawl(session, crawl):
            crawl = await programs.newest_crawl(session) or 0
        rows, total = await programs.page(
            session, crawl, wanted, offset=request.page * request.size, limit=request.size
        )
        joined = {bot for _, bot in await affiliations.joined_bots(session, [BalanceId(one.id) for one in mine])}
    shown = [describe_program(row, joined=row.bot_id in joined) for row in rows]
    return Programs(
        programs=shown,
        page=request.page,
        pages=pages_of(total, request.size),
        total=total,
        crawl=crawl,
        read_at=datetime.fromtimestamp(crawl, UTC) if crawl else None,
        sort=request.sort,
        min_permille=request.min_permille,
        forever=request.forever,
        words=request.words,
        stale_accounts=stale,
    )


async def show(context: Context, request: ShowProgram) -> ProgramCard:
    """One program as it is now, with the actor's balances.

    Raises:
        BridgeError: no_such_bot, program_unavailable, slow_down.
    """
    program = await _program(context, request)
    if program is None:
        raise BridgeError(Failure(code=ErrorCode.PROGRAM_UNAVAILABLE, username=request.username))
    mine, stale = await known_balances(context, links=True)
    async with context.store.begin() as session:
        await programs.remember(session, program, context.now())
        joined = await affiliations.joined_bots(session, [BalanceId(one.id) for one in mine])
        barred = await accounts.barred(session)
        accepted = await people.has_accepted_terms(session, context.actor)
    return ProgramCard(
        program=program.model_copy(update={"joined": any(bot == program.bot_id for _, bot in joined)}),
        balances=[
            describe(one, joined=(one.id, program.bot_id) in joined, may_connect=one.account_id not in barred)
            for one in mine
        ],
        terms_accepted=accepted,
        stale_accounts=stale,
    )


async def _program(context: Context, request: ShowProgram) -> Program | None:
    if request.bot_id is None:
        return await program_by_name(context, request.username or "")
    await meet(context, request.bot_id)
    return await context.gateway.program(request.bot_id)


def describe_program(row: tables.Program, *, joined: bool = False) -> Program:
    """A program of the index as it travels."""
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
