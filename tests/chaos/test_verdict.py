"""The verdict sees what it is there to see: each breach made up, since no run should have one."""

import asyncio

from mtproto_bridge.client import Caller
from mtproto_bridge.protocol import BridgeError, ErrorCode, Reply
from mtproto_bridge.protocol.replies import AffiliationPage
from tests.chaos.ledger import Ask, Deed, Ledger, Tap
from tests.chaos.verdict import CONNECT, EDIT, Counts, Line, judge

ACCOUNT, OWNER, CHANNEL, APP, OTHER_APP = 1, 2, 3, 4, 5
URL, OTHER_URL = "https://t.me/app?start=1", "https://t.me/app?start=2"


def page(url: str = URL, *, changed: bool = True, replayed: bool = False) -> AffiliationPage:
    link = {
        "id": 1,
        "balance": {"id": 1, "kind": "channel", "title": "Channel"},
        "bot_id": APP,
        "bot_username": "app",
        "bot_title": "App",
        "url": url,
        "date": "2026-11-01T12:00:00Z",
        "commission_permille": 200,
        "duration_months": None,
        "participants": 0,
        "revenue": 0,
        "revoked": False,
    }
    return AffiliationPage.model_validate({"affiliation": link, "changed": changed, "replayed": replayed})


def join(bot: int = APP) -> Tap:
    return Tap("join", CHANNEL, bot)


async def pressed(ledger: Ledger, tap: Tap, answer: AffiliationPage | ErrorCode) -> Ask:
    """Somebody presses a button, and is answered so."""

    async def call(_: Caller) -> AffiliationPage:
        if isinstance(answer, ErrorCode):
            raise BridgeError(answer)
        return answer

    return await ledger.ask(tap.deed, ACCOUNT, OWNER, call, tap)


def waited_in_vain(ask: Ask) -> None:
    ask.sent_at -= 30
    assert ask.unanswered


def reply(ask: Ask, result: AffiliationPage | None = None) -> Reply:
    return Reply(request_id="1", actor=OWNER, trace=ask.trace, result=result)


def effect(after: Ask, url: str = URL, bot: int = APP, deed: Deed = "join", connection: int = 1) -> Line:
    """What the journal says of a deed, done after this was asked."""
    at = after.ended_at or 0
    revoked = deed == "revoke"
    method = EDIT if revoked else CONNECT
    return Line(at, at, connection, ACCOUNT, method, "ok", CHANNEL, bot, url, revoked, changed=True)


def broken(ledger: Ledger, *lines: Line) -> dict[str, int]:
    return judge(ledger, lines).broken


async def test_a_run_in_which_all_went_well_has_nothing_to_complain_of() -> None:
    ledger = Ledger()
    made = await pressed(ledger, join(), page())
    revoked = await pressed(ledger, Tap("revoke", CHANNEL, APP, URL), page())
    counts = judge(ledger, [effect(made), effect(revoked, deed="revoke")])
    assert (counts.broken, counts.run, counts.effects, counts.run_twice) == ({}, 2, 2, 0)


async def test_a_request_that_was_never_answered_is_lost_unless_it_was_refused_or_late() -> None:
    ledger = Ledger()
    lost = await pressed(ledger, join(), ErrorCode.NO_ANSWER)
    waited_in_vain(lost)
    late = await pressed(ledger, join(), ErrorCode.NO_ANSWER)
    waited_in_vain(late)
    await ledger.receive(reply(late, page()))
    await pressed(ledger, join(), ErrorCode.UNAVAILABLE)
    at_once = await pressed(ledger, join(), ErrorCode.NO_ANSWER)  # said by the bridge: Telegram was out of reach
    assert not at_once.unanswered
    counts = judge(ledger, [effect(late)])
    assert counts.broken == {"lost": 1}
    assert (counts.run, counts.answered_late, counts.refused) == (2, 1, 1)


async def test_two_urls_or_two_notices_for_one_tap_are_an_effect_doubled() -> None:
    for second, found in (
        (page(OTHER_URL, changed=False), {"effects_doubled": 1}),
        (page(), {"effects_doubled": 1}),
        (page(replayed=True), {}),
    ):
        ledger, tap = Ledger(), join()
        first = await pressed(ledger, tap, page())
        await pressed(ledger, tap, second)
        assert broken(ledger, effect(first)) == found


async def test_a_second_link_for_one_tap_is_an_effect_doubled_and_so_is_a_second_answer() -> None:
    ledger = Ledger()
    made = await pressed(ledger, join(), page())
    assert broken(ledger, effect(made), effect(made, OTHER_URL)) == {"effects_doubled": 1}
    await ledger.receive(reply(made, page(changed=False)))
    assert broken(ledger, effect(made)) == {"effects_doubled": 1}


async def test_what_was_asked_later_and_done_first_is_out_of_order() -> None:
    ledger = Ledger()
    first = await pressed(ledger, join(), page())
    second = await pressed(ledger, join(OTHER_APP), page(OTHER_URL))
    in_order = [effect(second), effect(second, OTHER_URL, OTHER_APP)]
    assert broken(ledger, *in_order) == {}
    assert broken(ledger, *reversed(in_order)) == {"out_of_order": 1}
    assert first.number < second.number


async def test_a_tap_that_was_refused_and_pressed_again_acts_in_its_new_place() -> None:
    ledger, tap = Ledger(), join()
    await pressed(ledger, tap, ErrorCode.UNAVAILABLE)
    between = await pressed(ledger, join(OTHER_APP), page(OTHER_URL))
    again = await pressed(ledger, tap, page())
    assert broken(ledger, effect(between, OTHER_URL, OTHER_APP), effect(again)) == {}


async def test_a_call_on_the_old_connection_after_one_on_a_new_is_a_stale_start() -> None:
    ledger = Ledger()
    calls = [Line(at, at, connection, ACCOUNT, "help.getConfig", "ok") for at, connection in enumerate((1, 1, 2, 1, 2))]
    assert broken(ledger, *calls) == {"stale_starts": 1}
    foreign = [Line(at, at, connection, at, "help.getConfig", "ok") for at, connection in enumerate((3, 2, 1), start=1)]
    assert broken(ledger, *foreign) == {}


async def test_refused_and_done_all_the_same_is_a_false_refusal() -> None:
    ledger = Ledger()
    refused = await pressed(ledger, join(), ErrorCode.UNAVAILABLE)
    await ledger.receive(reply(refused, page()))
    assert broken(ledger, effect(refused)) == {"falsely_refused": 1}


async def test_a_deed_found_done_was_run_twice() -> None:
    ledger = Ledger()
    made = await pressed(ledger, join(), page())
    again = Line(1, 1, 1, ACCOUNT, CONNECT, "ok", CHANNEL, APP, URL)
    revoked = Line(1, 1, 1, ACCOUNT, EDIT, "STARREF_HASH_REVOKED")
    counts: Counts = judge(ledger, [again, revoked, effect(made)])
    assert (counts.run_twice, counts.broken) == (2, {})


async def test_a_late_answer_is_waited_for() -> None:
    ledger = Ledger()
    ask = await pressed(ledger, join(), ErrorCode.NO_ANSWER)
    waited_in_vain(ask)
    settling = asyncio.create_task(ledger.settle())
    await asyncio.sleep(0)
    assert not settling.done()
    await ledger.receive(reply(ask, page()))
    await settling
    assert ask.pages
