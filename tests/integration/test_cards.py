"""Cards: one's live links with their URLs, own and watched; nobody else's, and Telegram is asked once a minute."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import BotId
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World, links, programs
from tests.bridge_fixtures import BridgeSite, bridge_site, caller, served
from tests.sandbox_fixtures import ALICE, BOB, CAROL, CHESS, NEWS, QUIZ

ME, OWNER, EDITOR, STRANGER = caller(BOB), caller(ALICE), caller(CAROL), caller(424242)


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    """Bob's account is on the bridge; he may post in Alice's channel."""
    async with bridge_site(server, BOB) as made:
        made.clock.moment = server.world.clock.now()
        yield made


@pytest.fixture
async def client(site: BridgeSite) -> AsyncIterator[BridgeClient]:
    async with site.bridge(), site.client() as made:
        await served(made)
        await made.browse_programs(OWNER, page=0, size=6)  # as everybody does before joining
        yield made


async def join(client: BridgeClient, site: BridgeSite, bot: int = QUIZ) -> str:
    """Alice's channel joins a program; its link."""
    [balance] = (await client.list_balances(OWNER)).balances
    return (await client.join(OWNER, balance.id, BotId(bot), site.nonce())).affiliation.url or ""


async def urls(client: BridgeClient, who: Caller, page: int = 0, size: int = 20) -> list[str]:
    return [one.url for one in (await client.list_cards(who, page=page, size=size)).cards]


async def test_ones_links_come_with_their_urls_and_nobody_elses_do(client: BridgeClient, site: BridgeSite) -> None:
    account, *_ = (await client.list_balances(ME)).balances
    bobs = (await client.join(ME, account.id, BotId(CHESS), site.nonce())).affiliation.url
    url = await join(client, site)
    [card] = (await client.list_cards(OWNER, page=0, size=20)).cards
    assert (card.url, card.bot_title, card.balance_title) == (url, "Quiz", "News")
    assert (card.commission_permille, card.duration_months) == (250, 6)
    assert set(await urls(client, ME)) == {bobs, url}, "Bob posts in the channel too"
    assert await urls(client, EDITOR) == []
    assert await urls(client, STRANGER) == []


async def test_who_lost_the_right_to_post_gets_no_url_after_a_minute(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    world.set_admin(NEWS, CAROL, {"post_messages"})
    [balance] = (await client.list_balances(OWNER)).balances
    await client.join(EDITOR, balance.id, BotId(QUIZ), site.nonce())
    assert len(await urls(client, EDITOR)) == 1
    world.set_admin(NEWS, CAROL, {"edit_messages"})
    site.clock.move(seconds=61)
    assert await urls(client, EDITOR) == []


async def test_typing_on_asks_telegram_nothing_within_a_minute(
    client: BridgeClient, site: BridgeSite, server: MTProtoServer
) -> None:
    await join(client, site)
    await urls(client, OWNER)
    asked_before = server.calls.total()
    for _ in range(10):
        assert len(await urls(client, OWNER)) == 1
    assert server.calls.total() == asked_before


async def test_dead_links_and_ended_programs_are_left_out(client: BridgeClient, site: BridgeSite, world: World) -> None:
    await join(client, site, CHESS)
    quiz = await join(client, site)
    links.edit(world, BOB, NEWS, next(one.url for one in world.links if one.bot_id == CHESS), revoked=True)
    site.clock.move(minutes=2)
    assert await urls(client, OWNER) == [quiz]
    programs.update_program(world, ALICE, QUIZ, 0, None)
    await client.show_program(OWNER, bot_id=BotId(QUIZ))
    assert await urls(client, OWNER) == [quiz], "it is closing, and its links live on for a day"
    world.clock.move(timedelta(days=2))
    site.clock.move(days=2)
    assert await urls(client, OWNER) == []


async def test_watched_links_follow_ones_own_and_pages_neither_repeat_nor_skip(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    own = [await join(client, site), await join(client, site, CHESS)]
    watched = [links.connect(world, ALICE, ALICE, bot).links[0].url for bot in (QUIZ, CHESS)]
    for url in watched:
        await client.watch_link(OWNER, url)
    paged = [url for page in range(3) for url in await urls(client, OWNER, page, 3)]
    assert set(paged[:2]) == set(own)
    assert set(paged[2:]) == set(watched)
    assert len(paged) == 4
    first = await client.list_cards(OWNER, page=0, size=3)
    assert (first.pages, first.cards[2].balance_title) == (2, None)
    assert await urls(client, ME, 0, 50) == await urls(client, OWNER, 0, 2), "what one watches is one's own"


async def test_no_log_says_a_url(client: BridgeClient, site: BridgeSite) -> None:
    url = await join(client, site)
    with capture_logs() as logged:
        assert await urls(client, OWNER) == [url]
    assert url.rpartition("_tgr_")[2] not in str(logged)


async def test_an_account_that_cannot_be_asked_is_told_not_taken_for_no_links(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    await join(client, site)
    world.end_sessions(BOB)
    site.clock.move(minutes=2)
    with pytest.raises(BridgeError) as caught:
        await urls(client, OWNER)
    assert caught.value.code == ErrorCode.ACCOUNT_UNAVAILABLE


async def test_watched_links_do_not_hide_that_ones_own_could_not_be_read(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    await join(client, site)
    await client.watch_link(OWNER, links.connect(world, ALICE, ALICE, QUIZ).links[0].url)
    await client.watch_link(EDITOR, links.connect(world, CAROL, CAROL, QUIZ).links[0].url)
    world.end_sessions(BOB)
    site.clock.move(minutes=2)
    for asking in (client.list_cards(OWNER, page=0, size=20), client.list_affiliations(OWNER, page=0, size=6)):
        with pytest.raises(BridgeError) as caught:
            await asking
        assert caught.value.code == ErrorCode.ACCOUNT_UNAVAILABLE
    assert len(await urls(client, EDITOR)) == 1, "who has no balance misses nothing"
    assert (await client.list_affiliations(EDITOR, page=0, size=6)).watched == 1


async def test_a_watched_link_nobody_looked_at_for_a_day_is_not_offered_until_somebody_does(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    url = links.connect(world, CAROL, CAROL, QUIZ).links[0].url
    number = (await client.watch_link(EDITOR, url)).watched.id
    site.clock.move(hours=23)
    assert await urls(client, EDITOR) == [url]
    site.clock.move(hours=1)
    found = await client.list_cards(EDITOR, page=0, size=20)
    assert (found.cards, found.pages) == ([], 1)
    await client.show_watched(EDITOR, number)
    assert await urls(client, EDITOR) == [url]
