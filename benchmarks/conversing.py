"""(d) A conversation: from a person's tap to the answer on their screen, beside the same calls made directly.

The sandbox runs in this process, which is also the person: a tap is an update in the bot's queue, and the clock stops
when the answer stands in the chat. Bot and bridge are processes of their own. So is the direct way
(`python -m benchmarks.conversing`): the same Telethon calls on another device of the same account, then one
sendMessage by aiogram. The two ways take turns, tap by tap.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from aiogram import Bot
from aiogram.client.telegram import TelegramAPIServer

from benchmarks.figures import Round, milliseconds_at
from benchmarks.joining import Bare
from benchmarks.stage import APP_NAME, OPERATOR, PATIENCE, SPONSOR, Stage
from bot.session import Session
from sandbox.botapi.chat import Chat
from sandbox.serve import Sandbox
from sandbox.world import links

TAPS = 100
WARM_UP = 10
GOAL = 2.0
"""From tap to answer may take so many times what the direct calls take."""
TAPPING = 10
"""People who tap in turn, each with a channel: the bridge lets nobody ask as fast as we measure."""
FIRST, FIRST_CHANNEL, CROWD = 30_000, 50_000, 500
"""People who talk all at once."""
STEPS = ("/start", "Browse programs", "App", "My links")
"""What each of them does: one after the other, everybody at the same time."""


def people(count: int = TAPPING + CROWD) -> list[dict[str, Any]]:
    """Everybody, as a world file has them; the first ones tap."""
    return [{"id": FIRST + one, "first_name": f"Person {one}", "phone": f"99967{FIRST + one}"} for one in range(count)]


def channels() -> list[dict[str, Any]]:
    """One for each of the people who tap."""
    return [
        {
            "id": FIRST_CHANNEL + one,
            "title": f"Channel {one}",
            "creator_id": FIRST + one,
            "admins": {OPERATOR: ["post_messages"]},
        }
        for one in range(TAPPING)
    ]


@dataclass
class Talking:
    """A person in their chat with the bot."""

    sandbox: Sandbox
    person: int

    @property
    def chat(self) -> Chat:
        """Their chat."""
        return self.sandbox.botapi.chats.chat(self.person)

    async def says(self, text: str, sees: str = "") -> float:
        """Write, and wait for an answer that says `sees`; returns how many seconds that took."""
        start = time.perf_counter()
        said = self.sandbox.botapi.chats.say(self.person, text).id
        await self.chat.until(
            lambda chat: any(one.from_bot and one.id > said and sees in one.text for one in chat.messages)
        )
        return time.perf_counter() - start

    async def taps(self, label: str, sees: Callable[[str], bool]) -> float:
        """Press the newest message's button that holds these words, and wait for what it then offers."""
        shown = self.chat.last_from_bot
        button = next((one.text for row in shown.buttons for one in row if label in one.text), None)
        assert button, f"no {label} among {_offered(self.chat)}"
        start = time.perf_counter()
        self.sandbox.botapi.chats.press(self.person, shown.id, button)
        await self.chat.until(lambda chat: sees(_offered(chat)))
        return time.perf_counter() - start


def _offered(chat: Chat) -> str:
    """What stands on the buttons of the newest message."""
    return " | ".join(one.text for row in chat.last_from_bot.buttons for one in row)


# -- one person, beside the direct calls ----------------------------------------------------------------------


async def measure(stage: Stage, sandbox: Sandbox, rounds: int) -> list[Round]:
    """Times of opening a link's page and of joining, both ways, and their ratios."""
    tapping = [Talking(sandbox, FIRST + one) for one in range(TAPPING)]
    async with _direct(stage) as direct:
        await Talking(sandbox, SPONSOR).says("/start")  # who is sent the direct way's messages
        for one in tapping:
            await _to_the_link(one)
        await _round(tapping, direct, WARM_UP)
        return [await _round(tapping, direct, TAPS) for _ in range(rounds)]


async def _to_the_link(person: Talking) -> None:
    """From nothing to the list of links, as a person goes there."""
    await person.says("/start")
    await person.says(f"/join @{APP_NAME}", sees="Commission")
    await person.taps("Join", lambda offered: "accept" in offered)
    await person.taps("accept", lambda offered: "Join" in offered)
    await person.taps("Join", lambda offered: "Copy link" in offered)
    await _back(person)


async def _back(person: Talking) -> float:
    return await person.taps("« My links", lambda offered: "App" in offered and "Copy link" not in offered)


async def _round(tapping: Sequence[Talking], direct: Callable[[str], Awaitable[float]], taps: int) -> Round:
    times: dict[str, list[float]] = {"page": [], "page_direct": [], "join": [], "join_direct": [], "list": []}
    for number in range(taps):
        person = tapping[number % len(tapping)]
        times["page"].append(await person.taps("App", lambda offered: "Copy link" in offered))
        times["page_direct"].append(await direct("page"))
        _revoke(person)
        await person.taps("Refresh", lambda offered: "Rejoin" in offered)
        await person.taps("Rejoin", lambda offered: "Not now" in offered)
        times["join"].append(await person.taps("Join", lambda offered: "Copy link" in offered))
        times["join_direct"].append(await direct("join"))
        times["list"].append(await _back(person))
    figures = {
        f"{name}_p{share:.0%}_ms".replace("%", ""): milliseconds_at(share, its)
        for name, its in times.items()
        for share in (0.5, 0.99)
    }
    return figures | {
        f"{name}_ratio_p{at}": figures[f"{name}_p{at}_ms"] / figures[f"{name}_direct_p{at}_ms"]
        for name in ("page", "join")
        for at in (50, 99)
    }


def _revoke(person: Talking) -> None:
    """Behind the bot's back, so that the next join really connects."""
    world = person.sandbox.world
    balance = person.person - FIRST + FIRST_CHANNEL
    link = next(one for one in world.links if one.balance_id == balance and not one.revoked)
    links.edit(world, person.person, link.balance_id, link.url, revoked=True)


@asynccontextmanager
async def _direct(stage: Stage) -> AsyncIterator[Callable[[str], Awaitable[float]]]:
    """The direct way, in a process of its own: told what to do, it answers how many seconds that took."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.conversing",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(
        json.dumps(
            {"folder": str(stage.folder), "told": {one: stage.told[one] for one in ("mtproto", "bot_api")}}
        ).encode()
        + b"\n"
    )
    reading, writing = process.stdout, process.stdin

    async def do(what: str) -> float:
        writing.write(f"{what}\n".encode())
        async with asyncio.timeout(PATIENCE):
            return float(await reading.readline())

    try:
        yield do
    finally:
        writing.close()
        await process.wait()


async def _be_direct() -> None:
    """The other process."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    told = json.loads(await reader.readline())
    stage = Stage(Path(told["folder"]), told["told"])
    api = stage.told["bot_api"]
    session = Session(api=TelegramAPIServer.from_base(api["base_url"]))
    async with stage.account() as client, Bot(api["token"], session=session) as bot:
        bare = await Bare.on(client)
        while what := (await reader.readline()).decode().strip():
            start = time.perf_counter()
            url = ""
            if what == "join":
                url = await bare.join()
            else:
                await bare.look()
            await bot.send_message(SPONSOR, "Here you are.")
            print(time.perf_counter() - start, flush=True)
            if url:
                await bare.revoke(url)


# -- a crowd --------------------------------------------------------------------------------------------------


async def crowd(sandbox: Sandbox, count: int = CROWD) -> Round:
    """Everybody says and taps the same at once; how many are answered a second, and how long one waits."""
    everybody = [Talking(sandbox, FIRST + TAPPING + one) for one in range(count)]
    times: list[float] = []
    start = time.perf_counter()
    async with asyncio.timeout(PATIENCE * 4):
        await asyncio.gather(*(_talks(one, times) for one in everybody))
    took = time.perf_counter() - start
    return {
        "people": count,
        "asked": count * len(STEPS),
        "answered": len(times),
        "answers_per_second": len(times) / took,
        "crowd_p50_ms": milliseconds_at(0.5, times),
        "crowd_p99_ms": milliseconds_at(0.99, times),
    }


async def _talks(person: Talking, times: list[float]) -> None:
    times.append(await person.says("/start", sees="Earn Stars"))
    times.append(await person.taps("Browse programs", lambda offered: "App" in offered))
    times.append(await person.taps("App", lambda offered: "Join" in offered))
    times.append(await person.taps("My links", lambda offered: "Join" not in offered))


def table(figures: Round, crowd: Round) -> str:
    """What was measured, for people."""

    def times(name: str) -> str:
        return f"{figures[f'{name}_p50_ms']:7.2f} ms {figures[f'{name}_p99_ms']:7.2f} ms"

    lines = ["                                      p50        p99"]
    for name, what in (("page", "a link's page, 3 calls"), ("join", "a join, 4 calls")):
        ratio, last = figures[f"{name}_ratio_p50"], figures[f"{name}_ratio_p99"]
        verdict = "met" if ratio <= GOAL else "missed"
        lines.append(f"  {what:31}{times(name)}")
        lines.append(f"    directly, and a sendMessage  {times(f'{name}_direct')}")
        lines.append(
            f"    ratio                        {ratio:7.2f}    {last:7.2f}     at most {GOAL:g} at p50: {verdict}"
        )
    lines.append(f"  the list of links, no call     {times('list')}")
    lines.append(
        f"\n{crowd['people']:.0f} people at once: {crowd['answered']:.0f} of {crowd['asked']:.0f} taps answered,"
        f" {crowd['answers_per_second']:.0f} a second;\na tap waits {crowd['crowd_p50_ms']:.0f} ms at p50 and"
        f" {crowd['crowd_p99_ms']:.0f} ms at p99"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    uvloop.run(_be_direct())
