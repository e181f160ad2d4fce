"""What the transcripts share."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.starling import NADIA, Someone, Starling, running_starling


@pytest.fixture
async def starling() -> AsyncIterator[Starling]:
    """The demo's world, with Vera's account on the bridge."""
    async with running_starling() as running:
        yield running


@pytest.fixture
def nadia(starling: Starling) -> Someone:
    """She owns both channels."""
    return starling.person(NADIA)
