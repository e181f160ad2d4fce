"""The contest: one Valkey, and each contestant in turn with a worker and a client of its own, round after round.

A contestant is up only in its own turn and finds the server empty: nobody else polls, renews or holds memory
meanwhile. Everybody connects by the server's unix socket, with hiredis and on uvloop.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from redis import Redis

from benchmarks.figures import Round
from mtproto_bridge.queue import embedded
from processes.tied import TiedProcess

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds a contestant may take for an answer, on top of what it is to measure."""
GRACE = 2.0
WARM_UP = 0.3
IN_FLIGHT = 64


@dataclass(frozen=True)
class Contestant:
    """Who takes part, and as what."""

    name: str
    """Its module in `contestants`; for one that polls keenly with `-keen` behind it."""
    settings: str
    """In which settings, in a few words."""
    environment: str | None = None
    """The folder of its virtual environment; None: ours."""
    framework: bool = True

    @property
    def is_keen(self) -> bool:
        """Whether it polls at whatever pace suits each figure best, instead of as documented."""
        return self.name.endswith("-keen")

    @property
    def arguments(self) -> list[str]:
        """What its process is told of it, before and after role and URL."""
        module, dash, keen = self.name.partition("-")
        return [module, *([keen] if dash else [])]

    @property
    def python(self) -> Path:
        """What it runs on."""
        return ROOT / self.environment / "bin" / "python" if self.environment else Path(sys.executable)


_KEEN = "polling every 0.5 ms alone, every 10 ms in a crowd"
CONTESTANTS = (
    Contestant("ping", "one PING, no worker", framework=False),
    Contestant("naive", "XADD, XREADGROUP, XADD, XACK: one command each", framework=False),
    Contestant("ours", "BridgeClient.join and LaneOwner, 8 accounts with 8 balances each", framework=False),
    Contestant("faststream", "a stream with a group; broker.request", ".venv-bench"),
    Contestant("pydocket", "concurrency 64; execution.get_result", ".venv-bench"),
    Contestant("taskiq", "RedisStreamBroker, RedisAsyncResultBackend", ".venv-bench"),
    Contestant("taskiq-keen", f"the same, {_KEEN}", ".venv-bench"),
    Contestant("saq", "concurrency 64; queue.apply", ".venv-bench-saq"),
    Contestant("saq-keen", f"the same, {_KEEN}", ".venv-bench-saq"),
    Contestant("arq", "max_jobs 64", ".venv-bench-arq"),
    Contestant("arq-keen", f"the same, {_KEEN}", ".venv-bench-arq"),
)


@dataclass(frozen=True)
class Versions:
    """Of a contestant's library, and of the redis-py it runs on."""

    version: str
    redis: str


class ContestantError(Exception):
    """A contestant did not do its part; the text says who and what."""


def hold(contestants: Sequence[Contestant], rounds: int, seconds: float) -> Iterator[tuple[str, Versions, Round]]:
    """Give each contestant its turn in each round, every second round in the opposite order.

    Raises:
        ContestantError: one of them failed.
    """
    with _server() as server:
        for number in range(rounds):
            for contestant in contestants[:: -1 if number % 2 else 1]:
                print(f"round {number + 1} of {rounds}: {contestant.name}", file=sys.stderr, flush=True)
                yield contestant.name, *_turn(contestant, server, seconds)


class _Server:
    """The Valkey everybody uses, with AOF as in production."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._redis = Redis.from_url(url)

    def empty(self) -> None:
        self._redis.flushall()

    def cpu_seconds(self) -> float:
        told = cast("dict[str, float]", self._redis.info("cpu"))
        return told["used_cpu_user"] + told["used_cpu_sys"]


@contextmanager
def _server() -> Iterator[_Server]:
    with tempfile.TemporaryDirectory(prefix="starling-bench-") as name:
        folder = Path(name)
        with embedded.start(folder):
            yield _Server(embedded.url_of(embedded.socket_path(folder)))


def _turn(contestant: Contestant, server: _Server, seconds: float) -> tuple[Versions, Round]:
    server.empty()
    if contestant.name == "ping":
        with _Process(contestant, "client", server.url) as client:
            return _figures(client, None, server, seconds)
    with _Process(contestant, "worker", server.url) as worker:
        worker.answer()
        with _Process(contestant, "client", server.url) as client:
            return _figures(client, worker, server, seconds)


def _figures(client: "_Process", worker: "_Process | None", server: _Server, seconds: float) -> tuple[Versions, Round]:
    versions = Versions(**client.answer())
    for in_flight in (1, IN_FLIGHT):
        client.ask(seconds=min(WARM_UP, seconds), in_flight=in_flight)
    figures: Round = {}
    for name, in_flight in (("one", 1), ("many", IN_FLIGHT)):
        before = server.cpu_seconds(), worker.ask()["cpu_seconds"] if worker else 0.0
        told = client.ask(seconds=seconds, in_flight=in_flight)
        after = server.cpu_seconds(), worker.ask()["cpu_seconds"] if worker else 0.0
        trips = told.pop("trips")
        figures |= {
            f"{name}_client_us": told.pop("cpu_seconds") / trips * 1e6,
            f"{name}_worker_us": (after[1] - before[1]) / trips * 1e6,
            f"{name}_server_us": (after[0] - before[0]) / trips * 1e6,
        } | {f"{name}_{figure}": value for figure, value in told.items()}
    return versions, figures


class _Process:
    """A contestant's worker or client (see `contestant`), gone at the end."""

    def __init__(self, contestant: Contestant, role: str, url: str) -> None:
        self._who = f"{contestant.name} ({role})"
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - __exit__ closes it
        name, *keen = contestant.arguments
        command = [str(contestant.python), "-m", "benchmarks.queue.contestant", name, role, url, *keen]
        stdin, self._orders = os.pipe()
        try:
            self._process = TiedProcess(
                command, cwd=ROOT, grace=GRACE, stdin=stdin, stdout=subprocess.PIPE, stderr=self._complaints
            )
        except BaseException:
            os.close(self._orders)
            raise
        finally:
            os.close(stdin)

    def ask(self, **order: float) -> dict[str, Any]:
        """Order it to measure; without anything, to say what it has spent."""
        os.write(self._orders, json.dumps(order).encode() + b"\n")
        return self.answer(order.get("seconds", 0.0))

    def answer(self, seconds: float = 0.0) -> dict[str, Any]:
        """What it says next; a new one says its versions."""
        answers = self._process.stdout
        assert answers is not None
        if select.select([answers], [], [], seconds + PATIENCE)[0] and (line := answers.readline()):
            return cast("dict[str, Any]", json.loads(line))
        self._complaints.seek(0)
        said = self._complaints.read().decode(errors="replace").strip()
        raise ContestantError(f"{self._who} did not answer. {said[-2000:]}".strip())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._orders)
        self._process.stop()
        self._complaints.close()
