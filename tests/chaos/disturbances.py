"""What goes wrong: scripted disasters, one after the other, each written down with its moment and its victim."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mtproto_bridge.protocol.ids import AccountId
from tests.chaos.people import Person
from tests.chaos.site import TTL, Site, Victim
from tests.chaos.verdict import CONNECT, Line

FROZEN_SECONDS = 6.0
"""Two leases: the bridge wakes when its lanes are long somebody else's."""
FLOOD_SECONDS = 3
FLOODED_ACCOUNTS = 3
LOOK_EVERY = 0.02
"""Seconds between two questions to an account whose bridge was struck, until it changed hands: one waits, then."""
CALM = (2.0, 5.0)
"""Seconds between two disasters."""


class Disaster(StrEnum):
    """The kinds, each once in a round."""

    BRIDGE_KILLED = "bridge kill -9"
    BRIDGE_TERMINATED = "bridge SIGTERM"
    BRIDGE_FROZEN = "bridge SIGSTOP"
    QUEUE_KILLED = "queue kill -9"
    QUEUE_TERMINATED = "queue SIGTERM"
    TELEGRAM_HANGS_UP = "Telegram hangs up"
    QUEUE_HANGS_UP = "queue hangs up"
    FLOOD = "flood waits"


@dataclass
class Event:
    """One that happened."""

    disaster: Disaster
    at: float
    victim: str
    pid: int
    accounts: Sequence[int] = ()
    """Those the victim held when it happened."""
    takeovers: list[float] = field(default_factory=list)
    """Seconds from the signal to each account's first call for another bridge."""

    def find_takeovers(self, lines: Iterable[Line]) -> None:
        """Read them from the journal: a new owner is a new connection."""
        before: Counter[int] = Counter()
        found: dict[int, float] = {}
        for line in lines:
            if line.account not in self.accounts or line.account is None:
                continue
            if line.arrived <= self.at:
                before[line.account] = max(line.connection, before[line.account])
            elif line.connection > before[line.account]:
                found.setdefault(line.account, line.at - self.at)
        self.takeovers = sorted(found.values())


class Disasters:
    """Lets them happen to a site where people live."""

    def __init__(
        self,
        site: Site,
        people: Sequence[Person],
        seed: int,
        calm: tuple[float, float],
        tell: Callable[[str], object],
    ) -> None:
        """`calm`: seconds between two, at least and at most."""
        self.events: list[Event] = []
        self.died: list[str] = []
        """Bridges that ended although nobody ended them."""
        self._site = site
        self._people = people
        self._random = random.Random(seed)  # noqa: S311 - a repeatable run, no secret
        self._calm = calm
        self._tell = tell
        self._started_at = time.monotonic()
        self._looking: set[asyncio.Task[None]] = set()

    async def one_round(self, kinds: Sequence[Disaster] | None = None) -> None:
        """Each of these (all, in random order, unless given), with calm between."""
        for kind in kinds or self._random.sample(list(Disaster), k=len(Disaster)):
            await self.happens(kind)
            await asyncio.sleep(self._random.uniform(*self._calm))

    async def happens(self, kind: Disaster) -> None:
        """One disaster, and its end: afterwards everything runs again."""
        happens: dict[Disaster, Callable[[], Awaitable[None]]] = {
            Disaster.BRIDGE_KILLED: self._kill_bridge,
            Disaster.BRIDGE_TERMINATED: self._terminate_bridge,
            Disaster.BRIDGE_FROZEN: self._freeze_bridge,
            Disaster.QUEUE_KILLED: lambda: self._end_queue(kind, signal.SIGKILL),
            Disaster.QUEUE_TERMINATED: lambda: self._end_queue(kind, signal.SIGTERM),
            Disaster.TELEGRAM_HANGS_UP: self._drop_connections,
            Disaster.QUEUE_HANGS_UP: self._hang_up,
            Disaster.FLOOD: self._flood,
        }
        await happens[kind]()
        for bridge in self._site.bridges.values():
            if not bridge.running:
                self.died.append(f"{bridge.name} by itself, during {kind}")
                bridge.start()

    # -- bridges ------------------------------------------------------------------------------------------

    async def _kill_bridge(self) -> None:
        bridge = await self._strike(Disaster.BRIDGE_KILLED, signal.SIGKILL)
        await asyncio.to_thread(bridge.wait)
        while not self._others_serve(bridge):  # noqa: ASYNC110 - it is their doing
            await asyncio.sleep(self._random.uniform(0, 0.5))
        await self._again(bridge)

    async def _terminate_bridge(self) -> None:
        bridge = await self._strike(Disaster.BRIDGE_TERMINATED, signal.SIGTERM)
        await asyncio.to_thread(bridge.wait)
        await asyncio.sleep(self._random.uniform(0, 1))
        await self._again(bridge)

    async def _freeze_bridge(self) -> None:
        bridge = await self._strike(Disaster.BRIDGE_FROZEN, signal.SIGSTOP)
        await asyncio.sleep(FROZEN_SECONDS)
        bridge.signal(signal.SIGCONT)
        await self._everybody_serves()

    async def _strike(self, kind: Disaster, number: signal.Signals) -> Victim:
        """Signal a bridge; ask for something on each account it held, to see when that is served again."""
        owners = self._site.queue.owners()
        bridge = self._site.bridges[self._random.choice(sorted(set(owners.values())))]
        held = [account for account, owner in owners.items() if owner == bridge.name]
        at = bridge.signal(number)
        self._note(Event(kind, at, bridge.name, bridge.pid, held))
        first_of = {person.account: person for person in reversed(self._people)}
        for account in held:
            looking = asyncio.create_task(self._look(first_of[account], bridge.name))
            self._looking.add(looking)
            looking.add_done_callback(self._looking.discard)
        return bridge

    async def _look(self, person: Person, struck: str) -> None:
        """One question at a time: what the old owner still answers was not the last."""
        while self._site.queue.owner(AccountId(person.account)) == struck:
            await person.looks()
            await asyncio.sleep(LOOK_EVERY)
        await person.looks()

    def _others_serve(self, gone: Victim) -> bool:
        owners = self._site.queue.owners()
        return len(owners) == len(self._site.accounts) and gone.name not in owners.values()

    async def _again(self, bridge: Victim) -> None:
        await asyncio.to_thread(bridge.start)
        await self._everybody_serves()

    async def _everybody_serves(self) -> None:
        await asyncio.to_thread(self._site.wait_until_served)

    # -- what they stand on -------------------------------------------------------------------------------

    async def _end_queue(self, kind: Disaster, number: signal.Signals) -> None:
        at = time.monotonic()
        pid = await asyncio.to_thread(self._site.queue.signal, number)
        self._note(Event(kind, at, "queue", pid))
        await asyncio.sleep(self._random.uniform(0, 1))
        await asyncio.to_thread(self._site.queue.start)
        await asyncio.sleep(TTL)  # until lanes may change hands again
        await self._everybody_serves()

    async def _drop_connections(self) -> None:
        self._note(Event(Disaster.TELEGRAM_HANGS_UP, time.monotonic(), "sandbox", 0))
        await self._site.control("drop_connections")

    async def _hang_up(self) -> None:
        self._note(Event(Disaster.QUEUE_HANGS_UP, time.monotonic(), "queue", 0))
        self._site.queue.hang_up()

    async def _flood(self) -> None:
        flooded = self._random.sample(self._site.accounts, k=min(FLOODED_ACCOUNTS, len(self._site.accounts)))
        self._note(Event(Disaster.FLOOD, time.monotonic(), ", ".join(map(str, flooded)), 0))
        for account in flooded:
            await self._site.control("fault", kind="flood_wait", method=CONNECT, account=account, seconds=FLOOD_SECONDS)
        await asyncio.sleep(FLOOD_SECONDS)

    def _note(self, event: Event) -> None:
        self.events.append(event)
        self._tell(f"{event.at - self._started_at:6.1f} s  {event.disaster}: {event.victim} {event.pid or ''}")

    async def settle(self) -> None:
        """Wait until those who looked were answered."""
        await asyncio.gather(*self._looking)
