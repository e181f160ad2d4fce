"""Bridges on a queue of one's own: the real owner of lanes, and a handler that is a stub."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pytest

from mtproto_bridge.handling import Lease, Outcome
from mtproto_bridge.protocol import ErrorCode, Reply, Request
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.protocol.requests import Payload
from mtproto_bridge.queue import lanes, leases, rounds
from mtproto_bridge.queue.clock import lease_clock
from mtproto_bridge.queue.lanes import Accounts, LaneOwner
from mtproto_bridge.queue.redis import QueueServer
from tests.queue_fixtures import LONG, ONE, PATIENCE, Site, failed, success, until


@dataclass
class Handled:
    """One call of the handler."""

    account: AccountId
    request: Request
    lease: Lease
    attempt: int
    stored: Reply | None


@dataclass
class Cut:
    """An account that was cut off."""

    account: AccountId
    at: float
    in_loop: bool


class Stub:
    """Carries nothing out; a payload that is closed waits until it is opened."""

    def __init__(self) -> None:
        self.handled: list[Handled] = []
        self.finished: list[Request] = []
        self.connected: list[AccountId] = []
        self.gone: list[AccountId] = []
        self.attended: list[AccountId] = []
        self.chores = asyncio.Event()
        self.chores.set()
        self.more_chores = False
        self.cuts: list[Cut] = []
        self.floods: dict[AccountId, Mapping[str, datetime]] = {}
        self.answer: Callable[[Request], Outcome] = success
        self._closed: dict[Payload, asyncio.Event] = {}
        self._hanging: defaultdict[AccountId, list[asyncio.Task[Literal[True]]]] = defaultdict(list)
        self._loop_thread = threading.get_ident()

    @property
    def payloads(self) -> list[Payload]:
        """What was begun, in order."""
        return [one.request.payload for one in self.handled]

    def close(self, *payloads: Payload) -> None:
        self._closed.update({one: asyncio.Event() for one in payloads})

    def open(self, *payloads: Payload) -> None:
        for one in payloads or list(self._closed):
            self._closed[one].set()

    async def handle(
        self, account: AccountId, request: Request, *, lease: Lease, attempt: int, stored: Reply | None
    ) -> Outcome:
        self.handled.append(Handled(account, request, lease, attempt, stored))
        if request.payload in self._closed:
            try:
                await self._until_open(account, request.payload)
            except ConnectionError:
                return failed(request, ErrorCode.NO_ANSWER)
        outcome = self.answer(request)
        self.finished.append(request)
        return outcome

    async def _until_open(self, account: AccountId, payload: Payload) -> None:
        """What waits for Telegram fails when the account is let go."""
        hanging = asyncio.create_task(self._closed[payload].wait())
        self._hanging[account].append(hanging)
        try:
            await asyncio.wait([hanging])
        finally:
            hanging.cancel()
            self._hanging[account].remove(hanging)
        if hanging.cancelled():
            raise ConnectionError

    async def connect(self, account: AccountId, lease: Lease) -> None:  # noqa: ARG002 - the interface of a handler
        """Nothing is connected, but written down."""
        self.connected.append(account)

    async def attend(self, account: AccountId, lease: Lease) -> bool:  # noqa: ARG002 - the interface of a handler
        """Nothing is done, but written down; while it is shut, a chore waits."""
        self.attended.append(account)
        await self.chores.wait()
        return self.more_chores

    async def let_go(self, account: AccountId) -> None:
        self.gone.append(account)
        for hanging in self._hanging[account]:
            hanging.cancel()

    def cut(self, account: AccountId) -> None:
        self.cuts.append(Cut(account, time.monotonic(), threading.get_ident() == self._loop_thread))

    def remember_floods(self, account: AccountId, floods: Mapping[str, datetime]) -> None:
        self.floods[account] = floods

    async def until_handled(self, count: int) -> None:
        await until(lambda: len(self.handled) >= count)


class Mortal(LaneOwner):
    """A bridge that can be killed: it finishes nothing, releases nothing, says nothing."""

    killed = False

    async def _hand_over(self) -> None:
        if self.killed:
            for task in [task for lane in self._lanes.values() for task in lane._tasks]:
                task.cancel()
        else:
            await super()._hand_over()


@dataclass
class Bridge:
    """A bridge that serves."""

    owner: Mortal
    stub: Stub
    running: "asyncio.Task[None]"

    @property
    def accounts(self) -> set[AccountId]:
        return self.owner.accounts

    def poke(self) -> None:
        """Let its keeper have a turn now."""
        self.owner._turn_now.set()

    async def stop(self) -> None:
        self.owner.stop()
        async with asyncio.timeout(PATIENCE):
            await self.running

    async def kill(self) -> None:
        self.owner.killed = True
        self.running.cancel()
        await asyncio.wait([self.running])


@asynccontextmanager
async def serving(
    site: Site,
    stub: Stub,
    *accounts: AccountId,
    name: str = "bridge-1",
    ttl: float = LONG,
    server: QueueServer | None = None,
    known: Accounts | None = None,
) -> AsyncIterator[Bridge]:
    """A bridge that serves these accounts (or the one) until the end of the block."""
    server = server or QueueServer(site.url)
    owner = Mortal(server, site.keys, name, stub, ttl=ttl)

    async def these() -> Iterable[AccountId]:
        return accounts or (ONE,)

    bridge = Bridge(owner, stub, asyncio.create_task(owner.run(known or these)))
    try:
        yield bridge
    finally:
        if not owner.killed:
            await bridge.stop()
        await server.close()


@dataclass
class LeaseClock:
    """The lease clock of this process, which can be moved on: as after a suspend."""

    ahead: float = 0.0

    def read(self) -> float:
        return lease_clock() + self.ahead

    @classmethod
    def of(cls, monkeypatch: pytest.MonkeyPatch) -> "LeaseClock":
        clock = cls()
        for module in (leases, lanes, rounds):
            monkeypatch.setattr(module, "lease_clock", clock.read)
        return clock
