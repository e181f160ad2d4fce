"""Real bridges, a real Valkey and real Telethon, while they are killed: the short form of `python -m tests.chaos`."""

import pytest

from tests.chaos.disturbances import Disaster
from tests.chaos.run import chaos
from tests.chaos.site import Site

pytestmark = pytest.mark.alone

SEED = 7
RATE = 40
REQUESTS = 600
DISASTERS = [
    Disaster.BRIDGE_KILLED,
    Disaster.FLOOD,
    Disaster.BRIDGE_TERMINATED,
    Disaster.TELEGRAM_HANGS_UP,
    Disaster.BRIDGE_FROZEN,
    Disaster.QUEUE_HANGS_UP,
    Disaster.QUEUE_KILLED,
]


async def test_whatever_dies_nothing_is_lost_done_twice_out_of_order_or_by_a_stale_owner(site: Site) -> None:
    report = await chaos(site, seed=SEED, requests=REQUESTS, rate=RATE, calm=(0.2, 1.0), disasters=DISASTERS)
    assert not report.complaints, report.table()
    assert len(report.takeovers(Disaster.BRIDGE_KILLED)) > 0
    assert len(report.takeovers(Disaster.BRIDGE_TERMINATED)) > 0
