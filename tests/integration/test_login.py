"""The operator's console: logging an account in, and what is left on the disk of it."""

import asyncio
import base64
import logging
import os
import stat
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from mtproto_bridge.app import database_url
from mtproto_bridge.login import SENTENCES, login
from mtproto_bridge.store import open_store, tables
from sandbox.mtproto.server import MTProtoServer
from sandbox.world import Person, World
from sandbox.world.faults import Fault
from tests.bridge_fixtures import BridgeSite, ScriptedConsole, bridge_site
from tests.commands import run_bridge
from tests.sandbox_fixtures import ALICE, BOB, CAROL, NEWS

CODE, PASSWORD = "9183746501", "hunter2 and a half"
PHONE_QUESTION = ("Phone number, with country code: ", False)
CODE_QUESTION = ("Code that Telegram sent: ", True)
PASSWORD_QUESTION = ("Two-step password (hint: as ever): ", True)
PATIENCE = 60


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


# -- the conversation ----------------------------------------------------------------------------------------------


async def test_a_wrong_code_and_a_wrong_password_are_asked_for_again(site: BridgeSite, bob: Person) -> None:
    code, console = await attempt(site, f"+{bob.phone}", "00000", CODE, "wrong", PASSWORD)
    assert code == 0
    assert console.asked == [PHONE_QUESTION, CODE_QUESTION, CODE_QUESTION, PASSWORD_QUESTION, PASSWORD_QUESTION]
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
    assert console.asked == [PHONE_QUESTION, PHONE_QUESTION, CODE_QUESTION]
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
        (["", "+9996621002", CODE, PASSWORD], PHONE_QUESTION),
        (["call me", "+9996621002", CODE, PASSWORD], PHONE_QUESTION),
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
    code, console = await attempt(site, "+9996621002")
    assert code == 1
    assert console.said[-1] == "Telegram asks to wait 42 seconds before the next try."


async def test_what_telegram_refuses_without_a_sentence_of_ours_is_said_in_its_words(
    site: BridgeSite, world: World
) -> None:
    world.faults.set(Fault("error", "auth.sendCode", code=400, message="PHONE_SOMETHING_NEW"))
    code, console = await attempt(site, "+9996621002")
    assert code == 1
    assert console.said[-1] == "Telegram refused with PHONE_SOMETHING_NEW."


@pytest.mark.parametrize(
    "changes",
    [
        {"api_hash": "f" * 32},
        {"api_id": 99},
    ],
)
async def test_credentials_that_do_not_belong_together_are_a_sentence(
    site: BridgeSite, changes: dict[str, object]
) -> None:
    code, console = await attempt(site, "+9996621002", **changes)
    assert code == 1
    assert "https://my.telegram.org/apps" in console.said[-1]


async def test_a_telegram_that_cannot_be_reached_is_a_sentence(site: BridgeSite, server: MTProtoServer) -> None:
    await server.stop()
    code, console = await attempt(site, "+9996621002")
    assert code == 1
    assert console.said[-1].startswith("Telegram cannot be reached")


# -- what is kept --------------------------------------------------------------------------------------------------


async def test_the_key_is_made_once_and_its_place_is_said(site: BridgeSite, bob: Person) -> None:
    key_file = site.settings().session_key_file
    console = await site.log_in(bob)
    assert console.said[0] == f"Sessions are sealed with the key in {key_file.absolute()} (made just now)."
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    made = key_file.read_bytes()
    console = await site.log_in(bob)
    assert console.said[0] == f"Sessions are sealed with the key in {key_file.absolute()}."
    assert key_file.read_bytes() == made


async def test_logging_in_again_renews_the_session_of_the_one_account(site: BridgeSite, bob: Person) -> None:
    sealed = []
    for _ in range(2):
        await site.log_in(bob)
        (row,) = await stored(site, tables.Account)
        assert isinstance(row, tables.Account)
        sealed.append(row.session)
    assert sealed[0] != sealed[1]


async def test_a_channel_the_account_may_post_in_is_registered_with_its_posting_admins(
    site: BridgeSite, bob: Person
) -> None:
    console = await site.log_in(bob)
    assert any("News" in line for line in console.said)
    balances = {(row.kind, row.peer_id): row for row in await stored(site, tables.Balance)}  # type: ignore[attr-defined]
    assert set(balances) == {("account", BOB), ("channel", NEWS)}
    managers = {(row.balance_id, row.person_id) for row in await stored(site, tables.Manager)}  # type: ignore[attr-defined]
    assert managers == {
        (balances["account", BOB].id, BOB),  # type: ignore[attr-defined]
        (balances["channel", NEWS].id, ALICE),  # type: ignore[attr-defined]
        (balances["channel", NEWS].id, BOB),  # type: ignore[attr-defined]
    }, "Carol edits, and may not post"
    assert CAROL


async def test_a_channel_the_account_only_reads_is_not_registered(site: BridgeSite, world: World) -> None:
    await site.log_in(world.people[ALICE])
    titles = {row.title for row in await stored(site, tables.Balance)}  # type: ignore[attr-defined]
    assert titles == {"Alice", "News"}, "she only reads Plaza"


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


async def command(site: BridgeSite, name: str, *lines: str) -> tuple[int, str]:
    """`python -m mtproto_bridge NAME`, its input from a pipe; answers the exit code and all it printed."""
    settings = site.settings()
    variables = {
        "PATH": os.environ.get("PATH", ""),
        "ENV_FILE": "",
        "API_ID": str(settings.api_id),
        "API_HASH": settings.api_hash.get_secret_value(),
        "DATA_DIR": str(settings.data_dir),
        "SESSION_KEY_FILE": str(settings.session_key_file),
        "MTPROTO_SERVER": str(settings.mtproto_server),
        "MTPROTO_PUBLIC_KEY_FILE": str(settings.mtproto_public_key_file),
    }
    typed = "".join(f"{line}\n" for line in lines)
    return await asyncio.to_thread(run_bridge, site.folder, name.split(), variables, typed)


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
