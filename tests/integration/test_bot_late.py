"""Answers nobody waits for any more, and a stop in the middle of work."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Origin, Reply
from mtproto_bridge.protocol.ids import AffiliationId
from mtproto_bridge.protocol.replies import Refreshed, Result
from sandbox.botapi import Message
from tests.integration.bot_fixtures import ANNA, BORIS, Stage, stage
from tests.unit.bot_samples import URL, card, checked_link, link, links, page, program, programs

TRACE = "feedfeedfeed"


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    async with stage() as made:
        made.bridge.answers = {"list_affiliations": links(link()), "show_affiliation": page()}
        yield made


def late(
    shown: Message | None = None,
    result: Result | None = None,
    failure: Failure | None = None,
    *,
    person: int = ANNA,
    trace: str = TRACE,
) -> Reply:
    locale = "ru" if person == BORIS else "en"
    origin = Origin(chat_id=person, message_id=shown.id if shown else None, locale=locale)
    return Reply(request_id="r", actor=person, trace=trace, origin=origin, result=result, failure=failure)


async def test_a_join_that_ended_after_a_restart_is_shown_where_it_was_begun(on: Stage) -> None:
    shown = await on.say("/start", person=BORIS)
    await on.app.late.receive(late(shown, page(changed=True), person=BORIS))
    told = await on.shows(URL, person=BORIS)
    assert told.id == shown.id
    assert "Готово" in told.text


async def test_a_late_link_is_asked_for_anew_and_what_was_done_is_still_said(on: Stage) -> None:
    """Whoever lost the right to see it meanwhile does not; the figures are those of now."""
    shown = await on.say("/start")
    on.bridge.answers["show_affiliation"] = page(revenue=31)
    await on.app.late.receive(late(shown, page(changed=True, replaced_link=True)))
    told = await on.shows("31 Stars")
    assert URL in told.text
    assert "new link" in told.text


@pytest.mark.parametrize("code", [ErrorCode.NOT_A_MANAGER, ErrorCode.NO_ANSWER])
async def test_a_late_link_that_cannot_be_asked_for_is_told_without_its_url(on: Stage, code: ErrorCode) -> None:
    shown = await on.say("/start")
    on.bridge.answers["show_affiliation"] = BridgeError(code)
    await on.app.late.receive(late(shown, page(changed=True)))
    told = await on.shows("You’re in. I can’t show the link at this moment")
    assert URL not in told.text
    assert any("🔄 Refresh" in row for row in told.labels)


async def test_a_late_page_that_nothing_was_done_for_and_may_not_be_seen_is_a_failure(on: Stage) -> None:
    shown = await on.say("/start")
    on.bridge.answers["show_affiliation"] = BridgeError(ErrorCode.NOT_A_MANAGER)
    await on.app.late.receive(late(shown, page()))
    await on.shows("You can’t act for this balance")


async def test_a_link_that_was_revoked_or_replaced_since_is_shown_as_it_is(on: Stage) -> None:
    shown = await on.say("/start")
    on.bridge.answers["show_affiliation"] = [page(revoked=True), page(id=AffiliationId(78), revenue=7)]
    await on.app.late.receive(late(shown, page(changed=True)))
    assert "You’re in" not in (await on.shows("revoked")).text
    await on.app.late.receive(late(shown, page(changed=True)))
    assert "You’re in" not in (await on.shows("7 Stars")).text


@pytest.mark.parametrize("failed", [False, True])
async def test_the_answer_to_what_was_asked_anew_is_not_asked_for_on_and_on(on: Stage, failed: bool) -> None:
    """It came too late for us as well."""
    shown = await on.say("/start")
    on.bridge.answers["show_affiliation"] = BridgeError(ErrorCode.NO_ANSWER)
    await on.app.late.receive(late(shown, page(changed=True)))
    await on.shows("You’re in")
    answer = late(shown, failure=Failure(code=ErrorCode.DEADLINE_PASSED)) if failed else late(shown, page())
    await on.app.late.receive(answer)
    await on.app.late.receive(late(None, links(link(bot_title="Farm")), trace="another"))
    await on.shows("Farm")
    assert "You’re in" in on.chat().message(shown.id).text
    assert len([asked for asked in on.bridge.asked if asked.what == "show_affiliation"]) == 1


async def test_a_revoke_that_ended_after_a_restart_says_that_it_is_done(on: Stage) -> None:
    shown = await on.say("/start")
    await on.app.late.receive(late(shown, page(changed=True, revoked=True)))
    await on.shows("Done: the link is revoked")


async def test_the_answer_to_a_command_comes_as_a_message(on: Stage) -> None:
    shown = await on.say("/start")
    await on.app.late.receive(late(None, programs(program())))
    assert (await on.shows("1. Quiz Night")).id > shown.id
    await on.app.late.receive(late(None, card()))
    await on.shows("@quiz_bot")
    await on.app.late.receive(late(None, links(link(bot_title="Farm"))))
    await on.shows("Farm")


async def test_a_failure_after_a_restart_ends_the_progress_on_the_screen(on: Stage) -> None:
    shown = await on.say("/start")
    await on.app.late.receive(late(shown, failure=Failure(code=ErrorCode.DEADLINE_PASSED)))
    await on.shows("nothing was done")


async def test_a_failure_of_what_was_already_answered_is_not_shown(on: Stage) -> None:
    await on.say("/links")
    trace = on.last_asked("list_affiliations").caller.trace
    await on.app.late.receive(late(None, failure=Failure(code=ErrorCode.DEADLINE_PASSED), trace=trace))
    await on.app.late.receive(late(None, links(link(bot_title="Farm"))))
    assert len((await on.shows("Farm")).labels) > 0
    assert not any("nothing was done" in message.text for message in on.chat().messages)


async def test_a_late_list_does_not_cover_what_was_opened_since_but_a_deed_is_told(on: Stage) -> None:
    on.bridge.answers["show_affiliation"] = [page(), page(bot_title="Chess")]
    shown = await on.say("/links")
    await on.press("1. Quiz Night → Garden")
    await on.app.late.receive(late(shown, links(link(bot_title="Farm"))))
    await on.app.late.receive(late(shown, page(changed=True, bot_title="Chess")))
    told = await on.shows("Chess")
    assert told.id > shown.id
    assert "Quiz Night" in on.chat().message(shown.id).text


async def test_a_replayed_result_is_asked_for_anew(on: Stage) -> None:
    shown = await on.say("/start")
    await on.app.late.receive(late(shown, page(changed=True, replayed=True, revenue=1)))
    told = await on.shows("30 Stars")
    assert "This is your link" not in told.text


async def test_a_stale_list_is_asked_for_anew(on: Stage) -> None:
    shown = await on.say("/start")
    await on.app.late.receive(late(shown, links(stale_accounts=[5], sort="revenue")))
    await on.shows("Quiz Night")
    assert on.last_asked("list_affiliations").about["sort"] == "revenue"


async def test_a_check_made_before_the_lists_were_read_is_made_anew(on: Stage) -> None:
    """Whether the link is theirs is not known yet."""
    on.bridge.answers["check_link"] = checked_link(alive=False, program=None)
    shown = await on.say("/start")
    await on.app.late.receive(late(shown, checked_link(stale_accounts=[5])))
    await on.shows("is dead")
    assert on.last_asked("check_link").about == {"url": URL}


async def test_what_has_no_place_or_no_screen_is_left_and_the_next_one_shown(on: Stage) -> None:
    await on.say("/start")
    on.api.chats.block(BORIS)
    await on.app.late.receive(Reply(request_id="r", actor=ANNA, trace=TRACE, result=links(link())))
    await on.app.late.receive(late(None, Refreshed()))
    await on.app.late.receive(late(None, links(link()), person=BORIS))
    await on.app.late.receive(late(None, links(link(bot_title="Farm"))))
    await on.shows("Farm")


async def test_a_stop_lets_running_work_end(on: Stage) -> None:
    await on.say("/start")
    on.bridge.go_on.clear()
    query = on.api.chats.press(ANNA, on.chat().last_from_bot.id, "My links")
    await on.bridge.asked_one.wait()
    stopping = asyncio.create_task(on.app.stop())
    await asyncio.sleep(0)
    on.bridge.go_on.set()
    await stopping
    assert query.answer is not None
    assert "Quiz Night" in on.chat().last_from_bot.text


async def test_who_still_waits_at_a_stop_is_told_that_no_answer_came(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.FINISH_WITHIN", timedelta(0))
    await on.say("/start")
    on.bridge.go_on.clear()
    on.api.chats.press(ANNA, on.chat().last_from_bot.id, "My links")
    await on.bridge.asked_one.wait()
    await on.app.stop()
    await on.shows("no answer yet")
