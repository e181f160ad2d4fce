"""What the integration tests share."""

from collections.abc import AsyncIterator

import pytest

from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World
from tests.sandbox_fixtures import mtproto_server, small_world


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.fixture
async def server(world: World) -> AsyncIterator[MTProtoServer]:
    """Fails the test whose client met a method that the sandbox does not implement."""
    async with mtproto_server(world) as running:
        yield running
