"""Registering a channel, step by step; each step is kept, so that whoever asks next goes on from there.

The bot makes a one-use invite and promotes; the bridge's account comes in, and reads from Telegram that it may post
and that the actor may. Nothing is believed that was not read.
"""

from collections.abc import Container

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.actions import health
from mtproto_bridge.actions.context import Context, DeskUnreachable, Inside
from mtproto_bridge.actions.describing import describe_registration
from mtproto_bridge.actions.life import FROZEN
from mtproto_bridge.actions.notices import acted
from mtproto_bridge.actions.our_bot import press_start
from mtproto_bridge.actions.placement import another, place
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.events import RegistrationDecided, RegistrationWaits
from mtproto_bridge.protocol.ids import AccountId, BalanceId, RegistrationId
from mtproto_bridge.protocol.replies import (
    UNDER_WAY,
    Health,
    OpenRegistrations,
    Registration,
    RegistrationPage,
    RegistrationState,
)
from mtproto_bridge.protocol.requests import (
    AdvanceRegistration,
    ListOpenRegistrations,
    ResumeRegistration,
    StartRegistration,
)
from mtproto_bridge.store import accounts, balances, outbox, people, registrations, tables
from mtproto_bridge.telegram.gateway import Refused

log = structlog.get_logger()

ALREADY_IN = "USER_ALREADY_PARTICIPANT"
TOO_MANY = "CHANNELS_TOO_MUCH"
DEAD_INVITE = ("INVITE_HASH_EXPIRED", "INVITE_HASH_INVALID", "INVITE_HASH_EMPTY")
SHUT_OUT = (*DEAD_INVITE, "INVITE_REQUEST_SENT", "USER_BANNED_IN_CHANNEL", "CHANNEL_PRIVATE", "CHANNEL_INVALID")
"""How Telegram says that an account does not come in by this invite."""


async def start(context: Inside, request: StartRegistration) -> RegistrationPage:
    """The actor picked a channel: a registration begins, or goes on.

    Raises:
        BridgeError: registration_closed, too_many_channels, no_capacity.
    """
    async with context.store.begin() as session:
        row = await registrations.of(session, context.actor, request.channel_id)
        before = row.state if row else None
        served = await _served(session, request.channel_id)
        state = await _admit(context, session, row, served)
        account = None
        if state == "picked":
            placed = await place(context, session, request.channel_id, row)
            account, state = placed.account, placed.state
        kept = await registrations.keep(
            session,
            person=context.actor,
            channel_id=request.channel_id,
            title=request.title,
            username=request.username,
            state=state,
            account=account,
            balance=served,
            origin=context.origin.model_dump_json() if context.origin else None,
            at=context.now(),
        )
        if state == "waiting" and before != "waiting":
            await _ask_operators(context, session, kept)
        return RegistrationPage(registration=await described(session, kept))


async def _served(session: AsyncSession, channel_id: int) -> BalanceId | None:
    """The channel's balance. What goes on because of it is kept with it, and forgotten with it: nobody approved it."""
    served = await balances.of_channel(session, channel_id)
    return BalanceId(served[0].id) if served else None


async def _admit(
    context: Inside, session: AsyncSession, row: tables.Registration | None, served: BalanceId | None
) -> RegistrationState:
    """Whether the operator lets the actor register the channel: `picked`, `waiting` or `refused`.

    Raises:
        BridgeError: registration_closed, too_many_channels.
    """
    rules, now = context.shared.rules, context.now()
    if served or context.actor in rules.operators or (row and registrations.is_under_way(row, now)):
        return "picked"
    if rules.registration == "closed":
        raise BridgeError(ErrorCode.REGISTRATION_CLOSED)
    is_counted = row is not None and row.state == "waiting"
    if not is_counted and await registrations.count_of(session, context.actor, now) >= rules.registration_limit:
        raise BridgeError(Failure(code=ErrorCode.TOO_MANY_CHANNELS, limit=rules.registration_limit))
    if rules.registration == "open":
        return "picked"
    return "refused" if row and row.state == "refused" else "waiting"


async def _ask_operators(context: Inside, session: AsyncSession, row: tables.Registration) -> None:
    person = await people.find(session, row.person_id)
    what = RegistrationWaits(registration=await described(session, row), person_name=person.name if person else None)
    await outbox.put(session, context.now(), await people.hearers(session, context.shared.rules.operators), what)


async def resume(context: Inside, request: ResumeRegistration) -> RegistrationPage:
    """Where a registration stands; one whose account cannot go on gets another, an old one is begun again.

    Raises:
        BridgeError: registration_gone, registration_closed, too_many_channels, no_capacity.
    """
    async with context.store.begin() as session:
        row = await _own(context, session, request.registration_id)
        if row.state in UNDER_WAY:
            served = await _served(session, row.channel_id)
            if await _admit(context, session, row, served) == "picked":
                placed = await place(context, session, row.channel_id, row)
                asked = not request.by_itself
                row = await _move(context, session, row, placed.state, placed.account, served, asked=asked)
            else:
                row = await _move(context, session, row, "waiting", None)
                await _ask_operators(context, session, row)
        return RegistrationPage(registration=await described(session, row))


async def decide(context: Inside, registration: RegistrationId, *, approve: bool) -> RegistrationPage:
    """The operator's word on a registration that waits; one that is decided stays as it is.

    Raises:
        BridgeError: registration_gone, no_capacity.
    """
    async with context.store.begin() as session:
        row = await registrations.by_id(session, registration)
        if row is None:
            raise BridgeError(ErrorCode.REGISTRATION_GONE)
        if row.state == "waiting":
            placed = await place(context, session, row.channel_id) if approve else None
            state: RegistrationState = placed.state if placed else "refused"
            account = placed.account if placed else None
            at = context.now()
            if await registrations.change(session, registration, before="waiting", state=state, account=account, at=at):
                decided = RegistrationDecided(registration=await described(session, row))
                await outbox.put(session, at, await people.hearers(session, [row.person_id]), decided)
        return RegistrationPage(registration=await described(session, row))


async def list_open(context: Inside, _: ListOpenRegistrations) -> OpenRegistrations:
    """The registrations under way of everybody."""
    async with context.store.begin() as session:
        rows = await registrations.under_way(session, context.now())
        return OpenRegistrations(registrations=[await described(session, one) for one in rows])


async def advance(context: Context, request: AdvanceRegistration) -> RegistrationPage:
    """Go as far as the bridge can by itself.

    Raises:
        BridgeError: registration_gone; moved when another account goes on; invite_refused, no_capacity, slow_down
            when none comes in; asker_not_admin.
    """
    async with context.store.begin() as session:
        row = await _own(context, session, request.registration_id)
        if row.state not in UNDER_WAY:
            return RegistrationPage(registration=await described(session, row))
    if row.account_id != context.account:
        raise BridgeError(Failure(code=ErrorCode.MOVED, account_id=row.account_id))
    if row.state == "picked" and not await _come_in(context, row, request.invite):
        return await _stop_at(context, row, "picked")
    seen = await health.see(context.gateway, context.account, row.channel_id)
    if seen.health != "ok":
        inside = seen.health == "rights_missing" and await context.gateway.is_in(row.channel_id)
        if inside:
            await _be_known(context)
        return await _stop_at(context, row, "joined" if inside else "picked", seen.health)
    if context.actor not in seen.posting:
        await _stop_at(context, row, "promoted", "ok")
        raise BridgeError(ErrorCode.ASKER_NOT_ADMIN)
    return await _verify(context, row)


# -- coming in --------------------------------------------------------------------------------------------------


async def _come_in(context: Context, row: tables.Registration, invite: str | None) -> bool:
    """Whether the account is in the channel now, as far as can be told; comes in by the invite where it is not."""
    if invite is None:
        return context.gateway.knows_channel(row.channel_id) and await context.gateway.is_in(row.channel_id)
    try:
        found = await context.gateway.check_invite(invite)
        if found.channel_id is None and found.is_channel:
            return await _enter(context, row, invite)
    except Refused as refused:
        return await _refused(context, row, refused)
    if found.channel_id != row.channel_id:
        raise BridgeError(ErrorCode.INVITE_REFUSED)
    return True


async def _enter(context: Context, row: tables.Registration, invite: str) -> bool:
    if context.shared.joins.take(context.account):  # its pace is used up
        raise await _moved(context, row)
    came_into = await context.gateway.import_invite(invite)
    if came_into != row.channel_id:  # strangers are not told beforehand which channel it is
        await context.gateway.leave_channel(came_into)
        raise BridgeError(ErrorCode.INVITE_REFUSED)
    return True


async def _refused(context: Context, row: tables.Registration, refused: Refused) -> bool:
    """What it means that Telegram did not let the account in by an invite."""
    if refused.message == ALREADY_IN:
        return True
    if refused.message == TOO_MANY:
        async with context.store.begin() as session:
            await accounts.note_full(session, context.account, context.now())
        raise await _moved(context, row)
    if refused.message == FROZEN:
        await context.shared.life.freeze(context.account, frozen=True)
        raise await _moved(context, row)
    if refused.message not in SHUT_OUT:
        raise refused
    # The attempt whose end nobody knows may have used the invite up.
    if context.again and refused.message in DEAD_INVITE and await context.gateway.is_in(row.channel_id):
        return True
    raise BridgeError(ErrorCode.INVITE_REFUSED) from refused


async def elsewhere(context: Inside, request: AdvanceRegistration) -> RegistrationPage:
    """The account cannot be used any more: another one goes on.

    Raises:
        BridgeError: registration_gone, moved; no_capacity or slow_down, and it stays where it is.
    """
    async with context.store.begin() as session:
        row = await _own(context, session, request.registration_id)
        if row.state not in UNDER_WAY:
            return RegistrationPage(registration=await described(session, row))
    raise await _moved(context, row, but={context.account})


async def _moved(context: Inside, row: tables.Registration, *, but: Container[int] = ()) -> BridgeError:
    """Give it to another account, which begins from the beginning, and say so.

    Raises:
        BridgeError: as `another`.
    """
    async with context.store.begin() as session:
        if row.account_id == context.account:
            row = await _move(context, session, row, "picked", await another(context, session, but=but))
    return BridgeError(Failure(code=ErrorCode.MOVED, account_id=row.account_id))


async def _be_known(context: Context) -> None:
    """The bot can promote only whom it has met: the account presses Start there, once."""
    try:
        bot = await context.shared.desk.our_bot()
        if bot:
            await press_start(context.gateway, context.store, context.account, bot)
    except (Refused, DeskUnreachable) as error:  # then the bot says that it cannot promote, and it is done by hand
        log.warning("bot.not_started", account=context.account, reason=str(error))


# -- keeping ------------------------------------------------------------------------------------------------------


async def _stop_at(
    context: Context, row: tables.Registration, state: RegistrationState, found: Health | None = None
) -> RegistrationPage:
    """It is the bot's turn: to make an invite, or to promote. `found`: of the channel, when it was looked at."""
    async with context.store.begin() as session:
        served = await balances.of_channel(session, row.channel_id)
        # Only what was lost is news: what is being mended passes through worse states than it ends in.
        if found and served and served[0].account_id == context.account and served[0].health == "ok":
            await health.note(session, served[0], found, context.now(), actor=context.actor)
        row = await _move(context, session, row, state, context.account)
        return RegistrationPage(registration=await described(session, row))


async def _verify(context: Context, row: tables.Registration) -> RegistrationPage:
    """The account may post and so may the actor: the channel is a balance, and the actor manages it."""
    now = context.now()
    async with context.store.begin() as session:
        known = await balances.of_channel(session, row.channel_id)
        number = await balances.register_channel(session, row, context.account)
        balance, manager = await balances.find(session, number, context.actor)
        if balance is None:
            raise BridgeError(ErrorCode.INTERNAL)
        is_new_here = known is None and balance.registered_by is None  # somebody else may have come in between
        is_first = is_new_here or balance.registered_by == tables.NOBODY
        if is_first:
            balance.registered_by, balance.used_at = context.actor, now
        is_new = manager is None or not manager.allowed
        await balances.note_proof(session, number, context.actor, allowed=True, at=now)
        await health.note(session, balance, "ok", now, actor=context.actor)
        if is_new:
            await acted(context, session, "register", balance)
        row = await _move(context, session, row, "verified", context.account, number)
        return RegistrationPage(registration=await described(session, row), added=is_new and not is_first)


async def _move(  # noqa: PLR0913 - where it stands
    context: Inside,
    session: AsyncSession,
    row: tables.Registration,
    state: RegistrationState,
    account: AccountId | None,
    balance: BalanceId | None = None,
    *,
    asked: bool = False,
) -> tables.Registration:
    """Write down where it stands. What stays as it was, and nobody `asked` for, is no newer for that."""
    is_new = asked or (row.state, row.account_id) != (state, account)
    at = context.now() if is_new else row.updated_at
    number = RegistrationId(row.id)
    changed = await registrations.change(session, number, state=state, account=account, balance=balance, at=at)
    if changed is None:
        raise BridgeError(ErrorCode.REGISTRATION_GONE)
    return changed


async def _own(context: Inside, session: AsyncSession, registration: RegistrationId) -> tables.Registration:
    """The actor's registration.

    Raises:
        BridgeError: registration_gone, also for somebody else's.
    """
    row = await registrations.by_id(session, registration)
    if row is None or row.person_id != context.actor:
        raise BridgeError(ErrorCode.REGISTRATION_GONE)
    return row


async def described(session: AsyncSession, row: tables.Registration) -> Registration:
    """A registration as it travels."""
    account = await accounts.row(session, AccountId(row.account_id)) if row.account_id else None
    return describe_registration(row, account)
