"""Two questions at once."""

import asyncio

import pytest

from mtproto_bridge.actions.together import together
from mtproto_bridge.telegram.gateway import AccountLost


async def fails(error: Exception) -> None:
    raise error


async def test_both_are_answered() -> None:
    assert await together(asyncio.sleep(0, "one"), asyncio.sleep(0, 2)) == ("one", 2)


async def test_the_first_ones_refusal_goes_before_the_second_ones() -> None:
    with pytest.raises(PermissionError):
        await together(fails(PermissionError()), fails(KeyError()))


async def test_a_lost_account_hides_behind_nothing() -> None:
    with pytest.raises(AccountLost):
        await together(fails(PermissionError()), fails(AccountLost("logged_out", "AUTH_KEY_UNREGISTERED")))


async def test_neither_goes_on_afterwards() -> None:
    ended = asyncio.Event()

    async def slow() -> None:
        await asyncio.sleep(0)
        ended.set()

    with pytest.raises(PermissionError):
        await together(fails(PermissionError()), slow())
    assert ended.is_set()
