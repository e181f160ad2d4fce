"""Affiliations: join, show, revoke, list. Every mutation here bears being run twice at Telegram.

Follows core.telegram.org/api/bots/referrals.
"""

from mtproto_bridge.actions.balances import authorize, authorize_and_read, known_balances, peer_of
from mtproto_bridge.actions.bots import meet
from mtproto_bridge.actions.context import Context, Inside
from mtproto_bridge.actions.describing import describe_link
from mtproto_bridge.actions.notices import acted
from mtproto_bridge.actions.together import together
from mtproto_bridge.actions.watched import describe_watched
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.ids import BalanceId, BotId
from mtproto_bridge.protocol.replies import AffiliationPage, Affiliations, Program, pages_of
from mtproto_bridge.protocol.requests import Join, ListAffiliations, Revoke, ShowAffiliation
from mtproto_bridge.store import accounts, affiliations, audit, links, people, programs, tables
from mtproto_bridge.telegram.gateway import BalancePeer, Connection, Refused

ALREADY_REVOKED = "STARREF_HASH_REVOKED"


async def join(context: Context, request: Join) -> AffiliationPage:
    """Connect the balance to the program, or return the live link it has.

    Raises:
        BridgeError: as `authorize` and `meet`; program_unavailable, program_closing, connect_not_allowed,
            terms_not_accepted, deadline_passed.
    """
    (balance, before, program), hindrance = await together(_look(context, request), _hindrance(context))
    peer = peer_of(balance)
    if before is None or before.revoked:
        if context.late:
            raise BridgeError(ErrorCode.DEADLINE_PASSED)
        if hindrance:
            raise BridgeError(Failure(code=hindrance, balance_title=balance.title))
        made, old_url = await _connect(context, peer, program, request.bot_id), before.url if before else None
    else:
        known = await _last_known(context, request)
        if not context.again or (known and known.url == before.url and not known.revoked):
            return await _page(context, balance, before, program)
        made, old_url = before, known.url if known else None  # nobody knew of it: the lost attempt made it
    replaced_link = old_url not in (None, made.url)
    return await _page(context, balance, made, program, done="join", replaced_link=replaced_link)


async def _last_known(context: Context, request: Join) -> tables.Affiliation | None:
    async with context.store.begin() as session:
        return await affiliations.current(session, request.balance_id, request.bot_id)


async def _hindrance(context: Context) -> ErrorCode | None:
    """Why no new link may be made, if there is a reason."""
    async with context.store.begin() as session:
        account = await accounts.row(session, context.account)
        accepted = await people.has_accepted_terms(session, context.actor)
    if account and account.may_connect is False:
        return ErrorCode.CONNECT_NOT_ALLOWED
    return None if accepted else ErrorCode.TERMS_NOT_ACCEPTED


async def _connect(context: Context, peer: BalancePeer, program: Program | None, bot: BotId) -> Connection:
    if program is None:
        raise BridgeError(ErrorCode.PROGRAM_UNAVAILABLE)
    if program.end_date:
        raise BridgeError(Failure(code=ErrorCode.PROGRAM_CLOSING, end_date=program.end_date, username=program.username))
    made = await context.gateway.connect(peer, bot)
    if made is None:  # an answer without a record: what came of it can be read
        made = await context.gateway.connection(peer, bot)
    if made is None or made.revoked:  # never hand out a dead link
        raise BridgeError(Failure(code=ErrorCode.TELEGRAM, telegram_code=500, telegram_message="EMPTY"))
    return made


async def show(context: Context, request: ShowAffiliation) -> AffiliationPage:
    """The balance's link for the program as it is now, with its URL.

    Raises:
        BridgeError: as `authorize` and `meet`; not_joined.
    """
    balance, found, program = await _look(context, request)
    if found is None:
        raise BridgeError(ErrorCode.NOT_JOINED)
    return await _page(context, balance, found, program)


async def _look(
    context: Context, request: Join | ShowAffiliation
) -> tuple[tables.Balance, Connection | None, Program | None]:
    """The balance, the link it has, and what the program offers."""

    async def read(balance: tables.Balance) -> tuple[Connection | None, Program | None]:
        await meet(context, request.bot_id)
        gateway, bot = context.gateway, request.bot_id
        return await together(gateway.connection(peer_of(balance), bot), gateway.program(bot))

    balance, (link, program) = await authorize_and_read(context, request.balance_id, read)
    return balance, link, program


async def revoke(context: Context, request: Revoke) -> AffiliationPage:
    """Revoke one certain link; one that was revoked already is a success. Its successor is never touched.

    Raises:
        BridgeError: as `authorize`; not_joined for a link that is not the balance's; deadline_passed.
    """
    balance = await authorize(context, request.balance_id)
    async with context.store.begin() as session:
        link = await affiliations.by_id(session, request.affiliation_id)
    if link is None or link.balance_id != balance.id:
        raise BridgeError(ErrorCode.NOT_JOINED)
    if context.late:
        found = await context.gateway.connection(peer_of(balance), BotId(link.bot_id))
        if found and found.url == link.url and not found.revoked:
            raise BridgeError(ErrorCode.DEADLINE_PASSED)
    try:
        await context.gateway.revoke(peer_of(balance), link.url)
        changed = True
    except Refused as refused:
        if refused.message != ALREADY_REVOKED:
            raise
        changed = context.again and not link.revoked  # nobody knew of it: the lost attempt revoked it
    async with context.store.begin() as session:
        if changed:
            await acted(context, session, "revoke", balance, link)
        session.add(link)
        link.revoked, link.seen_at = True, context.now()
        # From the store: the deed is done, and no refusal of another call may hide that.
        end_date = await programs.end_date_of(session, BotId(link.bot_id))
    described = describe_link(link, balance, end_date, context.now(), url=link.url)
    return AffiliationPage(affiliation=described, changed=changed)


async def list_affiliations(context: Inside, request: ListAffiliations) -> Affiliations:
    """One page of the actor's links over all their balances and of those watched, from the store."""
    mine, stale = await known_balances(context, links=True)
    async with context.store.begin() as session:
        found = await links.page(
            session,
            [BalanceId(one.id) for one in mine],
            context.actor,
            sort=request.sort,
            offset=request.page * request.size,
            limit=request.size,
        )
    now, total = context.now(), found.own + found.watched
    return Affiliations(
        affiliations=[
            describe_link(one.affiliation, one.balance, one.program.end_date if one.program else None, now)
            for one in found.links
            if one.affiliation and one.balance
        ],
        watched_links=[describe_watched(one.watched, one.program, now) for one in found.links if one.watched],
        page=request.page,
        pages=pages_of(total, request.size),
        total=total,
        balances=len(mine),
        watched=found.watched,
        sort=request.sort,
        stale_accounts=stale,
    )


async def _page(  # noqa: PLR0913 - what a page says
    context: Context,
    balance: tables.Balance,
    connection: Connection,
    program: Program | None,
    *,
    done: audit.Action | None = None,
    replaced_link: bool = False,
) -> AffiliationPage:
    """Keep what Telegram said of a link, and what was done, in one transaction."""
    async with context.store.begin() as session:
        row = await affiliations.save(session, BalanceId(balance.id), connection, context.now())
        if program:
            await programs.remember(session, program, context.now())
        if done:
            await acted(context, session, done, balance, row)
    described = describe_link(row, balance, program.end_date if program else None, None, url=row.url)
    if program is None:
        described = described.model_copy(update={"program_state": "ended"})
    return AffiliationPage(affiliation=described, changed=done is not None, replaced_link=replaced_link)
