"""Joining, from the first word to the link, and every way it can go otherwise."""

from collections.abc import AsyncIterator

import pytest

from bot.callbacks import AcceptTerms, AskJoin, ConfirmJoin, OpenLink
from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure, Nonce
from mtproto_bridge.protocol.ids import BalanceId, BotId
from mtproto_bridge.protocol.replies import TermsAccepted
from mtproto_bridge.protocol.requests import TERMS_VERSION
from tests.integration.bot_fixtures import ANNA, BORIS, Stage, stage
from tests.unit.bot_samples import END, GARDEN, KITCHEN, NONCE, NOW, URL, card, page, program, programs

CONFIRM = "✅ Join with this balance"
ACCEPT = "✅ I accept these terms"
BOT = BotId(8000002)
JOINED = GARDEN.model_copy(update={"joined": True})


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """A running bot; the program has one balance to join with."""
    async with stage() as made:
        made.bridge.answers = {
            "show_program": card(GARDEN),
            "join": page(changed=True),
            "show_affiliation": page(),
            "browse_programs": programs(program()),
        }
        yield made


async def test_a_program_named_with_the_command_is_joined_in_two_taps(on: Stage) -> None:
    shown = await on.say("/join https://t.me/quiz_bot?start=_tgr_SomebodyElse")
    assert "Quiz Night" in shown.text
    assert on.last_asked("show_program").about["username"] == "quiz_bot"
    asked = await on.press("Join")
    assert "can never be changed" in asked.text
    await on.press(CONFIRM)
    done = await on.shows("This is your link")
    assert URL in done.text
    assert done.id == shown.id  # one living message


async def test_the_one_who_acts_is_the_one_who_pressed(on: Stage) -> None:
    await on.say("/join @quiz_bot", person=BORIS)
    await on.press("Участвовать", person=BORIS)
    await on.press("✅ Участвовать с этим балансом", person=BORIS)
    await on.shows(URL, person=BORIS)
    joined = on.last_asked("join")
    assert joined.caller.actor == BORIS
    assert joined.caller.origin is not None
    assert joined.caller.origin.chat_id == BORIS
    assert joined.caller.origin.locale == "ru"


async def test_the_confirmation_carries_a_fresh_nonce_and_it_is_what_the_bridge_gets(on: Stage) -> None:
    await on.say("/join @quiz_bot")
    asked = await on.press("Join")
    data = asked.button(CONFIRM).callback_data
    assert data is not None
    nonce = ConfirmJoin.unpack(data).nonce
    assert Nonce.minted_at(nonce) == NOW
    await on.press(CONFIRM)
    await on.shows(URL)
    assert on.last_asked("join").about == {"balance": GARDEN.id, "bot": BOT, "nonce": nonce}


async def test_while_the_bridge_works_the_button_rests_and_the_screen_says_so(on: Stage) -> None:
    await on.say("/join @quiz_bot")
    await on.press("Join")
    on.bridge.go_on.clear()
    await on.press(CONFIRM)
    waiting = await on.shows("Joining")
    assert waiting.buttons == ()
    on.bridge.go_on.set()
    await on.shows(URL)


async def test_with_several_balances_it_asks_which(on: Stage) -> None:
    on.bridge.answers["show_program"] = card(JOINED, KITCHEN)
    await on.say("/join @quiz_bot")
    asked = await on.press("Join")
    assert asked.labels == [["📢 Garden ✅"], ["📢 Kitchen"], ["My own balance"], ["Not now"]]
    confirm = await on.press("📢 Kitchen")
    assert "Kitchen" in confirm.text
    back = await on.press("Another balance")
    assert ["📢 Kitchen"] in back.labels
    assert URL in (await on.press("📢 Garden ✅")).text


async def test_without_a_balance_it_says_what_is_possible(on: Stage) -> None:
    on.bridge.answers["show_program"] = card()
    await on.say("/join @quiz_bot")
    assert "you need a balance that earns" in (await on.press("Join")).text


async def test_the_command_alone_asks_and_the_answer_opens_the_card(on: Stage) -> None:
    assert "Which program" in (await on.say("/join")).text
    assert "neither an @username nor a t.me link" in (await on.say("what do you mean?")).text
    assert "Quiz Night" in (await on.say("quiz_bot")).text


async def test_cancel_leaves_the_question(on: Stage) -> None:
    await on.say("/join")
    assert "Cancelled" in (await on.say("/cancel")).text
    await on.say("quiz")
    assert on.last_asked("browse_programs").about["words"] == "quiz", "words are a search, and no answer any more"
    assert "nothing to cancel" in (await on.say("/cancel")).text


async def test_another_command_leaves_the_question_too(on: Stage) -> None:
    await on.say("/join")
    await on.say("/help")
    await on.say("quiz")
    assert on.last_asked("browse_programs").about["words"] == "quiz"


async def test_a_forged_balance_is_refused_without_a_word_about_it(on: Stage) -> None:
    await on.say("/join @quiz_bot")
    shown = await on.forge(AskJoin(balance_id=BalanceId(999), bot_id=BOT).pack())
    assert "can’t act for this balance" in shown.text
    assert not [asked for asked in on.bridge.asked if asked.what == "join"]


async def test_a_forged_confirmation_is_decided_by_the_bridge(on: Stage) -> None:
    on.bridge.answers["join"] = BridgeError(ErrorCode.NOT_A_MANAGER)
    await on.say("/join @quiz_bot")
    await on.forge(ConfirmJoin(balance_id=BalanceId(999), bot_id=BOT, nonce=NONCE).pack())
    await on.shows("can’t act for this balance")


async def test_a_manager_demoted_between_two_taps_is_told(on: Stage) -> None:
    await on.say("/join @quiz_bot")
    await on.press("Join")
    on.bridge.answers["join"] = BridgeError(ErrorCode.NOT_A_MANAGER)
    await on.press(CONFIRM)
    shown = await on.shows("no longer an administrator")
    assert shown.labels == [["Browse programs", "My links"]]


async def test_a_second_tap_on_the_same_button_shows_the_present_state(on: Stage) -> None:
    on.bridge.answers["join"] = page(changed=True, replayed=True)
    on.bridge.answers["show_affiliation"] = page(revoked=True)
    await on.say("/join @quiz_bot")
    await on.press("Join")
    await on.press(CONFIRM)
    assert "This is your link" not in (await on.shows("revoked")).text


@pytest.mark.parametrize("code", [ErrorCode.CONFIRMATION_EXPIRED, ErrorCode.CONFIRMATION_CHANGED])
async def test_an_old_confirmation_is_drawn_anew_and_says_that_nothing_was_done(on: Stage, code: ErrorCode) -> None:
    on.bridge.answers["join"] = BridgeError(code)
    await on.say("/join @quiz_bot")
    asked = await on.press("Join")
    before = asked.button(CONFIRM).callback_data
    await on.press(CONFIRM)
    anew = await on.shows("nothing was done")
    assert anew.button(CONFIRM).callback_data != before


async def test_the_first_join_leads_over_the_terms_to_the_confirmation(on: Stage) -> None:
    on.bridge.answers["show_program"] = card(GARDEN, terms_accepted=False)
    on.bridge.answers["accept_terms"] = TermsAccepted()
    shown = await on.say("/join @quiz_bot")
    terms = await on.press("Join")
    assert "What an affiliate must know" in terms.text
    assert CONFIRM not in str(terms.labels)
    on.bridge.answers["show_program"] = card(GARDEN)
    asked = await on.press(ACCEPT)
    assert on.last_asked("accept_terms").about == {"version": TERMS_VERSION}
    assert on.last_asked("accept_terms").caller.actor == ANNA
    assert "can never be changed" in asked.text
    await on.press(CONFIRM)
    assert (await on.shows(URL)).id == shown.id, "one living message"


async def test_leaving_the_terms_leads_back_to_the_program_and_accepts_nothing(on: Stage) -> None:
    on.bridge.answers["show_program"] = card(GARDEN, terms_accepted=False)
    await on.say("/join @quiz_bot")
    await on.press("Join")
    assert "Quiz Night" in (await on.press("Not now")).text
    assert not [asked for asked in on.bridge.asked if asked.what == "accept_terms"]


async def test_an_old_confirmation_of_somebody_who_must_accept_the_terms_leads_to_them(on: Stage) -> None:
    on.bridge.answers["join"] = BridgeError(ErrorCode.TERMS_NOT_ACCEPTED)
    await on.say("/join @quiz_bot")
    await on.press("Join")
    on.bridge.answers["show_program"] = card(GARDEN, terms_accepted=False)
    await on.press(CONFIRM)
    assert [ACCEPT] in (await on.shows("What an affiliate must know")).labels


async def test_terms_that_changed_before_they_were_accepted_are_shown_anew(on: Stage) -> None:
    on.bridge.answers["show_program"] = card(GARDEN, terms_accepted=False)
    on.bridge.answers["accept_terms"] = TermsAccepted()
    await on.say("/start")
    shown = await on.forge(AcceptTerms(balance_id=GARDEN.id, bot_id=BOT, version=TERMS_VERSION + 1).pack())
    assert "What an affiliate must know" in shown.text


async def test_a_balance_that_may_not_join_is_told_why_instead_of_asked_to_confirm(on: Stage) -> None:
    barred = GARDEN.model_copy(update={"may_connect": False})
    on.bridge.answers["show_program"] = card(barred, terms_accepted=False)
    shown = await on.say("/join @quiz_bot")
    assert "does not let the account that serves it" in shown.text
    assert ["Join"] not in shown.labels
    shown = await on.forge(AskJoin(balance_id=GARDEN.id, bot_id=BOT).pack())
    assert "Telegram does not let the account that serves Garden join programs now" in shown.text


async def test_a_program_that_closed_meanwhile_is_not_joined(on: Stage) -> None:
    await on.say("/join @quiz_bot")
    on.bridge.answers["show_program"] = card(GARDEN, end_date=END)
    shown = await on.press("Join")
    assert "cannot be joined any more" in shown.text
    assert CONFIRM not in str(shown.labels)


async def test_a_program_that_closes_under_the_finger_says_when(on: Stage) -> None:
    on.bridge.answers["join"] = BridgeError(Failure(code=ErrorCode.PROGRAM_CLOSING, end_date=END))
    await on.say("/join @quiz_bot")
    await on.press("Join")
    await on.press(CONFIRM)
    await on.shows("closes on November 2, 2026")


async def test_rejoining_a_link_revoked_a_moment_ago_asks_again_instead_of_showing_the_dead_one(on: Stage) -> None:
    """The list of balances may be a minute old and still call the balance joined."""
    on.bridge.answers["show_program"] = card(JOINED)
    on.bridge.answers["show_affiliation"] = page(revoked=True)
    await on.say("/start")
    await on.forge(OpenLink(balance_id=GARDEN.id, bot_id=BOT).pack())
    on.bridge.answers["join"] = page(changed=True, replaced_link=True)
    await on.press("Rejoin")
    await on.press(CONFIRM)
    await on.shows("replace it everywhere")


async def test_a_balance_that_joined_on_another_device_opens_its_link(on: Stage) -> None:
    await on.say("/join @quiz_bot")
    on.bridge.answers["show_program"] = card(JOINED)
    assert "had already joined" in (await on.press("Join")).text


async def test_no_answer_offers_to_look_and_not_to_join_again(on: Stage) -> None:
    on.bridge.answers["join"] = BridgeError(ErrorCode.NO_ANSWER)
    await on.say("/join @quiz_bot")
    await on.press("Join")
    await on.press(CONFIRM)
    await on.shows("may still happen")
    assert URL in (await on.press("Try again")).text
    assert on.bridge.asked[-1].what == "show_affiliation"


async def test_an_unknown_bot_and_a_bot_without_a_program_are_told_apart(on: Stage) -> None:
    on.bridge.answers["show_program"] = BridgeError(Failure(code=ErrorCode.NO_SUCH_BOT, username="nobody_bot"))
    assert "no bot with the name @nobody_bot" in (await on.say("/join nobody_bot")).text
    on.bridge.answers["show_program"] = BridgeError(Failure(code=ErrorCode.PROGRAM_UNAVAILABLE, username="plain_bot"))
    assert "@plain_bot has no affiliate program" in (await on.say("/join plain_bot")).text


async def test_trying_a_search_again_searches_the_same_name(on: Stage) -> None:
    on.bridge.answers["show_program"] = [BridgeError(ErrorCode.UNAVAILABLE), card(GARDEN)]
    await on.say("@quiz_bot")
    assert "Quiz Night" in (await on.press("Try again")).text
    assert on.last_asked("show_program").about["username"] == "quiz_bot"
    assert on.last_asked("show_program").caller.actor == ANNA
