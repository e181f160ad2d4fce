"""Opening the store: SQLite file or PostgreSQL, brought to the newest migration under a lock."""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

MIGRATIONS = Path(__file__).parent / "migrations"
KEPT_CONNECTIONS, MORE_CONNECTIONS = 8, 32
"""Kept open, since opening costs a thread or a handshake; and more where many wait for a lock: who reads does not."""
MIGRATION_LOCK = 7_305_842_001
"""The number of our PostgreSQL advisory lock."""
NEWS = "news"
"""What a session's info says when its transaction holds events."""


class StoreError(Exception):
    """The store cannot be opened; the text says why and what to do."""


class Store:
    """An open store. A unit of work is `async with store.begin() as session`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self.has_news = asyncio.Event()
        """Set when events were committed (see `outbox`)."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A transaction: committed at the end, rolled back on an exception."""
        async with self._sessions.begin() as session:
            yield session
        if session.info.get(NEWS):
            self.has_news.set()

    async def settle(self) -> None:
        """Wait until what was committed would outlast a power loss: SQLite need not have written it through yet.

        Raises:
            StoreError: somebody else was at work in it all the time.
        """
        if self._engine.dialect.name != "sqlite":
            return
        async with self._engine.connect() as connection:
            busy, *_ = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(FULL)")).one()
        if busy:
            raise StoreError("The database is in use all the time: run the command again.")

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def sqlite_url(data_dir: Path) -> str:
    """The DATABASE_URL of an installation without one."""
    return f"sqlite:///{data_dir / 'starling.db'}"


async def open_store(url: str) -> Store:
    """Open the store at a database URL and migrate it to the newest form.

    Raises:
        StoreError: the URL is wrong, or the database cannot be reached or written.
    """
    parsed = _with_driver(url)
    engine = create_async_engine(parsed, pool_size=KEPT_CONNECTIONS, max_overflow=MORE_CONNECTIONS)
    try:
        if parsed.get_backend_name() == "sqlite":
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            if parsed.database:
                _make_private(Path(parsed.database))
        await _migrate(engine, parsed)
    except (SQLAlchemyError, CommandError, OSError) as error:
        await engine.dispose()
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        raise StoreError(
            f"DATABASE_URL: the database {parsed.render_as_string()} cannot be used ({reason})."
        ) from error
    return Store(engine)


def _with_driver(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError as error:
        raise StoreError("DATABASE_URL is not a database URL; try sqlite:///data/starling.db.") from error
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    if backend not in drivers:
        raise StoreError(f"DATABASE_URL names {backend}; Starling speaks sqlite and postgresql.")
    return parsed.set(drivername=drivers[backend])


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, for its owner only: it holds the sealed sessions and everybody's links."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=10000", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _migrate(engine: AsyncEngine, url: URL) -> None:
    """Bring the tables to the newest form; of several processes starting at once, one does it."""
    if url.get_backend_name() == "sqlite":
        file = await asyncio.to_thread(_locked, Path(url.database or "starling.db").with_suffix(".lock"))
        with file:
            async with engine.begin() as connection:
                # Python's driver begins no transaction before tables are made: a kill would leave half of them.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
                await connection.run_sync(_upgrade)
        return
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": MIGRATION_LOCK})
        await connection.run_sync(_upgrade)


def _locked(path: Path) -> IO[str]:
    """The lock file, held until it is closed."""
    file = path.open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
