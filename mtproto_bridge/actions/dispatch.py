"""From a request to its action: deadlines, replays, and failures as replies."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from mtproto_bridge.actions import affiliations, balances, programs
from mtproto_bridge.actions.context import Context, failure_of
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Nonce, Reply, Request
from mtproto_bridge.protocol.ids import NONCE_LIFE, AccountId
from mtproto_bridge.protocol.replies import AffiliationPage, Result
from mtproto_bridge.protocol.requests import (
    BrowsePrograms,
    Join,
    ListAffiliations,
    ListBalances,
    Refresh,
    Revoke,
    ShowAffiliation,
    ShowProgram,
)
from mtproto_bridge.store import Store
from mtproto_bridge.telegram.gateway import AccountLost, FloodWait, Gateway, NotReached, Refused, SessionSealed

TRIES = 2
"""How often an action is run when the connection to Telegram broke under it."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far the clocks of bot and bridge may lie apart."""

log = structlog.get_logger()


class Accounts(Protocol):
    """Where the gateways of logged-in accounts come from."""

    async def gateway(self, account: AccountId) -> Gateway:
        """A connected gateway; raises AccountLost, SessionSealed or NotReached."""

    async def let_go(self, account: AccountId) -> None:
        """Disconnect an account."""

    async def mark_lost(self, account: AccountId) -> None:
        """The account's session is void: disconnect it and remember that."""


class Actions:
    """Hands each request of a lane to its action. The queue's Handler."""

    def __init__(
        self, accounts: Accounts, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._accounts = accounts
        self._store = store
        self._now = now
        self._crawling = asyncio.Lock()

    async def let_go(self, account: AccountId) -> None:
        """Disconnect an account whose lane is no longer ours."""
        await self._accounts.let_go(account)

    async def handle(self, account: AccountId, request: Request, *, attempt: int, stored: Reply | None) -> Reply:
        """Carry out one request; failures are replies, not exceptions."""
        logger = log.bind(trace=request.trace, kind=request.payload.kind, account=account)
        result: Result | None = None
        failure: Failure | None = None
        try:
            if attempt > 1:
                logger.warning("request.again", attempt=attempt)
            result = await self._carry_out(account, request, attempt, stored)
            logger.info("request.done")
        except BridgeError as error:
            failure = error.failure
        except Refused as refused:
            failure = failure_of(refused)
        except FloodWait as flood:
            failure = Failure(code=ErrorCode.FLOOD_WAIT, retry_at=self._now() + timedelta(seconds=flood.seconds))
        except AccountLost:
            await self._accounts.mark_lost(account)
            failure = Failure(code=ErrorCode.ACCOUNT_UNAVAILABLE)
        except SessionSealed:
            failure = Failure(code=ErrorCode.ACCOUNT_UNAVAILABLE)
        except NotReached:
            failure = Failure(code=ErrorCode.NO_ANSWER)
        except Exception:
            logger.exception("request.crashed")
            failure = Failure(code=ErrorCode.INTERNAL)
        if failure:
            logger.info("request.failed", code=failure.code, telegram=failure.telegram_message)
        return Reply(
            request_id=request.id,
            actor=request.actor,
            trace=request.trace,
            origin=request.origin,
            result=result,
            failure=failure,
        )

    async def _carry_out(self, account: AccountId, request: Request, attempt: int, stored: Reply | None) -> Result:
        now = self._now()
        # One that was begun before must be brought to its end, however late.
        if attempt == 1 and now > request.deadline:
            raise BridgeError(ErrorCode.DEADLINE_PASSED)
        if request.nonce is not None:
            _check_age(request.nonce, now)
        for tries_left in reversed(range(TRIES)):
            try:
                gateway = await self._accounts.gateway(account)
                context = Context(account, gateway, self._store, request.actor, self._now, self._crawling)
                if stored:
                    return await _replay(context, request, stored)
                return await _act(context, request)
            except NotReached:
                if not tries_left:
                    raise
        raise AssertionError("unreachable")


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


def _act(context: Context, request: Request) -> Awaitable[Result]:  # noqa: PLR0911 - one line a kind
    match request.payload:
        case ListBalances():
            return balances.list_balances(context)
        case Refresh() as payload:
            return balances.refresh(context, payload)
        case BrowsePrograms() as payload:
            return programs.browse(context, payload)
        case ShowProgram() as payload:
            return programs.show(context, payload)
        case ListAffiliations() as payload:
            return affiliations.list_affiliations(context, payload)
        case ShowAffiliation() as payload:
            return affiliations.show(context, payload)
        case Join() as payload:
            return affiliations.join(context, payload)
        case Revoke() as payload:
            return affiliations.revoke(context, payload)
