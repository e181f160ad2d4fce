"""Registering a channel, from the tap to a balance that earns: real Telethon, a real aiogram bot, a real queue."""

from collections.abc import AsyncIterator

import pytest

from mtproto_bridge.protocol.ids import BotId
from sandbox.serve import Sandbox
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.registration_fixtures import FINDS, LONG, VERA, Desk, asks, desk, sandbox_of_people
from tests.sandbox_fixtures import BOB, QUIZ

OPEN = {"registration": "open", **LONG}
OWNER = asks(VERA, "Vera")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with sandbox_of_people() as running:
        yield running
    assert not running.crashes
    assert not running.unimplemented


@pytest.fixture
async def site(sandbox: Sandbox) -> AsyncIterator[BridgeSite]:
    """Bob's account is on the bridge."""
    async with bridge_site(sandbox.mtproto, BOB) as made:
        yield made


@pytest.fixture
async def starling(site: BridgeSite, sandbox: Sandbox) -> AsyncIterator[Desk]:
    async with site.bridge(**OPEN), desk(site, sandbox) as made:
        yield made


async def test_from_the_tap_to_a_link_that_earns_and_out_again(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    bridge = starling.bridge
    at = await starling.start(OWNER)
    assert (at.state, at.account and at.account.id, at.balance_id) == ("picked", BOB, None)
    assert [one.state for one in (await bridge.list_channels(OWNER)).registrations] == ["picked"]
    at = (await starling.come_in(OWNER, at)).registration
    assert at.state == "joined"
    assert sandbox.world.channels[FINDS].membership(BOB).status == "member"
    await starling.promote(at)
    done = await bridge.advance_registration(OWNER, at)
    assert (done.registration.state, done.added) == ("verified", False)
    balance = done.registration.balance_id
    assert balance is not None
    listed = await bridge.list_channels(OWNER)
    assert [(one.balance.id, one.health, one.links) for one in listed.channels] == [(balance, "ok", 0)]
    assert listed.registrations == []
    await bridge.browse_programs(OWNER, page=0, size=6)
    assert (await bridge.join(OWNER, balance, BotId(QUIZ), site.nonce())).changed
    page = await bridge.show_channel(OWNER, balance)
    assert (page.channel.health, page.channel.links, page.channel.account.id) == ("ok", 1, BOB)
    removed = await bridge.remove_channel(OWNER, balance, site.nonce(), revoke_links=True)
    assert (removed.title, removed.revoked, removed.left_earning) == ("Finds", 1, 0)
    assert not sandbox.world.channels[FINDS].is_member(BOB)
    assert all(one.revoked for one in sandbox.world.links if one.balance_id == FINDS)
    assert (await bridge.list_channels(OWNER)).channels == []
