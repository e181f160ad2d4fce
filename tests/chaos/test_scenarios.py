"""One disaster each, looked at closely: real bridges, a real Valkey, real Telethon."""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import ErrorCode
from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.queue.limits import MOST_WAITING
from tests.chaos.ledger import Ask, Ledger
from tests.chaos.people import Person, crowd
from tests.chaos.run import FLUSHED, clients
from tests.chaos.site import Site, Victim, apps, owner_of
from tests.chaos.verdict import CONNECT, EDIT, judge, read

pytestmark = pytest.mark.alone

PATIENCE = 60
DEATHS = 3
"""After so many a request is given up."""
TOO_MANY = MOST_WAITING + 100
AT_ONCE = 2.0
"""Seconds a refusal may take, with all the other requests that are sent at that moment."""


@asynccontextmanager
async def living(site: Site, accounts: Sequence[int]) -> AsyncIterator[tuple[list[Person], Ledger, list[BridgeClient]]]:
    """People on these accounts; afterwards nothing may be broken."""
    began, ledger = time.monotonic(), Ledger()
    async with asyncio.timeout(PATIENCE), clients(site, ledger) as bots:
        yield await crowd(ledger, bots, accounts), ledger, bots
        await ledger.settle()
    await asyncio.sleep(FLUSHED)
    counts = judge(ledger, read(site.journal, since=began))
    assert not counts.broken, counts


async def until(true: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - it is another process's doing
            await asyncio.sleep(0.02)


async def test_a_request_that_kills_its_bridge_three_times_is_given_up_and_takes_no_other_with_it(site: Site) -> None:
    account = site.accounts[1]
    async with living(site, [account]) as ((deadly, innocent), _, _):
        (page,) = (await deadly.joins(apps()[0])).pages
        began = time.monotonic()
        # Nothing makes a bridge crash on demand; but a call that hangs can be met by a kill -9, each time.
        await site.control("fault", kind="delay", method=EDIT, account=account, times=DEATHS, seconds=600)
        poison = asyncio.create_task(deadly.revokes(page))
        innocents: list[asyncio.Task[Ask]] = []
        for death in range(1, DEATHS + 1):
            await until(lambda: _hanging(site, began) >= death)  # noqa: B023 - it is waited for here
            for person in (deadly, innocent):
                innocents += [asyncio.create_task(person.looks(bot)) for bot in apps()]
            innocents.append(asyncio.create_task(innocent.joins(apps()[death])))
            await asyncio.sleep(0.02)  # so that some are begun
            bridge = site.bridges[site.queue.owners()[account]]
            bridge.signal(signal.SIGKILL)
            bridge.wait()
            bridge.start()
        given_up = await poison
        await given_up.in_the_end()
        assert given_up.failure is ErrorCode.GAVE_UP or given_up.late[0].failure
        answers = await asyncio.gather(*innocents)
        assert {ask.failure for ask in answers} <= {None, ErrorCode.NOT_JOINED}
        assert site.queue.dead_letters() == 1
        assert given_up.trace in await _dead_letters(site)
    await site.control("clear_faults")


def _hanging(site: Site, since: float) -> int:
    return sum(line.method == EDIT and line.outcome == "delay" for line in read(site.journal, since))


async def _dead_letters(site: Site) -> str:
    """What the command says."""
    command = [sys.executable, "-m", "mtproto_bridge", "dead-letters", "list"]
    process = await asyncio.create_subprocess_exec(
        *command, env=site.environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def test_a_full_lane_refuses_at_once_and_answers_all_it_took(site: Site) -> None:
    account = site.accounts[2]
    async with living(site, [account]) as (people, ledger, bots):
        for bridge in site.bridges.values():
            bridge.signal(signal.SIGSTOP)
        began = time.monotonic()

        async def looks(stranger: int) -> Ask:
            balance, shown = people[stranger % len(people)].balance, BotId(apps()[0])
            client = bots[stranger % len(bots)]
            return await ledger.ask("show", account, stranger, lambda me: client.show_affiliation(me, balance, shown))

        asking = [asyncio.create_task(looks(5_000_000 + number)) for number in range(TOO_MANY)]
        await until(lambda: sum(task.done() for task in asking) == TOO_MANY - MOST_WAITING)
        assert time.monotonic() - began < AT_ONCE
        for bridge in site.bridges.values():
            bridge.signal(signal.SIGCONT)
        answers = Counter(ask.failure for ask in await asyncio.gather(*asking))
        assert answers[ErrorCode.UNAVAILABLE] == TOO_MANY - MOST_WAITING
        assert set(answers) <= {ErrorCode.UNAVAILABLE, ErrorCode.NOT_A_MANAGER, ErrorCode.DEADLINE_PASSED}


async def test_answers_to_a_bot_that_was_killed_come_once_when_it_is_back(site: Site) -> None:
    account, began = site.accounts[3], time.monotonic()
    async with clients(site, Ledger()) as bots:
        person, _ = await crowd(Ledger(), bots, [account])
        await site.control("fault", kind="delay", method="channels.getParticipants", account=account, seconds=2)
        asker = _asker(site, "asker", account, person, apps())
        asker.start()
        await until(lambda: site.queue.waiting(account) == len(apps()))
        asker.signal(signal.SIGKILL)
        asker.wait()
        back = _asker(site, "asker", account, person, [])
        back.start()
        await until(lambda: len(_lines(back)) >= len(apps()))
        back.end()
        back.start()  # what was taken care of does not come again
        await asyncio.sleep(1)
        back.end()
    made = [line.url for line in read(site.journal, began) if line.changed]
    told = [(word, trace) for word, trace, _ in _lines(back)]
    assert sorted(told) == sorted(("late", f"asker-{bot}") for bot in apps())
    assert sorted(url for _, _, url in _lines(back)) == sorted(str(url) for url in made)


def _asker(site: Site, name: str, account: int, person: Person, bots: Sequence[int]) -> Victim:
    """`python -m tests.chaos.asker`, under one name whatever it asks."""
    numbers = map(str, (owner_of(account), person.balance, *bots))
    command = [sys.executable, "-m", "tests.chaos.asker", site.queue.url, name, *numbers]
    return Victim(name, command, site.environment(), site.folder)


def _lines(asker: Victim) -> list[list[str]]:
    return [line.split(" ", 2) for line in asker.log.splitlines()]


async def test_a_flood_parks_what_met_it_and_holds_up_nobody_else(site: Site) -> None:
    flooded, other = site.accounts[4:6]
    seconds = 4
    async with living(site, [flooded, other]) as ((first, second, third, _), _, _):
        await site.control("fault", kind="flood_wait", method=CONNECT, account=flooded, seconds=seconds)
        began = time.monotonic()
        met = asyncio.create_task(first.joins(apps()[0]))
        await until(lambda: any(line.method == CONNECT for line in read(site.journal, began)))
        told = time.monotonic()
        # Another balance of the same account waits too, without asking Telegram; another method or account does not.
        waits = asyncio.create_task(second.joins(apps()[0]))
        for ask in await asyncio.gather(first.looks(), second.looks(), third.joins(apps()[0]), third.looks()):
            assert ask.failure in (None, ErrorCode.NOT_JOINED)
        assert time.monotonic() - told < seconds / 2
        for ask in await asyncio.gather(met, waits):
            assert ask.pages
        await asyncio.sleep(FLUSHED)
        calls = [line for line in read(site.journal, began) if (line.method, line.account) == (CONNECT, flooded)]
        assert [line.outcome for line in calls] == [f"FLOOD_WAIT_{seconds}", "ok", "ok"]
        assert calls[1].at - calls[0].at > seconds - 0.1
