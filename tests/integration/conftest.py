"""What the integration tests share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World
from tests.queue_fixtures import Place, Site, new_place, site_at
from tests.queue_servers import Launch, launching
from tests.sandbox_fixtures import mtproto_server, small_world


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.fixture
async def server(world: World) -> AsyncIterator[MTProtoServer]:
    """Fails the test whose client met a method that the sandbox does not implement."""
    async with mtproto_server(world) as running:
        yield running


@pytest.fixture(scope="session")
def shared() -> Iterator[Place]:
    """A Valkey for all tests of the queue: each has keys of its own."""
    with new_place() as made:
        yield made


@pytest.fixture
def place() -> Iterator[Place]:
    """A Valkey for one test, which may stop it."""
    with new_place() as made:
        yield made


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Starts servers for one test."""
    with launching() as launch:
        yield launch


@pytest.fixture
async def site(shared: Place) -> AsyncIterator[Site]:
    """A queue."""
    async with site_at(shared.url) as made:
        yield made
