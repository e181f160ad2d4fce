"""A journal of the API calls a sandbox carried out: what a test of whole processes has for a witness."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FLUSH_SECONDS = 0.2
"""How long a line may wait in memory: a write for each would slow down what is being watched."""
BUFFER_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call as it came in; times are the system's monotonic clock, which all processes of a machine share."""

    connection: int
    account: int | None
    method: str
    at: float = field(default_factory=time.monotonic)


class Journal:
    """One JSON line per call, appended to a file; docs/sandbox.md says what is in it."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be written.
        """
        self._file = path.open("a", encoding="utf-8", buffering=BUFFER_BYTES)
        self._flushing: asyncio.TimerHandle | None = None

    def write(self, arrival: Arrival, outcome: str, about: Mapping[str, object]) -> None:
        """Note what came of a call, now."""
        line = {
            "at": round(time.monotonic(), 6),
            "arrived": round(arrival.at, 6),
            "connection": arrival.connection,
            "account": arrival.account,
            "method": arrival.method,
            "outcome": outcome,
            **about,
        }
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush)

    def close(self) -> None:
        """Write what waits, and close; safe to call twice."""
        if self._flushing:
            self._flushing.cancel()
            self._flushing = None
        self._file.close()

    def _flush(self) -> None:
        self._flushing = None
        self._file.flush()
