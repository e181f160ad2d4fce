"""The one connection that everybody asks on: what travels together, and what a broken or silent server does to it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoPermissionError, ResponseError

from mtproto_bridge.queue import line
from mtproto_bridge.queue.connecting import pool_at
from mtproto_bridge.queue.line import MOST_TOGETHER, Line, NotSent, Unanswered
from mtproto_bridge.queue.redis import Outage
from tests.queue_fixtures import PATIENCE, Place, Site, impatient, recorded, site_at, turns, until

pytestmark = pytest.mark.alone

SILENCE = 0.2


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    pool = pool_at(url)
    made = Line(pool)
    try:
        yield made
    finally:
        await made.close()
        await pool.disconnect()


@pytest.fixture
async def questions(site: Site) -> AsyncIterator[Line]:
    async with line_to(site.url) as made:
        yield made


async def kill_connections(site: Site) -> None:
    """All but the one that asks for it."""
    await site.server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


async def outcome(call: Any) -> object:
    """What came of it, soon: nothing may hang."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await call
        except (*Outage, asyncio.CancelledError) as error:
            return type(error)


async def test_what_is_asked_in_one_tick_is_written_at_once(questions: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    await questions.ask("PING")
    written = recorded(questions, monkeypatch)
    answers = await asyncio.gather(*(questions.ask("ECHO", str(number)) for number in range(MOST_TOGETHER)))
    assert answers == [str(number) for number in range(MOST_TOGETHER)]
    assert len(written) == 1
    await asyncio.gather(questions.ask("PING"), questions.ask("PING"))
    assert len(written) == 2


@pytest.mark.parametrize("seed", range(5))
async def test_each_answer_belongs_to_its_question_whoever_stops_waiting(questions: Line, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    wrong, kept = [], 0

    async def one(number: int) -> None:
        nonlocal kept
        for _ in range(chance.randrange(5)):
            await asyncio.sleep(0)
        try:
            answer = await questions.ask("ECHO", f"{number}") if number % 7 else await refused(number)
        except asyncio.CancelledError:
            return
        kept += 1
        if answer != f"{number}":
            wrong.append((number, answer))

    async def refused(number: int) -> str:
        with pytest.raises(ResponseError) as caught:
            await questions.ask("EVAL", f"return redis.error_reply('{number}')", 0)
        return str(caught.value).removeprefix("ERR ")

    for start in range(0, 600, 60):
        asking = [asyncio.create_task(one(number)) for number in range(start, start + 60)]
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        for task in chance.sample(asking, 20):
            task.cancel()
            if chance.random() < 0.1:
                await asyncio.sleep(0.001)
        await asyncio.gather(*asking, return_exceptions=True)
    assert wrong == []
    assert kept >= 400, "who was not cancelled was answered"


async def test_a_refusal_is_its_askers_alone(questions: Line) -> None:
    refused, answered = await asyncio.gather(outcome(questions.ask("GET")), questions.ask("PING"))
    assert (refused, answered) == (ResponseError, "PONG")


async def test_what_cannot_be_written_is_its_askers_alone(questions: Line) -> None:
    bad: Any = None
    before = asyncio.create_task(outcome(questions.ask("PING")))
    with pytest.raises(TypeError):
        await questions.ask("ECHO", bad)
    assert await questions.ask("PING") == "PONG" == await before


async def test_a_killed_connection_is_made_anew_and_who_waited_knows(place: Place) -> None:
    async with line_to(place.url) as questions, site_at(place.url) as other:
        await questions.ask("PING")
        held = asyncio.create_task(outcome(questions.ask("BLPOP", "nothing", 0)))
        behind = asyncio.create_task(outcome(questions.ask("PING")))
        await until(lambda: len(questions._waiting) == 2)
        await turns()
        await kill_connections(other)
        assert (await held, await behind) == (Unanswered, Unanswered)
        assert await questions.ask("PING") == "PONG"


@pytest.mark.parametrize("turns_later", [0, 20])
async def test_a_connection_that_breaks_as_soon_as_it_is_made_leaves_nobody_waiting(
    questions: Line, monkeypatch: pytest.MonkeyPatch, turns_later: int
) -> None:
    """It may be gone before anybody listens to it, and before the asker had its turn."""
    connected = line.connected

    async def broken(*where: Any) -> AbstractConnection:
        connection = await connected(*where)
        connection._writer.transport.abort()  # type: ignore[union-attr]
        await turns(turns_later)
        return connection

    monkeypatch.setattr(line, "connected", broken)
    began = time.monotonic()
    assert await outcome(questions.ask("PING")) in (NotSent, Unanswered)
    assert time.monotonic() < began + 0.5
    monkeypatch.undo()
    assert await questions.ask("PING") == "PONG"


async def test_a_server_that_is_gone_is_said_at_once_and_found_again_soon_after_its_return(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert line.LONGEST_PAUSE <= 1
    monkeypatch.setattr(line, "LONGEST_PAUSE", 0.05)
    async with line_to(place.url) as questions:
        await questions.ask("PING")
        await place.stop()
        began = time.monotonic()
        while time.monotonic() < began + 0.8:  # long enough for the pause to have grown
            asked = time.monotonic()
            assert await outcome(questions.ask("PING")) in (NotSent, Unanswered)
            assert time.monotonic() < asked + 0.5
            await asyncio.sleep(0.01)
        await place.start()
        back = time.monotonic()
        await until(lambda: answers(questions))
        assert time.monotonic() < back + 0.3


async def test_a_silent_server_is_given_up_and_taken_up_again_when_it_speaks(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch, SILENCE)
    async with line_to(place.url) as questions:
        await questions.ask("PING")
        async with place.frozen():
            began = time.monotonic()
            assert await outcome(questions.ask("SET", "asked", "once")) is Unanswered
            assert SILENCE * 0.9 < time.monotonic() - began < SILENCE + 1
            first = time.monotonic()
            assert await outcome(questions.ask("PING")) in (NotSent, Unanswered), "a connection alone is no answer"
            assert time.monotonic() < first + SILENCE + 1
        back = time.monotonic()
        await until(lambda: answers(questions))
        assert time.monotonic() < back + 1.5


async def answers(questions: Line) -> bool:
    return await outcome(questions.ask("PING")) == "PONG"


async def test_what_is_said_comes_in_order_between_the_answers(questions: Line) -> None:
    heard: list[str] = []
    await questions.listen("a", heard.append)
    await questions.listen("b", lambda said: heard.append(f"b {said}"))
    answers = await asyncio.gather(
        *(questions.ask("SPUBLISH", "ab"[number % 2], number) for number in range(4)), questions.ask("ECHO", "after")
    )
    assert answers == [1, 1, 1, 1, "after"]
    assert heard == ["0", "b 1", "2", "b 3"]
    await questions.leave("a")
    assert await questions.ask("SPUBLISH", "a", "x") == 0
    assert heard[4:] == []


async def test_a_channel_that_is_forbidden_is_refused_to_its_asker_alone(questions: Line) -> None:
    await questions.ask("ACL", "SETUSER", "default", "resetchannels", "&allowed")
    try:
        answers = await asyncio.gather(
            questions.listen("forbidden", print),
            questions.listen("allowed", print),
            questions.ask("ECHO", "after"),
            return_exceptions=True,
        )
    finally:
        await questions.ask("ACL", "SETUSER", "default", "allchannels")
    assert isinstance(answers[0], NoPermissionError)
    assert list(answers[1:]) == [None, "after"]


async def test_when_the_connection_breaks_listeners_are_deaf_and_know_it(site: Site) -> None:
    broken = asyncio.Event()
    site.server.when_broken = broken.set
    heard: list[str] = []
    await site.server.listen("a", heard.append)
    site.server._line.hang_up()
    assert broken.is_set()
    assert await site.server.ask("SPUBLISH", "a", "lost") == 0
    await site.server.listen("a", heard.append)
    await site.server.ask("SPUBLISH", "a", "heard")
    assert heard == ["heard"]


async def test_a_channel_that_is_taken_from_us_breaks_the_connection(site: Site) -> None:
    """As when its slot moves to another server: whoever listened must look for it anew."""
    broken = asyncio.Event()
    site.server.when_broken = broken.set
    await site.server.listen("a", print)
    ear: Any = site.server._line._ear
    ear.data_received(b">3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n")
    assert broken.is_set()
    assert await site.server.ask("PING") == "PONG"


async def test_one_who_asks_much_does_not_look_silent(questions: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The silence is counted from the oldest question, not from the first."""
    impatient(monkeypatch, SILENCE)
    began = time.monotonic()
    while time.monotonic() < began + 3 * SILENCE:
        assert await questions.ask("PING") == "PONG"


async def test_closing_tells_who_waits_that_no_answer_came(site: Site) -> None:
    async with line_to(site.url) as questions:
        await questions.ask("PING")
        waiting = asyncio.create_task(outcome(questions.ask("BLPOP", site.keys.news(), 0)))
        await asyncio.sleep(0.01)
        await questions.close()
        assert await waiting is Unanswered


async def test_closing_while_it_connects_leaves_nothing_open(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with line_to(place.url) as questions, site_at(place.url) as site:
        made: list[Any] = []
        make = questions._pool.make_connection

        def recorded() -> Any:
            made.append(make())  # type: ignore[no-untyped-call]
            return made[-1]

        monkeypatch.setattr(questions._pool, "make_connection", recorded)
        await site.server.ask("PING")
        async with place.frozen():
            asking = asyncio.create_task(outcome(questions.ask("PING")))
            await until(lambda: made and made[0].is_connected)
            await questions.close()
            assert await asking is not None
        assert not made[0].is_connected


async def test_scripts_that_were_flushed_are_loaded_again(site: Site) -> None:
    await site.server.ask("PING")
    await site.server.ask("SCRIPT", "FLUSH")
    token = await site.take()
    assert await site.release(token)
