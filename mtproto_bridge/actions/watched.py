"""Referral links that people paste: whether one is alive, and keeping those they made in Telegram itself.

A link is looked at by resolving its username with its token (core.telegram.org/method/contacts.resolveUsername).
Nobody joins, and nobody starts an app, through it.
"""

from dataclasses import replace
from datetime import datetime

from mtproto_bridge.actions import bots
from mtproto_bridge.actions.balances import known_balances
from mtproto_bridge.actions.context import Context, Inside
from mtproto_bridge.actions.describing import describe_link
from mtproto_bridge.actions.programs import describe_program
from mtproto_bridge.actions.referrals import PREFIXES_LIFE, Look
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.ids import BalanceId, BotId, WatchedId
from mtproto_bridge.protocol.links import PREFIXES, ReferralLink, referral_in
from mtproto_bridge.protocol.replies import CheckedLink, Program, Unwatched, Watched, WatchedList, WatchedPage, pages_of
from mtproto_bridge.protocol.requests import CheckLink, ListWatched, ShowWatched, UnwatchLink, WatchLink
from mtproto_bridge.store import affiliations, balances, programs, tables, watched
from mtproto_bridge.telegram.gateway import NOBODY, Refused

MOST_WATCHED = 50
"""Links one person may have watched."""


async def check(context: Context, request: CheckLink) -> CheckedLink:
    """Whether a link is alive, and whose program it is.

    Raises:
        BridgeError: no_such_link, link_is_yours unless `own_too`, no_such_bot, slow_down.
    """
    link = await _read(context, request.url)
    own = await _own(context, link)
    if own and own[0].current and not request.own_too:
        raise _is_yours(own[0])
    _, stale = await known_balances(context, links=True)  # whose links we last read too long ago
    look = await _look(context, link)
    link = _as_telegram_writes(link, look)
    async with context.store.begin() as session:
        known = await watched.by_link(session, context.actor, link)
    return CheckedLink(
        url=link.url,
        bot_username=link.username,
        alive=look.bot is not None,
        program=look.program,
        watched_id=WatchedId(known.id) if known else None,
        own=describe_link(*own, None, context.now()) if own else None,
        newest=own is not None and own[0].current,
        stale_accounts=[] if own or known else stale,
    )


async def watch(context: Context, request: WatchLink) -> WatchedPage:
    """Keep a link, if it is alive.

    Raises:
        BridgeError: no_such_link, link_is_yours, no_such_bot, link_expired, too_many_links, slow_down.
    """
    link = await _read(context, request.url)
    own = await _own(context, link)
    if own:
        raise _is_yours(own[0])
    look = await _look(context, link)
    if look.bot is None:
        raise BridgeError(ErrorCode.LINK_EXPIRED)
    link = _as_telegram_writes(link, look)
    async with context.store.begin() as session:
        known = await watched.by_link(session, context.actor, link)
        if known is None and await watched.count(session, context.actor) >= MOST_WATCHED:
            raise BridgeError(Failure(code=ErrorCode.TOO_MANY_LINKS, limit=MOST_WATCHED))
        row = await watched.keep(session, context.actor, link.url, look.bot, look.at)
    return WatchedPage(watched=_describe(row, look.program), new=known is None)


async def show(context: Context, request: ShowWatched) -> WatchedPage:
    """One watched link as it is now.

    Raises:
        BridgeError: no_such_link, slow_down.
    """
    async with context.store.begin() as session:
        row = await watched.find(session, context.actor, request.watched_id)
    if row is None:
        raise BridgeError(ErrorCode.NO_SUCH_LINK)
    look = await _look(context, await _read(context, row.url), is_ours=True)
    async with context.store.begin() as session:
        await watched.note(session, row, alive=look.bot is not None, at=look.at)
    return WatchedPage(watched=_describe(row, look.program))


async def list_watched(context: Inside, request: ListWatched) -> WatchedList:
    """One page of the actor's watched links, as last seen."""
    async with context.store.begin() as session:
        rows, total = await watched.page(session, context.actor, offset=request.page * request.size, limit=request.size)
    return WatchedList(
        watched=[describe_watched(row, program, context.now()) for row, program in rows],
        page=request.page,
        pages=pages_of(total, request.size),
        total=total,
    )


async def unwatch(context: Inside, request: UnwatchLink) -> Unwatched:
    """Forget a watched link."""
    async with context.store.begin() as session:
        await watched.forget(session, context.actor, request.watched_id)
    return Unwatched()


async def _read(context: Context, url: str) -> ReferralLink:
    """The referral link a text holds, by the prefixes of Telegram's config."""
    known = context.shared.referrals.prefixes
    prefixes = known.get(context.account)
    if prefixes is None:
        prefixes = known.put(context.account, await context.gateway.referral_prefixes(), PREFIXES_LIFE)
    link = referral_in(url, (*prefixes, *PREFIXES))
    if link is None:
        raise BridgeError(ErrorCode.NO_SUCH_LINK)
    return link


async def _own(context: Context, link: ReferralLink) -> tuple[tables.Affiliation, tables.Balance] | None:
    """The link, where it is one of a balance of the actor's: its page says more. Dead ones are remembered, too."""
    async with context.store.begin() as session:
        mine = {one.id: one for one, by in await balances.managed_by(session, context.actor) if by.allowed}
        own = await affiliations.by_link(session, map(BalanceId, mine), link)
    return (own, mine[own.balance_id]) if own else None


def _is_yours(own: tables.Affiliation) -> BridgeError:
    balance, bot = BalanceId(own.balance_id), BotId(own.bot_id)
    return BridgeError(Failure(code=ErrorCode.LINK_IS_YOURS, balance_id=balance, bot_id=bot))


async def _look(context: Context, link: ReferralLink, *, is_ours: bool = False) -> Look:
    """Whether a link is alive, at most a minute old.

    Raises:
        BridgeError: no_such_bot, unless the link `is_ours` to watch: it is dead then; slow_down.
    """
    async with context.shared.names.resolving[context.account]:
        look = context.shared.referrals.get(link)
        if look is None:
            bots.take_share(context)
            look = context.shared.referrals.put(link, await _ask_telegram(context, link))
    if look.nobody and not is_ours:
        raise BridgeError(Failure(code=ErrorCode.NO_SUCH_BOT, username=link.username))
    return look


async def _ask_telegram(context: Context, link: ReferralLink) -> Look:
    try:
        bot = await context.gateway.link_alive(link.username, link.token)
    except Refused as refused:
        if refused.message not in NOBODY:
            raise
        return Look(context.now(), None, nobody=True)
    # A dead link does not say whose it was: its program is told where this account knows the bot anyhow.
    known = bot.id if bot else await bots.met(context, link.username)
    program = await context.gateway.program(known) if known else None
    if program:
        async with context.store.begin() as session:
            await programs.remember(session, program, context.now())
    return Look(context.now(), bot, program)


def _as_telegram_writes(link: ReferralLink, look: Look) -> ReferralLink:
    """The same link however it was pasted."""
    return replace(link, username=look.bot.username) if look.bot else link


def describe_watched(row: tables.Watched, program: tables.Program | None, now: datetime) -> Watched:
    """A watched link as last seen, in a list: a program that has ended since took it along."""
    ended = program is not None and program.end_date is not None and row.checked_at < program.end_date <= now
    offers = program is not None and (program.end_date is None or program.end_date > now)
    seen = _describe(row, describe_program(program) if program and offers and row.alive else None)
    return seen.model_copy(update={"alive": row.alive and not ended})


def _describe(row: tables.Watched, program: Program | None) -> Watched:
    return Watched(
        id=WatchedId(row.id),
        url=row.url,
        bot_id=BotId(row.bot_id),
        bot_username=row.bot_username,
        bot_title=row.bot_title,
        alive=row.alive,
        checked_at=row.checked_at,
        added_at=row.added_at,
        program=program,
    )
