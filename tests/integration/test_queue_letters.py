"""`python -m mtproto_bridge dead-letters`: what an operator sees of requests that were given up, and does."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from mtproto_bridge.app import QueueError
from mtproto_bridge.dead_letters import NONE, START_WITHIN, dead_letters
from mtproto_bridge.protocol import Request
from mtproto_bridge.queue import redis
from mtproto_bridge.queue.letters import DeadLetters
from mtproto_bridge.queue.limits import MOST_ATTEMPTS
from mtproto_bridge.settings import BridgeSettings
from tests.queue_bridges import Stub, serving
from tests.queue_fixtures import ONE, Place, Site, ask, join, show


class Desk:
    """An operator at the command line."""

    def __init__(self, site: Site) -> None:
        url, prefix = SecretStr(site.url), site.keys.prefix
        self._settings = BridgeSettings(api_id=1, api_hash=SecretStr("0" * 32), redis_url=url, queue_prefix=prefix)
        self.said: list[str] = []

    async def types(self, what: str, *which: str) -> int:
        self.said.clear()
        return await dead_letters(self._settings, what, list(which), self.said.append)


@pytest.fixture
def desk(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Desk:
    monkeypatch.chdir(str(tmp_path))  # no .env of ours
    return Desk(site)


async def given_up(site: Site, *requests: Request) -> list[str]:
    """The letters' ids."""
    for request in requests:
        await site.begin_and_die(request, times=MOST_ATTEMPTS)
    async with serving(site, Stub()):
        await site.answers(len(await site.unfinished()))
    return [letter.id async for letter in DeadLetters(site.server, site.keys).all()]


async def test_with_no_dead_letters_that_is_said(desk: Desk) -> None:
    assert await desk.types("list") == 0
    assert desk.said == [NONE]
    assert await desk.types("retry", "all") == 0
    assert desk.said == [NONE]


async def test_a_dead_letter_is_listed_with_all_one_needs_and_nothing_changes(site: Site, desk: Desk) -> None:
    (letter,) = await given_up(site, ask(join(5), trace="abc"))
    for _ in range(2):
        assert await desk.types("list") == 0
        line, total = desk.said
        assert line.startswith(letter)
        assert f"{datetime.now(UTC):%Y-%m-%d}" in line
        for part in ("join", "balance_id 5", "bot_id 9", "account 1", "person 77", "3 times", "trace abc"):
            assert part in line
        assert total.startswith("1 in all")


async def test_a_retried_letter_runs_as_the_first_attempt_and_its_asker_is_answered(site: Site, desk: Desk) -> None:
    old = ask(join(1), within=-60)
    (letter,) = await given_up(site, old)
    assert await desk.types("retry", letter) == 0
    assert re.search(rf"{letter} is back", desk.said[0])
    stub = Stub()
    async with serving(site, stub):
        replies = await site.answers(2)
    assert replies[1].request_id.startswith(f"{old.id}/"), "the first answer of this request was that it was given up"
    assert replies[1].failure is None
    (handled,) = stub.handled
    assert (handled.attempt, handled.stored) == (1, None)
    assert handled.request == old.model_copy(update={"deadline": handled.request.deadline, "id": handled.request.id})
    left = handled.request.deadline - datetime.now(UTC)
    assert START_WITHIN - timedelta(minutes=1) < left <= START_WITHIN, "it may be begun now"
    assert await desk.types("list") == 0
    assert desk.said == [NONE]


async def test_a_dropped_letter_is_gone(site: Site, desk: Desk) -> None:
    one, two = await given_up(site, ask(join(1)), ask(join(2)))
    assert await desk.types("drop", one) == 0
    assert desk.said == [f"{one} is forgotten"]
    assert await desk.types("list") == 0
    assert [line.split()[0] for line in desk.said] == [two, "1"]
    assert await site.unfinished() == []


async def test_an_unknown_letter_is_said_and_the_others_are_done(site: Site, desk: Desk) -> None:
    (letter,) = await given_up(site, ask(show(1)))
    assert await desk.types("retry", "1-1", letter) == 1
    assert len(desk.said) == 2
    assert "1-1 is no dead letter" in desk.said[1]
    assert len(await site.unfinished()) == 1
    assert await desk.types("drop", letter) == 1, "it is back in its lane"


async def test_all_of_many_are_put_back(site: Site, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "PAGE", 2)
    given = await given_up(site, *(ask(join(number)) for number in range(1, 6)))
    assert len(given) == 5
    assert await desk.types("retry", "all") == 0
    assert len(desk.said) == 5
    assert len(await site.unfinished()) == 5


async def test_two_operators_put_a_letter_back_once(site: Site, desk: Desk) -> None:
    (letter,) = await given_up(site, ask(join(1)))
    (found,) = [one async for one in DeadLetters(site.server, site.keys).all()]
    assert found.id == letter
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert await DeadLetters(site.server, site.keys).retry(found, later)
    assert not await DeadLetters(site.server, site.keys).retry(found, later)
    assert not await DeadLetters(site.server, site.keys).drop(found)
    assert len(await site.unfinished(ONE)) == 1
    assert await desk.types("retry", letter) == 1


async def test_without_a_server_that_is_said(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    url = SecretStr(place.url)
    await place.stop()
    settings = BridgeSettings(api_id=1, api_hash=SecretStr("0" * 32), redis_url=url)
    with pytest.raises(QueueError, match="does not answer"):
        await dead_letters(settings, "list", [], print)
