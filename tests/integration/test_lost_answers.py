"""An answer that was lost on its way: the second attempt reads what the first one did, and says so."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from mtproto_bridge.protocol import ErrorCode, Reply
from mtproto_bridge.protocol.replies import AffiliationPage
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World, links
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.integration.pool_fixtures import Office, joining, office_at, revoking
from tests.sandbox_fixtures import ALICE, BOB, NEWS, QUIZ

CONNECT, REVOKE = "payments.connectStarRefBot", "payments.editConnectedStarRefBot"


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    async with bridge_site(server, BOB) as made:
        yield made


@pytest.fixture
async def office(site: BridgeSite) -> AsyncIterator[Office]:
    async with office_at(site) as made:
        await made.browse(BOB, ALICE)
        yield made


def lose(world: World, method: str, times: int = 1) -> None:
    world.faults.set(Fault("drop", method, times=times, after=True))


async def test_a_join_whose_answer_was_lost_is_told_as_done(office: Office, world: World) -> None:
    world.switches = world.switches.model_copy(update={"repeat_connect": "new_url"})
    news = await office.balance(ALICE, "News")
    lose(world, CONNECT)
    page = await office.done(BOB, ALICE, joining(news, QUIZ))
    assert (page.changed, page.replaced_link) == (True, False)
    assert [one.url for one in world.links] == [page.affiliation.url], "nothing was done twice"
    assert await office.audit() == [(ALICE, "join", news, QUIZ)]


async def test_a_revoke_whose_answer_was_lost_is_told_as_done(office: Office, world: World) -> None:
    news = await office.balance(ALICE, "News")
    joined = await office.done(BOB, ALICE, joining(news, QUIZ))
    lose(world, REVOKE)
    page = await office.done(BOB, ALICE, revoking(joined))
    assert (page.changed, page.affiliation.revoked) == (True, True)
    assert await office.audit() == [(ALICE, "join", news, QUIZ), (ALICE, "revoke", news, QUIZ)]
    assert not (await office.done(BOB, ALICE, revoking(joined), attempt=2)).changed, "known by now"


async def test_the_next_owner_of_the_lane_tells_what_the_one_before_did(office: Office, world: World) -> None:
    news = await office.balance(ALICE, "News")
    link = links.connect(world, BOB, NEWS, QUIZ).links[0]  # the bridge that asked for it died
    page = await office.done(BOB, ALICE, joining(news, QUIZ), attempt=2)
    assert (page.changed, page.affiliation.url) == (True, link.url)
    assert not (await office.done(BOB, ALICE, joining(news, QUIZ), attempt=2)).changed, "known by now"
    links.edit(world, BOB, NEWS, link.url, revoked=True)
    assert (await office.done(BOB, ALICE, revoking(page), attempt=2)).changed
    assert [action for _, action, _, _ in await office.audit()] == ["join", "revoke"]


async def test_what_was_begun_and_is_late_is_told_if_it_was_done_and_not_done_any_more(
    office: Office, world: World
) -> None:
    """The next owner may come hours later: nobody wants to be surprised then."""
    news = await office.balance(ALICE, "News")
    late = replace(office, patience=-timedelta(seconds=1))
    assert (await late.failed(BOB, ALICE, joining(news, QUIZ), attempt=2)).code == ErrorCode.DEADLINE_PASSED
    assert world.links == []
    link = links.connect(world, BOB, NEWS, QUIZ).links[0]
    page = await late.done(BOB, ALICE, joining(news, QUIZ), attempt=2)
    assert (page.changed, page.affiliation.url) == (True, link.url)
    assert (await late.failed(BOB, ALICE, revoking(page), attempt=2)).code == ErrorCode.DEADLINE_PASSED
    assert not link.revoked
    links.edit(world, BOB, NEWS, link.url, revoked=True)
    assert (await late.done(BOB, ALICE, revoking(page), attempt=2)).changed


async def test_a_first_attempt_does_not_claim_what_somebody_else_did(office: Office, world: World) -> None:
    news = await office.balance(ALICE, "News")
    link = links.connect(world, BOB, NEWS, QUIZ).links[0]
    page = await office.done(BOB, ALICE, joining(news, QUIZ))
    links.edit(world, BOB, NEWS, link.url, revoked=True)
    assert not page.changed
    assert not (await office.done(BOB, ALICE, revoking(page))).changed
    assert await office.audit() == []


@pytest.mark.parametrize("reconnect", ["new_url", "revive"])
async def test_a_rejoin_whose_answer_was_lost_says_whether_the_link_is_another(
    office: Office, world: World, reconnect: str
) -> None:
    world.switches = world.switches.model_copy(update={"reconnect": reconnect})
    news = await office.balance(ALICE, "News")
    old = await office.done(BOB, ALICE, joining(news, QUIZ))
    await office.done(BOB, ALICE, revoking(old))
    lose(world, CONNECT)
    new = await office.done(BOB, ALICE, joining(news, QUIZ))
    assert (new.changed, new.replaced_link) == (True, reconnect == "new_url")
    assert (new.affiliation.url == old.affiliation.url) == (reconnect == "revive")
    assert [action for _, action, _, _ in await office.audit()] == ["join", "revoke", "join"]


async def test_what_is_lost_twice_is_told_as_unknown_and_read_by_whoever_asks_again(
    office: Office, world: World
) -> None:
    news = await office.balance(ALICE, "News")
    joined = await office.done(BOB, ALICE, joining(news, QUIZ))
    lose(world, REVOKE, times=2)
    assert (await office.failed(BOB, ALICE, revoking(joined))).code == ErrorCode.NO_ANSWER
    assert (await office.done(BOB, ALICE, revoking(joined), attempt=2)).changed


async def test_a_call_lost_before_it_was_carried_out_is_simply_made(office: Office, world: World) -> None:
    news = await office.balance(ALICE, "News")
    world.faults.set(Fault("drop", CONNECT))
    joined = await office.done(BOB, ALICE, joining(news, QUIZ))
    world.faults.set(Fault("drop", REVOKE))
    assert joined.changed
    assert (await office.done(BOB, ALICE, revoking(joined))).changed
    assert [action for _, action, _, _ in await office.audit()] == ["join", "revoke"]


@pytest.mark.parametrize("method", ["channels.getParticipants", "payments.getConnectedStarRefBot", "users.getFullUser"])
async def test_whichever_reading_is_lost_the_join_comes_to_its_end(office: Office, world: World, method: str) -> None:
    news = await office.balance(ALICE, "News")
    lose(world, method)
    assert (await office.done(BOB, ALICE, joining(news, QUIZ))).changed
    assert len(world.links) == 1


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_lost_what_was_done_is_told_once_and_written_down_once(
    office: Office, world: World, seed: int
) -> None:
    chance = Random(seed)  # noqa: S311 - not for secrets
    news, told = await office.balance(ALICE, "News"), []
    last: AffiliationPage | None = None
    for _ in range(20):
        method = chance.choice([CONNECT, REVOKE, "channels.getParticipants", "payments.getConnectedStarRefBot"])
        world.faults.waiting.clear()
        world.faults.set(Fault("drop", method, times=chance.choice([1, 2]), after=chance.choice([True, False])))
        wants = revoking(last) if last and chance.random() < 0.5 else joining(news, QUIZ)
        page = None
        for attempt in (1, 2):  # what was lost twice is begun again by the lane's next owner
            outcome = await office.handle(BOB, ALICE, wants, attempt=attempt)
            assert isinstance(outcome, Reply)
            if isinstance(outcome.result, AffiliationPage):
                page = outcome.result
                break
        assert page, "two losses are not more than two attempts bear"
        told.append((wants.kind, page.changed))
        last = page if wants.kind == "join" else last
    assert told.count(("join", True)) == len(world.links)
    assert told.count(("revoke", True)) == sum(one.revoked for one in world.links)
    assert [action for _, action, _, _ in await office.audit()] == [kind for kind, changed in told if changed]
