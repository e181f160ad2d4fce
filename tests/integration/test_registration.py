"""Registering a channel, from the tap to a balance that earns: real Telethon, a real aiogram bot, a real queue."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from mtproto_bridge.protocol import ErrorCode
from mtproto_bridge.protocol.events import Acted, HealthChanged, RegistrationDecided, RegistrationWaits
from mtproto_bridge.protocol.ids import BotId
from mtproto_bridge.store import people, registrations, tables
from sandbox.serve import Sandbox
from sandbox.world import channels
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.channel_fixtures import chat_id
from tests.registration_fixtures import (
    DORA,
    EVE,
    FINDS,
    LONG,
    OPERATOR,
    OURS,
    VERA,
    Desk,
    asks,
    channel,
    desk,
    refusal,
    sandbox_of_people,
    stored,
    switch,
)
from tests.sandbox_fixtures import BOB, QUIZ

OPEN = {"registration": "open", **LONG}
OWNER, HELPER, EDITOR, BOSS = asks(VERA, "Vera"), asks(DORA, "Dora", "ru"), asks(EVE), asks(OPERATOR)


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
def rules() -> dict[str, object]:
    """What the operator decides; open unless a test says otherwise."""
    return OPEN


@pytest.fixture
async def starling(site: BridgeSite, sandbox: Sandbox, rules: dict[str, object]) -> AsyncIterator[Desk]:
    async with site.bridge(**rules), desk(site, sandbox) as made:
        yield made


def operated(**rules: object) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rules", [LONG | {"operator_ids": frozenset({OPERATOR})} | rules], ids=[""])


def calls(sandbox: Sandbox, method: str) -> int:
    return sandbox.mtproto.calls[method]


# -- the whole way ------------------------------------------------------------------------------------------------


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


async def test_the_account_gets_in_by_one_invite_and_reads_no_dialogs(starling: Desk, sandbox: Sandbox) -> None:
    listed = calls(sandbox, "messages.getDialogs")
    await starling.register(OWNER)
    assert calls(sandbox, "messages.importChatInvite") == 1
    assert calls(sandbox, "messages.getDialogs") == listed
    assert sandbox.world.channels[FINDS].rights_of(BOB) == {"post_messages"}


@pytest.mark.parametrize("survive", [True, False])
async def test_whether_the_right_outlives_our_bots_is_read_back(
    starling: Desk, sandbox: Sandbox, survive: bool
) -> None:
    switch(sandbox, rights_survive_promoter=survive)
    balance = await starling.register(OWNER)
    await starling.bot.leave_chat(chat_id(FINDS))
    page = await starling.bridge.show_channel(OWNER, balance)
    assert page.channel.health == ("ok" if survive else "rights_missing")
    assert not any(isinstance(one.what, HealthChanged) for one in starling.heard), "who looks sees it"


# -- interrupted --------------------------------------------------------------------------------------------------


async def test_a_registration_goes_on_where_it_stopped_whatever_stops_in_between(
    site: BridgeSite, sandbox: Sandbox
) -> None:
    """A new bridge and a new bot for each step; each first looks what there is."""
    async with site.bridge(**OPEN), desk(site, sandbox) as starling:
        at = await starling.start(OWNER)
    for state in ("picked", "joined", "promoted"):
        async with site.bridge(**OPEN), desk(site, sandbox) as starling:
            open_ones = (await starling.bridge.list_open_registrations(asks(OURS))).registrations
            assert [(one.id, one.state, one.origin and one.origin.chat_id) for one in open_ones] == [
                (at.id, "joined" if state == "promoted" else state, VERA)
            ]
            assert (await starling.resume(OWNER, at)).state == open_ones[0].state
            if state == "picked":
                at = (await starling.come_in(OWNER, at)).registration
            elif state == "joined":
                await starling.promote(at)
            else:
                at = (await starling.bridge.advance_registration(OWNER, at)).registration
    assert at.state == "verified"
    async with site.bridge(**OPEN), desk(site, sandbox) as starling:
        assert (await starling.bridge.list_open_registrations(asks(OURS))).registrations == []
        assert (await starling.resume(OWNER, at)).state == "verified"


@pytest.mark.parametrize(("by_itself", "left"), [(True, []), (False, ["joined"])])
async def test_restarts_of_the_bot_alone_keep_no_registration_under_way(
    starling: Desk, site: BridgeSite, by_itself: bool, left: list[str]
) -> None:
    at = (await starling.come_in(OWNER, await starling.start(OWNER))).registration
    for _ in range(2):
        site.clock.move(hours=13)
        await starling.bridge.resume_registration(OWNER, at.id, by_itself=by_itself)
        await starling.bridge.advance_registration(OWNER, at)
    open_ones = (await starling.bridge.list_open_registrations(asks(OURS))).registrations
    assert [one.state for one in open_ones] == left


@pytest.mark.parametrize("heard", ["INVITE_HASH_EXPIRED", "USER_ALREADY_PARTICIPANT"])
async def test_a_used_up_invite_whose_answer_was_lost_is_no_failure(
    starling: Desk, sandbox: Sandbox, heard: str
) -> None:
    switch(sandbox, member_imports_dead_invite=heard)
    at = await starling.start(OWNER)
    sandbox.world.faults.set(Fault("drop", "messages.importChatInvite", after=True))
    assert (await starling.come_in(OWNER, at)).registration.state == "joined"


async def test_an_account_that_came_in_and_was_stopped_is_found_inside(starling: Desk, sandbox: Sandbox) -> None:
    """Nobody wrote down that it came in: the next invite says so."""
    at = await starling.start(OWNER)
    await starling.invite()
    finds = sandbox.world.channels[FINDS]
    channels.join(sandbox.world, BOB, finds, finds.invites[-1])
    assert (await starling.bridge.advance_registration(OWNER, at)).registration.state == "picked", "cannot be known"
    assert (await starling.come_in(OWNER, at)).registration.state == "joined"
    assert calls(sandbox, "messages.importChatInvite") == 0


# -- who asks -----------------------------------------------------------------------------------------------------


async def test_an_admin_who_may_not_post_registers_nothing_until_they_may(starling: Desk, sandbox: Sandbox) -> None:
    at = (await starling.come_in(EDITOR, await starling.start(EDITOR))).registration
    await starling.promote(at)
    assert (await refusal(starling.bridge.advance_registration(EDITOR, at))).code == ErrorCode.ASKER_NOT_ADMIN
    assert (await starling.bridge.list_balances(EDITOR)).balances == []
    assert (await starling.resume(EDITOR, at)).state == "promoted"
    sandbox.world.set_admin(FINDS, EVE, {"edit_messages", "post_messages"})
    assert (await starling.bridge.advance_registration(EDITOR, at)).registration.state == "verified"


async def test_a_manager_demoted_between_two_taps_registers_nothing(starling: Desk, sandbox: Sandbox) -> None:
    at = (await starling.come_in(HELPER, await starling.start(HELPER))).registration
    await starling.promote(at)
    sandbox.world.set_admin(FINDS, DORA, ())
    assert (await refusal(starling.bridge.advance_registration(HELPER, at))).code == ErrorCode.ASKER_NOT_ADMIN
    assert (await starling.bridge.list_channels(HELPER)).channels == []


async def test_nobody_goes_on_with_somebody_elses_registration(starling: Desk) -> None:
    at = await starling.start(OWNER)
    for call in (starling.resume(HELPER, at), starling.bridge.advance_registration(HELPER, at)):
        assert (await refusal(call)).code == ErrorCode.REGISTRATION_GONE


async def test_who_registers_the_channel_of_a_forgotten_one_anew_is_the_first(starling: Desk, site: BridgeSite) -> None:
    """It counts against their limit, and the day of its use is today."""
    balance = await starling.register(OWNER)
    async with stored(site) as session:
        row = await session.get_one(tables.Balance, balance)
        row.registered_by, row.used_at = tables.NOBODY, None
        await session.execute(update(tables.Manager).values(allowed=False))
    at = await starling.start(OWNER)
    done = await starling.bridge.advance_registration(OWNER, at)
    assert (done.registration.state, done.registration.balance_id, done.added) == ("verified", balance, False)
    async with stored(site) as session:
        assert await registrations.count_of(session, VERA, site.clock.now()) == 1
        assert (await session.get_one(tables.Balance, balance)).used_at == site.clock.now()


async def test_a_second_manager_is_simply_added_and_the_first_is_told(starling: Desk, sandbox: Sandbox) -> None:
    balance = await starling.register(OWNER)
    at = await starling.start(HELPER)
    assert at.state == "promoted"
    done = await starling.bridge.advance_registration(HELPER, at)
    assert (done.registration.state, done.registration.balance_id, done.added) == ("verified", balance, True)
    assert calls(sandbox, "messages.importChatInvite") == 1
    (event,) = await starling.told(Acted)
    assert [(one.person_id, one.locale) for one in event.hearers] == [(VERA, "en")]
    assert isinstance(event.what, Acted)
    assert (event.what.action, event.what.person_id, event.what.person_name) == ("register", DORA, "Dora")


async def test_two_people_who_register_one_channel_at_once_bring_one_account_in(
    starling: Desk, sandbox: Sandbox
) -> None:
    first, second = await starling.start(OWNER), await starling.start(HELPER)
    at = (await starling.come_in(OWNER, first)).registration
    await starling.promote(at)
    assert (await starling.bridge.advance_registration(HELPER, second)).registration.state == "verified"
    assert (await starling.bridge.advance_registration(OWNER, at)).added
    assert calls(sandbox, "messages.importChatInvite") == 1


async def test_two_people_whose_channel_is_verified_at_once_both_manage_it(starling: Desk) -> None:
    first, second = await starling.start(OWNER), await starling.start(HELPER)
    at = (await starling.come_in(OWNER, first)).registration
    await starling.promote(at)
    done = await asyncio.gather(
        starling.bridge.advance_registration(OWNER, at), starling.bridge.advance_registration(HELPER, second)
    )
    assert [one.registration.state for one in done] == ["verified", "verified"]
    assert len({one.registration.balance_id for one in done}) == 1
    assert sorted(one.added for one in done) == [False, True]


async def test_picking_twice_is_one_registration_that_goes_on(starling: Desk) -> None:
    at = (await starling.come_in(OWNER, await starling.start(OWNER))).registration
    again = await starling.start(OWNER, title="Finds, renamed")
    assert (again.id, again.state, again.title) == (at.id, "joined", "Finds, renamed")


# -- what goes wrong in the channel ---------------------------------------------------------------------------------


async def test_without_the_promotion_it_stays_joined(starling: Desk) -> None:
    at = (await starling.come_in(OWNER, await starling.start(OWNER))).registration
    assert (await starling.bridge.advance_registration(OWNER, at)).registration.state == "joined"


@pytest.mark.parametrize(("public", "thrown_out"), [(False, False), (False, True), (True, False), (True, True)])
async def test_a_registered_channel_is_repaired_by_adding_it_again(
    starling: Desk, sandbox: Sandbox, public: bool, thrown_out: bool
) -> None:
    world = sandbox.world
    world.channels[FINDS].username = "finds" if public else None
    balance = await starling.register(OWNER)
    world.set_admin(FINDS, BOB, ())
    if thrown_out:
        channels.leave(world, BOB, world.channels[FINDS])
    at = await starling.start(OWNER)
    assert at.state == "promoted"
    at = (await starling.bridge.advance_registration(OWNER, at)).registration
    assert at.state == ("picked" if thrown_out else "joined")
    assert await starling.register(OWNER) == balance
    assert [one.health for one in (await starling.bridge.list_channels(OWNER)).channels] == ["ok"]


async def test_a_dead_invite_and_one_of_another_channel_bring_nobody_in(starling: Desk, sandbox: Sandbox) -> None:
    sandbox.world.add(channel("Attic", FINDS + 1))
    at = await starling.start(OWNER)
    dead = await starling.invite()
    await starling.bot.revoke_chat_invite_link(chat_id(FINDS), dead)
    for invite in (dead, await starling.invite(FINDS + 1), "https://t.me/+", "nonsense"):
        refused = await refusal(starling.bridge.advance_registration(OWNER, at, invite=invite))
        assert refused.code == ErrorCode.INVITE_REFUSED
    assert sandbox.world.channels_of(BOB) == [sandbox.world.channels[80001]]
    assert (await starling.resume(OWNER, at)).state == "picked"


async def test_an_invite_dies_with_its_makers_place_where_telegram_does_so(starling: Desk, sandbox: Sandbox) -> None:
    switch(sandbox, invites_survive_maker=False)
    at, invite = await starling.start(OWNER), await starling.invite()
    await starling.bot.leave_chat(chat_id(FINDS))
    refused = await refusal(starling.bridge.advance_registration(OWNER, at, invite=invite))
    assert refused.code == ErrorCode.INVITE_REFUSED


async def test_an_account_the_channel_banned_is_refused(starling: Desk, sandbox: Sandbox) -> None:
    sandbox.world.channels[FINDS].banned.add(BOB)
    at = await starling.start(OWNER)
    assert (await refusal(starling.come_in(OWNER, at))).code == ErrorCode.INVITE_REFUSED


async def test_where_only_owners_may_connect_a_channel_can_still_be_removed(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    switch(sandbox, non_owner_admin_connects=False)
    balance = await starling.register(OWNER)
    await starling.bridge.browse_programs(OWNER, page=0, size=6)
    refused = await refusal(starling.bridge.join(OWNER, balance, BotId(QUIZ), site.nonce()))
    assert refused.code == ErrorCode.RIGHTS_MISSING
    removed = await starling.bridge.remove_channel(OWNER, balance, site.nonce(), revoke_links=True)
    assert (removed.revoked, removed.left_earning) == (0, 0)


# -- the operator's rules -----------------------------------------------------------------------------------------


@operated()
async def test_by_default_an_operator_approves_and_then_it_goes_on(starling: Desk) -> None:
    at = await starling.start(OWNER)
    assert (at.state, at.account) == ("waiting", None)
    assert (await starling.start(OWNER)).state == "waiting"
    (event,) = await starling.told(RegistrationWaits)
    assert [one.person_id for one in event.hearers] == [OPERATOR]
    assert isinstance(event.what, RegistrationWaits)
    assert (event.what.registration.id, event.what.person_name) == (at.id, "Vera")
    decide = starling.bridge.decide_registration
    assert (await refusal(decide(OWNER, at.id, approve=True))).code == ErrorCode.NOT_AN_OPERATOR
    assert (await decide(BOSS, at.id, approve=True)).registration.state == "picked"
    assert (await decide(BOSS, at.id, approve=False)).registration.state == "picked", "decided is decided"
    (decided,) = await starling.told(RegistrationDecided)
    assert [one.person_id for one in decided.hearers] == [VERA]
    assert isinstance(decided.what, RegistrationDecided)
    assert decided.what.registration.account is not None
    assert await starling.register(OWNER)
    assert len(await starling.told(RegistrationWaits)) == 1
    assert (await starling.start(HELPER)).state == "promoted", "what is registered needs no word"


@operated()
async def test_a_refused_registration_stays_refused(starling: Desk) -> None:
    at = await starling.start(OWNER)
    refused = (await starling.bridge.decide_registration(BOSS, at.id, approve=False)).registration
    assert (refused.state, refused.account) == ("refused", None)
    (decided,) = await starling.told(RegistrationDecided)
    assert isinstance(decided.what, RegistrationDecided)
    assert decided.what.registration.state == "refused"
    assert (await starling.start(OWNER)).state == "refused"
    assert (await starling.resume(OWNER, at)).state == "refused"
    assert len(await starling.told(RegistrationWaits)) == 1, "operators are not asked again and again"


@operated(registration="closed")
async def test_closed_is_closed_but_for_operators_and_what_is_registered(starling: Desk, sandbox: Sandbox) -> None:
    sandbox.world.set_admin(FINDS, OPERATOR, {"post_messages"})
    assert (await refusal(starling.start(OWNER))).code == ErrorCode.REGISTRATION_CLOSED
    balance = await starling.register(BOSS)
    assert await starling.register(OWNER) == balance


@operated(registration="open", registration_limit=2)
async def test_one_person_registers_so_many_channels_and_no_more(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    for number in range(1, 4):
        sandbox.world.add(channel(f"Finds {number}", FINDS + number))
    await starling.register(OWNER)
    second = await starling.start(OWNER, FINDS + 1)
    refused = await refusal(starling.start(OWNER, FINDS + 2))
    assert (refused.code, refused.limit) == (ErrorCode.TOO_MANY_CHANNELS, 2)
    assert (await starling.start(OWNER, FINDS + 1)).id == second.id, "what was begun goes on"
    assert (await starling.start(BOSS, FINDS + 2)).state == "picked"
    site.clock.move(hours=25)
    assert (await starling.start(OWNER, FINDS + 3)).state == "picked", "what nobody goes on with counts no more"


@operated(registration="open", registration_limit=1)
async def test_what_lay_for_a_day_goes_on_only_within_the_limit(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    sandbox.world.add(channel("Finds 1", FINDS + 1))
    first = await starling.start(OWNER)
    site.clock.move(hours=25)
    second = await starling.start(OWNER, FINDS + 1)
    for call in (starling.resume(OWNER, first), starling.start(OWNER)):
        assert (await refusal(call)).code == ErrorCode.TOO_MANY_CHANNELS
    async with stored(site) as session:
        await registrations.change(session, first.id, state="refused", account=None, at=site.clock.now())
    assert (await refusal(starling.start(OWNER))).code == ErrorCode.TOO_MANY_CHANNELS
    assert (await starling.resume(OWNER, second)).state == "picked"


@operated()
async def test_what_lay_for_a_day_waits_for_an_operator_again(starling: Desk, site: BridgeSite) -> None:
    at = await starling.start(OWNER)
    await starling.bridge.decide_registration(BOSS, at.id, approve=True)
    assert (await starling.resume(OWNER, at)).state == "picked"
    site.clock.move(hours=25)
    again = await starling.resume(OWNER, at)
    assert (again.state, again.account) == ("waiting", None)
    assert (await starling.start(OWNER)).state == "waiting"
    assert len(await starling.told(RegistrationWaits, 2)) == 2, "the operators hear of it once more, and once"


@operated()
async def test_a_registration_that_a_registered_channel_let_pass_is_forgotten_with_it(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    sandbox.world.set_admin(FINDS, OPERATOR, {"post_messages"})
    balance = await starling.register(BOSS)
    at = await starling.start(EDITOR)
    assert (await refusal(starling.bridge.advance_registration(EDITOR, at))).code == ErrorCode.ASKER_NOT_ADMIN
    await starling.bridge.remove_channel(BOSS, balance, site.nonce(), revoke_links=False)
    sandbox.world.set_admin(FINDS, EVE, {"post_messages"})
    assert (await refusal(starling.resume(EDITOR, at))).code == ErrorCode.REGISTRATION_GONE
    assert (await starling.start(EDITOR)).state == "waiting"


@operated(registration="open")
async def test_a_banned_person_registers_nothing(starling: Desk, site: BridgeSite) -> None:
    async with stored(site) as session:
        await people.ban(session, VERA, banned=True)
    assert (await refusal(starling.start(OWNER))).code == ErrorCode.BANNED


async def test_an_account_comes_into_channels_at_a_measured_pace(
    starling: Desk, site: BridgeSite, sandbox: Sandbox
) -> None:
    for number in range(1, 6):
        sandbox.world.add(channel(f"Finds {number}", FINDS + number))
    begun = [await starling.start(OWNER, FINDS + number) for number in range(6)]
    for at in begun[:5]:
        await starling.come_in(OWNER, at)
    refused = await refusal(starling.come_in(OWNER, begun[5]))
    assert (refused.code, refused.retry_at) == (ErrorCode.SLOW_DOWN, site.clock.now() + timedelta(minutes=1))
    assert (await starling.resume(OWNER, begun[5])).state == "picked"
    site.clock.move(minutes=1)
    assert (await starling.come_in(OWNER, begun[5])).registration.state == "joined"
