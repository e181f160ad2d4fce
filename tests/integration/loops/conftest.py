"""What is here runs on both event loops: the bridge is on uvloop, tests otherwise on asyncio's own."""

import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops, by the name that a test's id then has."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
