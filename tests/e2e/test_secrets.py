"""After a full run no secret stands anywhere in plain, byte by byte; and the data alone opens nothing."""

import base64
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest

from sandbox.serve import Sandbox
from tests.e2e.installation import Installation, installed
from tests.e2e.starling import NADIA, SAM, VERA, Someone, Starling

PASSWORD, CODE = "an unlikely password 8261", "73514"


@pytest.fixture
async def installation() -> AsyncIterator[Installation]:
    sandbox = Sandbox.load()
    vera = sandbox.world.people[VERA]
    vera.password, vera.login_code = PASSWORD, CODE
    async with sandbox, installed(sandbox) as made:
        yield made


def secrets_of(installation: Installation) -> dict[str, bytes]:
    """What may stand nowhere."""
    sandbox = installation.sandbox
    vera = sandbox.world.people[VERA]
    keys = {f"auth key {n}": one.key.data for n, one in enumerate(sandbox.mtproto.authorizations)}
    assert keys
    return keys | {
        "bot token": str(sandbox.our_bot.token).encode(),
        "secret half of the bot token": str(sandbox.our_bot.token).partition(":")[2].encode(),
        "api_hash": sandbox.world.api_hash.encode(),
        "phone": str(vera.phone).encode(),
        "login code": CODE.encode(),
        "password": PASSWORD.encode(),
        **{f"encryption key {n}": one for n, one in enumerate(installation.key_file.read_bytes().split())},
    }


def written(secret: bytes) -> Iterator[bytes]:
    """A secret as it is, and as it might be written."""
    yield secret
    if not secret.isascii():
        yield secret.hex().encode()
        yield secret.hex().upper().encode()
        for start in range(3):  # base64 in the middle of something longer
            whole = secret[start : start + (len(secret) - start) // 3 * 3]
            yield base64.b64encode(whole)
            yield base64.urlsafe_b64encode(whole)


def found_in(files: Iterable[Path], secret: bytes) -> list[str]:
    """The files that hold a secret."""
    return [file.name for file in files if any(one in file.read_bytes() for one in written(secret))]


async def a_full_run(installation: Installation) -> str:
    """Log in, register a channel, join, watch another link; answers the link."""
    await installation.log_in(installation.sandbox.world.people[VERA])
    async with installation.running():
        starling = Starling(installation.sandbox)
        sam = Someone(starling, SAM)
        await sam.says("/start", sees="Earn Stars")
        await sam.presses("Add my channel", sees="Which channel should earn?")
        made = await sam.makes_channel("Sam's corner", sees="Ready: the channel can earn")
        assert starling.world.channels[made].invites
        nadia = Someone(starling, NADIA)
        await nadia.says("/start", sees="Earn Stars")
        await nadia.says("/join @quiz_night_bot", sees="@quiz_night_bot")
        await nadia.presses("Join", sees="Which balance")
        await nadia.presses("📢 Quiet Gardens", sees="What an affiliate must know")
        await nadia.presses("✅ I accept these terms", sees="Join Quiz Night")
        await nadia.presses("✅ Join with this balance", sees="You’re in")
        return nadia.url


async def test_no_secret_stands_in_logs_queue_or_database(installation: Installation) -> None:
    link = await a_full_run(installation)
    everywhere = [*installation.data(), *installation.logs()]
    assert {one.suffix for one in everywhere} >= {".db", ".aof", ".log"}, "there is something to look through"
    for name, secret in secrets_of(installation).items():
        assert found_in(everywhere, secret) == [], name
    token = link.rpartition("=")[2].encode()
    assert found_in(installation.logs(), token) == [], "a personal link is in a log"
    for channel in installation.sandbox.world.channels.values():
        for invite in channel.invites:
            assert found_in(installation.logs(), invite.hash.encode()) == [], "an invite is in a log"
    holding = found_in(installation.data(), token)
    assert any("starling.db" in one for one in holding), "links stand in the database"
    assert any(one.endswith(".aof") for one in holding), "and in the queue: this search finds what there is"


async def test_a_stolen_data_folder_opens_no_session(installation: Installation) -> None:
    await installation.log_in(installation.sandbox.world.people[VERA])
    thief = Installation(installation.folder / "thief", installation.sandbox)
    thief.folder.mkdir()
    shutil.copytree(installation.data_dir, thief.data_dir, ignore=shutil.ignore_patterns("*.sock"))
    code, said = await thief.command("run")
    assert code != 0
    assert "session.key" in said
    assert not thief.key_file.exists(), "no new key is made beside sessions that it would not open"
