"""The life of accounts: each change of state is written, and told to the operators, in one transaction.

So they are told once, whichever bridge or request notices it first.
"""

from collections.abc import Callable, Collection
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from mtproto_bridge.protocol.events import AccountChanged
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store import Store, accounts, balances, outbox, people
from mtproto_bridge.telegram.gateway import AccountLost

FROZEN = "FROZEN_METHOD_INVALID"
"""What a frozen account hears when it acts (core.telegram.org/api/auth#frozen-accounts)."""

log = structlog.get_logger()


class Life:
    """What becomes of the accounts of one bridge."""

    def __init__(self, store: Store, operators: Collection[int], now: Callable[[], datetime]) -> None:
        self._store = store
        self._operators = operators
        self._now = now

    async def lose(self, account: AccountId, sealed: bytes, why: AccountLost) -> None:
        """Telegram called this session of the account void, or ended the account; an older session is no matter."""
        after: accounts.State = "banned" if why.banned else "logged_out"
        async with self._store.begin() as session:
            before = await accounts.lose(session, account, sealed=sealed, after=after)
            if before is None:
                return
            await tell(session, account, before=before, operators=self._operators, now=self._now())
        helps = {} if why.banned else {"help": "python -m mtproto_bridge login"}
        log.error("account.lost", account=account, state=after, telegram=str(why), **helps)

    async def freeze(self, account: AccountId, *, frozen: bool) -> None:
        """Telegram lets an account that is logged in only read, or act as well."""
        before, after = ("ready", "frozen") if frozen else ("frozen", "ready")
        async with self._store.begin() as session:
            if not await accounts.set_state(session, account, before=before, after=after):
                return
            await tell(session, account, before=before, operators=self._operators, now=self._now())
        log.warning("account.frozen" if frozen else "account.thawed", account=account)


async def logged_in(
    session: AsyncSession, account: AccountId, *, before: str | None, operators: Collection[int], now: datetime
) -> None:
    """An account was logged in: if it was lost before, the operators hear that it is back, and its channels are due."""
    if before in ("logged_out", "banned", "arriving"):  # the last: a log-in before was broken off
        await balances.make_due(session, account)
        await tell(session, account, before=before, operators=operators, now=now)


async def tell(
    session: AsyncSession, account: AccountId, *, before: str, operators: Collection[int], now: datetime
) -> None:
    """Tell the operators of an account's state, which was another before in this transaction."""
    (one,) = await accounts.listed(session, account)
    changed = AccountChanged(account_id=account, name=one.name, before=before, state=one.state, channels=one.channels)
    await outbox.put(session, now, await people.hearers(session, operators), changed)
