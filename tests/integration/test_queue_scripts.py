"""The queue's scripts, one at a time."""

import asyncio
import secrets
import time
from datetime import UTC, datetime, timedelta

import pytest

from mtproto_bridge.protocol import Reply, Request
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue.limits import MOST_AT_ONCE
from mtproto_bridge.queue.redis import Fenced, LaneFull, NonceChanged, ShareSpent
from tests.queue_fixtures import LONG_MS, ONE, PATIENCE, READ, TWO, Site, ask, join, numbered, show

BRIDGE_LIFE = 400
"""Milliseconds."""


async def acquire(site: Site, *accounts: AccountId, most: int = 100, bridge: str = "a") -> list[str | int]:
    keys = [site.keys.epochs(), *map(site.keys.lease, accounts)]
    answers: list[str | int] = await site.server.script(
        "acquire", keys, bridge, secrets.token_hex(4), LONG_MS, most, *accounts
    )
    return answers


async def renew(site: Site, bridge: str, *tokens: str, life: int = LONG_MS) -> list[int]:
    """The tokens are of the first accounts, in order."""
    keys = [site.keys.bridges(), *map(site.keys.lease, numbered(len(tokens)))]
    answers: list[int] = await site.server.script("renew", keys, bridge, life, LONG_MS, *tokens)
    return answers


async def finish(site: Site, token: str, entry: str, *, reply: str = "{}", nonce: str = "", payload: str = "") -> int:
    keys = [*site.work_keys(), site.keys.replies("bot-1")]
    kept = []
    if nonce:
        keys.append(site.keys.nonce(1, "join", nonce))
        kept.append(payload)
    done: int = await site.server.script("finish", keys, token, entry, reply, 100, *kept)
    return done


async def park(site: Site, token: str, method: str, until_ms: int, entry: str = "", before: int = 0) -> None:
    keys = [site.keys.lease(ONE), site.keys.attempts(ONE), site.keys.floods(ONE)]
    await site.server.script("park", keys, token, method, until_ms, entry, before)


async def bury(site: Site, token: str, entry: str, reply: str = "{}") -> int:
    keys = [*site.work_keys(), site.keys.replies("bot-1"), site.keys.dead_letters()]
    done: int = await site.server.script("bury", keys, token, entry, reply, 100, ONE, "it was deadly", 100)
    return done


async def ask_desk(site: Site, *, most: int = 100, share: int = 2, rate: float = 50, actor: int = 77) -> str:
    keys = [site.keys.lane(ONE), site.keys.lease(ONE), site.keys.attempts(ONE), site.keys.share(actor)]
    entry: str = await site.server.script("submit", keys, most, 0, "{}", "share", share, str(rate))
    return entry


def in_seconds(seconds: float) -> int:
    """The moment, in ms since 1970."""
    return int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp() * 1000)


# -- leases -----------------------------------------------------------------------------------------------------


async def test_each_time_a_lane_is_taken_its_epoch_is_higher(site: Site) -> None:
    epochs = []
    for bridge in ("a", "b", "a"):
        token = await site.take(bridge)
        name, epoch, _ = token.split(":")
        assert name == bridge
        epochs.append(int(epoch))
        assert await site.release(token)
    assert epochs == [1, 2, 3]


async def test_a_held_lane_is_not_taken_not_even_by_a_bridge_of_the_same_name_but_its_rest_is_told(site: Site) -> None:
    await site.take("a")
    for bridge in ("a", "b"):
        left, other = await acquire(site, ONE, TWO, bridge=bridge)
        assert isinstance(left, int)
        assert LONG_MS - 10_000 < left <= LONG_MS
        assert isinstance(other, str), "another account is another lane"
        await site.release(other, TWO)


async def test_no_more_lanes_are_taken_than_wanted_and_the_rest_is_free_for_others(site: Site) -> None:
    taken = await acquire(site, *numbered(4), most=2)
    assert [isinstance(one, str) for one in taken] == [True, True, False, False]
    assert taken[2:] == [0, 0]
    others = await acquire(site, *numbered(4), most=2, bridge="b")
    assert [isinstance(one, str) for one in others] == [False, False, True, True]
    assert await acquire(site, AccountId(5), most=0) == [0]


async def test_only_who_has_the_token_renews_and_releases(site: Site) -> None:
    token = await site.take("a")
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert await renew(site, "a", forged) == [1, 0]
    assert not await site.release(forged)
    await site.server.ask("PEXPIRE", site.keys.lease(ONE), 5_000)
    assert await renew(site, "a", token) == [1, 1]
    assert await site.server.ask("PTTL", site.keys.lease(ONE)) > 5_000
    assert await site.release(token)
    assert await renew(site, "a", token) == [1, 0]


async def test_renewing_says_who_lives_and_who_leaves_or_is_silent_is_forgotten(site: Site) -> None:
    assert await renew(site, "a") == [1]
    assert await renew(site, "b") == [2]
    assert await renew(site, "a") == [2], "a bridge counts once"
    assert await renew(site, "silent", life=BRIDGE_LIFE) == [3]
    said = time.monotonic()
    token = await site.take("b")
    assert await renew(site, "b", token, life=0) == [2, 1], "who leaves counts no more, and keeps what it still holds"
    while await renew(site, "a") != [1]:
        assert time.monotonic() < said + PATIENCE
        await asyncio.sleep(0.01)
    assert time.monotonic() - said > (BRIDGE_LIFE - 20) / 1000, "it counts from when the server heard it, a bit before"


async def test_a_release_is_news_and_one_that_came_too_late_is_none(site: Site) -> None:
    news: list[str] = []
    await site.server.listen(site.keys.news(), news.append)
    token = await site.take("a")
    assert await site.release(token, bridge="a")
    assert not await site.release(token, bridge="a")
    assert news == ["a"]


async def test_a_stale_owner_does_nothing(site: Site) -> None:
    old = await site.take("a")
    begun, untouched = await site.submit(ask(show(1))), await site.submit(ask(show(2)))
    assert (await site.begin(old, begun))[0] == 1
    await site.end_lease()
    new = await site.take("b")
    for call in (
        site.begin(old, untouched),
        site.begin(old, begun),
        finish(site, old, begun),
        park(site, old, "m", in_seconds(9), begun),
        bury(site, old, begun),
    ):
        with pytest.raises(Fenced):
            await call
    assert [entry for entry, _ in await site.unfinished()] == [begun, untouched]
    assert await site.raw_replies() == []
    assert await site.server.hash_all(site.keys.floods(ONE)) == {}
    assert (await site.begin(new, begun))[0] == 2, "the new owner knows that it was begun before"


# -- putting in -------------------------------------------------------------------------------------------------


async def test_a_full_lane_refuses_and_keeps_nothing_of_it(site: Site) -> None:
    for _ in range(2):
        await site.submit(ask(READ), most=2)
    with pytest.raises(LaneFull):
        await site.submit(ask(READ), most=2)
    assert len(await site.unfinished()) == 2
    await site.submit(ask(READ), TWO, most=2)


async def test_one_person_asks_the_desk_so_often_and_no_more_until_it_comes_back(site: Site) -> None:
    for _ in range(2):
        await ask_desk(site)
    with pytest.raises(ShareSpent) as caught:
        await ask_desk(site)
    assert 0 < caught.value.ms <= 20, "one comes back each 20 ms"
    assert len(await site.unfinished()) == 2
    await ask_desk(site, actor=78)
    await asyncio.sleep(caught.value.ms / 1000)  # the server's own clock
    await ask_desk(site)


async def test_a_share_never_grows_beyond_what_it_began_with_and_is_forgotten_when_full(site: Site) -> None:
    await ask_desk(site, rate=1_000)
    await asyncio.sleep(0.02)  # twenty come back, on the server's own clock
    await ask_desk(site, rate=1_000)
    await ask_desk(site, rate=0.1)
    with pytest.raises(ShareSpent) as caught:
        await ask_desk(site, rate=0.1)
    assert 9_000 < caught.value.ms <= 10_000
    assert 0 < await site.server.ask("TTL", site.keys.share(77)) <= 20


async def test_a_full_lane_costs_nobody_their_share(site: Site) -> None:
    for _ in range(3):
        with pytest.raises(LaneFull):
            await ask_desk(site, most=0, share=1, rate=0.01)
    await ask_desk(site, share=1, rate=0.01)


# -- working ----------------------------------------------------------------------------------------------------


async def test_finishing_takes_the_request_out_and_answers_once(site: Site) -> None:
    token = await site.take()
    entry = await site.submit(ask(show(1)))
    await site.begin(token, entry)
    assert await finish(site, token, entry, reply="first") == 1
    assert await finish(site, token, entry, reply="second") == 0
    assert await site.unfinished() == []
    assert await site.attempts() == {}
    assert [fields["reply"] for _, fields in await site.raw_replies()] == ["first"]
    assert (await site.begin(token, entry))[0] == -1, "what is finished is not begun again"


async def test_a_nonce_remembers_its_first_payload_and_first_result(site: Site) -> None:
    token = await site.take()
    entries = [await site.submit(ask(READ)) for _ in range(4)]
    assert await site.begin(token, entries[0], nonce="n", payload="p") == (1, None)
    with pytest.raises(NonceChanged):
        await site.begin(token, entries[1], nonce="n", payload="q")
    assert entries[1] not in await site.attempts(), "it was not begun"
    await finish(site, token, entries[0], nonce="n", payload="p", reply="made\nin two lines")
    await finish(site, token, entries[1], reply="other")
    assert await site.begin(token, entries[2], nonce="n", payload="p") == (1, "made\nin two lines")
    assert await site.begin(token, entries[3], nonce="m", payload="q") == (1, None)


async def test_a_submit_begins_what_would_be_begun_at_once_anyway(site: Site) -> None:
    told: list[str] = []
    await site.server.listen(site.keys.lane(ONE), told.append)

    async def begun_by(request: Request) -> str:
        entry = await site.submit(request)
        entry_told, by, text = told.pop().split(" ", 2)
        assert (entry_told, text) == (entry, request.model_dump_json())
        assert (await site.attempts()).get(entry, "1 -") == f"1 {by}"
        return by

    assert await begun_by(ask(READ)) == "-", "nobody serves the lane"
    token = await site.take()
    tapped = ask(join(1))
    assert await begun_by(tapped) == token
    assert await begun_by(ask(join(1), nonce=tapped.nonce)) == "-", "the nonce is not new"
    assert await begun_by(ask(join(2))) == token
    while len(await site.unfinished()) < MOST_AT_ONCE:
        assert await begun_by(ask(READ)) == token
    assert await begun_by(ask(READ)) == "-", "it has to wait for those before it"


async def test_where_no_bridge_listens_a_submit_begins_nothing(site: Site) -> None:
    """Its bridge is dead, and its lease not over yet."""
    await site.take()
    await site.submit(ask(join(1)))
    assert await site.attempts() == {}


async def test_what_a_submit_began_counts_as_an_attempt_of_that_lease_only(site: Site) -> None:
    await site.server.listen(site.keys.lane(ONE), print)
    token = await site.take()
    asked = ask(join(1))
    entry = await site.submit(asked)
    for _ in range(2):
        assert await site.begin(token, entry) == (1, None)
    await site.end_lease()
    assert await site.begin(await site.take("b"), entry) == (2, None)


async def test_what_a_submit_began_and_its_bridge_did_not_counts_as_none_when_it_is_released(site: Site) -> None:
    await site.server.listen(site.keys.lane(ONE), print)
    token = await site.take()
    begun, waiting = await site.submit(ask(join(1))), await site.submit(ask(join(2)))
    keys = [site.keys.lease(ONE), site.keys.attempts(ONE), site.keys.news()]
    await site.server.script("release", keys, token, "a", begun)
    token = await site.take("b")
    assert await site.begin(token, begun) == (2, None)
    assert await site.begin(token, waiting) == (1, None)


async def test_a_result_that_is_not_to_be_kept_is_not(site: Site) -> None:
    token = await site.take()
    entry, again = await site.submit(ask(READ)), await site.submit(ask(READ))
    await site.begin(token, entry, nonce="n", payload="p")
    await finish(site, token, entry, reply="failed")
    assert await site.begin(token, again, nonce="n", payload="p") == (1, None)


async def test_beginning_counts_once_a_lease_however_often_it_is_asked(site: Site) -> None:
    entry = await site.submit(ask(show(1)))
    for attempt in (1, 2, 3):
        token = await site.take()
        for _ in range(3):  # as when the answer to it was lost
            assert (await site.begin(token, entry))[0] == attempt
        await site.end_lease()


async def test_parking_is_no_attempt_however_often_it_is_said(site: Site) -> None:
    entry = await site.begin_and_die(ask(show(1)))
    token = await site.take()
    assert (await site.begin(token, entry))[0] == 2
    for _ in range(2):
        await park(site, token, "m", in_seconds(30), entry, before=1)
    assert (await site.begin(token, entry))[0] == 2
    assert [one for one, _ in await site.unfinished()] == [entry], "it stays where it is"


async def test_floods_are_kept_until_the_last_of_them_is_over(site: Site) -> None:
    token = await site.take()
    long, short = in_seconds(1.2), in_seconds(0.4)
    await park(site, token, "long", long)
    await park(site, token, "short", short)
    floods = {"long": str(long), "short": str(short)}
    assert await site.server.hash_all(site.keys.floods(ONE)) == floods
    assert await site.server.ask("PEXPIRETIME", site.keys.floods(ONE)) == long
    assert await site.attempts() == {}, "what is answered instead is not parked"
    began = time.monotonic()
    while await site.server.hash_all(site.keys.floods(ONE)):
        assert time.monotonic() < began + PATIENCE
        await asyncio.sleep(0.01)
    assert in_seconds(0) >= long


async def test_burying_moves_a_request_to_the_dead_letters_and_answers_once(site: Site) -> None:
    token = await site.take()
    request = ask(show(1))
    entry = await site.submit(request)
    await site.begin(token, entry)
    assert await bury(site, token, entry, "gave up") == 1
    assert await bury(site, token, entry, "again") == 0
    assert await site.unfinished() == []
    assert await site.attempts() == {}
    assert [fields["reply"] for _, fields in await site.raw_replies()] == ["gave up"]
    ((_, letter),) = await site.server.entries(site.keys.dead_letters())
    assert letter == {"request": request.model_dump_json(), "account": "1", "reason": "it was deadly"}


async def test_a_dead_letter_is_put_back_once(site: Site) -> None:
    token = await site.take()
    entry = await site.submit(ask(show(1)))
    await site.begin(token, entry)
    await bury(site, token, entry)
    ((letter, _),) = await site.server.entries(site.keys.dead_letters())
    keys = [site.keys.dead_letters(), site.keys.lane(ONE)]
    revived = await site.server.script("revive", keys, letter, "anew")
    assert await site.server.script("revive", keys, letter, "anew") is None
    assert await site.unfinished() == [(revived, {"request": "anew"})]
    assert (await site.begin(token, revived))[0] == 1


async def test_a_submit_whose_answer_was_lost_is_made_up_for_once(site: Site) -> None:
    token, asked = await site.take(), ask(show(1))
    keys = [site.keys.lane(ONE), site.keys.replies("bot-1")]
    arguments = (9, asked.model_dump_json(), asked.id)
    await site.submit(ask(show(2)))
    assert await site.server.script("resubmit", keys, *arguments) == 1
    assert await site.server.script("resubmit", keys, *arguments) == 0, "it is in the lane"
    _, (entry, _) = await site.unfinished()
    reply = Reply(request_id=asked.id, actor=1, trace="t").model_dump_json()
    await finish(site, token, entry, reply=reply)
    assert await site.server.script("resubmit", keys, *arguments) == 0, "it is answered"
    other = ask(show(3))
    with pytest.raises(LaneFull):
        await site.server.script("resubmit", keys, 1, other.model_dump_json(), other.id)
    assert len(await site.unfinished()) == 1
