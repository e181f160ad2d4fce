"""The list of links over balances and watched ones, and whose link a pasted one is, through the whole bridge."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import get_args

import pytest
from telethon.tl import TLRequest
from telethon.tl.functions.contacts import ResolveUsernameRequest
from telethon.tl.functions.payments import ConnectStarRefBotRequest

from mtproto_bridge.client import BridgeClient
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import BalanceId, BotId
from mtproto_bridge.protocol.replies import Affiliation
from mtproto_bridge.protocol.requests import Sort
from sandbox.mtproto.rpc import Call, Dispatcher, Planned
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World, links, programs
from sandbox.world.seed import referred_purchase
from tests.bridge_fixtures import BridgeSite, bridge_site, caller, served
from tests.sandbox_fixtures import ALICE, BOB, CAROL, CHESS, NEWS, QUIZ

OWNER = caller(ALICE)
MINUTE = timedelta(minutes=1, seconds=1)


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    """Bob's account is on the bridge; he may post in Alice's private channel."""
    async with bridge_site(server, BOB) as made:
        yield made


@pytest.fixture
async def client(site: BridgeSite, world: World) -> AsyncIterator[BridgeClient]:
    """The world's clock and the bridge's show the same time."""
    world.clock.move(site.clock.now() - world.clock.now())
    async with site.bridge(), site.client() as made:
        await served(made)
        await made.browse_programs(OWNER, page=0, size=6)  # as everybody does before joining
        yield made


def pass_time(site: BridgeSite, world: World, by: timedelta = MINUTE) -> None:
    site.clock.move(seconds=by.total_seconds())
    world.clock.move(by)


async def channel_of(client: BridgeClient) -> BalanceId:
    (balance,) = (await client.list_balances(OWNER)).balances
    return balance.id


async def shown(client: BridgeClient, sort: Sort = "date", *, size: int = 1) -> list[str]:
    """The whole list, page by page: each link's app, and the states of own and watched ones."""
    found = await client.list_affiliations(OWNER, page=0, size=size, sort=sort)
    assert found.sort == sort
    listed = list(found.links)
    for page in range(1, found.pages):
        listed += (await client.list_affiliations(OWNER, page=page, size=size, sort=sort)).links
    assert len(listed) == found.total
    return [
        f"{one.bot_title} {'revoked' if one.revoked else one.program_state}"
        if isinstance(one, Affiliation)
        else f"{one.bot_title} {'watched' if one.alive else 'dead'}"
        for one in listed
    ]


async def refused(call: object) -> ErrorCode:
    with pytest.raises(BridgeError) as caught:
        await call  # type: ignore[misc] # any of the client's methods
    return caught.value.code


async def test_own_and_watched_links_are_one_list_in_each_order(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    channel = await channel_of(client)
    await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    referred_purchase(world, QUIZ, world.links[0].token, 100)
    pass_time(site, world)
    await client.watch_link(OWNER, links.connect(world, CAROL, CAROL, QUIZ).links[0].url)
    pass_time(site, world)
    await client.join(OWNER, channel, BotId(CHESS), site.nonce())
    assert await shown(client) == ["Chess active", "Quiz watched", "Quiz active"]
    by_counters: tuple[Sort, ...] = ("revenue", "participants")
    for sort in by_counters:
        assert await shown(client, sort) == ["Quiz active", "Chess active", "Quiz watched"]
    for sort in get_args(Sort):
        assert await shown(client, sort, size=2) == await shown(client, sort, size=6)


async def test_every_link_is_marked_with_how_it_is(client: BridgeClient, site: BridgeSite, world: World) -> None:
    channel = await channel_of(client)
    await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    await client.watch_link(OWNER, links.connect(world, CAROL, CAROL, QUIZ).links[0].url)
    chess = await client.join(OWNER, channel, BotId(CHESS), site.nonce())
    await client.revoke(OWNER, channel, chess.affiliation.id, site.nonce())
    programs.update_program(world, ALICE, QUIZ, 0, None)
    await client.show_program(OWNER, bot_id=BotId(QUIZ))
    pass_time(site, world)
    assert sorted(await shown(client)) == ["Chess revoked", "Quiz closing", "Quiz watched"]
    pass_time(site, world, programs.WIND_DOWN)
    ended = await client.list_affiliations(OWNER, page=0, size=6)
    assert {(one.bot_title, one.program_state) for one in ended.affiliations} == {
        ("Quiz", "ended"),
        ("Chess", "active"),
    }
    assert [one.alive for one in ended.watched_links] == [False], "its program has ended since it was looked at"


@pytest.mark.parametrize("reconnect", ["new_url", "revive"])
@pytest.mark.parametrize("list_revoked", [False, True])
async def test_a_rejoined_link_is_one_row_of_the_list_and_alive(
    client: BridgeClient, site: BridgeSite, world: World, reconnect: str, list_revoked: bool
) -> None:
    changes = {"reconnect": reconnect, "list_revoked": list_revoked}
    world.switches = world.switches.model_copy(update=changes)
    channel = await channel_of(client)
    old = await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    await client.revoke(OWNER, channel, old.affiliation.id, site.nonce())
    pass_time(site, world)
    assert await shown(client) == ["Quiz revoked"]
    await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    for _ in range(2):
        assert await shown(client) == ["Quiz active"]
        pass_time(site, world)


async def test_revoking_a_link_whose_program_has_ended_is_a_success_that_says_so(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    channel = await channel_of(client)
    joined = await client.join(OWNER, channel, BotId(QUIZ), site.nonce())
    programs.update_program(world, ALICE, QUIZ, 0, None)
    await client.show_program(OWNER, bot_id=BotId(QUIZ))
    pass_time(site, world, programs.WIND_DOWN)
    done = await client.revoke(OWNER, channel, joined.affiliation.id, site.nonce())
    assert (done.changed, done.affiliation.revoked, done.affiliation.program_state) == (False, True, "ended")


# -- whose link it is --------------------------------------------------------------------------------------------


async def test_a_link_that_was_made_elsewhere_is_known_as_ones_own(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    """The store has never seen it: the lists of the person's balances are read first."""
    await client.list_affiliations(OWNER, page=0, size=6)
    pass_time(site, world)
    url = links.connect(world, BOB, NEWS, QUIZ).links[0].url
    assert await refused(client.check_link(OWNER, url)) == ErrorCode.LINK_IS_YOURS
    theirs = await client.check_link(caller(CAROL), url)
    assert (theirs.alive, theirs.own) == (True, None)


@pytest.mark.parametrize("list_revoked", [False, True])
async def test_a_revoked_link_of_ones_own_is_still_ones_own(
    client: BridgeClient, site: BridgeSite, world: World, list_revoked: bool
) -> None:
    world.switches = world.switches.model_copy(update={"list_revoked": list_revoked})
    channel = await channel_of(client)
    old = (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).affiliation
    await client.revoke(OWNER, channel, old.id, site.nonce())
    pass_time(site, world)
    assert await refused(client.check_link(OWNER, old.url or "")) == ErrorCode.LINK_IS_YOURS
    assert (await client.show_affiliation(OWNER, channel, BotId(QUIZ))).affiliation.revoked
    new = (await client.join(OWNER, channel, BotId(QUIZ), site.nonce())).affiliation
    older = await client.check_link(OWNER, old.url or "")
    assert not older.alive
    assert older.own is not None
    assert (older.own.balance.id, older.own.url) == (channel, None)
    assert await refused(client.watch_link(OWNER, old.url or "")) == ErrorCode.LINK_IS_YOURS
    assert await refused(client.check_link(OWNER, new.url or "")) == ErrorCode.LINK_IS_YOURS


async def test_a_watched_link_is_known_again_dead_or_alive_however_it_is_written(
    client: BridgeClient, site: BridgeSite, world: World
) -> None:
    url = links.connect(world, CAROL, CAROL, QUIZ).links[0].url
    kept = (await client.watch_link(OWNER, url)).watched
    token = url.rpartition("_tgr_")[2]
    assert (await client.check_link(OWNER, f"t.me/QUIZ_BOT?ref={token}")).watched_id == kept.id
    links.edit(world, CAROL, CAROL, url, revoked=True)
    pass_time(site, world)
    dead = await client.check_link(OWNER, f"t.me/QUIZ_BOT?ref={token}")
    assert (dead.alive, dead.watched_id) == (False, kept.id)


async def test_joining_from_a_pasted_link_never_carries_its_referer(
    client: BridgeClient, site: BridgeSite, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reaches Telegram: the check names the link, nothing after it does, also not where the name is resolved."""
    seen: list[TLRequest] = []
    plan = Dispatcher.plan

    def spying(self: Dispatcher, call: Call, request: TLRequest) -> Planned:
        planned = plan(self, call, request)
        seen.append(planned.request)
        return planned

    monkeypatch.setattr(Dispatcher, "plan", spying)
    url = links.connect(world, CAROL, CAROL, CHESS).links[0].url
    token = url.rpartition("_tgr_")[2]
    assert (await client.check_link(OWNER, url)).alive
    assert [one.referer for one in seen if isinstance(one, ResolveUsernameRequest)] == [token]
    seen.clear()
    world.bots[CHESS].username = "chess2_bot"  # so that it has to be resolved
    pass_time(site, world)
    card = await client.show_program(OWNER, username="chess2_bot")
    await client.join(OWNER, await channel_of(client), card.program.bot_id, site.nonce())
    assert [one.referer for one in seen if isinstance(one, ResolveUsernameRequest)] == [None]
    assert any(isinstance(one, ConnectStarRefBotRequest) for one in seen)
    assert not any(token in str(one) for one in seen)
    assert [one.participants for one in world.links] == [0, 0]
