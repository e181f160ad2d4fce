"""The sandbox's journal: the witness of tests that run whole processes."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telethon import functions

from sandbox.__main__ import main
from sandbox.journal import FLUSH_SECONDS, Journal
from sandbox.mtproto.server import MTProtoServer
from sandbox.serve import Sandbox
from sandbox.world import World
from sandbox.world.faults import Fault
from tests.integration.test_control import served
from tests.sandbox_fixtures import BOB, QUIZ, account, telethon_client

CONNECT, EDIT = "payments.connectStarRefBot", "payments.editConnectedStarRefBot"


@pytest.fixture
async def journaled(world: World, tmp_path: Path) -> AsyncIterator[tuple[MTProtoServer, Path]]:
    file = tmp_path / "journal.jsonl"
    journal = Journal(file)
    server = MTProtoServer(world, journal=journal)
    await server.start()
    yield server, file
    await server.stop()
    journal.close()


async def written(file: Path, *methods: str) -> list[dict[str, Any]]:
    """The lines about these methods, once they are written."""
    await asyncio.sleep(2 * FLUSH_SECONDS)
    return [line for line in lines_in(file) if line["method"] in methods]


def lines_in(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


async def test_what_a_call_changed_is_told_and_whether_it_was_this_call(journaled: tuple[MTProtoServer, Path]) -> None:
    server, file = journaled
    async with account(server, BOB) as client:
        connecting = functions.payments.ConnectStarRefBotRequest("me", "quiz_bot")
        url = (await client(connecting)).connected_bots[0].url
        await client(connecting)
        await client(functions.payments.EditConnectedStarRefBotRequest("me", url, revoked=True))
        with pytest.raises(Exception, match="STARREF_HASH_REVOKED"):
            await client(functions.payments.EditConnectedStarRefBotRequest("me", url, revoked=True))
    made, again, revoked, refused = await written(file, CONNECT, EDIT)
    about = {"balance": BOB, "bot": QUIZ, "url": url}
    assert made.items() >= (about | {"account": BOB, "outcome": "ok", "revoked": False, "changed": True}).items()
    assert again.items() >= (about | {"revoked": False, "changed": False}).items()
    assert revoked.items() >= (about | {"revoked": True, "changed": True}).items()
    assert refused["outcome"] == "STARREF_HASH_REVOKED"
    assert "url" not in refused
    assert made["at"] <= again["at"] <= revoked["at"]


async def test_each_connection_has_a_higher_number(journaled: tuple[MTProtoServer, Path]) -> None:
    server, file = journaled
    for _ in range(2):
        async with telethon_client(server):
            pass
    first, second = await written(file, "help.getConfig")  # what Telethon asks when it connects
    assert first["connection"] < second["connection"]
    assert first["account"] is None, "nobody is logged in yet"


async def test_a_call_that_is_held_up_or_dropped_is_told_when_it_arrives(
    journaled: tuple[MTProtoServer, Path], world: World
) -> None:
    server, file = journaled
    async with account(server, BOB) as client:
        world.faults.set(Fault("delay", "help.getAppConfig", seconds=0.5))
        waiting = asyncio.create_task(client(functions.help.GetAppConfigRequest(0)))
        (held_up,) = await written(file, "help.getAppConfig")
        assert held_up["outcome"] == "delay"
        await waiting
    held_up, done = await written(file, "help.getAppConfig")
    assert (done["outcome"], done["arrived"], done["connection"]) == ("ok", held_up["arrived"], held_up["connection"])
    assert done["at"] - done["arrived"] >= 0.5


async def test_a_sandbox_that_is_stopped_leaves_no_line_behind(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    async with Sandbox.load(journal=Journal(file)) as sandbox, telethon_client(sandbox.mtproto) as client:
        await client(functions.help.GetConfigRequest())
    assert file.read_text("utf-8").count("help.getConfig") == 2, "Telethon's own, and ours"


async def test_serve_keeps_a_journal(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    async with served("--journal", str(file)):
        assert file.exists()


def test_a_journal_that_cannot_be_written_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--journal", str(tmp_path / "nowhere" / "journal.jsonl")]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("Cannot write the journal ")
    assert complaint.count("\n") == 1
