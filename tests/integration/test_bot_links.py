"""The list of links, a link's page, revoking."""

from collections.abc import AsyncIterator

import pytest

from bot.callbacks import ConfirmRevoke
from mtproto_bridge.protocol import BridgeError, ErrorCode
from mtproto_bridge.protocol.ids import AffiliationId, BotId
from tests.integration.bot_fixtures import ANNA, Stage, stage
from tests.unit.bot_samples import GARDEN, KITCHEN, NONCE, URL, card, link, links, page, watched, watched_page

ROW = "1. Quiz Night → Garden"
JOINED = GARDEN.model_copy(update={"joined": True})


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """A running bot; one link of one balance."""
    async with stage() as made:
        made.bridge.answers = {
            "list_affiliations": links(link(url=None)),
            "show_affiliation": page(),
            "revoke": page(changed=True, revoked=True),
            "show_watched": watched_page(),
        }
        yield made


async def test_a_link_is_opened_from_the_list_and_the_list_from_the_link(on: Stage) -> None:
    assert "4 users referred" in (await on.say("/links")).text
    opened = await on.press(ROW)
    assert URL in opened.text
    assert opened.button("Copy link").copy_text == URL
    assert "1 link" in (await on.press("« My links")).text


async def test_refresh_shows_what_changed_and_bears_that_nothing_did(on: Stage) -> None:
    await on.say("/links")
    await on.press(ROW)
    await on.press("🔄 Refresh")  # Telegram: message is not modified
    on.bridge.answers["show_affiliation"] = page(revenue=80)
    assert "80 Stars" in (await on.press("🔄 Refresh")).text


async def test_the_qr_picture_and_the_post_come_beside_the_page(on: Stage) -> None:
    await on.say("/links")
    shown = await on.press(ROW)
    picture = await on.press("QR picture")
    assert picture.photo is not None
    assert URL in picture.text
    on.api.chats.press(ANNA, shown.id, "Text to post")
    post = await on.shows("Ad. This is a referral link")
    assert "Quiz Night" in post.text
    assert URL in post.text
    assert on.chat().message(shown.id).labels == shown.labels


async def test_nobody_is_helped_to_post_a_link_that_died_meanwhile(on: Stage) -> None:
    await on.say("/links")
    shown = await on.press(ROW)
    on.bridge.answers["show_affiliation"] = page(revoked=True)
    for button in [shown.button(wanted).callback_data for wanted in ("QR picture", "Text to post")]:
        await on.forge(button or "")
        assert on.chat().last_from_bot.id == shown.id
        assert "This link is revoked" in on.chat().last_from_bot.text


async def test_another_balance_leads_to_the_choice_of_one(on: Stage) -> None:
    on.bridge.answers["show_program"] = card(JOINED, KITCHEN)
    await on.say("/links")
    await on.press(ROW)
    asked = await on.press("Another balance")
    assert asked.labels[:2] == [["📢 Garden ✅"], ["📢 Kitchen"]]


async def test_pages_turn_and_remember_where_one_was(on: Stage) -> None:
    many = [link(id=AffiliationId(n), bot_title=f"App {n}") for n in range(1, 7)]
    on.bridge.answers["list_affiliations"] = links(*many, page=0, pages=2)
    await on.say("/links")
    on.bridge.answers["list_affiliations"] = links(link(bot_title="App 7"), page=1, pages=2)
    second = await on.press("▶")
    assert "7. App 7" in second.text
    assert on.last_asked("list_affiliations").about["page"] == 1
    await on.press("7. App 7 → Garden")
    await on.press("« My links")
    assert on.last_asked("list_affiliations").about["page"] == 1


async def test_the_order_is_kept_over_a_link_and_back(on: Stage) -> None:
    on.bridge.answers["list_affiliations"] = links(link(url=None), watched(), pages=3)
    listed = await on.say("/links")
    assert "the newest first" in listed.text
    assert on.last_asked("list_affiliations").about["sort"] == "date"
    on.bridge.answers["list_affiliations"] = links(link(url=None), watched(), pages=3, sort="revenue")
    assert "those that earned most first" in (await on.press("↕ New")).text
    assert on.last_asked("list_affiliations").about == {"page": 0, "size": 6, "sort": "revenue"}
    for row in (ROW, "2. Quiz Night → your own balance"):
        await on.press("▶")
        assert on.last_asked("list_affiliations").about["page"] == 1
        await on.press(row)
        await on.press("« My links")
        assert on.last_asked("list_affiliations").about["sort"] == "revenue"


async def test_the_buttons_of_the_list_there_was_once_open_the_one_there_is(on: Stage) -> None:
    await on.say("/start")
    for old, page_wanted in (("lp:2", 2), ("wl:3", 0)):
        on.bridge.answers["list_affiliations"] = links(link(), page=page_wanted, pages=3)
        assert "Quiz Night" in (await on.forge(old)).text
        assert on.last_asked("list_affiliations").about == {"page": page_wanted, "size": 6, "sort": "date"}
    assert URL in (await on.forge("l:rr:4rgua:2")).text
    assert "promises nothing" in (await on.forge("ra:rr:4rgua:2")).text


async def test_a_page_that_is_gone_shows_the_last_there_is(on: Stage) -> None:
    await on.say("/start")
    on.bridge.answers["list_affiliations"] = [links(page=5, pages=1), links(link(), page=0, pages=1)]
    assert "Quiz Night" in (await on.forge("lp:5")).text
    assert on.last_asked("list_affiliations").about["page"] == 0


async def test_revoking_asks_first_and_then_says_that_the_link_is_dead(on: Stage) -> None:
    await on.say("/links")
    await on.press(ROW)
    assert "promises nothing" in (await on.press("Revoke")).text
    assert not [asked for asked in on.bridge.asked if asked.what == "revoke"]
    await on.press("Yes, revoke")
    done = await on.shows("Done: the link is revoked")
    assert URL not in done.text
    assert ["Rejoin"] in done.labels
    assert on.last_asked("revoke").about["affiliation"] == link().id


async def test_keeping_it_goes_back_to_the_link(on: Stage) -> None:
    await on.say("/links")
    await on.press(ROW)
    await on.press("Revoke")
    assert URL in (await on.press("Keep it")).text


async def test_revoking_twice_is_a_success(on: Stage) -> None:
    on.bridge.answers["revoke"] = page(changed=False, revoked=True)
    await on.say("/start")
    forged = ConfirmRevoke(balance_id=GARDEN.id, bot_id=BotId(8000002), affiliation_id=link().id, nonce=NONCE)
    await on.forge(forged.pack())
    await on.shows("already revoked")


async def test_revoking_what_another_device_revoked_meanwhile_says_so_at_once(on: Stage) -> None:
    await on.say("/links")
    await on.press(ROW)
    on.bridge.answers["show_affiliation"] = page(revoked=True)
    assert "already revoked" in (await on.press("Revoke")).text


async def test_a_second_tap_after_a_rejoin_shows_the_new_link_and_does_not_call_it_dead(on: Stage) -> None:
    on.bridge.answers["revoke"] = page(changed=True, revoked=True, replayed=True)
    await on.say("/links")
    await on.press(ROW)
    await on.press("Revoke")
    await on.press("Yes, revoke")
    shown = await on.shows("joined again")
    assert URL in shown.text


@pytest.mark.parametrize("code", [ErrorCode.CONFIRMATION_EXPIRED, ErrorCode.CONFIRMATION_CHANGED])
async def test_an_old_confirmation_is_drawn_anew(on: Stage, code: ErrorCode) -> None:
    on.bridge.answers["revoke"] = BridgeError(code)
    await on.say("/links")
    await on.press(ROW)
    asked = await on.press("Revoke")
    before = asked.button("Yes, revoke").callback_data
    await on.press("Yes, revoke")
    anew = await on.shows("nothing was done")
    assert anew.button("Yes, revoke").callback_data != before


async def test_somebody_elses_link_is_not_shown(on: Stage) -> None:
    on.bridge.answers["show_affiliation"] = BridgeError(ErrorCode.NOT_A_MANAGER)
    await on.say("/start")
    assert "can’t act for this balance" in (await on.forge("l:rr:4rgua:0")).text
