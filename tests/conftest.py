"""What holds for every test: the network is this machine only."""

import os
import socket
from ipaddress import ip_address
from typing import Any

import pytest
import structlog

MOST_WORKERS = 8
"""Each is a quarter of a gigabyte, and takes seconds to import what it tests."""


@pytest.hookimpl(optionalhook=True)  # without xdist all else works
def pytest_xdist_auto_num_workers() -> int:
    """How many `-n auto` starts: one more than there are cores, since tests wait as much as they compute."""
    return min((os.cpu_count() or 1) + 1, MOST_WORKERS)


class NotLoopbackError(RuntimeError):
    """A test tried to reach something that is not this machine."""


def _refuse_foreign(address: object) -> None:
    if not isinstance(address, tuple):
        return  # a unix socket
    host = str(address[0])
    if host not in ("localhost", "") and not ip_address(host.partition("%")[0]).is_loopback:
        raise NotLoopbackError(f"a test tried to connect to {host}")


@pytest.fixture(autouse=True)
def _plain_tracebacks() -> None:
    """Unless told otherwise, structlog draws one in colours and with all variables: a second of work each."""
    structlog.reset_defaults()
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting anywhere but to loopback, and looking a foreign name up, fails the test that did it."""
    connect, connect_ex, lookup = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_foreign(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_foreign(address)
        return connect_ex(self, address)

    def guarded_lookup(host: Any, *args: Any, **options: Any) -> Any:
        if host not in (None, "localhost", "127.0.0.1", "::1", b"localhost", b"127.0.0.1"):
            raise NotLoopbackError(f"a test tried to look {host!r} up")
        return lookup(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup)
