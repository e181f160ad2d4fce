"""Pasting referral links: the question and its answer, a check, the list, and what goes with a link."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from mtproto_bridge.protocol import BridgeError, ErrorCode, Failure
from mtproto_bridge.protocol.ids import BotId, WatchedId
from mtproto_bridge.protocol.replies import Unwatched
from tests.integration.bot_fixtures import ANNA, BORIS, Stage, stage
from tests.unit.bot_samples import (
    END,
    GARDEN,
    NOW,
    URL,
    card,
    checked_link,
    link,
    links,
    page,
    watched,
    watched_page,
)

BOT = BotId(8000002)
YOURS = BridgeError(Failure(code=ErrorCode.LINK_IS_YOURS, balance_id=GARDEN.id, bot_id=BOT))


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """A running bot; the person has no balance, and one link watched."""
    async with stage() as made:
        made.bridge.answers = {
            "show_program": card(),
            "watch_link": watched_page(new=True),
            "check_link": checked_link(),
            "show_watched": watched_page(),
            "list_affiliations": links(watched(), balances=0),
            "show_affiliation": page(),
            "unwatch_link": Unwatched(),
        }
        yield made


async def asked_for_the_link(on: Stage, *, person: int = ANNA) -> None:
    """As far as the question."""
    join, own = ("Участвовать", "Мой личный баланс") if person == BORIS else ("Join", "My own balance")
    await on.say("/join @quiz_bot", person=person)
    await on.press(join, person=person)
    await on.press(own, person=person)


async def test_who_joined_themselves_pastes_the_link_and_has_it_watched(on: Stage) -> None:
    await asked_for_the_link(on)
    steps = on.chat().last_from_bot
    assert "Affiliate Program" in steps.text
    assert steps.button("Open in Telegram").url == "https://t.me/quiz_bot?profile"
    kept = await on.say(f"here it is: {URL}")
    assert "Kept" in kept.text
    assert URL in kept.text
    assert on.last_asked("watch_link").about == {"url": URL}


async def test_it_speaks_russian_too(on: Stage) -> None:
    await asked_for_the_link(on, person=BORIS)
    assert "Сохранено" in (await on.say(URL, person=BORIS)).text


async def test_words_without_a_link_ask_again_and_the_question_stays_open(on: Stage) -> None:
    on.bridge.answers["watch_link"] = [BridgeError(ErrorCode.NO_SUCH_LINK), watched_page(new=False)]
    await asked_for_the_link(on)
    assert "not a referral link" in (await on.say("I have done it! " + "x" * 300)).text
    assert "kept already" in (await on.say(URL)).text


async def test_a_dead_link_is_said_and_leaves_the_question(on: Stage) -> None:
    on.bridge.answers["watch_link"] = BridgeError(ErrorCode.LINK_EXPIRED)
    await asked_for_the_link(on)
    assert "no longer works" in (await on.say(URL)).text
    assert "is alive" in (await on.say(URL)).text, "without the question, it is only checked"


async def test_who_pastes_too_many_links_may_try_again_in_time(on: Stage) -> None:
    on.bridge.answers["watch_link"] = BridgeError(
        Failure(code=ErrorCode.SLOW_DOWN, retry_at=NOW + timedelta(seconds=20))
    )
    await asked_for_the_link(on)
    assert "in 20 seconds" in (await on.say(URL)).text
    assert "is alive" in (await on.press("Try again")).text


async def test_a_command_leaves_the_question(on: Stage) -> None:
    await asked_for_the_link(on)
    await on.say("/cancel")
    assert "is alive" in (await on.say(URL)).text


async def test_a_closing_program_is_not_explained_but_shown(on: Stage) -> None:
    await on.say("/join @quiz_bot")
    choice = await on.press("Join")
    on.bridge.answers["show_program"] = card(end_date=END)
    assert "My own balance" in str(choice.labels)
    assert "cannot be joined" in (await on.press("My own balance")).text


async def test_a_pasted_link_is_checked_and_can_be_kept(on: Stage) -> None:
    shown = await on.say("Play with me!\nt.me/Quiz_Bot?ref=AbCdEfGh1234")
    assert "is alive" in shown.text
    assert "Quiz Night" in shown.text
    assert on.last_asked("check_link").about == {"url": "https://t.me/Quiz_Bot?start=_tgr_AbCdEfGh1234"}
    kept = await on.press("Keep it under My links")
    assert "Kept" in kept.text
    assert on.last_asked("watch_link").about == {"url": "https://t.me/quiz_bot?ref=AbCdEfGh1234"}


async def test_the_program_of_a_checked_link_is_opened_without_the_link(on: Stage) -> None:
    await on.say(URL)
    opened = await on.press("See the program")
    assert on.last_asked("show_program").about == {"username": None, "bot_id": BOT}
    assert all("_tgr_" not in (button.url or "") for row in opened.buttons for button in row)


async def test_ones_own_link_opens_its_page(on: Stage) -> None:
    on.bridge.answers |= {"check_link": YOURS, "watch_link": YOURS}
    assert "4 users referred" in (await on.say(URL)).text
    await asked_for_the_link(on)
    assert "4 users referred" in (await on.say(URL)).text
    assert on.last_asked("show_affiliation").about == {"balance": GARDEN.id, "bot": BOT}


@pytest.mark.parametrize(
    "code",
    [ErrorCode.RIGHTS_MISSING, ErrorCode.BALANCE_UNREACHABLE, ErrorCode.FROZEN, ErrorCode.ACCOUNT_UNAVAILABLE],
)
async def test_ones_own_link_whose_page_cannot_be_had_is_looked_at_as_anybody_may(on: Stage, code: ErrorCode) -> None:
    on.bridge.answers["check_link"] = [YOURS, checked_link(own=link(url=None), newest=True)]
    on.bridge.answers["show_affiliation"] = BridgeError(code)
    shown = await on.say(f"/check {URL}")
    assert "is alive" in shown.text
    assert "Quiz Night" in shown.text
    assert "It is one of your links here" in shown.text
    assert on.last_asked("check_link").about == {"url": URL, "own_too": True}
    assert ["Open it under My links"] in shown.labels
    assert "Keep it" not in str(shown.labels)


async def test_ones_own_watched_link_opens_its_page(on: Stage) -> None:
    on.bridge.answers["check_link"] = checked_link(watched_id=WatchedId(5))
    shown = await on.say(URL)
    assert "visible only in Telegram" in shown.text
    assert on.last_asked("show_watched").about == {"watched": WatchedId(5)}
    assert ["« My links"] in shown.labels


async def test_a_link_of_a_balance_that_is_no_longer_theirs_is_checked_as_anybodys(on: Stage) -> None:
    on.bridge.answers["check_link"] = [YOURS, checked_link()]
    on.bridge.answers["show_affiliation"] = BridgeError(ErrorCode.NOT_A_MANAGER)
    assert "It isn’t one of your links" in (await on.say(URL)).text


async def test_ones_own_link_that_telegram_has_forgotten_is_dead(on: Stage) -> None:
    on.bridge.answers |= {"check_link": YOURS, "show_affiliation": BridgeError(ErrorCode.NOT_JOINED)}
    assert "no longer works" in (await on.say(URL)).text


@pytest.mark.parametrize(
    "written",
    [
        "https://t.me/quiz_bot?start=_tgr_AbCdEfGh1234",
        "t.me/quiz_bot?ref=AbCdEfGh1234",
        "tg://resolve?domain=quiz_bot&start=_tgr_AbCdEfGh1234",
        "tg://resolve?domain=quiz_bot&ref=AbCdEfGh1234",
        "https://quiz_bot.t.me/?start=%5Ftgr%5FAbCdEfGh1234",
        "telegram.me/quiz_bot?start=_tgr_AbCdEfGh1234",
        "https://telegram.dog/quiz_bot?ref=AbCdEfGh1234",
    ],
)
async def test_a_link_is_checked_however_it_is_written_and_asked(on: Stage, written: str) -> None:
    for said in (f"/check {written}", written):
        assert "is alive" in (await on.say(said)).text
        assert on.last_asked("check_link").about == {"url": URL}
    assert len(on.bridge.asked) == 2


async def test_check_alone_asks_for_the_link_and_a_command_leaves_the_question(on: Stage) -> None:
    assert "Which referral link" in (await on.say("/check")).text
    assert "is alive" in (await on.say(URL)).text
    await on.say("/check")
    await on.say("/cancel")
    assert "is alive" in (await on.say(URL)).text, "without the question a link is checked all the same"


async def test_what_is_no_referral_link_is_asked_for_again(on: Stage) -> None:
    nothing = BridgeError(ErrorCode.NO_SUCH_LINK)
    on.bridge.answers["check_link"] = [nothing, nothing, checked_link()]
    assert "not a referral link" in (await on.say("/check @quiz_bot")).text
    assert "not a referral link" in (await on.say("https://t.me/quiz_bot?start=_tgr_")).text
    assert "is alive" in (await on.say(URL)).text


async def test_a_check_that_fails_leaves_the_question_and_can_be_tried_again(on: Stage) -> None:
    on.bridge.answers["check_link"] = [BridgeError(ErrorCode.UNAVAILABLE), checked_link()]
    await on.say("/check")
    assert "busy" in (await on.say(URL)).text
    assert "is alive" in (await on.press("Try again")).text


async def test_a_prefix_with_nothing_after_it_is_an_ordinary_start(on: Stage) -> None:
    assert "@quiz_bot" in (await on.say("https://t.me/quiz_bot?start=_tgr_")).text
    assert on.last_asked("show_program").about == {"username": "quiz_bot", "bot_id": None}


ROW = "1. Quiz Night → your own balance"


async def test_watched_links_are_found_under_my_links(on: Stage) -> None:
    listed = await on.say("/links")
    assert "1 link" in listed.text
    opened = await on.press(ROW)
    assert URL in opened.text
    on.bridge.answers["show_watched"] = watched_page(alive=False)
    dead = await on.press("🔄 Check again")
    assert "Dead" in dead.text
    assert "1 link" in (await on.press("« My links")).text


async def test_a_forgotten_link_is_gone_and_a_page_that_is_gone_shows_the_last(on: Stage) -> None:
    await on.say("/start")
    on.bridge.answers["list_affiliations"] = [links(page=1, pages=1, total=6), links(watched(), total=6)]
    shown = await on.forge("wf:5:1")
    assert "Forgotten here" in shown.text
    assert "Quiz Night" in shown.text
    assert on.last_asked("unwatch_link").about == {"watched": WatchedId(5)}
    assert on.last_asked("list_affiliations").about["page"] == 0


async def test_the_qr_picture_and_the_post_are_messages_of_their_own(on: Stage) -> None:
    await on.say("/links")
    living = await on.press(ROW)
    picture = await on.press("QR picture")
    assert picture.id > living.id
    assert picture.photo is not None
    assert picture.photo.width == picture.photo.height
    assert URL in picture.text
    await on.say("/links")
    await on.press(ROW)
    post = await on.press("Text to post")
    assert URL in post.text
    assert "Ad. This is a referral link" in post.text
    assert post.buttons == ()


async def test_a_link_that_has_died_is_not_made_a_picture_of(on: Stage) -> None:
    await on.say("/links")
    await on.press(ROW)
    on.bridge.answers["show_watched"] = watched_page(alive=False)
    shown = await on.press("QR picture")
    assert shown.photo is None
    assert "Dead" in shown.text


async def test_a_watched_link_that_is_gone_is_a_sentence(on: Stage) -> None:
    on.bridge.answers["show_watched"] = BridgeError(ErrorCode.NO_SUCH_LINK)
    await on.say("/start")
    assert len((await on.forge("w:5:0")).text.split()) > 3
