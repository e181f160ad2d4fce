"""The demo page's picker of channels: what it is told over HTTP, and how a real browser hands a channel over."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardRemove
from aiohttp import ClientSession

from sandbox.serve import Sandbox
from sandbox.world import accounts, channels
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import NADIA, QUIET_GARDENS, SAM, VERA, aiogram_bot
from tests.browser import BROWSER, Page, open_page
from tests.channel_fixtures import GARDEN_CLUB, THREE, ask
from tests.sandbox_fixtures import account

sandbox, http = fixtures.sandbox, fixtures.http
in_a_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
LINK = "https://t.me/starling_demo_bot?startchannel&admin=post_messages+promote_members"
TEXT_OF_RIGHTS = "[...document.querySelectorAll('#rights-list li')].map((one) => one.textContent)"
FOCUSED = "document.activeElement.textContent"


@pytest.fixture
async def asking_bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    """A bot that has asked Nadia and Sam for a channel."""
    async with aiogram_bot(sandbox.botapi) as bot:
        for person in (NADIA, SAM):
            sandbox.botapi.chats.say(person, "/start")
            await ask(bot, person)
        yield bot


async def offered(http: ClientSession, expect: int = 200, **query: object) -> dict[str, Any]:
    async with http.get("/control/picker", params={name: str(value) for name, value in query.items()}) as answer:
        assert answer.status == expect
        return dict(await answer.json())


# -- over HTTP --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("asking_bot")
async def test_the_picker_lists_what_the_button_asks_for_and_what_the_bot_would_get(
    sandbox: Sandbox, http: ClientSession
) -> None:
    sandbox.world.set_admin(QUIET_GARDENS, sandbox.our_bot.id, {"post_messages"})
    offer = await offered(http, person=NADIA, button="Choose channel")
    assert [(one["id"], one["adds"]) for one in offer["channels"]] == [
        (QUIET_GARDENS, ["invite_users", "promote_members"]),
        (GARDEN_CLUB, ["post_messages", "invite_users", "promote_members"]),
    ]
    assert (offer["can_create"], offer["public"], set(offer["needs"]), set(offer["adds"])) == (
        True,
        None,
        set(THREE),
        set(THREE),
    )
    assert (await offered(http, person=SAM))["channels"] == []


async def test_a_link_lists_the_channels_where_admins_may_be_added(http: ClientSession) -> None:
    offer = await offered(http, person=NADIA, link=LINK)
    assert [one["id"] for one in offer["channels"]] == [QUIET_GARDENS, GARDEN_CLUB]
    assert offer["channels"][0]["adds"] == offer["adds"] == ["post_messages", "promote_members"]
    assert not offer["can_create"]
    assert (await offered(http, person=VERA, link=LINK))["channels"] == []


async def test_what_asks_for_nothing_is_said_in_a_sentence(sandbox: Sandbox, http: ClientSession) -> None:
    for query in ({"person": NADIA}, {"person": NADIA, "link": "https://t.me/x"}, {"person": 5, "link": LINK}):
        assert (await offered(http, 400, **query))["error"].endswith(".")
    accounts.freeze(sandbox.world, sandbox.world.people[NADIA])
    assert "FROZEN" in (await offered(http, 409, person=NADIA))["error"]


# -- in a browser -----------------------------------------------------------------------------------------------


async def choose(page: Page, channel: str) -> None:
    await page.click("#reply-keyboard:not([hidden]) button", "Choose channel")
    await page.click("#picker[open] .person", channel)


@in_a_browser
async def test_a_channel_is_chosen_and_the_rights_confirmed(sandbox: Sandbox, asking_bot: Bot, tmp_path: Path) -> None:
    club, own = sandbox.world.channels[GARDEN_CLUB], sandbox.our_bot.id
    async with open_page(sandbox.web.page_url, tmp_path) as page:
        await page.until("document.querySelector('#reply-keyboard button')")
        await page.run("document.querySelector('#reply-keyboard button').focus()")
        await choose(page, "Garden Club")
        await page.until("document.querySelector('#rights[open]')")
        words = await page.run("document.querySelector('#rights').textContent")
        assert "This will also add Starling to Garden Club (private) with the following rights:" in words
        assert await page.run(TEXT_OF_RIGHTS) == ["Post messages", "Invite people by link", "Add new admins"]
        assert await page.run(FOCUSED) == "Confirm"
        await page.click("#rights[open] button", "Cancel")
        await page.until("document.activeElement.textContent === 'Choose channel'")
        assert not club.is_member(own), "cancelled: nothing has happened"
        await choose(page, "Garden Club")
        await page.click("#rights[open] button", "Confirm")
        await page.until("document.querySelector('.service')?.textContent === 'You chose Garden Club (private)'")
        assert club.rights_of(own) == set(THREE)
        await page.until("document.querySelector('#reply-keyboard').hidden")
        await page.click("#keyboard-toggle:not([hidden])")
        assert not await page.run("document.querySelector('#reply-keyboard').hidden"), "used, but the bot's still"
        await asking_bot.send_message(NADIA, "Thank you", reply_markup=ReplyKeyboardRemove())
        await page.until("document.querySelector('#keyboard-toggle').hidden")
        assert await page.run("document.querySelector('#reply-keyboard').hidden")


@in_a_browser
@pytest.mark.usefixtures("asking_bot")
async def test_somebody_without_a_channel_makes_one(sandbox: Sandbox, tmp_path: Path) -> None:
    async with open_page(f"{sandbox.web.page_url}#{SAM}", tmp_path) as page:
        await page.click("#reply-keyboard button", "Choose channel")
        await page.until("document.querySelector('#picker[open] #picker-none:not([hidden])')")
        await page.click("#picker[open] #picker-create")
        await page.click("#new-channel[open] button", "Create")
        assert await page.run("document.querySelector('#new-channel').open"), "it needs a name"
        await page.run("document.querySelector('#new-title').value = 'Sam’s <b>finds</b>'")
        await page.click("#new-channel[open] button", "Create")
        await page.until("document.querySelector('#rights[open]')")
        assert await page.run("document.querySelector('#rights b')") is None
        await page.click("#rights[open] button", "Confirm")
        await page.until("document.querySelector('.service')")
    [made] = sandbox.world.channels_of(SAM)
    assert (made.title, made.username, made.rights_of(sandbox.our_bot.id)) == (
        "Sam’s <b>finds</b>",
        None,
        frozenset(THREE),
    )


@in_a_browser
async def test_an_old_app_adds_nobody_and_the_link_does(sandbox: Sandbox, asking_bot: Bot, tmp_path: Path) -> None:
    gardens, own = sandbox.world.channels[QUIET_GARDENS], sandbox.our_bot.id
    button = InlineKeyboardButton(text="Add me", url=LINK)
    await asking_bot.send_message(NADIA, "x", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]))
    async with open_page(sandbox.web.page_url, tmp_path) as page:
        await page.click("#old-app")
        await choose(page, "Quiet Gardens")
        await page.until("document.querySelector('#rights[open] #rights-added[hidden]')")
        await page.click("#rights[open] button", "Confirm")
        await page.until("document.querySelector('.service')")
        assert not gardens.is_member(own)
        await page.click(".inline", "Add me")
        await page.click("#picker[open] .person", "Quiet Gardens")
        await page.until("document.querySelector('#rights[open] #rights-added:not([hidden])')")
        await page.click("#rights[open] button", "Confirm")
        await page.until("document.querySelector('.toast')?.textContent.includes('is an admin')")
        assert gardens.rights_of(own) == {"post_messages", "promote_members"}
        channels.leave(sandbox.world, own, gardens)


@in_a_browser
async def test_the_panel_troubles_the_service_account(sandbox: Sandbox, tmp_path: Path) -> None:
    vera = sandbox.world.people[VERA]
    async with account(sandbox.mtproto, VERA), open_page(sandbox.web.page_url, tmp_path) as page:
        await page.click("#accounts button", "Freeze")
        await page.until("document.querySelector('#accounts').textContent.includes('frozen')")
        assert vera.frozen_since
        await page.click("#accounts button", "Thaw")
        await page.until("document.querySelector('#accounts').textContent.includes('in good standing')")
        assert vera.frozen_since is None
        await page.click("#accounts button", "Ban")
        await page.until("document.querySelector('#accounts').textContent.includes('banned')")
        assert vera.deactivated == "banned"
