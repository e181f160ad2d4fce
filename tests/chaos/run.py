"""One run: people live, disasters happen, and at the end it is counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from statistics import median

from mtproto_bridge.client import BridgeClient
from tests.chaos.disturbances import CALM, Disaster, Disasters, Event
from tests.chaos.ledger import Ledger
from tests.chaos.people import crowd
from tests.chaos.site import TTL, Site
from tests.chaos.verdict import MOST_RUN_TWICE, Counts, judge, read

CLIENTS = ("bot-1", "bot-2")
AFTER_SIGTERM = 0.2
FLUSHED = 0.3
"""By then the sandbox has written its journal."""
TAKEOVER_LIMITS = {Disaster.BRIDGE_KILLED: TTL, Disaster.BRIDGE_TERMINATED: AFTER_SIGTERM}


@dataclass
class Report:
    """What a run came to."""

    seed: int
    seconds: float
    accounts: int
    bridges: int
    counts: Counts
    events: list[Event]
    died: list[str] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """What must not be."""
        found = [f"{name}: {number}" for name, number in self.counts.broken.items()]
        return found + [f"a bridge died: {one}" for one in self.died]

    @property
    def slow(self) -> list[str]:
        """Limits of the long run, where one crash weighs little and the machine has had time."""
        found = []
        if self.counts.run_twice > MOST_RUN_TWICE * self.counts.run:
            found.append(f"run twice: {self.counts.run_twice} of {self.counts.run}")
        for disaster, limit in TAKEOVER_LIMITS.items():
            longest = max(self.takeovers(disaster), default=0)
            if longest > limit:
                found.append(f"take-over after {disaster}: {longest:.2f} s, at most {limit} s")
        return found

    def takeovers(self, disaster: Disaster) -> list[float]:
        """Of all events of a kind."""
        return sorted(one for event in self.events if event.disaster is disaster for one in event.takeovers)

    def as_json(self) -> dict[str, object]:
        """For a machine."""
        return {**asdict(self), "complaints": self.complaints, "slow": self.slow}

    def table(self) -> str:
        """For a person."""
        counts = asdict(self.counts)
        lost = counts.pop("lost_traces")
        failures = ", ".join(f"{code} {number}" for code, number in counts.pop("failures").items()) or "none"
        rows = [f"{self.accounts} accounts, {self.bridges} bridges, {self.seconds:.0f} s, seed {self.seed}"]
        for name, number in counts.items():
            shown = f"{number:.3f}" if isinstance(number, float) else f"{number:,}"
            rows.append(f"  {name.replace('_', ' '):<18} {shown:>9}")
        rows.append(f"  failures: {failures}")
        for disaster in Disaster:
            times = self.takeovers(disaster)
            happened = sum(event.disaster is disaster for event in self.events)
            moved = ""
            if times:
                late = times[int(len(times) * 0.9)]
                moved = f"; {len(times)} accounts moved after {times[0]:.2f} to {times[-1]:.2f} s"
                moved += f", median {median(times):.2f} s, nine of ten within {late:.2f} s"
            rows.append(f"  {disaster:<18} {happened:>9}{moved}")
        rows += [f"  lost: {one}" for one in lost]
        return "\n".join(rows + [f"  ✗ {one}" for one in self.complaints + self.slow])


@asynccontextmanager
async def clients(site: Site, ledger: Ledger) -> AsyncIterator[list[BridgeClient]]:
    """Two bots' clients, whose late answers go into the ledger."""
    made = [BridgeClient.at(site.queue.url, name=name, on_late=ledger.receive) for name in CLIENTS]
    for client in made:
        await client.start()
    try:
        yield made
    finally:
        for client in made:
            await client.close()


async def chaos(
    site: Site,
    *,
    seed: int,
    requests: int,
    rate: float,
    calm: tuple[float, float] = CALM,
    disasters: Sequence[Disaster] | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> Report:
    """Let people live through rounds of disasters (these, in this order, or all, shuffled) until so many requests."""
    started_at = time.monotonic()
    ledger = Ledger()
    async with clients(site, ledger) as bots:
        people = await crowd(ledger, bots, site.accounts, seed)
        tell(f"{len(people)} people have arrived after {time.monotonic() - started_at:.1f} s")
        happening = Disasters(site, people, seed, calm, tell)
        stopped = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for person in people:
                group.create_task(person.live(stopped, rate / len(people)))
            while True:
                await happening.one_round(disasters)
                tell(f"{len(ledger.asks):,} requests after {time.monotonic() - started_at:.0f} s")
                if len(ledger.asks) >= requests:
                    break
            stopped.set()
        await happening.settle()
        tell("waiting for what is still unanswered")
        await ledger.settle()
    await asyncio.sleep(FLUSHED)
    lines = read(site.journal, since=started_at)
    for event in happening.events:
        event.find_takeovers(lines)
    seconds = time.monotonic() - started_at
    return Report(
        seed, seconds, len(site.accounts), len(site.bridges), judge(ledger, lines), happening.events, happening.died
    )
