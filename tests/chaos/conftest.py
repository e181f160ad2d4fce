"""One site for all of these: to set it up takes longer than most of what happens in it."""

from collections.abc import Iterator

import pytest

from tests.chaos.site import Site, set_up

ACCOUNTS, BRIDGES = 6, 3


@pytest.fixture(scope="package")
def whole_site() -> Iterator[Site]:
    with set_up(ACCOUNTS, BRIDGES) as made:
        yield made


@pytest.fixture
def site(whole_site: Site) -> Iterator[Site]:
    """Everything runs, and each lane has its bridge; so it is left, too."""
    whole_site.wait_until_served()
    yield whole_site
    for bridge in whole_site.bridges.values():
        assert bridge.running, f"{bridge.name} died:\n{bridge.log[-2000:]}"
