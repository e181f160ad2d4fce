"""Servers that the queue must not run on, or should not."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from mtproto_bridge import check
from mtproto_bridge.queue.checks import Finding, inspect
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.settings import BridgeSettings
from tests.queue_servers import MINE, PASSWORD, THEIRS, Launch, Server, answer, asking, fatal


async def found_at(server: Server, *, installation: str = MINE, prefix: str = "starling") -> list[Finding]:
    async with asking(server.url) as ask:
        return await inspect(ask, server.url, Keys(prefix), installation)


async def test_a_server_that_evicts_is_refused_and_gets_no_key_of_ours(launch: Launch) -> None:
    server = launch("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "yes")
    assert "maxmemory-policy allkeys-lru" in fatal(await found_at(server))
    assert await answer(server.url, "DBSIZE") == 0


async def test_a_server_without_aof_is_used_with_a_warning(launch: Launch) -> None:
    (found,) = await found_at(launch())
    assert "set appendonly to yes" in found.sentence
    assert not found.fatal


async def test_a_server_that_takes_no_writes_is_refused_unless_the_keys_are_ours_already(launch: Launch) -> None:
    server = launch("--appendonly", "yes")
    assert await found_at(server) == []
    await answer(server.url, "CONFIG", "SET", "maxmemory", 1)
    assert await found_at(server) == []
    assert "does not take writes" in fatal(await found_at(server, prefix="new"))


async def test_keys_of_another_installation_are_left_alone(launch: Launch) -> None:
    server = launch("--appendonly", "yes")
    assert await found_at(server) == []
    assert await found_at(server) == [], "it may start again"
    sentence = fatal(await found_at(server, installation=THEIRS))
    assert "QUEUE_PREFIX" in sentence
    assert "{starling}:installation" in sentence
    assert await found_at(server, installation=THEIRS, prefix="theirs") == []
    assert await answer(server.url, "DEL", Keys().installation()) == 1
    assert await found_at(server, installation=THEIRS) == []


async def test_of_two_installations_that_start_at_once_one_gets_the_keys(launch: Launch) -> None:
    server = launch("--appendonly", "yes")
    found = await asyncio.gather(*(found_at(server, installation=str(one) * 32) for one in range(8)))
    assert sorted(len(one) for one in found) == [0] + [1] * 7


async def test_a_user_without_rights_is_told_so(launch: Launch) -> None:
    server = launch()
    rights = ("~{starling}:*", "&{starling}:*", "+get", "+set", "+spublish")
    await answer(server.url, "ACL", "SETUSER", "u", "on", "nopass", *rights)
    url = server.url.replace("//", "//u:any@")
    async with asking(url) as ask:
        (found,) = await inspect(ask, url, Keys(), MINE)
        assert "may not ask INFO" in found.sentence
        assert not found.fatal
        sentence = fatal(await inspect(ask, url, Keys("other"), MINE))
        assert "{other}:installation" in sentence
        await answer(server.url, "ACL", "SETUSER", "u", "resetchannels")
        assert "channels beside it" in fatal(await inspect(ask, url, Keys(), MINE))


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("redis://queue.example", ["no password"]),
        ("redis://:p@queue.example", []),
        ("rediss://queue.example?ssl_certfile=ours.pem", []),
        ("rediss://:p@queue.example?ssl_cert_reqs=none", ["anybody's"]),
        ("redis+sentinel://127.0.0.1,queue.example/main", ["no password"]),
        ("redis+sentinel://127.0.0.1/main", []),
        ("redis://127.0.0.2", []),
        ("redis://[::1]", []),
        ("redis://localhost", []),
        ("unix:///run/valkey.sock", []),
    ],
)
async def test_a_server_elsewhere_needs_a_password_and_a_certificate_that_is_looked_at(
    url: str, warned: list[str]
) -> None:
    async def ask(*command: str) -> str:
        return "valkey_version:8.0.1\r\nmaxmemory:0\r\naof_enabled:1\r\n" if command == ("INFO",) else MINE

    found = await inspect(ask, url, Keys(), MINE)
    assert len(found) == len(warned)
    assert all(words in one.sentence and not one.fatal for words, one in zip(warned, found, strict=True))


# -- the command -------------------------------------------------------------------------------------------------------


async def test_check_says_what_the_server_is_like_and_claims_nothing(launch: Launch, tmp_path: Path) -> None:
    server = launch("--requirepass", PASSWORD)
    right, wrong = (server.url.replace("//", f"//:{one}@") for one in (PASSWORD, "guessed"))

    async def said(url: str) -> list[check.Finding]:
        settings = BridgeSettings(
            _env_file=None,
            api_id=1,
            api_hash=SecretStr("0" * 32),
            redis_url=SecretStr(url),
            data_dir=tmp_path / "data",
            session_key_file=tmp_path / "key",
            registration="open",
        )
        return [one async for one in check.findings(settings) if "account" not in one[1]]

    lines = await said(right)
    assert (True, "The server at REDIS_URL answers.") in lines
    assert any(not fine and "set appendonly to yes" in sentence for fine, sentence in lines)
    assert await answer(right, "DBSIZE") == 0
    await answer(right, "SET", Keys().installation(), THEIRS)
    assert any(not fine and "belong to another Starling" in sentence for fine, sentence in await said(right))
    (sentence,) = [one for fine, one in await said(wrong) if not fine]
    assert sentence.startswith("REDIS_URL: the server does not answer (")
    assert "WRONGPASS" in sentence or "password" in sentence
    assert "guessed" not in sentence
