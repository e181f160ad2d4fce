"""Tasks that are to end, end."""

import asyncio

import pytest

from processes import tasks
from processes.tasks import end


async def test_a_task_that_lost_its_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_SECONDS", 0.01)
    lost = 0

    async def loses_two() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
                if lost > 2:
                    raise

    task = asyncio.create_task(loses_two())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end(task)
    assert task.cancelled()


async def test_what_a_task_raises_and_those_that_are_done_are_left_aside() -> None:
    async def fails() -> None:
        raise ValueError

    failing, done = asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(0))
    await end(failing, done)
    await end(failing, done)
    assert failing.done()
    assert done.done()
