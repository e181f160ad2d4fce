"""The load: people who join and revoke without waiting in between, look, and tap twice."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import ErrorCode
from mtproto_bridge.protocol.ids import AffiliationId, BalanceId, BotId
from mtproto_bridge.protocol.replies import AffiliationPage, Balances
from mtproto_bridge.protocol.requests import TERMS_VERSION
from tests.chaos.ledger import Ask, Deed, Ledger, Tap
from tests.chaos.site import apps, channels_of, owner_of

TRIES = 40
"""How often somebody presses the same button again before they leave it."""
PAUSE = 0.4
DOUBLE_TAPS = 0.3
"""How many of the rounds are double taps."""
ROUND = 11
"""Requests of a round, on average."""


class Person:
    """Acts for one channel, through two bots' clients."""

    def __init__(self, ledger: Ledger, clients: Sequence[BridgeClient], account: int, channel: int, seed: int) -> None:
        self.account = account
        self.balance = BalanceId(0)
        self._channel = channel
        self._actor = owner_of(account)
        self._ledger = ledger
        self._clients = clients
        self._random = random.Random(seed)  # noqa: S311 - a repeatable run, no secret

    async def arrive(self) -> None:
        """Accept the terms, and learn what the channel is called in the bridge."""
        await self._until_answered("terms", lambda client, me: client.accept_terms(me, TERMS_VERSION))
        found = await self._until_answered("balances", BridgeClient.list_balances)
        assert isinstance(found, Balances)
        self.balance = next(one.id for one in found.balances if one.title == str(self._channel))

    async def browses(self) -> None:
        """Look at the programs."""
        await self._until_answered("browse", lambda client, me: client.browse_programs(me, page=0, size=6))

    async def live(self, stopped: asyncio.Event, rate: float) -> None:
        """One round after the other, so that it comes to about `rate` requests a second."""
        while not stopped.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._random.uniform(0, 2 * ROUND / rate)):
                    await stopped.wait()
            await (self.taps_twice() if self._random.random() < DOUBLE_TAPS else self.joins_all_and_revokes_all())

    async def looks(self, bot: int | None = None) -> Ask:
        """Look at a link, live or not."""
        shown = BotId(bot or self._random.choice(apps()))
        return await self._ask("show", lambda client, me: client.show_affiliation(me, self.balance, shown))

    async def lists(self) -> Ask:
        """Look at all links, by way of the desk."""
        return await self._ask("list", lambda client, me: client.list_affiliations(me, page=0, size=6))

    async def joins_all_and_revokes_all(self) -> None:
        """Join every program and look at each, all at once; then revoke every link, all at once."""
        bots = self._random.sample(apps(), k=len(apps()))
        async with asyncio.TaskGroup() as group:
            joining = []
            for bot in bots:
                joining.append(group.create_task(self.insists(self._tap("join", bot))))
                group.create_task(self.looks(bot))
        pages = [page for task in joining if (page := task.result())]
        self._random.shuffle(pages)
        async with asyncio.TaskGroup() as group:
            for page in pages:
                group.create_task(self.insists(self._revoking(page), page))
            group.create_task(self.looks())
            group.create_task(self.lists())

    async def taps_twice(self) -> None:
        """Press Join twice, then Revoke twice: one nonce each, at the same moment, through both bots."""
        tap = self._tap("join", self._random.choice(apps()))
        pages = await asyncio.gather(*(self.insists(tap, through=client) for client in self._clients))
        page = next((one for one in pages if one), None)
        if page:
            tap = self._revoking(page)
            await asyncio.gather(*(self.insists(tap, page, client) for client in self._clients))

    async def joins(self, bot: int) -> Ask:
        """Press Join once."""
        return await self._press(self._tap("join", bot), None, None)

    async def revokes(self, page: AffiliationPage) -> Ask:
        """Press Revoke once."""
        return await self._press(self._revoking(page), page, None)

    async def insists(
        self, tap: Tap, page: AffiliationPage | None = None, through: BridgeClient | None = None
    ) -> AffiliationPage | None:
        """Press the button until something comes of it."""
        for _ in range(TRIES):
            ask = await self._press(tap, page, through)
            await ask.in_the_end()
            if ask.pages:
                return ask.pages[0]
            if ask.failure in (ErrorCode.LINK_EXPIRED, ErrorCode.NOT_JOINED, ErrorCode.CONFIRMATION_CHANGED):
                return None
            flooded = (ask.retry_at - datetime.now(UTC)).total_seconds() if ask.retry_at else 0
            await asyncio.sleep(max(PAUSE, flooded))
        return None

    async def _press(self, tap: Tap, page: AffiliationPage | None, through: BridgeClient | None) -> Ask:
        def call(client: BridgeClient, me: Caller) -> Awaitable[Any]:
            if page:
                return client.revoke(me, self.balance, AffiliationId(page.affiliation.id), tap.nonce)
            return client.join(me, self.balance, BotId(tap.bot), tap.nonce)

        return await self._ask(tap.deed, call, tap, through)

    async def _until_answered(self, kind: str, call: Callable[[BridgeClient, Caller], Awaitable[Any]]) -> object:
        while True:
            ask = await self._ask(kind, call)
            if not ask.failure:
                return ask.result
            await asyncio.sleep(PAUSE)

    async def _ask(
        self,
        kind: str,
        call: Callable[[BridgeClient, Caller], Awaitable[Any]],
        tap: Tap | None = None,
        through: BridgeClient | None = None,
    ) -> Ask:
        client = through or self._clients[self.account % len(self._clients)]
        return await self._ledger.ask(kind, self.account, self._actor, lambda me: call(client, me), tap)

    def _tap(self, deed: Deed, bot: int, url: str | None = None) -> Tap:
        return Tap(deed, self._channel, bot, url)

    def _revoking(self, page: AffiliationPage) -> Tap:
        return self._tap("revoke", page.affiliation.bot_id, page.affiliation.url)


async def crowd(
    ledger: Ledger, clients: Sequence[BridgeClient], accounts: Iterable[int], seed: int = 0
) -> list[Person]:
    """A person for each channel of these accounts, arrived."""
    people = [
        Person(ledger, clients, account, channel, seed + channel)
        for account in accounts
        for channel in channels_of(account)
    ]
    await people[0].browses()  # an account finds a program it never met by what the index says of it
    await asyncio.gather(*(person.arrive() for person in people))
    return people
