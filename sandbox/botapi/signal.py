"""Waiting for something to change, without sleeping."""

import asyncio


class Signal:
    """A version that only grows, and whoever waits for it to."""

    def __init__(self) -> None:
        self.version = 0
        self.closed = False
        self._waiting: set[asyncio.Future[None]] = set()

    def bump(self) -> None:
        """Something changed."""
        self.version += 1
        self._wake()

    def close(self) -> None:
        """Nothing will change any more: let everybody go."""
        self.closed = True
        self._wake()

    def open(self) -> None:
        """Take those who wait again, after `close`."""
        self.closed = False

    async def changed(self, after: int, timeout_seconds: float | None = None) -> int:
        """The version once it is past `after`, at once if it already is.

        Raises:
            TimeoutError: nothing changed in that time.
        """
        async with asyncio.timeout(timeout_seconds):
            while self.version <= after and not self.closed:
                future = asyncio.get_running_loop().create_future()
                self._waiting.add(future)
                try:
                    await future
                finally:
                    self._waiting.discard(future)
        return self.version

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
