"""The control surface, and `python -m sandbox serve` that prints where it is."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from aiogram.exceptions import TelegramForbiddenError
from aiogram.types import InlineQueryResultArticle, InputTextMessageContent
from aiohttp import ClientSession
from telethon import errors, functions

from sandbox.__main__ import main
from sandbox.control import ACTIONS
from sandbox.serve import Sandbox
from sandbox.world import Channel
from tests import botapi_fixtures as fixtures
from tests.botapi_fixtures import DMITRI, NADIA, OLGA, PAPER_PLANES, QUIET_GARDENS, SAM, VERA, aiogram_bot, keyboard
from tests.channel_fixtures import ask
from tests.sandbox_fixtures import account

sandbox, http = fixtures.sandbox, fixtures.http


async def act(http: ClientSession, name: str, expect: int = HTTPStatus.OK, **body: object) -> dict[str, Any]:
    async with http.post(f"/control/{name}", json=body) as answer:
        found: dict[str, Any] = await answer.json()
        assert answer.status == expect, found
        return found


async def state(http: ClientSession) -> dict[str, Any]:
    async with http.get("/control/state") as answer:
        return dict(await answer.json())


async def test_the_surface_describes_itself(http: ClientSession) -> None:
    async with http.get("/control") as answer:
        actions = (await answer.json())["actions"]
    assert set(actions) == set(ACTIONS)
    assert all(action["what"] for action in actions.values())
    assert actions["buy"]["fields"] == {"person": "needed", "bot": "needed", "stars": 100}


async def test_a_person_writes_and_presses(sandbox: Sandbox, http: ClientSession) -> None:
    await act(http, "say", person=NADIA, text="/start")
    async with aiogram_bot(sandbox.botapi) as bot:
        sent = await bot.send_message(NADIA, "x", reply_markup=keyboard({"Go": "go"}))
        query = (await act(http, "press", person=NADIA, message=sent.message_id, button="Go"))["query"]
        await bot.answer_callback_query(query, "gone")
    async with http.get("/control/chat", params={"person": str(NADIA)}) as answer:
        chat = await answer.json()
    assert [message["text"] for message in chat["messages"]] == ["/start", "x"]
    assert [answer["text"] for answer in chat["answers"]] == ["gone"]


async def test_a_followed_link_counts_when_the_app_is_started(sandbox: Sandbox, http: ClientSession) -> None:
    link = next(one for one in sandbox.world.links if one.bot_id == PAPER_PLANES)
    users, nanos = link.participants, link.revenue_nanos
    await act(http, "follow", person=SAM, link=link.url.removeprefix("https://"))
    assert (await act(http, "start_app", person=SAM, bot=PAPER_PLANES))["referred_by"] == link.url
    sale = await act(http, "buy", person=SAM, bot=PAPER_PLANES, stars=100)
    assert sale["commission_stars"] == 20
    assert (link.participants, link.revenue_nanos) == (users + 1, nanos + 20 * 10**9)
    await act(http, "refund", sale=sale["sale"])
    assert link.revenue_nanos == nanos


async def test_a_referred_user_buys(http: ClientSession) -> None:
    first = await act(http, "referred_purchase", bot=PAPER_PLANES)
    second = await act(http, "referred_purchase", link=first["link"], stars=50)
    assert second["participants"] == first["participants"] + 1
    assert second["revenue_stars"] == first["revenue_stars"] + 10


async def test_a_revoked_link_brings_nobody(http: ClientSession) -> None:
    link = (await act(http, "referred_purchase"))["link"]
    await act(http, "revoke", link=link)
    refused = await act(http, "referred_purchase", HTTPStatus.CONFLICT, link=link)
    assert refused == {"ok": False, "error": "Telegram refuses this: STARREF_EXPIRED."}


async def test_a_program_is_raised_and_ends_a_day_later(sandbox: Sandbox, http: ClientSession) -> None:
    bot = sandbox.world.bots[PAPER_PLANES]
    await act(http, "set_program", bot=PAPER_PLANES, commission_permille=250, duration_months=12)
    assert bot.program is not None
    assert bot.program.commission_permille == 250
    await act(http, "end_program", bot=PAPER_PLANES)
    before = sandbox.world.clock.now()
    await act(http, "advance", days=1)
    assert sandbox.world.clock.now() - before >= timedelta(days=1)
    assert bot.program is None


async def test_an_admin_is_demoted_and_restored(sandbox: Sandbox, http: ClientSession) -> None:
    channel = sandbox.world.channels[QUIET_GARDENS]
    await act(http, "set_admin", channel=QUIET_GARDENS, person=DMITRI, rights=[])
    assert not channel.has_right(DMITRI, "post_messages")
    await act(http, "set_admin", channel=QUIET_GARDENS, person=DMITRI, rights=["post_messages"])
    assert channel.has_right(DMITRI, "post_messages")
    refused = await act(http, "set_admin", HTTPStatus.BAD_REQUEST, channel=QUIET_GARDENS, person=NADIA, rights=[])
    assert refused["error"] == "A channel's creator keeps all rights."


async def test_a_channel_is_handed_to_the_bot_and_taken_back(sandbox: Sandbox, http: ClientSession) -> None:
    own, gardens = sandbox.our_bot.id, sandbox.world.channels[QUIET_GARDENS]
    link = f"https://t.me/{sandbox.our_bot.username}?startchannel&admin=post_messages"
    assert (await act(http, "add_bot", person=NADIA, channel=QUIET_GARDENS, link=link))["rights"] == ["post_messages"]
    await act(http, "set_admin", channel=QUIET_GARDENS, person=own, rights=[])
    assert gardens.membership(own).status == "left"
    await act(http, "set_admin", channel=QUIET_GARDENS, person=own, rights=["post_messages"])
    await act(http, "remove_member", channel=QUIET_GARDENS, person=own)
    assert gardens.membership(own).status == "kicked"
    refused = await act(http, "remove_member", HTTPStatus.CONFLICT, channel=QUIET_GARDENS, person=own)
    assert refused["error"] == "Telegram refuses this: USER_NOT_PARTICIPANT."


async def test_a_channel_is_made_for_a_button_and_left(sandbox: Sandbox, http: ClientSession) -> None:
    for person in (SAM, NADIA):
        await act(http, "say", person=person, text="/start")
    async with aiogram_bot(sandbox.botapi) as bot:
        await ask(bot, SAM)
        await act(http, "share_new_channel", person=SAM, title="Sam's finds", username="sams_finds")
        await ask(bot, NADIA)
        await act(http, "share_channel", person=NADIA, channel=QUIET_GARDENS, adds_bot=False)
    made = sandbox.world.by_username("sams_finds")
    assert isinstance(made, Channel)
    assert made.is_member(sandbox.our_bot.id)
    assert not sandbox.world.channels[QUIET_GARDENS].is_member(sandbox.our_bot.id)
    await act(http, "leave_channel", person=DMITRI, channel=QUIET_GARDENS)
    assert not sandbox.world.channels[QUIET_GARDENS].is_member(DMITRI)
    refused = await act(http, "leave_channel", HTTPStatus.CONFLICT, person=SAM, channel=made.id)
    assert refused["error"] == "Telegram refuses this: USER_CREATOR."


async def test_accounts_are_frozen_and_logged_out_and_the_bot_blocked(sandbox: Sandbox, http: ClientSession) -> None:
    gone: list[int] = []
    sandbox.world.on_logout.append(gone.append)
    await act(http, "freeze", person=VERA)
    await act(http, "log_out", person=VERA)
    await act(http, "block", person=SAM)
    vera = sandbox.world.people[VERA]
    assert (vera.frozen_since, gone) == (sandbox.world.clock.now(), [VERA])
    assert sandbox.botapi.chats.chat(SAM).blocked
    await act(http, "freeze", person=VERA, frozen=False)
    assert vera.frozen_since is None


async def test_an_account_is_changed_in_what_is_named_only(sandbox: Sandbox, http: ClientSession) -> None:
    vera = sandbox.world.people[VERA]
    await act(http, "set_account", person=VERA, premium=True, channels_limit=3)
    assert (vera.premium, vera.may_connect, vera.channels_limit) == (True, True, 3)
    now = await act(http, "set_account", person=VERA, may_connect=False, channels_limit=None)
    assert now == {"ok": True, "premium": True, "may_connect": False, "channels_limit": None}
    await act(http, "set_account", HTTPStatus.BAD_REQUEST, person=VERA, channels_limit=-1)


async def test_inline_mode_is_typed_picked_and_turned_off(sandbox: Sandbox, http: ClientSession) -> None:
    async with aiogram_bot(sandbox.botapi) as bot:
        typed = await act(http, "type_inline", person=SAM, text="quiz")
        content = InputTextMessageContent(message_text="Quiz it is")
        card = InlineQueryResultArticle(id="1", title="Quiz", input_message_content=content)
        await bot.answer_inline_query(typed["query"], [card])
    async with http.get("/control/chat", params={"person": SAM}) as answer:
        offered = (await answer.json())["inline"]
    assert (offered["answered"], offered["results"][0]["title"]) == (True, "Quiz")
    assert (await act(http, "type_inline", person=OLGA, text="quiz"))["from_cache"]
    await act(http, "pick_inline", query=typed["query"], result="Quiz")
    assert sandbox.botapi.chats.chat(SAM).last.text == "Quiz it is"
    await act(http, "pick_inline", HTTPStatus.BAD_REQUEST, query=typed["query"], result="Chess")
    await act(http, "pick_inline", HTTPStatus.BAD_REQUEST, query="none", result="Quiz")
    await act(http, "set_inline", on=False)
    off = await act(http, "type_inline", HTTPStatus.BAD_REQUEST, person=SAM)
    assert "BotFather turns it on" in off["error"]


async def test_a_session_is_revoked_and_an_account_banned(sandbox: Sandbox, http: ClientSession) -> None:
    refused = await act(http, "revoke_session", HTTPStatus.BAD_REQUEST, person=VERA)
    assert refused["error"] == "Vera is logged in nowhere."
    async with account(sandbox.mtproto, VERA) as client, account(sandbox.mtproto, OLGA) as owner:
        assert (await state(http))["logged_in"] == [VERA, OLGA]
        await act(http, "revoke_session", person=VERA)
        with pytest.raises(errors.SessionRevokedError):
            await client(functions.updates.GetStateRequest())
        await act(http, "ban", person=OLGA)
        with pytest.raises(errors.UserDeactivatedBanError):
            await owner(functions.updates.GetStateRequest())
    await act(http, "ban", person=DMITRI, deleted=True)
    ends = {one["id"]: one["deactivated"] for one in (await state(http))["people"]}
    assert (ends[VERA], ends[OLGA], ends[DMITRI]) == (None, "banned", "deleted")


@pytest.mark.parametrize(("trouble", "refusal"), [("freeze", "FROZEN_METHOD_INVALID"), ("ban", "USER_DEACTIVATED_BAN")])
async def test_an_account_in_trouble_neither_writes_nor_presses(
    sandbox: Sandbox, http: ClientSession, trouble: str, refusal: str
) -> None:
    sandbox.botapi.chats.say(NADIA, "/start")
    async with aiogram_bot(sandbox.botapi) as bot:
        await ask(bot, NADIA)
        sent = await bot.send_message(NADIA, "x", reply_markup=keyboard({"Go": "go"}))
        await act(http, trouble, person=NADIA)
        for name, body in (
            ("say", {"text": "hello"}),
            ("press", {"message": sent.message_id, "button": "Go"}),
            ("share_channel", {"channel": QUIET_GARDENS}),
        ):
            refused = await act(http, name, HTTPStatus.CONFLICT, person=NADIA, **body)
            assert refused["error"] == f"Telegram refuses this: {refusal}."
        if trouble == "ban":
            with pytest.raises(TelegramForbiddenError, match="user is deactivated"):
                await bot.send_message(NADIA, "still there?")


async def test_faults_wait_until_they_are_met_or_cleared(sandbox: Sandbox, http: ClientSession) -> None:
    await act(http, "fault", kind="flood_wait", method="sendMessage", seconds=3, times=2)
    assert [(one["method"], one["times"]) for one in (await state(http))["faults"]] == [("sendMessage", 2)]
    await act(http, "clear_faults")
    assert not sandbox.world.faults.waiting


@pytest.mark.parametrize(
    ("name", "body", "status", "sentence"),
    [
        ("fly", {}, 404, "There is no such action; there are say, press"),
        ("say", {"person": 5, "text": "x"}, 400, "There is no person 5 in this world."),
        ("say", {"person": SAM}, 400, "text: Field required."),
        ("say", {"person": SAM, "text": "x", "loud": True}, 400, "loud: Extra inputs are not permitted."),
        ("say", {"person": SAM, "text": " "}, 400, "A message has 1 to 4096 characters; this one has 0."),
        ("press", {"person": SAM, "message": 1, "button": "x"}, 400, f"Chat {SAM} has no message 1."),
        ("follow", {"person": SAM, "link": "t.me/x?start=1"}, 400, "No referral link of this world is"),
        ("end_program", {"bot": 8000020}, 409, "Telegram refuses this: BOT_INVALID."),
        ("advance", {"days": -1}, 400, "days: Input should be greater than or equal to 0."),
    ],
)
async def test_what_cannot_happen_is_said_in_a_sentence(
    http: ClientSession, name: str, body: dict[str, object], status: int, sentence: str
) -> None:
    assert (await act(http, name, status, **body))["error"].startswith(sentence)


async def test_waiting_for_a_chat_ends_with_its_next_change(sandbox: Sandbox, http: ClientSession) -> None:
    chat = sandbox.botapi.chats.chat(SAM)
    async with http.get("/control/chat", params={"person": str(SAM), "after": str(chat.version)}) as answer:
        assert (await answer.json())["messages"] == []
    await act(http, "say", person=SAM, text="hello")
    async with http.get("/control/chat", params={"person": str(SAM), "after": "0", "timeout": "30"}) as answer:
        assert (await answer.json())["version"] == 1


# -- the command ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def served(*arguments: str) -> AsyncIterator[dict[str, Any]]:
    """What `serve --json` prints, while it runs; it must end cleanly on SIGTERM."""
    command = [sys.executable, "-W", "error", "-m", "sandbox", "serve", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220, S603 - our own command; one line is read
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            _, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (0, "")


async def test_serve_prints_one_line_that_is_enough_to_connect() -> None:
    async with served() as told:
        assert told["mtproto"]["public_key"]["pem"].startswith("-----BEGIN RSA PUBLIC KEY-----")
        assert int(told["mtproto"]["public_key"]["fingerprint"]) % 2**64 == int(
            told["mtproto"]["public_key"]["fingerprint_hex"], 16
        )
        assert told["mtproto"]["dc_id"] == 2
        vera = next(one for one in told["people"] if one["id"] == VERA)
        assert (vera["phone"], vera["login_code"], vera["password"]) == ("9996621001", "22222", "correct horse")
        url = f"{told['bot_api']['base_url']}/bot{told['bot_api']['token']}/getMe"
        headers = {"Authorization": f"Bearer {told['control']['token']}"}
        async with ClientSession() as session:
            async with session.get(url) as answer:
                assert (await answer.json())["result"]["username"] == told["bot_api"]["username"]
            async with session.get(f"{told['control']['base_url']}/state", headers=headers) as answer:
                assert (await answer.json())["opens_as"] == NADIA


async def test_a_taken_port_is_said_in_a_sentence(sandbox: Sandbox) -> None:
    command = [sys.executable, "-m", "sandbox", "serve", "--page-port", str(sandbox.web.port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: ASYNC221, S603 - our own command, and nothing else runs
    assert done.returncode == 2
    assert done.stderr.startswith("Cannot listen on 127.0.0.1: ")
    assert str(sandbox.web.port) in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("content", ["{", '{"our_bot": 1}', None])
def test_a_bad_world_file_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    file = tmp_path / "world.json"
    if content:
        file.write_text(content)
    assert main(["serve", "--world", str(file)]) == 2
    complaint = capsys.readouterr().err
    assert str(file) in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--host", "0.0.0.0"], ["--host", "example.org"], ["--page-port", "70000"]])
def test_only_loopback_and_real_ports_are_accepted(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["serve", *arguments])
    assert refused.value.code == 2
    assert arguments[1] in capsys.readouterr().err
