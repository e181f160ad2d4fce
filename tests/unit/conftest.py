"""Stores for any unit test: on SQLite, and on PostgreSQL where it is installed."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from mtproto_bridge.store import Store, open_store
from mtproto_bridge.store.database import sqlite_url

PATIENCE = 60


def _as_nobody() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server of our own, without a database's name."""
    initdb, postgres = shutil.which("initdb"), shutil.which("postgres")
    if not initdb or not postgres:
        pytest.skip("there is no PostgreSQL (initdb, postgres) on the PATH")
    folder = Path(tempfile.mkdtemp(prefix="starling-pg-"))
    user = _as_nobody()
    if user:
        os.chown(folder, user["user"], user["group"])
    data = str(folder / "data")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = subprocess.run(  # noqa: S603 - a server for this test
        [initdb, "-D", data, "-U", "starling", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
        **user,
    )
    if made.returncode:
        shutil.rmtree(folder)
        pytest.skip(f"initdb does not work here: {made.stderr.strip()[-200:]}")
    command = [postgres, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-c", "unix_socket_directories=", "-F"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **user)  # noqa: S603 - as above
    try:
        _until_listening(server, port)
        yield f"postgresql://starling@127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown: whoever is still connected is cut off
        server.wait(PATIENCE)
        shutil.rmtree(folder)


def _until_listening(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert server.poll() is None, "postgres ended"
        assert time.monotonic() < deadline, "postgres does not listen"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "data")
    server: str = request.getfixturevalue("postgresql")
    name = f"test_{tmp_path.name.lower()[-40:]}"
    connection = await _connected(f"{server}/postgres")
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    return f"{server}/{name}"


async def _connected(url: str) -> Any:
    """A server that listens may still be starting up."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await asyncpg.connect(url)
            except asyncpg.CannotConnectNowError:
                await asyncio.sleep(0.05)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await open_store(url)
    yield opened
    await opened.close()
