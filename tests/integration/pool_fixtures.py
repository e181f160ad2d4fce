"""The actions of a bridge on real accounts, without a queue in front: whoever asks holds the lease in their hand."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from mtproto_bridge import app
from mtproto_bridge.actions.context import Rules
from mtproto_bridge.actions.dispatch import Actions
from mtproto_bridge.desk import QueueDesk
from mtproto_bridge.handling import Flooded
from mtproto_bridge.protocol import Failure, Reply, Request
from mtproto_bridge.protocol.events import Event, parse_event
from mtproto_bridge.protocol.ids import AccountId, BalanceId, BotId
from mtproto_bridge.protocol.replies import AffiliationPage
from mtproto_bridge.protocol.requests import BrowsePrograms, Join, Mutation, Payload, Revoke
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.redis import QueueServer
from mtproto_bridge.store import Store, balances, open_store, outbox, tables
from mtproto_bridge.telegram.accounts import AccountPool
from mtproto_bridge.telegram.sessions import KeyRing
from tests.bridge_fixtures import BridgeSite


@dataclass(eq=False)
class HandLease:
    """A lease that holds until somebody says otherwise."""

    held: bool = True

    def holds(self) -> bool:
        return self.held


@dataclass
class Office:
    """A pool and the actions on it."""

    site: BridgeSite
    store: Store
    pool: AccountPool
    actions: Actions
    lease: HandLease
    patience: timedelta = timedelta(seconds=20)
    """How long what is asked may take to be begun."""

    async def handle(
        self, account: int, actor: int, payload: Payload, *, attempt: int = 1, nonce: str | None = None
    ) -> Reply | Flooded:
        request = Request(
            id=secrets.token_hex(4),
            actor=actor,
            reply_to="test",
            trace="trace",
            deadline=self.site.clock.now() + self.patience,
            nonce=(nonce or self.site.nonce()) if isinstance(payload, Mutation) else None,
            payload=payload,
        )
        return await self.actions.handle(AccountId(account), request, lease=self.lease, attempt=attempt, stored=None)

    async def done(self, account: int, actor: int, payload: Payload, *, attempt: int = 1) -> AffiliationPage:
        """What a join or revoke led to."""
        outcome = await self.handle(account, actor, payload, attempt=attempt)
        assert isinstance(outcome, Reply), outcome
        assert isinstance(outcome.result, AffiliationPage), outcome
        return outcome.result

    async def failed(self, account: int, actor: int, payload: Payload, *, attempt: int = 1) -> Failure:
        outcome = await self.handle(account, actor, payload, attempt=attempt)
        reply = outcome.reply if isinstance(outcome, Flooded) else outcome
        assert reply.failure, reply
        return reply.failure

    async def attend(self, account: int) -> int:
        """Do the account's chores until nothing is due; how many there were."""
        done = 0
        while await self.actions.attend(AccountId(account), self.lease):
            done += 1
        return done

    async def told(self) -> list[Event]:
        """What was to be told since it was asked last."""
        async with self.store.begin() as session:
            taken = [parse_event(one) for one in await outbox.take(session, 100)]
        return [one for one in taken if one]

    async def browse(self, account: int, actor: int) -> None:
        """As everybody does before joining: the account meets the bots."""
        assert isinstance(await self.handle(account, actor, BrowsePrograms()), Reply)

    async def balance(self, person: int, title: str) -> BalanceId:
        async with self.store.begin() as session:
            found = await balances.managed_by(session, person)
        return next(BalanceId(one.id) for one, _ in found if one.title == title)

    async def audit(self) -> list[tuple[int, str, int, int]]:
        """Who did what for which balance and bot."""
        async with self.store.begin() as session:
            rows = await session.scalars(select(tables.Audit).order_by(tables.Audit.id))
            return [(one.person_id, one.action, one.balance_id, one.bot_id) for one in rows]


def joining(balance: BalanceId, bot: int) -> Join:
    return Join(balance_id=balance, bot_id=BotId(bot))


def revoking(page: AffiliationPage) -> Revoke:
    return Revoke(balance_id=page.affiliation.balance.id, affiliation_id=page.affiliation.id)


@asynccontextmanager
async def office_at(site: BridgeSite, rules: Rules | None = None) -> AsyncIterator[Office]:
    """A pool over the accounts that are logged in at this site."""
    settings = site.settings()
    store = await open_store(app.database_url(settings))
    pool = AccountPool(store, KeyRing.load(settings.session_key_file), app.connector(settings), site.clock.now)
    server = QueueServer(site.redis_url)
    desk = QueueDesk(server, Keys(), site.clock.now)
    actions = Actions(pool, store, site.clock.now, rules=rules or Rules(), desk=desk)
    try:
        yield Office(site, store, pool, actions, HandLease())
    finally:
        await server.close()
        for account in list(pool._clients):
            await pool.let_go(account)
        await store.close()
