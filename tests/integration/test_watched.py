"""Links that people made in Telegram themselves: alive or dead, kept once, asked about sparingly, never followed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from mtproto_bridge.actions.watched import MOST_WATCHED
from mtproto_bridge.handling import Flooded
from mtproto_bridge.protocol import ErrorCode, Failure
from mtproto_bridge.protocol.ids import BotId, WatchedId
from mtproto_bridge.protocol.replies import Affiliations, CheckedLink, Unwatched, WatchedList, WatchedPage
from mtproto_bridge.protocol.requests import (
    CheckLink,
    ListAffiliations,
    ListWatched,
    Payload,
    ShowWatched,
    UnwatchLink,
    WatchLink,
)
from mtproto_bridge.store import watched
from mtproto_bridge.telegram.gateway import FoundBot
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import World, accounts, links, programs
from tests.bridge_fixtures import BridgeSite, bridge_site
from tests.integration.pool_fixtures import Office, joining, office_at
from tests.sandbox_fixtures import ALICE, BOB, CAROL, CHESS, PLAIN, QUIZ

RESOLVE = "contacts.resolveUsername"
CONFIG = "help.getAppConfig"


@pytest.fixture
async def site(server: MTProtoServer) -> AsyncIterator[BridgeSite]:
    async with bridge_site(server, BOB) as made:
        yield made


@pytest.fixture
async def office(site: BridgeSite) -> AsyncIterator[Office]:
    """Bob's account is the desk; Carol is who asks."""
    async with office_at(site) as made:
        yield made


@pytest.fixture
def url(world: World) -> str:
    """The link Carol made in Telegram for herself."""
    return links.connect(world, CAROL, CAROL, QUIZ).links[0].url


async def asked(office: Office, payload: Payload, *, actor: int = CAROL) -> object:
    """The result or the failure."""
    outcome = await office.handle(BOB, actor, payload)
    assert not isinstance(outcome, Flooded)
    return outcome.failure or outcome.result


async def watch(office: Office, url: str, *, actor: int = CAROL) -> WatchedPage:
    page = await asked(office, WatchLink(url=url), actor=actor)
    assert isinstance(page, WatchedPage), page
    return page


async def show(office: Office, number: WatchedId) -> WatchedPage:
    page = await asked(office, ShowWatched(watched_id=number))
    assert isinstance(page, WatchedPage), page
    return page


async def check(office: Office, url: str, *, actor: int = CAROL) -> CheckedLink:
    found = await asked(office, CheckLink(url=url), actor=actor)
    assert isinstance(found, CheckedLink), found
    return found


async def listed(office: Office, *, actor: int = CAROL, page: int = 0, size: int = 6) -> WatchedList:
    found = await asked(office, ListWatched(page=page, size=size), actor=actor)
    assert isinstance(found, WatchedList), found
    return found


async def failure(office: Office, payload: Payload, *, actor: int = CAROL) -> Failure:
    found = await asked(office, payload, actor=actor)
    assert isinstance(found, Failure), found
    return found


async def test_a_live_link_is_kept_with_its_program(office: Office, url: str) -> None:
    page = await watch(office, url)
    assert page.new
    assert page.watched.alive
    assert (page.watched.url, page.watched.bot_id, page.watched.bot_title) == (url, QUIZ, "Quiz")
    assert page.watched.program is not None
    assert page.watched.program.commission_permille == 250
    assert [one.url for one in (await listed(office)).watched] == [url]


async def test_the_same_link_is_one_row_however_it_is_written(office: Office, url: str) -> None:
    token = url.rpartition("_tgr_")[2]
    first = await watch(office, url)
    for written in (
        f"T.me/QUIZ_bot?ref={token}",
        f"tg://resolve?domain=Quiz_Bot&start=_tgr_{token}",
        f"https://quiz_bot.telegram.me/?start=%5Ftgr_{token}",
        f"Join me at {url} today",
    ):
        again = await watch(office, written)
        assert not again.new
        assert (again.watched.id, again.watched.url) == (first.watched.id, url)
    assert (await listed(office)).total == 1


async def test_the_prefix_of_telegrams_config_marks_a_link(office: Office, world: World, server: MTProtoServer) -> None:
    world.config = replace(world.config, start_prefixes=("_tgref_", "_tgr_"))
    url = links.connect(world, CAROL, CAROL, CHESS).links[0].url
    assert "?start=_tgref_" in url
    read_before = server.calls[CONFIG]
    assert (await watch(office, url)).watched.url == url
    assert (await watch(office, url.replace("start=_tgref_", "ref="))).watched.url == url
    assert server.calls[CONFIG] == read_before + 1


@pytest.mark.parametrize(
    "text", ["hello", "@quiz_bot", "https://t.me/quiz_bot", "https://t.me/quiz_bot?start=_tgr_", "https://t.me/+AbCdEf"]
)
async def test_what_is_no_referral_link_costs_nothing(office: Office, server: MTProtoServer, text: str) -> None:
    for payload in (WatchLink(url=text), CheckLink(url=text)):
        assert (await failure(office, payload)).code == ErrorCode.NO_SUCH_LINK
    assert server.calls[RESOLVE] == 0


async def test_a_link_that_dies_is_told_at_the_next_look(office: Office, world: World, url: str) -> None:
    number = (await watch(office, url)).watched.id
    links.edit(world, CAROL, CAROL, url, revoked=True)
    office.site.clock.move(minutes=1)
    page = await show(office, number)
    assert not page.watched.alive
    assert page.watched.checked_at == office.site.clock.now()
    assert page.watched.program is not None, "it goes on without this link"
    (row,) = (await listed(office)).watched
    assert not row.alive


async def test_a_link_dies_with_its_program(office: Office, world: World, url: str) -> None:
    world.clock.move(office.site.clock.now() - world.clock.now())
    number = (await watch(office, url)).watched.id
    programs.update_program(world, ALICE, QUIZ, 0, None)
    office.site.clock.move(minutes=1)
    closing = await show(office, number)
    assert closing.watched.alive
    assert closing.watched.program is not None
    assert closing.watched.program.end_date is not None
    (row,) = (await listed(office)).watched
    assert row.program is not None
    assert row.program.end_date == closing.watched.program.end_date
    world.clock.move(timedelta(days=1, seconds=1))
    office.site.clock.move(days=1, seconds=1)
    ended = await show(office, number)
    assert not ended.watched.alive
    assert ended.watched.program is None


async def test_a_link_whose_app_changed_its_name_is_dead_and_not_an_error(
    office: Office, world: World, url: str
) -> None:
    number = (await watch(office, url)).watched.id
    world.bots[QUIZ].username = "riddle_bot"
    office.site.clock.move(minutes=1)
    page = await show(office, number)
    assert not page.watched.alive
    assert page.watched.program is None
    refused = await failure(office, WatchLink(url=url))
    assert (refused.code, refused.username) == (ErrorCode.NO_SUCH_BOT, "quiz_bot")


async def test_a_dead_link_is_not_kept(office: Office, world: World, url: str) -> None:
    links.edit(world, CAROL, CAROL, url, revoked=True)
    assert (await failure(office, WatchLink(url=url))).code == ErrorCode.LINK_EXPIRED
    of_another_bot = url.replace("quiz_bot", "chess_bot")
    assert (await failure(office, WatchLink(url=of_another_bot))).code == ErrorCode.LINK_EXPIRED
    assert (await listed(office)).total == 0


@pytest.mark.parametrize("username", ["nobody_bot", "bobby", "no"])
async def test_a_link_to_nobody_or_to_no_bot_is_refused_as_that(office: Office, username: str) -> None:
    """The sandbox answers a person's username with a referer as a dead link; Telegram may name the person."""
    refused = await failure(office, WatchLink(url=f"https://t.me/{username}?start=_tgr_AbCdEfGh1234"))
    expected = {"nobody_bot": ErrorCode.NO_SUCH_BOT, "bobby": ErrorCode.LINK_EXPIRED, "no": ErrorCode.NO_SUCH_LINK}
    assert refused.code == expected[username]


async def test_looking_twice_within_a_minute_asks_telegram_once(
    office: Office, server: MTProtoServer, url: str
) -> None:
    await check(office, url)
    number = (await watch(office, url)).watched.id
    for _ in range(9):
        assert (await show(office, number)).watched.alive
    assert server.calls[RESOLVE] == 1
    office.site.clock.move(minutes=1)
    await show(office, number)
    assert server.calls[RESOLVE] == 2


async def test_one_persons_links_cannot_use_up_resolving_for_all(office: Office, world: World, url: str) -> None:
    for number in range(5):
        found = await check(office, f"https://t.me/quiz_bot?start=_tgr_nobodys{number}")
        assert not found.alive
    refused = await failure(office, CheckLink(url=url))
    assert refused.code == ErrorCode.SLOW_DOWN
    assert refused.retry_at == office.site.clock.now() + timedelta(seconds=20)
    assert (await failure(office, WatchLink(url=url))).code == ErrorCode.SLOW_DOWN
    theirs = links.connect(world, ALICE, ALICE, CHESS).links[0].url
    assert (await watch(office, theirs, actor=ALICE)).new, "nobody else is held up"
    office.site.clock.move(seconds=20)
    assert (await watch(office, url)).new


async def test_a_check_keeps_nothing_and_says_whose_program_it_is(office: Office, world: World, url: str) -> None:
    found = await check(office, url)
    assert found.alive
    assert found.program is not None
    assert (found.url, found.bot_username, found.program.title) == (url, "quiz_bot", "Quiz")
    assert found.watched_id is None
    assert (await listed(office)).total == 0
    number = (await watch(office, url)).watched.id
    assert (await check(office, url)).watched_id == number
    assert (await check(office, url, actor=ALICE)).watched_id is None
    links.edit(world, CAROL, CAROL, url, revoked=True)
    office.site.clock.move(minutes=1)
    dead = await check(office, url)
    assert not dead.alive
    assert dead.program is not None


async def test_checking_a_link_brings_its_owner_nobody(office: Office, world: World, url: str) -> None:
    """Telegram may remember that the account followed it; it counts only at a first start, and there is none."""
    await watch(office, url)
    assert all(one.participants == 0 for one in world.links)
    assert QUIZ not in world.people[BOB].started_bots


async def test_a_link_of_ones_own_channel_has_a_page_already(office: Office, server: MTProtoServer) -> None:
    balance = await office.balance(ALICE, "News")
    await office.browse(BOB, ALICE)
    made = await office.done(BOB, ALICE, joining(balance, QUIZ))
    token = (made.affiliation.url or "").rpartition("_tgr_")[2]
    resolved = server.calls[RESOLVE]
    for payload in (WatchLink(url=f"t.me/QUIZ_BOT?ref={token}"), CheckLink(url=made.affiliation.url or "")):
        own = await failure(office, payload, actor=ALICE)
        assert (own.code, own.balance_id, own.bot_id) == (ErrorCode.LINK_IS_YOURS, balance, BotId(QUIZ))
    assert server.calls[RESOLVE] == resolved
    looked = await asked(office, CheckLink(url=made.affiliation.url or "", own_too=True), actor=ALICE)
    assert isinstance(looked, CheckedLink)
    assert looked.own
    assert (looked.alive, looked.newest, looked.own.balance.title) == (True, True, "News")
    assert (await check(office, made.affiliation.url or "")).alive, "to Carol it is somebody's link"


async def test_a_person_watches_fifty_links_at_most(office: Office, url: str) -> None:
    async with office.store.begin() as session:
        for number in range(MOST_WATCHED):
            bot = FoundBot(BotId(PLAIN), "plain_bot", "Plain")
            await watched.keep(
                session, CAROL, f"https://t.me/plain_bot?start=_tgr_{number}", bot, office.site.clock.now()
            )
    refused = await failure(office, WatchLink(url=url))
    assert (refused.code, refused.limit) == (ErrorCode.TOO_MANY_LINKS, MOST_WATCHED)
    assert (await watch(office, url, actor=ALICE)).new
    last = await listed(office, page=8)
    assert (last.total, last.pages, len(last.watched)) == (50, 9, 2)
    await asked(office, UnwatchLink(watched_id=last.watched[0].id))
    assert (await watch(office, url)).new


async def test_watched_links_are_their_owners_only(office: Office, url: str) -> None:
    number = (await watch(office, url)).watched.id
    assert (await failure(office, ShowWatched(watched_id=number), actor=ALICE)).code == ErrorCode.NO_SUCH_LINK
    assert (await listed(office, actor=ALICE)).total == 0
    assert isinstance(await asked(office, UnwatchLink(watched_id=number), actor=ALICE), Unwatched)
    assert (await show(office, number)).watched.alive
    for _ in range(2):
        assert isinstance(await asked(office, UnwatchLink(watched_id=number)), Unwatched)
    assert (await failure(office, ShowWatched(watched_id=number))).code == ErrorCode.NO_SUCH_LINK


async def test_the_list_of_links_says_how_many_are_watched(office: Office, url: str) -> None:
    await watch(office, url)
    found = await asked(office, ListAffiliations())
    assert isinstance(found, Affiliations)
    assert (found.total, found.watched) == (1, 1)
    assert [one.url for one in found.watched_links] == [url]


async def test_watched_links_are_listed_although_the_account_that_looked_at_them_is_banned(
    office: Office, world: World, url: str
) -> None:
    number = (await watch(office, url)).watched.id
    accounts.deactivate(world, world.people[BOB], "banned")
    office.site.clock.move(minutes=1)
    assert (await failure(office, ShowWatched(watched_id=number))).code == ErrorCode.ACCOUNT_UNAVAILABLE
    found = await asked(office, ListAffiliations())
    assert isinstance(found, Affiliations), found
    assert [one.url for one in found.watched_links] == [url]


async def test_no_log_names_a_watched_link(office: Office, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    await watch(office, url)
    await asked(office, CheckLink(url=url + "x"))
    said = capsys.readouterr().out
    assert "request.done" in said
    assert url.rpartition("_tgr_")[2] not in said
