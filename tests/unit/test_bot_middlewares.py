"""Waiting as long as told, and remembering what was shown."""

import pytest
from aiogram import Bot
from aiogram.client.session.middlewares.base import NextRequestMiddlewareType
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import GetMe, Response, TelegramMethod
from aiogram.types import User

from bot import talk
from bot.middlewares.retry_after import RetryAfterMiddleware
from bot.talk import Recent

ME = User(id=7, is_bot=True, first_name="Starling")


class Api:
    """Refuses as often as told, then answers."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def __call__(self, bot: Bot, method: TelegramMethod[User]) -> Response[User]:
        del bot
        if self.refusals:
            self.refusals -= 1
            raise TelegramRetryAfter(method, "Too Many Requests", retry_after=17)
        return Response(ok=True, result=ME)


async def call(api: Api) -> Response[User]:
    make: NextRequestMiddlewareType[User] = api
    bot = Bot("7000001:AAStarlingSandboxTokenThatOpensNothing1")
    return await RetryAfterMiddleware(api.sleep)(make, bot, GetMe())


async def test_a_flood_wait_is_waited_for_as_told_and_then_tried_once() -> None:
    api = Api(refusals=1)
    assert (await call(api)).result == ME
    assert api.slept == [17]


async def test_a_second_flood_wait_is_passed_on() -> None:
    api = Api(refusals=2)
    with pytest.raises(TelegramRetryAfter):
        await call(api)
    assert api.slept == [17]


async def test_what_is_not_refused_does_not_wait() -> None:
    api = Api(refusals=0)
    await call(api)
    assert api.slept == []


def test_a_message_is_covered_once_something_newer_was_begun_on_it() -> None:
    recent = Recent()
    assert not recent.is_covered(1, 10, "old")
    recent.began(1, 10, "new")
    assert recent.is_covered(1, 10, "old")
    assert not recent.is_covered(1, 10, "new")
    assert not recent.is_covered(1, 11, "old")
    assert not recent.is_covered(1, None, "old")


def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "MOST_REMEMBERED", 2)
    recent = Recent()
    for number in range(3):
        recent.began(1, number, f"t{number}")
    assert not recent.is_covered(1, 0, "other")
    assert recent.is_covered(1, 2, "other")
    assert not recent.is_ours("t0")
    assert recent.is_ours("t2")
