"""From a request to its action: deadlines, replays, and failures as replies."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from mtproto_bridge.actions import (
    affiliations,
    balances,
    cards,
    channels,
    chores,
    forgetting,
    life,
    operations,
    programs,
    registrations,
    terms,
    watched,
)
from mtproto_bridge.actions.chores import Errand, Loss
from mtproto_bridge.actions.context import Context, Desk, DeskUnreachable, Inside, Rules, Shared, failure_of
from mtproto_bridge.actions.life import Life
from mtproto_bridge.actions.names import Names
from mtproto_bridge.actions.people import People
from mtproto_bridge.actions.placement import JOIN_EVERY, JOINS_AT_ONCE
from mtproto_bridge.actions.referrals import Referrals
from mtproto_bridge.actions.shares import Buckets
from mtproto_bridge.handling import Flooded, Lease, Outcome
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Nonce, Reply, Request
from mtproto_bridge.protocol.ids import NONCE_LIFE, AccountId
from mtproto_bridge.protocol.replies import AffiliationPage, ChannelRemoved, Forgotten, Result
from mtproto_bridge.protocol.requests import (
    AcceptTerms,
    AdvanceRegistration,
    BanPerson,
    BrowsePrograms,
    CheckLink,
    DecideRegistration,
    ForBalance,
    ForgetPerson,
    Join,
    ListAffiliations,
    ListBalances,
    ListCards,
    ListChannels,
    ListOpenRegistrations,
    ListWatched,
    Mutation,
    Refresh,
    RemoveChannel,
    ResumeRegistration,
    Revoke,
    ShowAffiliation,
    ShowChannel,
    ShowOperations,
    ShowProgram,
    ShowWatched,
    StartRegistration,
    UnwatchLink,
    WatchLink,
)
from mtproto_bridge.store import Store
from mtproto_bridge.telegram.gateway import AccountLost, FloodWait, Gateway, NotReached, Refused, SessionSealed

TRIES = 2
"""How often an action is run when the connection to Telegram broke under it."""
RESOLVES_AT_ONCE, RESOLVE_EVERY = 5, timedelta(seconds=20)
"""How many usernames one person may have resolved at once, and how soon one more."""
CONNECTS_AT_ONCE, CONNECT_EVERY = 5, timedelta(seconds=2)
"""How many accounts are connected for chores alone at once, and how soon one more."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far the clocks of bot and bridge may lie apart."""

log = structlog.get_logger()


class Accounts(Protocol):
    """Where the gateways of logged-in accounts come from."""

    async def gateway(self, account: AccountId, lease: Lease) -> Gateway:
        """A connected gateway; raises AccountLost, SessionSealed, FloodWait or NotReached."""

    def connected(self, account: AccountId, lease: Lease) -> Gateway | None:
        """The account's gateway, if it is connected."""

    async def let_go(self, account: AccountId) -> None:
        """Disconnect an account."""

    def cut(self, account: AccountId) -> None:
        """Close an account's sockets at once, from any thread."""

    def remember_floods(self, account: AccountId, floods: Mapping[str, datetime]) -> None:
        """Wait with these methods until then."""

    async def give_up(self, account: AccountId) -> bytes:
        """The account's session is void: disconnect it, and say which session that was, as it is sealed."""


class Actions:
    """Hands each request of a lane to its action (a `handling.Handler`)."""

    def __init__(
        self,
        accounts: Accounts,
        store: Store,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        rules: Rules,
        desk: Desk,
    ) -> None:
        self._accounts = accounts
        self._store = store
        self._now = now
        self._life = Life(store, rules.operators, now)
        self._losses: dict[AccountId, Loss] = {}
        self._connects = Buckets(CONNECTS_AT_ONCE, CONNECT_EVERY, now)
        resolves = Buckets(RESOLVES_AT_ONCE, RESOLVE_EVERY, now)
        joins = Buckets(JOINS_AT_ONCE, JOIN_EVERY, now)
        people, names, referrals = People(store, now), Names(now), Referrals(now)
        self._shared = Shared(rules, people, desk, self._life, asyncio.Lock(), names, referrals, resolves, joins)

    async def connect(self, account: AccountId, lease: Lease) -> None:
        """Connect an account ahead of its next request; what hinders it, the request will say."""
        with suppress(AccountLost, SessionSealed, FloodWait, NotReached):
            await self._accounts.gateway(account, lease)

    async def attend(self, account: AccountId, lease: Lease) -> bool:
        """Do one of the account's chores, if any is due; whether there may be more."""

        async def gateway() -> Gateway:
            if self._accounts.connected(account, lease) is None and self._connects.take(0):
                raise NotReached("not at once")
            return await self._accounts.gateway(account, lease)

        errand = Errand(
            account=account,
            store=self._store,
            now=self._now,
            life=self._life,
            resolves=self._shared.resolves,
            crawling=self._shared.crawling,
            losses=self._losses,
            connected=self._accounts.connected(account, lease),
            gateway=gateway,
        )
        try:
            return await chores.attend(errand)
        except AccountLost as error:
            await self._lose(account, error)
        except Exception:
            log.exception("chore.crashed", account=account)
        return False

    async def let_go(self, account: AccountId) -> None:
        """Disconnect an account whose lane is no longer ours."""
        await self._accounts.let_go(account)

    def cut(self, account: AccountId) -> None:
        """Close an account's sockets at once, from any thread."""
        self._accounts.cut(account)

    def remember_floods(self, account: AccountId, floods: Mapping[str, datetime]) -> None:
        """Methods Telegram said to wait with until then, when this account was another bridge's."""
        self._accounts.remember_floods(account, floods)

    async def handle(
        self, account: AccountId, request: Request, *, lease: Lease, attempt: int, stored: Reply | None
    ) -> Outcome:
        """Carry out one request; failures are replies, not exceptions."""
        logger = log.bind(trace=request.trace, kind=request.payload.kind, account=account)
        try:
            if attempt > 1:
                logger.warning("request.again", attempt=attempt)
            result = await self._carry_out(account, request, lease, attempt, stored)
        except FloodWait as flood:
            logger.info("request.flooded", method=flood.method, seconds=round(flood.seconds, 3))
            retry_at = self._now() + timedelta(seconds=flood.seconds)
            failure = Failure(code=ErrorCode.FLOOD_WAIT, retry_at=retry_at)
            return Flooded(flood.method, retry_at, Reply.to(request, failure=failure), flood.may_have_acted)
        except Exception as error:
            failure = await self._failure(account, error)
            if failure.code is ErrorCode.INTERNAL:
                logger.exception("request.crashed")
            logger.info("request.failed", code=failure.code, telegram=failure.telegram_message)
            return Reply.to(request, failure=failure)
        logger.info("request.done")
        return Reply.to(request, result=result)

    async def _failure(self, account: AccountId, error: Exception) -> Failure:  # noqa: PLR0911 - one line a kind
        match error:
            case BridgeError():
                return error.failure
            case Refused():
                if error.message == life.FROZEN:
                    await self._life.freeze(account, frozen=True)
                return failure_of(error)
            case AccountLost():
                await self._lose(account, error)
                return Failure(code=ErrorCode.ACCOUNT_UNAVAILABLE)
            case DeskUnreachable():
                return Failure(code=ErrorCode.UNAVAILABLE)
            case SessionSealed():
                return Failure(code=ErrorCode.ACCOUNT_UNAVAILABLE)
            case NotReached():
                return Failure(code=ErrorCode.NO_ANSWER)
        return Failure(code=ErrorCode.INTERNAL)

    async def _lose(self, account: AccountId, lost: AccountLost) -> None:
        await self._life.lose(account, await self._accounts.give_up(account), lost)

    async def _carry_out(
        self, account: AccountId, request: Request, lease: Lease, attempt: int, stored: Reply | None
    ) -> Result:
        now = self._now()
        late = now > request.deadline
        # What was begun before may have been done: then that is told, however late.
        if late and (attempt == 1 or not isinstance(request.payload, Mutation)):
            raise BridgeError(ErrorCode.DEADLINE_PASSED)
        if request.nonce is not None:
            _check_age(request.nonce, now)
        if not isinstance(request.payload, ForgetPerson):  # it is to leave no trace, and the banned may be forgotten
            await self._shared.people.meet(request)
        if stored and isinstance(stored.result, ChannelRemoved | Forgotten):  # there is nothing left to have a right to
            return stored.result.model_copy(update={"replayed": True})
        facts: dict[str, Any] = {
            "account": account,
            "store": self._store,
            "actor": request.actor,
            "origin": request.origin,
            "now": self._now,
            "shared": self._shared,
            "late": late,
        }
        kind, again = type(request.payload), attempt > 1
        if kind in INSIDE:
            return await INSIDE[kind](Inside(**facts, again=again), request.payload)
        try:
            return await self._at_telegram(account, request, lease, facts, stored=stored, again=again)
        except (AccountLost, SessionSealed) as error:
            failure = await self._failure(account, error)
            return await _without_account(Inside(**facts, again=again), request, failure)

    async def _at_telegram(  # noqa: PLR0913 - what a request is
        self,
        account: AccountId,
        request: Request,
        lease: Lease,
        facts: dict[str, Any],
        *,
        stored: Reply | None,
        again: bool,
    ) -> Result:
        for tries_left in reversed(range(TRIES)):
            try:
                gateway = await self._accounts.gateway(account, lease)
                context = Context(**facts, gateway=gateway, again=again)
                again = True  # from here on nobody knows how far it came
                if stored:
                    return await _replay(context, request, stored)
                return await AT_TELEGRAM[type(request.payload)](context, request.payload)
            except FloodWait as flood:
                flood.may_have_acted = tries_left < TRIES - 1
                raise
            except NotReached:
                if not tries_left or not lease.holds():
                    raise
        raise AssertionError("unreachable")


async def _without_account(context: Inside, request: Request, failure: Failure) -> Result:
    """What can be done all the same when the account is logged out or banned."""
    payload = request.payload
    if isinstance(payload, ForBalance):
        await balances.require_served(context, payload.balance_id)
    if type(payload) not in WITHOUT_ACCOUNT:
        raise BridgeError(failure)
    return await WITHOUT_ACCOUNT[type(payload)](context, payload)


def _check_age(nonce: str, now: datetime) -> None:
    try:
        minted_at = Nonce.minted_at(nonce)
    except ValueError:
        raise BridgeError(ErrorCode.CONFIRMATION_EXPIRED) from None
    # What is younger is surely still remembered under its nonce, whose memory began no earlier than its minting.
    if not now - NONCE_LIFE + CLOCK_SKEW <= minted_at <= now + CLOCK_SKEW:
        raise BridgeError(ErrorCode.CONFIRMATION_EXPIRED)


async def _replay(context: Context, request: Request, stored: Reply) -> Result:
    """The result of the first tap once more; who lost the right to see it does not."""
    payload, result = request.payload, stored.result
    if not isinstance(payload, Join | Revoke) or not isinstance(result, AffiliationPage):
        raise BridgeError(ErrorCode.UNSUPPORTED)
    await balances.authorize(context, payload.balance_id)
    return result.model_copy(update={"replayed": True})


INSIDE: dict[type, Callable[[Inside, Any], Awaitable[Result]]] = {
    ListBalances: balances.list_balances,
    ListAffiliations: affiliations.list_affiliations,
    ListCards: cards.list_cards,
    AcceptTerms: terms.accept,
    ListChannels: channels.list_channels,
    StartRegistration: registrations.start,
    ResumeRegistration: registrations.resume,
    ListOpenRegistrations: registrations.list_open,
    ListWatched: watched.list_watched,
    UnwatchLink: watched.unwatch,
    ShowOperations: operations.show,
    DecideRegistration: operations.decide,
    BanPerson: operations.ban,
    ForgetPerson: forgetting.forget,
}
"""What is answered from the store."""
AT_TELEGRAM: dict[type, Callable[[Context, Any], Awaitable[Result]]] = {
    Refresh: balances.refresh,
    BrowsePrograms: programs.browse,
    ShowProgram: programs.show,
    ShowAffiliation: affiliations.show,
    Join: affiliations.join,
    Revoke: affiliations.revoke,
    ShowChannel: channels.show,
    RemoveChannel: channels.remove,
    AdvanceRegistration: registrations.advance,
    CheckLink: watched.check,
    WatchLink: watched.watch,
    ShowWatched: watched.show,
}
"""What needs a connected account."""
WITHOUT_ACCOUNT: dict[type, Callable[[Inside, Any], Awaitable[Result]]] = {
    ShowChannel: channels.show_lost,
    RemoveChannel: channels.remove_lost,
    AdvanceRegistration: registrations.elsewhere,
}
"""What is answered all the same when the account is logged out or banned."""
