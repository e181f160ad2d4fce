"""Telethon's connection under a lease: once that is over, nothing more is sent to Telegram.

A process that was stopped whole, or whose event loop stalled, wakes with calls, acknowledgments and pings on its
way out, while another bridge may be speaking for the account. So the lease is asked where bytes are written.
"""

import asyncio
import os
import socket
import threading
from contextlib import suppress
from typing import Any

from telethon.network import ConnectionTcpFull

from mtproto_bridge.handling import Lease


class LeaseOver(Exception):  # noqa: N818 - no fault of anybody's
    """The lease ended before a connection was made. No OSError: Telethon would try again."""


class Permit:
    """One client's right to speak, and its socket. Any thread may ask it and cut it."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def is_open(self) -> bool:
        """Whether anything may be sent at this moment."""
        return not self._is_cut and self._lease.holds()

    def cut(self) -> None:
        """Shut the socket at once; nothing is sent any more, on none that is opened later either."""
        self._is_cut = True
        with self._lock:
            self._shut()

    def attach(self, transport: asyncio.BaseTransport) -> None:
        """Watch over the socket of a transport.

        By a descriptor of our own: the transport's may be closed, and its number given to another socket, in the
        moment in which a thread shuts it.
        """
        descriptor = os.dup(transport.get_extra_info("socket").fileno())  # uvloop gives no real socket
        with self._lock:
            self._release()
            self._socket = socket.socket(fileno=descriptor)
            if self._is_cut:  # while it connected
                self._shut()

    def release(self) -> None:
        """The transport is closed, or is about to be."""
        with self._lock:
            self._release()

    def _shut(self) -> None:
        if self._socket:
            with suppress(OSError):  # it is closed already
                self._socket.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def connection(self) -> type[Any]:
        """The class that Telethon makes its connection of."""
        return type("LeasedConnection", (_LeasedConnection,), {"permit": self})


class _LeasedConnection(ConnectionTcpFull):  # type: ignore[misc] # Telethon is untyped
    permit: Permit

    async def _connect(self, timeout: float | None = None, ssl: Any = None) -> None:  # noqa: ANN401, ASYNC109 - theirs
        if not self.permit.is_open():
            raise LeaseOver
        await super()._connect(timeout=timeout, ssl=ssl)
        # Both asyncio and uvloop then write at once: nothing waits behind the look at the lease.
        self._writer.transport.set_write_buffer_limits(high=0)
        self.permit.attach(self._writer.transport)

    def _send(self, data: bytes) -> None:
        if not self.permit.is_open():
            raise ConnectionAbortedError("the lease is over")
        super()._send(data)

    async def disconnect(self) -> None:
        if self._connected and self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()  # on a dead network it would wait until that has left
        try:
            await super().disconnect()
        finally:
            self.permit.release()
            if self._recv_queue.empty():  # Telethon forgets who waits for an answer when it was sending that failed
                self._recv_queue.put_nowait((None, ConnectionAbortedError("disconnected")))
