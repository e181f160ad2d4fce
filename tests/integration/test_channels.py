"""Registered channels: their list, their health, taking the bridge out, and what other managers are told."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from mtproto_bridge.protocol import ErrorCode
from mtproto_bridge.protocol.events import Acted, HealthChanged
from mtproto_bridge.protocol.ids import BalanceId, BotId
from mtproto_bridge.store import tables
from sandbox.serve import Sandbox
from sandbox.world import channels
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.registration_fixtures import (
    DORA,
    EVE,
    FINDS,
    LONG,
    VERA,
    Desk,
    asks,
    desk,
    refusal,
    sandbox_of_people,
    stored,
)
from tests.sandbox_fixtures import BOB, CHESS, QUIZ

OWNER, HELPER, EDITOR, BRIDGES_OWN = asks(VERA, "Vera"), asks(DORA, "Dora", "ru"), asks(EVE), asks(BOB)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with sandbox_of_people() as running:
        yield running
    assert not running.crashes
    assert not running.unimplemented


@pytest.fixture
async def site(sandbox: Sandbox) -> AsyncIterator[BridgeSite]:
    async with bridge_site(sandbox.mtproto, BOB) as made:
        yield made


@pytest.fixture
async def starling(site: BridgeSite, sandbox: Sandbox) -> AsyncIterator[Desk]:
    async with site.bridge(registration="open", **LONG), desk(site, sandbox) as made:
        yield made


@pytest.fixture
async def finds(starling: Desk) -> BalanceId:
    """Vera's channel, which Dora manages too."""
    balance = await starling.register(OWNER)
    await starling.register(HELPER)
    await starling.bridge.browse_programs(OWNER, page=0, size=6)
    return balance


def acts(starling: Desk) -> list[tuple[str, int, list[int], str | None]]:
    """Who did what, and who was told."""
    told = [(one.what, [hearer.person_id for hearer in one.hearers]) for one in starling.heard]
    return [(what.action, what.person_id, who, what.bot_title) for what, who in told if isinstance(what, Acted)]


# -- health -------------------------------------------------------------------------------------------------------


async def test_a_channel_that_lost_its_right_stays_in_its_managers_lists_and_is_no_balance(
    starling: Desk, site: BridgeSite, sandbox: Sandbox, finds: BalanceId
) -> None:
    sandbox.world.set_admin(FINDS, BOB, ())
    site.clock.move(seconds=61)
    (shown,) = (await starling.bridge.list_channels(OWNER)).channels
    assert (shown.balance.id, shown.health) == (finds, "rights_missing")
    assert (await starling.bridge.list_balances(OWNER)).balances == []
    (event,) = await starling.told(HealthChanged)
    assert [(one.person_id, one.locale) for one in event.hearers] == [(VERA, "en"), (DORA, "ru")]
    page = await starling.bridge.show_channel(HELPER, finds)
    assert (page.channel.health, page.channel.checked_at, page.other_managers) == (
        "rights_missing",
        site.clock.now(),
        1,
    )
    sandbox.world.set_admin(FINDS, BOB, {"post_messages"})
    assert (await starling.bridge.show_channel(OWNER, finds)).channel.health == "ok"
    _, back = await starling.told(HealthChanged, 2)
    assert isinstance(back.what, HealthChanged)
    assert (back.what.before, back.what.health) == ("rights_missing", "ok")


async def test_who_checks_a_channel_sees_its_health_and_the_others_are_told(
    starling: Desk, sandbox: Sandbox, finds: BalanceId
) -> None:
    sandbox.world.set_admin(FINDS, BOB, ())
    assert (await starling.bridge.show_channel(OWNER, finds)).channel.health == "rights_missing"
    (event,) = await starling.told(HealthChanged)
    heard = {one.person_id for one in event.hearers}
    assert DORA in heard
    assert VERA not in heard


async def test_a_channel_the_account_was_thrown_out_of_is_unreachable(
    starling: Desk, sandbox: Sandbox, finds: BalanceId
) -> None:
    world = sandbox.world
    channels.remove(world, VERA, world.channels[FINDS], BOB)
    assert (await starling.bridge.show_channel(OWNER, finds)).channel.health == "unreachable"


async def test_what_is_wrong_with_a_channel_is_no_strangers_business(
    starling: Desk, site: BridgeSite, sandbox: Sandbox, finds: BalanceId
) -> None:
    for _ in ("well", "sick"):
        for stranger in (EDITOR, asks(424242)):
            for call in (
                starling.bridge.show_channel(stranger, finds),
                starling.bridge.show_channel(stranger, BalanceId(999)),
                starling.bridge.remove_channel(stranger, finds, site.nonce(), revoke_links=False),
            ):
                assert (await refusal(call)).code == ErrorCode.NOT_A_MANAGER
            assert (await starling.bridge.list_channels(stranger)).channels == []
        sandbox.world.set_admin(FINDS, BOB, ())


async def test_who_was_demoted_sees_the_channel_no_more(
    starling: Desk, site: BridgeSite, sandbox: Sandbox, finds: BalanceId
) -> None:
    sandbox.world.set_admin(FINDS, DORA, ())
    site.clock.move(seconds=61)
    assert (await starling.bridge.list_channels(HELPER)).channels == []
    assert (await refusal(starling.bridge.show_channel(HELPER, finds))).code == ErrorCode.NOT_A_MANAGER
    sandbox.world.set_admin(FINDS, BOB, ())
    assert (await refusal(starling.bridge.show_channel(HELPER, finds))).code == ErrorCode.NOT_A_MANAGER


# -- removing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("revoke", [True, False])
async def test_removing_revokes_the_links_or_leaves_them_earning(
    starling: Desk, site: BridgeSite, sandbox: Sandbox, finds: BalanceId, revoke: bool
) -> None:
    for bot in (QUIZ, CHESS):
        await starling.bridge.join(OWNER, finds, BotId(bot), site.nonce())
    nonce = site.nonce()
    removed = await starling.bridge.remove_channel(OWNER, finds, nonce, revoke_links=revoke)
    assert (removed.revoked, removed.left_earning, removed.replayed) == ((2, 0, False) if revoke else (0, 2, False))
    assert [one.revoked for one in sandbox.world.links] == [revoke, revoke]
    assert not sandbox.world.channels[FINDS].is_member(BOB)
    again = await starling.bridge.remove_channel(OWNER, finds, nonce, revoke_links=revoke)
    assert again.replayed
    async with stored(site) as session:
        assert (await session.scalars(select(tables.Manager).where(tables.Manager.balance_id == finds))).all() == []
        assert (await session.scalars(select(tables.Registration))).all() == []
        audit = await session.scalars(select(tables.Audit.action).order_by(tables.Audit.id))
        assert list(audit)[-(1 + 2 * revoke) :] == [*["revoke"] * (2 * revoke), "remove"]


@pytest.mark.parametrize("method", ["payments.editConnectedStarRefBot", "channels.leaveChannel"])
async def test_a_removal_whose_answers_are_lost_is_brought_to_its_end(
    starling: Desk, site: BridgeSite, sandbox: Sandbox, finds: BalanceId, method: str
) -> None:
    await starling.bridge.join(OWNER, finds, BotId(QUIZ), site.nonce())
    sandbox.world.faults.set(Fault("drop", method, after=True))
    removed = await starling.bridge.remove_channel(OWNER, finds, site.nonce(), revoke_links=True)
    assert removed.title == "Finds"
    assert [one.revoked for one in sandbox.world.links] == [True]
    assert not sandbox.world.channels[FINDS].is_member(BOB)


@pytest.mark.parametrize("thrown_out", [True, False])
async def test_a_channel_the_account_lost_is_removed_but_its_links_stay(
    starling: Desk, site: BridgeSite, sandbox: Sandbox, finds: BalanceId, thrown_out: bool
) -> None:
    await starling.bridge.join(OWNER, finds, BotId(QUIZ), site.nonce())
    world = sandbox.world
    if thrown_out:
        channels.remove(world, VERA, world.channels[FINDS], BOB)
    else:
        world.set_admin(FINDS, BOB, ())
    refused = await refusal(starling.bridge.remove_channel(OWNER, finds, site.nonce(), revoke_links=True))
    assert refused.code == (ErrorCode.BALANCE_UNREACHABLE if thrown_out else ErrorCode.RIGHTS_MISSING)
    removed = await starling.bridge.remove_channel(OWNER, finds, site.nonce(), revoke_links=False)
    assert (removed.revoked, removed.left_earning) == (0, 1)
    assert not world.channels[FINDS].is_member(BOB)


async def test_the_accounts_own_channel_is_forgotten_and_stays_its_own(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    sandbox.world.channels[FINDS].creator_id = BOB
    at = await starling.start(HELPER)
    sandbox.world.channels[FINDS].admins.pop(VERA, None)
    balance = (await starling.come_in(HELPER, at)).registration.balance_id
    assert balance is not None, "it was in, and may post"
    assert await starling.bridge.remove_channel(HELPER, balance, site.nonce(), revoke_links=False)
    assert sandbox.world.channels[FINDS].is_member(BOB)


async def test_a_removed_channel_can_be_registered_again(starling: Desk, site: BridgeSite, finds: BalanceId) -> None:
    await starling.bridge.remove_channel(OWNER, finds, site.nonce(), revoke_links=False)
    assert await starling.register(OWNER)


# -- who is told --------------------------------------------------------------------------------------------------


async def test_every_act_is_told_to_exactly_the_others(starling: Desk, site: BridgeSite, finds: BalanceId) -> None:
    bridge = starling.bridge
    link = (await bridge.join(OWNER, finds, BotId(QUIZ), site.nonce())).affiliation
    await bridge.join(OWNER, finds, BotId(QUIZ), site.nonce())
    await bridge.revoke(HELPER, finds, link.id, site.nonce())
    await bridge.revoke(HELPER, finds, link.id, site.nonce())
    await bridge.remove_channel(OWNER, finds, site.nonce(), revoke_links=True)
    await starling.told(Acted, 4)
    assert acts(starling) == [
        ("register", DORA, [VERA], None),
        ("join", VERA, [DORA], "Quiz"),
        ("revoke", DORA, [VERA], "Quiz"),
        ("remove", VERA, [DORA], None),
    ]


async def test_what_one_does_with_ones_own_balance_is_told_to_nobody(starling: Desk, site: BridgeSite) -> None:
    await starling.bridge.browse_programs(BRIDGES_OWN, page=0, size=6)
    own = {one.title: one for one in (await starling.bridge.list_balances(BRIDGES_OWN)).balances}
    await starling.bridge.join(BRIDGES_OWN, own["Bob"].id, BotId(QUIZ), site.nonce())
    async with stored(site) as session:
        assert (await session.scalars(select(tables.Outbox))).all() == []
    assert starling.heard == []


# -- owned bots ---------------------------------------------------------------------------------------------------


async def test_the_bots_an_accounts_person_owns_are_their_balances_as_long_as_they_own_them(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    bridge, world = starling.bridge, sandbox.world
    await bridge.browse_programs(BRIDGES_OWN, page=0, size=6)
    own = {one.title: one for one in (await bridge.list_balances(BRIDGES_OWN)).balances}
    assert {title: one.kind for title, one in own.items()} == {"Bob": "account", "News": "channel", "Plain": "bot"}
    plain = own["Plain"].id
    joined = await bridge.join(BRIDGES_OWN, plain, BotId(QUIZ), site.nonce())
    assert joined.affiliation.balance.kind == "bot"
    assert (await refusal(bridge.join(OWNER, plain, BotId(CHESS), site.nonce()))).code == ErrorCode.NOT_A_MANAGER
    world.bots[CHESS].owner_id, world.bots[7003].owner_id = BOB, VERA
    refused = await refusal(bridge.show_affiliation(BRIDGES_OWN, plain, BotId(QUIZ)))
    assert refused.code == ErrorCode.NOT_A_MANAGER
    site.clock.move(seconds=61)
    balances = (await bridge.list_balances(BRIDGES_OWN)).balances
    assert [one.title for one in balances] == ["Bob", "News", "Chess"]
