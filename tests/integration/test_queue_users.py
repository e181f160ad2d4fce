"""The queue as an ACL user with just the rights that are documented."""

import re

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from mtproto_bridge.queue.checks import inspect
from mtproto_bridge.queue.connecting import pool_at
from mtproto_bridge.queue.keys import Keys
from tests.queue_servers import ME, MINE, PASSWORD, PATIENCE, ROOT, Launch, answer, asking, every_script, exchanging


def documented_user(password: str) -> list[str]:
    """The command of docs/operating.md that makes the user."""
    (line,) = re.findall(r"^ACL SETUSER .+$", (ROOT / "docs" / "operating.md").read_text("utf-8"), re.MULTILINE)
    assert ">PASSWORD" in line
    return str(line).replace("PASSWORD", password).split()


async def test_the_documented_user_may_do_all_that_is_needed_and_nothing_else(launch: Launch) -> None:
    server, keys = launch("--requirepass", PASSWORD, "--appendonly", "yes"), Keys()
    admin = server.url.replace("//", f"//:{PASSWORD}@")
    url = server.url.replace("//", "//starling:other@")
    async with asking(admin) as ask:
        await ask(*documented_user("other"))
        async with asking(url) as ask_as_user:
            assert await inspect(ask_as_user, url, keys, MINE) == []
        async with exchanging(url, keys) as client:
            assert (await client.list_balances(ME)).balances == []
        await every_script(url, keys)
        await what_the_bot_keeps(url, keys)
        assert await ask("ACL", "LOG") == [], "nothing was refused"
        for command in (
            ("GET", "another"),
            ("GET", "starling"),
            ("SET", "{starling2}:desk", "1"),
            ("KEYS", "*"),
            ("FLUSHALL",),
            ("CONFIG", "GET", "*"),
            ("SCRIPT", "FLUSH"),
            ("ACL", "LIST"),
        ):
            with pytest.raises(NoPermissionError):
                await answer(url, *command)


async def what_the_bot_keeps(url: str, keys: Keys) -> None:
    """Open questions, as aiogram's storage has them."""
    bot = Redis(connection_pool=pool_at(url, answer_seconds=PATIENCE, retries=3))
    try:
        key = f"{{{keys.prefix}}}:fsm:1"
        await bot.set(key, "asked", ex=60)
        assert await bot.get(key) == "asked"
        await bot.delete(key)
    finally:
        await bot.aclose(close_connection_pool=True)


async def test_the_documented_user_may_do_just_what_the_code_asks_for(launch: Launch) -> None:
    known = {name.upper() for name in await answer(launch().url, "COMMAND", "LIST")}
    folder = ROOT / "mtproto_bridge"
    sources = [folder / "app.py", folder / "client.py", *(folder / "queue").rglob("*.py"), *folder.rglob("*.lua")]
    words = {word for file in sources for word in re.findall(r"""["']([A-Z]{3,})["']""", file.read_text("utf-8"))}
    asked = words & known - {"READONLY", "HELLO"}  # what a replica says, and what nobody is refused
    rights = {one[1:].upper() for one in documented_user("p") if one.startswith("+")}
    assert rights == asked - {"SCRIPT"} | {"SCRIPT|LOAD", "CLIENT|SETINFO"}
