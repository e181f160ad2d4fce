"""Saying that something is under way, while it is."""

import asyncio
from datetime import timedelta

import pytest

from bot import talk as module
from bot.screens import Screen
from bot.talk import Talk

SCREEN = Screen("Under way")


class Slow(Talk):
    """Shows only once it may."""

    def __init__(self) -> None:
        self.may_show = asyncio.Event()
        self.shown: list[str] = []

    async def progress(self, screen: Screen) -> None:
        await self.may_show.wait()
        self.shown.append(screen.text)


async def test_the_work_has_begun_before_the_message_says_so() -> None:
    talk = Slow()

    async def work() -> str:
        assert not talk.shown
        talk.may_show.set()
        return "done"

    assert await talk.meanwhile(SCREEN, work()) == "done"
    assert talk.shown == ["Under way"], "and what comes next covers it, not the other way round"


async def test_an_answer_does_not_wait_for_a_message_that_telegram_holds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOWN_WITHIN", timedelta())
    talk = Slow()
    assert await talk.meanwhile(SCREEN, asyncio.sleep(0, "done")) == "done"
    talk.may_show.set()
    await asyncio.sleep(0)
    assert talk.shown == [], "nor does the message come after the answer"


async def test_what_the_work_raises_is_raised_and_what_the_message_meets_is_not() -> None:
    class Broken(Slow):
        async def progress(self, screen: Screen) -> None:
            raise ConnectionError(screen.text)

    async def refuse() -> None:
        raise PermissionError

    assert await Broken().meanwhile(SCREEN, asyncio.sleep(0, "done")) == "done"
    with pytest.raises(PermissionError):
        await Broken().meanwhile(SCREEN, refuse())
