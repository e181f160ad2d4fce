"""A database of an earlier version keeps all that is in it."""

import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import create_async_engine

from mtproto_bridge.store import open_store
from mtproto_bridge.store.database import MIGRATIONS, _make_private, _prepare_sqlite, _with_driver

FILLED = (
    "INSERT INTO account (id, name, session, state) VALUES (1, 'Vera', 'sealed', 'ready')",
    "INSERT INTO peer (account_id, peer_id, access_hash) VALUES (1, -100500, 77)",
    "INSERT INTO balance (id, kind, peer_id, title, account_id) VALUES (5, 'channel', 500, 'News', 1)",
    "INSERT INTO manager (balance_id, person_id, allowed) VALUES (5, 1002, true)",
    """INSERT INTO program (bot_id, username, title, commission_permille, rank_profit, seen_at)
    VALUES (8, 'quiz_bot', 'Quiz', 200, 0, '2026-11-01 12:00:00+00:00')""",
    """INSERT INTO affiliation (id, balance_id, bot_id, bot_username, bot_title, url, date, commission_permille,
    participants, revenue, revoked, current, seen_at) VALUES (9, 5, 8, 'quiz_bot', 'Quiz', 'https://t.me/x',
    '2026-11-01 12:00:00+00:00', 200, 3, 4, false, true, '2026-11-01 12:00:00+00:00')""",
)
COUNTS = {"account": 1, "peer": 1, "balance": 1, "manager": 1, "program": 1, "affiliation": 1, "installation": 1}


async def make(url: str, revision: str) -> None:
    """A database as it was at a revision, with something in every table."""
    parsed = _with_driver(url)
    engine = create_async_engine(parsed)
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        await asyncio.to_thread(_make_private, Path(parsed.database or ""))
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade, revision)
        for statement in FILLED:
            await connection.execute(text(statement))
    await engine.dispose()


def _upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.mark.parametrize("revision", ["0002"])
async def test_what_was_kept_before_is_kept_on(url: str, revision: str) -> None:
    await make(url, revision)
    store = await open_store(url)
    async with store.begin() as session:
        kept = {name: await session.scalar(text(f"SELECT count(*) FROM {name}")) for name in COUNTS}  # noqa: S608 - ours
        health, premium = (await session.execute(text("SELECT health, premium FROM balance, account"))).one()
    await store.close()
    assert kept == COUNTS
    assert (health, bool(premium)) == ("ok", False)
