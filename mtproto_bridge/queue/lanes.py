"""Owning lanes: each account is one lane, and is connected in the one bridge that holds its lease.

docs/queue.md says how. What is done with the requests of a lane is in `work`, what a lease is in `leases`.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from mtproto_bridge.handling import Handler
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue.checks import parse_info
from mtproto_bridge.queue.clock import lease_clock
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.leases import HeldLease, Leases
from mtproto_bridge.queue.redis import Outage, QueueServer
from mtproto_bridge.queue.watchdog import Watchdog
from mtproto_bridge.queue.work import Lane, Shop
from processes.tasks import end

OUTAGE_PAUSE = 0.5
GOODBYE_SECONDS = 1.0
"""How long a server that is silent may hold up our end."""
LOOKS = 20
"""How often the watchdog looks within one lease."""
SHORTEST_TURN = 0.01

Accounts = Callable[[], Awaitable[Iterable[AccountId]]]

log = structlog.get_logger()


class LaneOwner:
    """Holds lanes for one bridge, as many as are its share, and works on what is in them."""

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        server: QueueServer,
        keys: Keys,
        name: str,
        handler: Handler,
        *,
        ttl: float = 12.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`ttl`: in seconds, how soon an account is served again after its bridge died."""
        self._server = server
        self._keys = keys
        self._name = name
        self._handler = handler
        self._shop = Shop(server, keys, handler, asyncio.Lock(), now)
        self._leases = Leases(server, keys, name, ttl)
        self._lanes: dict[AccountId, Lane] = {}
        self._parting: set[asyncio.Task[None]] = set()
        """Lanes on their way out."""
        self._server_id: str | None = None
        self._careful_until = 0.0
        self._turn_now = asyncio.Event()
        self._stopping = asyncio.Event()
        life = self._leases.life
        server.when_broken = self._turn_now.set
        self._watchdog = Watchdog(self._held, self._cut, self._over, life / LOOKS)

    @property
    def accounts(self) -> set[AccountId]:
        """The accounts whose lanes this bridge holds now."""
        return set(self._lanes)

    async def run(self, accounts: Accounts) -> None:
        """Serve until `stop`; then finish what is begun, disconnect the accounts and release their lanes."""
        self._watchdog.start()
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(self._keep(accounts))
                await self._stopping.wait()
                leaving = group.create_task(self._say_that_we_leave())  # before any lane is released: so all are taken
                await self._hand_over()  # the keeper goes on: what is begun may outlast a lease
                await leaving
                await end(keeper)
        finally:
            self._stopping.set()
            await self._hand_over()
            self._watchdog.stop()

    def stop(self) -> None:
        """Let `run` end in good order."""
        self._stopping.set()

    async def _say_that_we_leave(self) -> None:
        with suppress(*Outage):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._leases.renew([], leaving=True)

    # -- holding lanes --------------------------------------------------------------------------------------

    async def _keep(self, accounts: Accounts) -> None:
        lost = hurried = False
        known: list[AccountId] = []
        while True:
            self._turn_now.clear()
            pause = self._leases.renew_every
            try:
                async with asyncio.timeout(pause):
                    living, _ = await asyncio.gather(self._renew(), self._look_at_server())
                    await self._listen()
                if lost:
                    log.info("queue.back")
                lost = False
                if not (hurried and known):
                    known = await self._known(accounts)
                if not self._stopping.is_set():
                    pause = min(pause, await self._take_share(known, living))
            except Outage as error:
                if not lost:
                    log.warning("queue.lost", reason=type(error).__name__)
                lost = True
                pause = min(pause, OUTAGE_PAUSE)
            except Exception:  # whoever lists the accounts is in trouble: what is served goes on
                log.exception("accounts.unread")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._turn_now.wait()
            hurried = self._turn_now.is_set()  # a lane is free, or the connection broke: the store need not be asked

    async def _listen(self) -> None:
        """Hear what comes into our lanes, also after the connection broke; what came in between is looked for."""
        lanes = [lane.catch_up() for lane in self._lanes.values() if not lane.closing]
        await asyncio.gather(self._server.listen(self._keys.news(), self._hear_news), *lanes)

    def _hear_news(self, released_by: str) -> None:
        if released_by != self._name:
            self._turn_now.set()

    async def _known(self, accounts: Accounts) -> list[AccountId]:
        try:
            async with asyncio.timeout(self._leases.renew_every / 2):
                return list(await accounts())
        except TimeoutError as error:  # a store that hangs shall cost no lease
            raise RuntimeError("the list of accounts did not come in time") from error

    async def _renew(self) -> int:
        """Keep what we hold; answers how many bridges live."""
        living, lost = await self._leases.renew(self._held(), leaving=self._stopping.is_set())
        for lease in lost:
            self._over(lease)
        for lane in list(self._lanes.values()):
            lane.stir()
            lane.attend()
        return living

    async def _look_at_server(self) -> None:
        """After a failover the new server may not know of every lease that somebody still holds."""
        try:
            text = await self._server.ask("INFO", "server", "replication")
        except Outage:  # an ACL may forbid it; what is out of reach is told by the next renewal
            return
        found = parse_info(text)
        server_id = f"{found.get('run_id')} {found.get('master_replid')}"
        if self._server_id not in (None, server_id):
            log.warning("queue.failover", wait=self._leases.life)
            self._careful_until = lease_clock() + self._leases.life
        self._server_id = server_id

    async def _take_share(self, known: Sequence[AccountId], living: int) -> float:
        """Take or give lanes until we hold our share; answers when to look again, in seconds."""
        share = math.ceil(len(known) / max(1, living))
        for account in self._lanes.keys() - set(known):
            self._give(self._lanes[account])  # it is being removed
        staying = [lane for lane in self._lanes.values() if not lane.closing]
        for lane in sorted(staying, key=lambda lane: lane.busy)[: max(0, len(staying) - share)]:
            self._give(lane)
        room = share - len(self._lanes)
        careful_for = self._careful_until - lease_clock()
        if careful_for > 0:
            return max(SHORTEST_TURN, careful_for)
        server = self._server_id
        taken = await self._leases.take([one for one in known if one not in self._lanes], room)
        if taken.leases:
            await self._look_at_server()
            if self._server_id != server:  # a failover in between: these may be held by others
                await asyncio.gather(*(self._leases.release(lease) for lease in taken.leases))
                return SHORTEST_TURN
        lanes = [Lane(self._shop, lease, self._lose) for lease in taken.leases]
        self._lanes.update({lane.account: lane for lane in lanes})
        await asyncio.gather(*(self._begin(lane) for lane in lanes))
        if taken.free_in is None:
            return math.inf
        return max(SHORTEST_TURN, taken.free_in + 0.001)  # by then our share may have grown, too

    async def _begin(self, lane: Lane) -> None:
        log.info("lane.taken", account=lane.account, token=lane.lease.token)
        try:
            await lane.take_over()
        except BaseException:  # unread, it must not be served
            self._give(lane)
            raise

    # -- parting with lanes ---------------------------------------------------------------------------------

    def _held(self) -> list[HeldLease]:
        return [lane.lease for lane in list(self._lanes.values()) if not lane.lease.given_up]

    def _cut(self, lease: HeldLease) -> None:
        self._handler.cut(lease.account)

    def _over(self, lease: HeldLease) -> None:
        lane = self._lanes.get(lease.account)
        if lane and lane.lease is lease:
            self._lose(lane)

    def _part(self, parting: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(parting)
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)

    def _give(self, lane: Lane) -> None:
        if not lane.closing:
            lane.closing = True
            self._part(self._leave(lane))

    async def _hand_over(self) -> None:
        for lane in list(self._lanes.values()):
            self._give(lane)
        await asyncio.gather(*self._parting, return_exceptions=True)

    async def _leave(self, lane: Lane) -> None:
        """End what is begun, disconnect, and give the lane to whoever wants it."""
        await lane.close()
        if not await self._let_go(lane):
            lane.lease.given_up = True  # its connection may be open: let the lease end by itself
            await self._drop(lane)
            return
        with suppress(*Outage):  # the lease then ends by itself
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._leases.release(lane.lease, lane.tried)
        log.info("lane.released", account=lane.account)
        await self._drop(lane)

    def _lose(self, lane: Lane) -> None:
        """The lane is not ours any more."""
        if not lane.lease.given_up:
            lane.lease.given_up = True
            log.warning("lane.lost", account=lane.account, token=lane.lease.token)
            self._part(self._abandon(lane))

    async def _abandon(self, lane: Lane) -> None:
        lane.closing = True
        await self._let_go(lane)  # what is begun fails then, and ends
        await lane.close()
        await self._drop(lane)

    async def _let_go(self, lane: Lane) -> bool:
        try:
            await self._handler.let_go(lane.account)
        except Exception:  # it promised not to: the lane must not stay ours for it
            log.exception("account.not_let_go", account=lane.account)
            return False
        return True

    async def _drop(self, lane: Lane) -> None:
        if self._lanes.get(lane.account) is lane:
            del self._lanes[lane.account]
            with suppress(*Outage):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await lane.hear_no_more()
