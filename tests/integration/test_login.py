"""The operator's console: logging an account in by phone and code, and what is left on the disk of it."""

import asyncio
import base64
import logging
import os
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Executable, insert, select, update

from mtproto_bridge.app import database_url
from mtproto_bridge.login import SENTENCES, login
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.store import accounts, open_store, tables
from mtproto_bridge.telegram.sessions import KeyRing
from sandbox.mtproto import objects
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Person, World
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, ScriptedConsole, bridge_site, caller, served
from tests.commands import run_bridge
from tests.sandbox_fixtures import ALICE, BOB, CAROL, NEWS, PLAIN

CODE, PASSWORD = "9183746501", "hunter2 and a half"
WAY_QUESTION = ("Press Enter for a QR code to scan, or give the phone number with its country code: ", False)
CODE_QUESTION = ("Code that Telegram sent: ", True)
PASSWORD_QUESTION = ("Two-step password (hint: as ever): ", True)
PATIENCE = 60
CODES = {
    "PHONE_PASSWORD_FLOOD": 406,
    "UPDATE_APP_TO_LOGIN": 406,
    "USER_DEACTIVATED_BAN": 401,
    "AUTH_KEY_UNREGISTERED": 401,
    "SESSION_REVOKED": 401,
}
"""Of errors; the others are 400."""
KEPT = (tables.Balance, tables.Manager)


@pytest.fixture
def bob(world: World) -> Person:
    """Has a code and a password that nothing else contains by chance."""
    person = world.people[BOB]
    person.login_code, person.password = CODE, PASSWORD
    return person


@pytest.fixture
async def site(server: MTProtoServer, bob: Person) -> AsyncIterator[BridgeSite]:
    assert bob.password
    async with bridge_site(server) as made:
        yield made


async def attempt(site: BridgeSite, *answers: str, **changes: object) -> tuple[int, ScriptedConsole]:
    console = ScriptedConsole(answers)
    async with asyncio.timeout(PATIENCE):
        return await login(site.settings(**changes), console), console


async def stored(site: BridgeSite, table: type[tables.Base]) -> list[tables.Base]:
    store = await open_store(database_url(site.settings()))
    async with store.begin() as session:
        rows = list(await session.scalars(select(table)))
    await store.close()
    return rows


async def change(site: BridgeSite, statement: Executable) -> None:
    store = await open_store(database_url(site.settings()))
    async with store.begin() as session:
        await session.execute(statement)
    await store.close()


# -- the conversation ----------------------------------------------------------------------------------------------


async def test_a_wrong_code_and_a_wrong_password_are_asked_for_again(site: BridgeSite, bob: Person) -> None:
    code, console = await attempt(site, f"+{bob.phone}", "00000", CODE, "wrong", PASSWORD)
    assert code == 0
    assert console.asked == [WAY_QUESTION, CODE_QUESTION, CODE_QUESTION, PASSWORD_QUESTION, PASSWORD_QUESTION]
    said = iter(console.said)
    for sentence in (
        SENTENCES["PHONE_CODE_INVALID"],
        SENTENCES["PASSWORD_HASH_INVALID"],
        "Logged in as Bob; the sealed session is in the store.",
    ):
        assert sentence in said, "in this order"


async def test_a_phone_number_nobody_has_is_asked_for_again(site: BridgeSite) -> None:
    code, console = await attempt(site, "+10000000000", "+9996621001", "22222")
    assert code == 0
    assert console.asked == [WAY_QUESTION, WAY_QUESTION, CODE_QUESTION]
    assert SENTENCES["PHONE_NUMBER_INVALID"] in console.said


@pytest.mark.parametrize("answers", [[], ["+9996621002"], ["+9996621002", CODE]])
async def test_at_the_end_of_input_nothing_was_logged_in(
    site: BridgeSite, server: MTProtoServer, answers: list[str]
) -> None:
    code, console = await attempt(site, *answers)
    assert code == 1
    assert console.said[-1] == "Nothing was logged in."
    assert await stored(site, tables.Account) == []
    assert not any(one.account_id for one in server.authorizations)


@pytest.mark.parametrize(
    ("answers", "asked_again"),
    [
        (["call me", "+9996621002", CODE, PASSWORD], WAY_QUESTION),
        (["+9996621002", "", CODE, PASSWORD], CODE_QUESTION),
        (["+9996621002", CODE, "", PASSWORD], PASSWORD_QUESTION),
    ],
)
async def test_an_empty_line_is_a_wrong_answer_like_any_other(
    site: BridgeSite, answers: list[str], asked_again: tuple[str, bool]
) -> None:
    code, console = await attempt(site, *answers)
    assert code == 0
    assert console.asked.count(asked_again) == 2
    assert "Logged in as Bob" in "\n".join(console.said)


async def test_a_flood_wait_is_a_sentence_with_its_seconds(site: BridgeSite, world: World) -> None:
    world.faults.set(Fault("flood_wait", "auth.sendCode", seconds=42))
    code, console = await attempt(site, "+9996621002", "+9996621001", "22222")
    assert code == 0, "another number may be tried at once"
    assert "Telegram asks to wait 42 seconds before the next try." in console.said


async def test_what_telegram_refuses_without_a_sentence_of_ours_is_said_in_its_words(
    site: BridgeSite, world: World
) -> None:
    world.faults.set(Fault("error", "auth.sendCode", code=400, message="PHONE_SOMETHING_NEW"))
    code, console = await attempt(site, "+9996621002")
    assert code == 1
    assert console.said[-2:] == ["Telegram refused with PHONE_SOMETHING_NEW.", "Nothing was logged in."]
    assert console.asked == [WAY_QUESTION, WAY_QUESTION]


@pytest.mark.parametrize(
    ("method", "words", "goes_back_to"),
    [
        ("auth.sendCode", "PHONE_NUMBER_BANNED", WAY_QUESTION),
        ("auth.sendCode", "PHONE_NUMBER_FLOOD", WAY_QUESTION),
        ("auth.sendCode", "PHONE_PASSWORD_FLOOD", WAY_QUESTION),
        ("auth.sendCode", "PHONE_PASSWORD_PROTECTED", WAY_QUESTION),
        ("auth.sendCode", "SMS_CODE_CREATE_FAILED", WAY_QUESTION),
        ("auth.signIn", "PHONE_CODE_INVALID", CODE_QUESTION),
        ("auth.signIn", "PHONE_CODE_EXPIRED", WAY_QUESTION),
        ("auth.signIn", "PHONE_NUMBER_UNOCCUPIED", WAY_QUESTION),
        ("auth.signIn", "USER_DEACTIVATED_BAN", WAY_QUESTION),
        ("auth.signIn", "AUTH_KEY_UNREGISTERED", WAY_QUESTION),
        ("auth.checkPassword", "PASSWORD_HASH_INVALID", PASSWORD_QUESTION),
        ("auth.checkPassword", "SRP_ID_INVALID", PASSWORD_QUESTION),
        ("auth.checkPassword", "SRP_PASSWORD_CHANGED", PASSWORD_QUESTION),
        ("auth.checkPassword", "SESSION_REVOKED", WAY_QUESTION),
    ],
)
async def test_each_refusal_has_its_sentence_and_goes_back_to_its_question(
    site: BridgeSite, bob: Person, world: World, method: str, words: str, goes_back_to: tuple[str, bool]
) -> None:
    world.faults.set(Fault("error", method, code=CODES.get(words, 400), message=words))
    answers = {WAY_QUESTION: f"+{bob.phone}", CODE_QUESTION: CODE, PASSWORD_QUESTION: PASSWORD}

    class Patient(ScriptedConsole):
        """Answers each question rightly, as often as it comes."""

        def ask(self, question: str, *, secret: bool = False) -> str:
            self.asked.append((question, secret))
            return answers[question, secret]

    console = Patient([])
    async with asyncio.timeout(PATIENCE):
        assert await login(site.settings(), console) == 0
    assert console.asked.count(goes_back_to) == 2
    at = console.said.index(SENTENCES[words])
    assert "Logged in as Bob; the sealed session is in the store." in console.said[at:]


async def test_telegrams_wish_to_begin_again_is_told(site: BridgeSite, world: World) -> None:
    world.faults.set(Fault("error", "auth.sendCode", code=500, message="AUTH_RESTART"))
    code, console = await attempt(site, "+9996621002")
    assert code == 1
    assert console.said[-2:] == [SENTENCES["AUTH_RESTART"], "Nothing was logged in."]


@pytest.mark.parametrize("words", ["API_ID_INVALID", "API_ID_PUBLISHED_FLOOD", "UPDATE_APP_TO_LOGIN"])
@pytest.mark.parametrize(("way", "method"), [("+9996621002", "auth.sendCode"), ("", "auth.exportLoginToken")])
async def test_what_no_answer_would_change_ends_the_log_in(
    site: BridgeSite, world: World, way: str, method: str, words: str
) -> None:
    world.faults.set(Fault("error", method, code=CODES.get(words, 400), message=words))
    code, console = await attempt(site, way)
    assert (code, console.said[-1]) == (1, SENTENCES[words])
    assert console.asked == [WAY_QUESTION]


@pytest.mark.parametrize("phone", ["+9996621002", ""])
@pytest.mark.parametrize(
    "changes",
    [
        {"api_hash": "f" * 32},
        {"api_id": 99},
    ],
)
async def test_credentials_that_do_not_belong_together_are_a_sentence(
    site: BridgeSite, phone: str, changes: dict[str, object]
) -> None:
    code, console = await attempt(site, phone, **changes)
    assert code == 1
    assert "https://my.telegram.org/apps" in console.said[-1]


async def test_a_telegram_that_cannot_be_reached_is_a_sentence(site: BridgeSite, server: MTProtoServer) -> None:
    await server.stop()
    code, console = await attempt(site, "+9996621002")
    assert code == 1
    assert console.said[-1].startswith("Telegram cannot be reached")


# -- what is kept --------------------------------------------------------------------------------------------------


async def test_the_key_is_made_once_and_its_place_is_said(site: BridgeSite, bob: Person, world: World) -> None:
    key_file = site.settings().session_key_file
    console = await site.log_in(bob)
    assert console.said[0] == f"Sessions are sealed with the key in {key_file.absolute()} (made just now)."
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    made = key_file.read_bytes()
    console = await site.log_in(world.people[ALICE])
    assert console.said[0] == f"Sessions are sealed with the key in {key_file.absolute()}."
    assert key_file.read_bytes() == made


async def test_an_account_of_another_dc_logs_in_there_and_is_served_from_there(
    site: BridgeSite, bob: Person, server: MTProtoServer
) -> None:
    bob.dc_id = 4
    console = await site.log_in(bob)
    assert "Logged in as Bob; the sealed session is in the store." in console.said
    async with site.bridge(), site.client() as client:
        await served(client)
        assert (await client.browse_programs(caller(ALICE), page=0, size=6)).total == 2
        assert {one.authorization.dc_id for one in server.connections if one.authorization} == {4}


# -- what is refused -----------------------------------------------------------------------------------------------


def signed_in(server: MTProtoServer) -> list[int]:
    """Whose sessions there are at Telegram."""
    return [one.account_id for one in server.authorizations if one.account_id]


async def test_an_account_that_is_logged_in_is_not_logged_in_twice(
    site: BridgeSite, bob: Person, server: MTProtoServer
) -> None:
    await site.log_in(bob)
    (before,) = await stored(site, tables.Account)
    code, console = await attempt(site, f"+{bob.phone}", CODE, PASSWORD)
    assert code == 1
    assert console.said[-2:] == [
        f"Bob ({BOB}) is logged in here already; this second log-in is ended again.",
        f"To log it in anew, remove it first: `python -m mtproto_bridge accounts remove {BOB}`.",
    ]
    assert signed_in(server) == [BOB], "the second session is no more at Telegram"
    (after,) = await stored(site, tables.Account)
    assert vars(before)["session"] == vars(after)["session"]


async def test_an_account_whose_key_is_lost_is_healed_by_logging_in(site: BridgeSite, bob: Person) -> None:
    await site.log_in(bob)
    site.settings().session_key_file.unlink()
    await site.log_in(bob)
    (row,) = await stored(site, tables.Account)
    sealed: bytes = vars(row)["session"]
    assert KeyRing.load(site.settings().session_key_file).open(AccountId(BOB), sealed).account == BOB


async def test_a_lost_account_keeps_its_routes_and_managers_and_gets_a_new_session(
    site: BridgeSite, bob: Person, server: MTProtoServer
) -> None:
    await site.log_in(bob)
    (first,) = await stored(site, tables.Account)
    kept = [[{**vars(row), "_sa_instance_state": None} for row in await stored(site, one)] for one in KEPT]
    server.world.end_sessions(BOB)
    store = await open_store(database_url(site.settings()))
    async with store.begin() as session:
        await accounts.set_state(session, AccountId(BOB), before="ready", after="logged_out")
    await store.close()
    await site.log_in(bob)
    (second,) = await stored(site, tables.Account)
    assert vars(first)["session"] != vars(second)["session"]
    assert vars(second)["state"] == "ready"
    assert kept == [[{**vars(row), "_sa_instance_state": None} for row in await stored(site, one)] for one in KEPT]


async def test_a_bots_token_is_no_phone_number(site: BridgeSite, server: MTProtoServer) -> None:
    code, console = await attempt(site, "7000001:AAStarlingSandboxTokenThatOpensNothing1", "+9996621001", "22222")
    assert code == 0
    assert SENTENCES["BOT"] in console.said
    assert server.calls["auth.sendCode"] == 1, "and goes nowhere"


async def test_a_bots_session_is_refused_and_ended(
    site: BridgeSite, server: MTProtoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram gives none by these ways; should one come, it is not kept."""
    real = objects.user

    def as_bot(*about: Any) -> Any:
        shown = real(*about)
        shown.bot, shown.bot_info_version = True, 1
        return shown

    monkeypatch.setattr(objects, "user", as_bot)
    code, console = await attempt(site, "+9996621001", "22222")
    assert (code, console.said[-1]) == (1, SENTENCES["BOT"])
    assert signed_in(server) == []
    assert await stored(site, tables.Account) == []


# -- what is left when it is broken off ----------------------------------------------------------------------------


async def test_a_session_that_cannot_be_kept_is_ended_at_telegram(
    site: BridgeSite, server: MTProtoServer, world: World
) -> None:
    world.faults.set(Fault("flood_wait", "users.getUsers", seconds=7))
    code, console = await attempt(site, "+9996621001", "22222")
    assert (code, console.said[-1]) == (1, "Telegram broke the log-in off (wait 7 s). Nothing was logged in.")
    assert signed_in(server) == []


async def test_a_session_that_telegram_does_not_end_is_named(
    site: BridgeSite, server: MTProtoServer, world: World
) -> None:
    world.faults.set(Fault("flood_wait", "users.getUsers", seconds=7))
    world.faults.set(Fault("flood_wait", "auth.logOut", seconds=7))
    code, console = await attempt(site, "+9996621001", "22222")
    assert code == 1
    assert "see Settings, Devices, and end Starling bridge there" in console.said[-1]
    assert signed_in(server) == [ALICE]


async def test_ctrl_c_after_the_code_leaves_no_session(site: BridgeSite, server: MTProtoServer, world: World) -> None:
    asked = asyncio.Event()

    async def never(_: float) -> None:
        asked.set()
        await asyncio.Event().wait()

    server.sleep = never
    world.faults.set(Fault("delay", "users.getUsers", seconds=1))
    working = asyncio.create_task(login(site.settings(), ScriptedConsole(["+9996621001", "22222"])))
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
        assert signed_in(server) == [ALICE]
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
    assert signed_in(server) == []
    assert await stored(site, tables.Account) == []
    assert server.connections == []


# -- what is kept, seen from the channels --------------------------------------------------------------------------


async def test_a_channel_the_account_may_post_in_is_registered_with_its_posting_admins(
    site: BridgeSite, bob: Person
) -> None:
    console = await site.log_in(bob)
    assert any("News" in line for line in console.said)
    balances = {(row.kind, row.peer_id): row for row in await stored(site, tables.Balance)}  # type: ignore[attr-defined]
    assert set(balances) == {("account", BOB), ("channel", NEWS), ("bot", PLAIN)}
    managers = {(row.balance_id, row.person_id) for row in await stored(site, tables.Manager)}  # type: ignore[attr-defined]
    assert managers == {
        (balances["bot", PLAIN].id, BOB),  # type: ignore[attr-defined]
        (balances["account", BOB].id, BOB),  # type: ignore[attr-defined]
        (balances["channel", NEWS].id, ALICE),  # type: ignore[attr-defined]
        (balances["channel", NEWS].id, BOB),  # type: ignore[attr-defined]
    }, "Carol edits, and may not post"
    assert CAROL


async def test_a_channel_the_account_only_reads_is_not_registered(site: BridgeSite, world: World) -> None:
    await site.log_in(world.people[ALICE])
    titles = {row.title for row in await stored(site, tables.Balance)}  # type: ignore[attr-defined]
    assert titles == {"Alice", "News", "Quiz"}, "she only reads Plaza"


async def test_a_channel_that_another_account_serves_stays_with_it_until_that_one_is_lost(
    site: BridgeSite, bob: Person, world: World
) -> None:
    async def account_of_news() -> int:
        (news,) = [row for row in await stored(site, tables.Balance) if vars(row)["peer_id"] == NEWS]
        return int(vars(news)["account_id"])

    await site.log_in(bob)
    console = await site.log_in(world.people[ALICE])
    assert any("left the channel News as it is" in line for line in console.said)
    assert await account_of_news() == BOB
    for lost in (BOB, ALICE):
        await change(site, update(tables.Account).where(tables.Account.id == lost).values(state="logged_out"))
    await site.log_in(world.people[ALICE])
    assert await account_of_news() == ALICE


@pytest.mark.parametrize("state", ["waiting", "joined", "promoted", "picked"])
async def test_a_channel_that_somebody_is_registering_is_not_registered_past_them(
    site: BridgeSite, world: World, bob: Person, state: str
) -> None:
    await site.log_in(world.people[CAROL])
    now = datetime.now(UTC)
    begun = {"person_id": ALICE, "channel_id": NEWS, "title": "News", "created_at": now, "updated_at": now}
    await change(site, insert(tables.Registration).values(**begun, state=state))
    await site.log_in(bob)
    assert NEWS not in {vars(row)["peer_id"] for row in await stored(site, tables.Balance)}


async def test_neither_code_nor_password_is_said_or_logged(
    site: BridgeSite, bob: Person, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    console = await site.log_in(bob)
    everything = "\n".join(
        [*console.said, *(question for question, _ in console.asked), caplog.text, *capfd.readouterr()]
    )
    assert "Logged in as Bob" in everything
    assert "telethon" in caplog.text, "logging was on"
    assert CODE not in everything
    assert PASSWORD not in everything


async def test_a_copy_of_the_data_alone_opens_no_session(site: BridgeSite, server: MTProtoServer, bob: Person) -> None:
    await site.log_in(bob)
    (key,) = [one.key.data for one in server.authorizations if one.account_id == BOB]
    site_key = site.settings().session_key_file.read_bytes().strip()
    files = [one for one in site.data_dir.rglob("*") if one.is_file()]
    assert any(one.name == "starling.db" for one in files)
    for file in files:
        content = file.read_bytes()
        for secret in (key, base64.b64encode(key), key.hex().encode(), site_key):
            assert secret not in content, file.name
        assert content.find(b"SQLite") < 0 or len(content) > 4096, "there is something in it"


# -- the command ---------------------------------------------------------------------------------------------------


def environment(site: BridgeSite) -> dict[str, str]:
    """What the commands are told from outside."""
    settings = site.settings()
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "ENV_FILE": "",
        "API_ID": str(settings.api_id),
        "API_HASH": settings.api_hash.get_secret_value(),
        "DATA_DIR": str(settings.data_dir),
        "SESSION_KEY_FILE": str(settings.session_key_file),
        "MTPROTO_SERVER": str(settings.mtproto_server),
        "MTPROTO_PUBLIC_KEY_FILE": str(settings.mtproto_public_key_file),
    }


async def command(site: BridgeSite, name: str, *lines: str) -> tuple[int, str]:
    """`python -m mtproto_bridge NAME`, its input from a pipe; answers the exit code and all it printed."""
    typed = "".join(f"{line}\n" for line in lines)
    return await asyncio.to_thread(run_bridge, site.folder, name.split(), environment(site), typed)


async def test_the_command_takes_its_answers_from_a_pipe_and_check_is_content_afterwards(
    site: BridgeSite, bob: Person
) -> None:
    code, said = await command(site, "check")
    assert code == 1
    assert "✗ No account is logged in: run `python -m mtproto_bridge login`." in said

    code, said = await command(site, "login", f"+{bob.phone}", "00000", CODE, PASSWORD)
    assert code == 0, said
    assert "Logged in as Bob" in said
    assert CODE not in said
    assert PASSWORD not in said

    code, said = await command(site, "check")
    assert code == 0, said
    assert f"✓ Account {BOB} (Bob) has a session that opens." in said
    assert "✗" not in said


async def test_check_says_when_the_key_file_is_missing_or_another_one(site: BridgeSite, bob: Person) -> None:
    await site.log_in(bob)
    key_file = site.settings().session_key_file
    kept = key_file.read_bytes()
    key_file.unlink()
    code, said = await command(site, "check")
    assert code == 1
    assert f"SESSION_KEY_FILE: there is no key file at {key_file}" in said
    key_file.write_bytes(base64.urlsafe_b64encode(b"x" * 32))
    code, said = await command(site, "check")
    assert code == 1
    assert "sealed with another key" in said
    assert "Traceback" not in said
    key_file.write_bytes(kept)
    assert (await command(site, "check"))[0] == 0
