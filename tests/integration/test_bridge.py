"""The bridge against the sandbox: real Telethon, a real queue, a real store."""

from collections.abc import AsyncIterator

import pytest

from mtproto_bridge.app import Bridge
from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import BalanceId, BotId
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World, accounts, links, programs
from sandbox.world.errors import TelegramError
from sandbox.world.faults import Fault
from sandbox.world.seed import referred_purchase
from tests.bridge_fixtures import BridgeSite, bridge_site, caller, served
from tests.sandbox_fixtures import ALICE, BOB, CAROL, CHESS, NEWS, PLAIN, QUIZ

ME, OWNER, EDITOR, STRANGER = caller(BOB), caller(ALICE), caller(CAROL), caller(424242)


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    """Bob's account is on the bridge; he may post in Alice's private channel."""
    async with bridge_site(server, BOB) as made:
        yield made


@pytest.fixture
async def bridge(site: BridgeSite) -> AsyncIterator[Bridge]:
    async with site.bridge() as serving:
        yield serving


@pytest.fixture
async def client(site: BridgeSite, bridge: Bridge) -> AsyncIterator[BridgeClient]:
    del bridge
    async with site.client() as made:
        await served(made)
        await made.browse_programs(OWNER, page=0, size=6)  # as everybody does before joining
        yield made


async def channel_of(client: BridgeClient) -> BalanceId:
    """The number of Alice's channel."""
    (balance,) = (await client.list_balances(OWNER)).balances
    assert balance.title == "News"
    return balance.id


async def refused(call: object) -> ErrorCode:
    with pytest.raises(BridgeError) as caught:
        await call  # type: ignore[misc] # any of the client's methods
    return caught.value.code


async def test_a_person_sees_the_balances_they_manage_and_no_others(client: BridgeClient) -> None:
    assert [one.title for one in (await client.list_balances(OWNER)).balances] == ["News"]
    assert [(one.kind, one.title) for one in (await client.list_balances(ME)).balances] == [
        ("account", "Bob"),
        ("channel", "News"),
        ("bot", "Plain"),
    ]
    assert (await client.list_balances(STRANGER)).balances == []
    assert (await client.list_balances(EDITOR)).balances == [], "an admin who may not post is no manager"


async def test_joining_gives_the_link_and_joining_twice_the_same(client: BridgeClient, site: BridgeSite) -> None:
    channel = await channel_of(client)
    first = await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    assert first.changed
    assert first.affiliation.url is not None
    assert first.affiliation.url.startswith("https://t.me/quiz_bot?start=_tgr_")
    assert (first.affiliation.commission_permille, first.affiliation.duration_months) == (250, 6)
    again = await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    assert not again.changed
    assert again.affiliation.url == first.affiliation.url
    assert again.affiliation.id == first.affiliation.id


async def test_the_link_page_counts_users_and_stars(client: BridgeClient, site: BridgeSite, world: World) -> None:
    channel = await channel_of(client)
    await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    referred_purchase(world, QUIZ, world.links[0].token, 100)
    page = await client.show_affiliation(OWNER, channel, BotId(QUIZ))
    assert (page.affiliation.participants, page.affiliation.revenue) == (1, 25)


async def test_a_revoked_link_is_dead_and_revoking_twice_is_a_success(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    channel = await channel_of(client)
    link = (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).affiliation
    done = await client.revoke(OWNER, channel, link.id, site.nonce())
    assert done.changed
    assert done.affiliation.revoked
    with pytest.raises(TelegramError, match="STARREF_EXPIRED"):
        links.by_token(world, QUIZ, world.links[0].token)
    twice = await client.revoke(OWNER, channel, link.id, site.nonce())
    assert not twice.changed
    assert twice.affiliation.revoked


@pytest.mark.parametrize("reconnect", ["new_url", "revive"])
async def test_rejoining_gives_a_living_link_never_the_dead_one(
    client: BridgeClient, site: BridgeSite, world: World, reconnect: str
) -> None:
    world.switches = world.switches.model_copy(update={"reconnect": reconnect})
    channel = await channel_of(client)
    old = (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).affiliation
    await client.revoke(OWNER, channel, old.id, site.nonce())
    new = await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    assert new.changed
    assert not new.affiliation.revoked
    assert new.replaced_link == (reconnect == "new_url")
    assert (new.affiliation.url == old.url) == (reconnect == "revive")
    assert not any(one.revoked for one in world.links if one.url == new.affiliation.url)


async def test_a_stale_revoke_button_never_kills_the_links_successor(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    channel = await channel_of(client)
    old = (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).affiliation
    await client.revoke(OWNER, channel, old.id, site.nonce())
    new = (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).affiliation
    assert not (await client.revoke(OWNER, channel, old.id, site.nonce())).changed
    assert [one.revoked for one in world.links if one.url == new.url] == [False]


async def test_a_nonce_acts_once_and_then_shows_what_it_did(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    channel = await channel_of(client)
    nonce = site.nonce()
    first = await client.join(OWNER, channel, BotId(QUIZ), nonce)
    await client.revoke(OWNER, channel, first.affiliation.id, site.nonce())
    replay = await client.join(OWNER, channel, BotId(QUIZ), nonce)
    assert replay.replayed
    assert replay.affiliation == first.affiliation
    assert len(world.links) == 1, "an old confirmation joins nothing again"


async def test_a_nonce_with_another_payload_is_refused(client: BridgeClient, site: BridgeSite) -> None:
    channel, nonce = await channel_of(client), site.nonce()
    await client.join(OWNER, channel, BotId(QUIZ), nonce)
    assert await refused(client.join(OWNER, channel, BotId(CHESS), nonce)) == ErrorCode.CONFIRMATION_CHANGED
    other = await client.join(ME, channel, BotId(CHESS), nonce)
    assert not other.replayed, "another person's nonce is another nonce"


async def test_a_confirmation_acts_for_a_day_and_no_longer(client: BridgeClient, site: BridgeSite) -> None:
    channel, nonce = await channel_of(client), site.nonce()
    site.clock.move(hours=24)
    assert await refused(client.join(OWNER, channel, BotId(QUIZ), nonce)) == ErrorCode.CONFIRMATION_EXPIRED
    assert await refused(client.join(OWNER, channel, BotId(QUIZ), "forged")) == ErrorCode.CONFIRMATION_EXPIRED


async def test_who_is_no_manager_can_neither_act_nor_see(client: BridgeClient, site: BridgeSite, world: World) -> None:
    channel = await channel_of(client)
    link = (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).affiliation
    account, *_ = (await client.list_balances(ME)).balances
    for stranger in (STRANGER, EDITOR):
        for balance in (channel, account.id, BalanceId(999)):
            for call in (
                client.join(stranger, balance, BotId(CHESS), site.nonce()),
                client.revoke(stranger, balance, link.id, site.nonce()),
                client.show_affiliation(stranger, balance, BotId(QUIZ)),
            ):
                assert await refused(call) == ErrorCode.NOT_A_MANAGER
    assert [one.revoked for one in world.links] == [False]


async def test_the_account_belongs_to_its_own_person_only(client: BridgeClient, site: BridgeSite) -> None:
    account, *_ = (await client.list_balances(ME)).balances
    joined = await client.join(ME, account.id, BotId(QUIZ), site.nonce())
    assert joined.affiliation.balance.kind == "account"
    assert await refused(client.join(OWNER, account.id, BotId(CHESS), site.nonce())) == ErrorCode.NOT_A_MANAGER


async def test_a_link_of_another_balance_cannot_be_revoked_through_mine(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    account, channel, _ = (await client.list_balances(ME)).balances
    mine = (await client.join(ME, account.id, BotId(QUIZ), site.nonce())).affiliation
    assert await refused(client.revoke(OWNER, channel.id, mine.id, site.nonce())) == ErrorCode.NOT_JOINED
    assert [one.revoked for one in world.links] == [False]


async def test_a_manager_demoted_between_two_taps_is_refused_at_the_second(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    world.set_admin(NEWS, CAROL, {"post_messages"})
    channel = await channel_of(client)
    link = (await client.join(EDITOR, channel, BotId(QUIZ), site.nonce())).affiliation
    world.set_admin(NEWS, CAROL, {"edit_messages"})
    assert await refused(client.revoke(EDITOR, channel, link.id, site.nonce())) == ErrorCode.NOT_A_MANAGER
    assert await refused(client.show_affiliation(EDITOR, channel, BotId(QUIZ))) == ErrorCode.NOT_A_MANAGER


async def test_a_replayed_join_shows_nothing_to_who_lost_the_right(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    world.set_admin(NEWS, CAROL, {"post_messages"})
    channel, nonce = await channel_of(client), site.nonce()
    await client.join(EDITOR, channel, BotId(QUIZ), nonce)
    world.set_admin(NEWS, CAROL, {"edit_messages"})
    assert await refused(client.join(EDITOR, channel, BotId(QUIZ), nonce)) == ErrorCode.NOT_A_MANAGER


async def test_a_bridge_without_its_right_says_so_to_managers_only(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    channel = await channel_of(client)
    world.set_admin(NEWS, BOB, {"edit_messages"})
    assert await refused(client.join(OWNER, channel, BotId(QUIZ), site.nonce())) == ErrorCode.RIGHTS_MISSING
    assert await refused(client.join(STRANGER, channel, BotId(QUIZ), site.nonce())) == ErrorCode.NOT_A_MANAGER
    world.channels[NEWS].admins.pop(BOB)
    assert await refused(client.join(OWNER, channel, BotId(QUIZ), site.nonce())) == ErrorCode.BALANCE_UNREACHABLE
    assert await refused(client.join(STRANGER, channel, BotId(QUIZ), site.nonce())) == ErrorCode.NOT_A_MANAGER


@pytest.mark.parametrize("connect_refused_error", ["BOT_INVALID", "STARREF_AWAITING_END"])
async def test_what_is_closing_is_not_joined(
    client: BridgeClient, site: BridgeSite, world: World, connect_refused_error: str
) -> None:
    world.switches = world.switches.model_copy(update={"connect_refused_error": connect_refused_error})
    channel = await channel_of(client)
    programs.update_program(world, ALICE, QUIZ, 0, None)
    with pytest.raises(BridgeError) as caught:
        await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    assert caught.value.code == ErrorCode.PROGRAM_CLOSING
    assert caught.value.failure.end_date == programs.program_of(world, QUIZ).end_date  # type: ignore[union-attr]


async def test_a_program_that_ended_shows_on_the_links_page(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    channel = await channel_of(client)
    await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    programs.update_program(world, ALICE, QUIZ, 0, None)
    assert (await client.show_affiliation(OWNER, channel, BotId(QUIZ))).affiliation.program_state == "closing"
    world.clock.move(programs.WIND_DOWN)
    ended = (await client.show_affiliation(OWNER, channel, BotId(QUIZ))).affiliation
    assert ended.program_state == "ended"
    assert ended.revoked


async def test_unknown_bots_and_bots_without_a_program_are_told_apart(client: BridgeClient) -> None:
    assert await refused(client.show_program(OWNER, username="nobody_here_bot")) == ErrorCode.NO_SUCH_BOT
    assert await refused(client.show_program(OWNER, username="plaza")) == ErrorCode.NO_SUCH_BOT
    assert await refused(client.show_program(OWNER, username="alice")) == ErrorCode.NO_SUCH_BOT
    assert await refused(client.show_program(OWNER, username="plain_bot")) == ErrorCode.PROGRAM_UNAVAILABLE
    assert PLAIN


async def test_programs_come_in_telegrams_order_with_what_is_joined(client: BridgeClient, site: BridgeSite) -> None:
    channel = await channel_of(client)
    await client.join(OWNER, channel, BotId(CHESS), site.nonce())
    found = await client.browse_programs(OWNER, page=0, size=6)
    assert [(one.username, one.joined) for one in found.programs] == [("quiz_bot", False), ("chess_bot", True)]
    assert (found.total, found.pages) == (2, 1)
    assert not any(one.joined for one in (await client.browse_programs(STRANGER, page=0, size=6)).programs)


async def test_a_list_of_programs_says_what_was_asked_for(client: BridgeClient) -> None:
    found = await client.browse_programs(
        OWNER, page=0, size=6, sort="date", min_permille=100, forever=True, words="CHESS"
    )
    assert [one.username for one in found.programs] == ["chess_bot"]
    assert (found.sort, found.min_permille, found.forever, found.words) == ("date", 100, True, "CHESS")


async def test_a_program_card_shows_which_balances_have_joined(client: BridgeClient, site: BridgeSite) -> None:
    account, channel, own_bot = (await client.list_balances(ME)).balances
    await client.join(ME, channel.id, BotId(QUIZ), site.nonce())
    card = await client.show_program(ME, username="QUIZ_bot")
    assert [(one.id, one.joined) for one in card.balances] == [
        (account.id, False),
        (channel.id, True),
        (own_bot.id, False),
    ]
    assert card.program.joined
    assert card.program.daily_revenue_nanos == 1_500_000_000


@pytest.mark.parametrize("list_revoked", [False, True])
async def test_links_are_listed_over_all_balances_page_by_page_without_urls(
    client: BridgeClient, site: BridgeSite, world: World, list_revoked: bool
) -> None:
    world.switches = world.switches.model_copy(update={"list_revoked": list_revoked})
    account, channel, _ = (await client.list_balances(ME)).balances
    for balance in (account, channel):
        for bot in (QUIZ, CHESS):
            joined = await client.join(ME, balance.id, BotId(bot), site.nonce())
    await client.revoke(ME, channel.id, joined.affiliation.id, site.nonce())
    site.clock.move(seconds=61)
    first = await client.list_affiliations(ME, page=0, size=3)
    second = await client.list_affiliations(ME, page=1, size=3)
    shown = [*first.affiliations, *second.affiliations]
    assert (first.total, first.pages) == (4, 2)
    assert {(one.balance.id, one.bot_id) for one in shown} == {
        (b.id, p) for b in (account, channel) for p in (QUIZ, CHESS)
    }
    assert [one.revoked for one in shown].count(True) == 1
    assert all(one.url is None for one in shown)
    assert (await client.list_affiliations(STRANGER, page=0, size=3)).total == 0


async def test_a_link_made_elsewhere_shows_up_in_the_list_within_a_minute(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    assert (await client.list_affiliations(OWNER, page=0, size=6)).total == 0
    links.connect(world, BOB, NEWS, QUIZ)
    assert (await client.list_affiliations(OWNER, page=0, size=6)).total == 0, "known for less than a minute"
    site.clock.move(seconds=61)
    assert (await client.list_affiliations(OWNER, page=0, size=6)).total == 1


async def test_a_flood_wait_is_told_with_its_end(client: BridgeClient, site: BridgeSite, world: World) -> None:
    channel = await channel_of(client)
    world.faults.set(Fault("flood_wait", "payments.connectStarRefBot", seconds=42))
    with pytest.raises(BridgeError) as caught:
        await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    assert caught.value.code == ErrorCode.FLOOD_WAIT
    assert caught.value.failure.retry_at is not None
    assert (caught.value.failure.retry_at - site.clock.now()).total_seconds() == 42
    site.clock.move(seconds=42)
    assert (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).changed


async def test_a_failed_confirmation_may_be_pressed_again(client: BridgeClient, site: BridgeSite, world: World) -> None:
    channel, nonce = await channel_of(client), site.nonce()
    world.faults.set(Fault("error", "payments.connectStarRefBot", code=400, message="STARREF_SOMETHING_NEW"))
    with pytest.raises(BridgeError) as caught:
        await client.join(OWNER, channel, BotId(QUIZ), nonce)
    assert caught.value.failure.telegram_message == "STARREF_SOMETHING_NEW"
    assert (await client.join(OWNER, channel, BotId(QUIZ), nonce)).changed


async def test_an_answer_lost_on_the_way_is_read_back_and_nothing_done_twice(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    channel = await channel_of(client)
    world.switches = world.switches.model_copy(update={"repeat_connect": "new_url"})
    world.faults.set(Fault("drop", "payments.connectStarRefBot", after=True))
    joined = await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    assert joined.changed
    assert [one.url for one in world.links] == [joined.affiliation.url]


async def test_a_frozen_account_reads_on_and_says_why_it_does_not_act(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    channel = await channel_of(client)
    accounts.freeze(world, world.people[BOB])
    assert await refused(client.join(OWNER, channel, BotId(QUIZ), site.nonce())) == ErrorCode.FROZEN
    assert (await client.browse_programs(OWNER, page=0, size=6)).total == 2


async def test_a_logged_out_account_is_told_and_a_new_login_heals(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    channel = await channel_of(client)
    world.end_sessions(BOB)
    assert await refused(client.join(OWNER, channel, BotId(QUIZ), site.nonce())) == ErrorCode.ACCOUNT_UNAVAILABLE
    assert await refused(client.show_program(OWNER, username="quiz_bot")) == ErrorCode.ACCOUNT_UNAVAILABLE
    await site.log_in(world.people[BOB])
    assert (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).changed
