"""The demo's page: who may see it, and, in a real browser, what a newcomer sees and can do."""

import html
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputMediaPhoto,
    InputTextMessageContent,
    MenuButtonWebApp,
    WebAppInfo,
)
from aiohttp import ClientSession

from sandbox.serve import Sandbox
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import DMITRI, NADIA, SAM, aiogram_bot, keyboard, png
from tests.browser import BROWSER, open_page

sandbox, http = fixtures.sandbox, fixtures.http
in_a_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


async def test_the_page_needs_the_token_of_the_printed_url(sandbox: Sandbox) -> None:
    async with ClientSession() as stranger:
        for path in ("/", "/?token=wrong", "/static/app.js", "/events?person=1002", "/control/state"):
            async with stranger.get(sandbox.web.base_url + path) as answer:
                assert answer.status == HTTPStatus.FORBIDDEN
                assert "token" in (await answer.json())["error"]


async def test_the_token_becomes_a_cookie_no_script_can_read(sandbox: Sandbox) -> None:
    async with ClientSession() as browser:
        async with browser.get(sandbox.web.page_url) as answer:
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        name, _, value = cookie.partition(";")[0].partition("=")
        assert name == f"starling_sandbox_{sandbox.web.port}"
        async with browser.get(f"{sandbox.web.base_url}/static/app.js", headers={"Cookie": f"{name}={value}"}) as js:
            assert js.status == HTTPStatus.OK


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "127.0.0.1:1"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "null"}],
)
async def test_other_names_and_other_sites_are_refused_even_with_the_token(
    http: ClientSession, headers: dict[str, str]
) -> None:
    async with http.post("/control/advance", json={"days": 1}, headers=headers) as answer:
        assert answer.status == HTTPStatus.FORBIDDEN


async def test_a_form_of_another_site_cannot_act(http: ClientSession) -> None:
    async with http.post("/control/advance", data='{"days": 1}', headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == HTTPStatus.FORBIDDEN


async def test_nothing_but_the_pages_files_is_served(http: ClientSession) -> None:
    for path in ("/static/index.html", "/static/..%2fserver.py", "/static/none", "/photo/none", "/events?person=1"):
        async with http.get(path) as answer:
            assert answer.status == HTTPStatus.NOT_FOUND


async def test_the_chat_streams_to_the_page(sandbox: Sandbox, http: ClientSession) -> None:
    async with http.get("/events", params={"person": str(SAM)}) as events:
        assert events.headers["Content-Type"] == "text/event-stream"
        assert b'"messages": []' in await events.content.readline()
        sandbox.botapi.chats.say(SAM, "hello there")
        await events.content.readline()
        assert b"hello there" in await events.content.readline()


@in_a_browser
async def test_a_newcomer_starts_as_the_owner_and_presses_a_button(sandbox: Sandbox, tmp_path: Path) -> None:
    chats = sandbox.botapi.chats
    async with aiogram_bot(sandbox.botapi) as bot, open_page(sandbox.web.page_url, tmp_path) as page:
        assert await page.run("location.search") == ""
        assert await page.run("document.querySelector('.person[aria-current] b').textContent") == "Nadia"
        await page.click("#start")
        chat = chats.chat(NADIA)
        await chat.until(lambda now: bool(now.messages))
        assert chat.last.text == "/start"
        sent = await bot.send_message(NADIA, "<b>Hi</b> &lt;img src=x&gt;", reply_markup=keyboard({"Go on": "go"}))
        await page.until("document.querySelector('.from-bot strong')?.textContent === 'Hi'")
        assert await page.run("document.querySelector('.from-bot img')") is None
        [started] = await bot.get_updates()
        await page.click(".inline", "Go on")
        [update] = await bot.get_updates(offset=started.update_id + 1, timeout=5)
        assert update.callback_query is not None
        await bot.answer_callback_query(update.callback_query.id, "As you wish")
        await page.until("document.querySelector('.toast')?.textContent === 'As you wish'")
        await bot.edit_message_text("Done", chat_id=NADIA, message_id=sent.message_id)
        await page.until("document.querySelector('.from-bot .text').textContent === 'Done'")
        await bot.send_chat_action(NADIA, "typing")
        await page.until("document.querySelector('#status').textContent === 'is typing…'")


@in_a_browser
async def test_pictures_copy_buttons_and_the_command_menu_work(sandbox: Sandbox, tmp_path: Path) -> None:
    chats = sandbox.botapi.chats
    chats.say(SAM, "/start")
    copies = InlineKeyboardButton(text="Copy", copy_text=CopyTextButton(text="https://t.me/x"))
    async with aiogram_bot(sandbox.botapi) as bot, open_page(f"{sandbox.web.page_url}#{SAM}", tmp_path) as page:
        await bot.set_my_commands([BotCommand(command="links", description="My links")])
        markup = InlineKeyboardMarkup(inline_keyboard=[[copies]])
        await bot.send_photo(SAM, BufferedInputFile(png(), "x.png"), caption="QR", reply_markup=markup)
        await page.until("document.querySelector('.photo')?.naturalWidth === 40")
        await page.click(".inline", "Copy")
        await page.until("document.querySelector('.toast') || document.querySelector('#alert[open]')")
        await page.click("#menu")
        await page.click("#commands li", "links")
        await chats.chat(SAM).until(lambda now: now.last.text == "/links")


@in_a_browser
async def test_the_menu_button_and_a_changed_picture_are_seen_as_in_telegram(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.botapi.chats.say(DMITRI, "/start")
    async with aiogram_bot(sandbox.botapi) as bot, open_page(f"{sandbox.web.page_url}#{DMITRI}", tmp_path) as page:
        assert await page.run("document.querySelector('#menu').hidden"), "no commands yet"
        await bot.set_my_commands([BotCommand(command="links", description="My links")])
        await bot.set_my_commands([BotCommand(command="links", description="Мои ссылки")], language_code="ru")
        await page.until("!document.querySelector('#menu').hidden")
        await page.click("#menu", "Menu")
        assert await page.run("document.querySelector('#commands small').textContent") == "Мои ссылки"
        app = MenuButtonWebApp(text="Играть", web_app=WebAppInfo(url="https://example.org/app"))
        await bot.set_chat_menu_button(DMITRI, app)
        await page.click("#menu", "Играть")
        await page.until("document.querySelector('.toast')?.textContent.includes('https://example.org/app')")
        sent = await bot.send_photo(DMITRI, BufferedInputFile(png(), "x.png"))
        await page.until("document.querySelector('.photo')?.naturalWidth === 40")
        media = InputMediaPhoto(media=BufferedInputFile(png(60, 30), "x.png"), caption="new")
        await bot.edit_message_media(media, chat_id=DMITRI, message_id=sent.message_id)
        await page.until("document.querySelector('.photo')?.naturalWidth === 60")
        assert await page.run("document.querySelectorAll('.photo').length") == 1


@in_a_browser
async def test_what_the_bot_offers_inline_is_shown_above_the_box_and_sent_with_a_click(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    async def answer(bot: Bot, *cards: InlineQueryResultArticle, after: int, **told: Any) -> int:
        [update] = await bot.get_updates(offset=after + 1, timeout=5, allowed_updates=["inline_query"])
        assert update.inline_query is not None
        await bot.answer_inline_query(update.inline_query.id, list(cards), **told)
        return update.update_id

    async with aiogram_bot(sandbox.botapi) as bot, open_page(f"{sandbox.web.page_url}#{SAM}", tmp_path) as page:
        assert await bot.get_updates(allowed_updates=["inline_query"]) == []
        await page.write("#input", f"@{sandbox.our_bot.username} quiz")
        done = await answer(bot, card("<b>One</b>"), after=0, next_offset="2")
        await page.until("document.querySelectorAll('#inline:not([hidden]) li').length === 2")
        assert await page.run("document.querySelector('#inline li b').textContent") == "<b>One</b>"
        await page.click("#inline .more")
        done = await answer(bot, card("Two"), after=done)
        await page.click("#inline li", "Two")
        await page.until("document.querySelector('.from-me .via')?.textContent === 'via @starling_demo_bot'")
        await page.until("document.querySelector('.from-me .inline')")
        assert await page.run("[document.querySelector('#inline').hidden, document.querySelector('#input').value]") == [
            True,
            "",
        ]
        assert sandbox.botapi.chats.chat(SAM).last.text == "Have a look at Two"
        await page.write("#input", f"@{sandbox.our_bot.username} ")
        button = InlineQueryResultsButton(text="Get a link", start_parameter="inline")
        await answer(bot, after=done, button=button)
        await page.click("#inline li", "Get a link")
        await sandbox.botapi.chats.chat(SAM).until(lambda now: now.last.text == "/start inline")


def card(title: str) -> InlineQueryResultArticle:
    """A result with a button that leads to a program."""
    button = InlineKeyboardButton(text="See the program", url="https://t.me/starling_demo_bot?start=j_8000002")
    return InlineQueryResultArticle(
        id=title,
        title=title,
        description="30% · forever",
        input_message_content=InputTextMessageContent(message_text=f"Have a look at {html.escape(title)}"),
        reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]),
    )


@in_a_browser
async def test_the_purchase_button_moves_the_stats(sandbox: Sandbox, tmp_path: Path) -> None:
    async with open_page(sandbox.web.page_url, tmp_path) as page:
        before = {link.url: link.participants for link in sandbox.world.links}
        url = await page.run("document.querySelector('#link').value")
        await page.click("#purchase")
        await page.until("document.querySelector('.toast')")
        link = next(link for link in sandbox.world.links if link.url == url)
        assert link.participants == before[url] + 1
