"""An installation as an operator has it: bridge and bot as processes of their own, with files and logs to look into."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from processes.environment import SYSTEM, environment_for
from processes.tied import TiedProcess
from sandbox.serve import Sandbox
from sandbox.world import Person

PATIENCE = 60


@dataclass
class Installation:
    """One folder: `data`, `keys` and `logs`."""

    folder: Path
    sandbox: Sandbox

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def key_file(self) -> Path:
        return self.folder / "keys" / "session.key"

    def environment(self, process: str) -> dict[str, str]:
        """As `.env` would give it, each process its own part."""
        server = self.sandbox.mtproto
        public_key = self.folder / "sandbox.pem"
        public_key.write_text(server.key.public_pem)
        told = {
            "API_ID": str(server.world.api_id),
            "API_HASH": server.world.api_hash,
            "BOT_TOKEN": str(self.sandbox.our_bot.token),
            "BOT_API_URL": self.sandbox.botapi.base_url,
            "DATA_DIR": str(self.data_dir),
            "SESSION_KEY_FILE": str(self.key_file),
            "MTPROTO_SERVER": f"{server.host}:{server.port}",
            "MTPROTO_PUBLIC_KEY_FILE": str(public_key),
            "REGISTRATION": "open",
            "LEASE_SECONDS": "3",
            "LOG_LEVEL": "DEBUG",
        }
        system = {name: os.environ[name] for name in SYSTEM if name in os.environ}
        return environment_for(process, system | told)

    async def command(self, *arguments: str, answers: Sequence[str] = (), **changes: str) -> tuple[int, str]:
        """`python -m mtproto_bridge …` to its end, with these lines typed; its exit code and all it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "mtproto_bridge", *arguments),
            env=self.environment("bridge") | changes,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate("".join(f"{line}\n" for line in answers).encode())
        self._log("console").write_bytes(said)
        return process.returncode or 0, said.decode()

    async def log_in(self, person: Person, *first: str) -> None:
        """`login`, by phone; `first` is what is asked before that."""
        answers = [*first, f"+{person.phone}", person.login_code, *([person.password] if person.password else [])]
        code, said = await self.command("login", answers=answers)
        assert code == 0, said

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Bridge and bot, until the end of the block."""
        started = [self._start("mtproto_bridge", "bridge"), self._start("bot", "bot")]
        try:
            async with asyncio.timeout(PATIENCE):
                while not any(b"Run polling" in one.read_bytes() for one in self.logs()):  # noqa: ASYNC110 - a process
                    await asyncio.sleep(0.05)
            yield
        finally:
            await asyncio.gather(*(asyncio.to_thread(one.stop) for one in reversed(started)))

    def _start(self, module: str, process: str) -> TiedProcess:
        with self._log(process).open("ab") as log:
            command = [sys.executable, "-m", module, "run"]
            return TiedProcess(command, env=self.environment(process), stdout=log, stderr=log)

    def _log(self, name: str) -> Path:
        folder = self.folder / "logs"
        folder.mkdir(exist_ok=True)
        number = len(list(folder.iterdir()))
        return folder / f"{number}-{name}.log"

    def logs(self) -> Iterator[Path]:
        """What every process said."""
        return (self.folder / "logs").iterdir()

    def data(self) -> Iterator[Path]:
        """Every file of the data folder: database, append-only file, sockets left aside."""
        return (one for one in self.data_dir.rglob("*") if one.is_file())


@asynccontextmanager
async def installed(sandbox: Sandbox) -> AsyncIterator[Installation]:
    """An empty folder. Its path is short, for the socket's sake."""
    folder = Path(tempfile.mkdtemp(prefix="starling-"))
    try:
        yield Installation(folder, sandbox)
    finally:
        shutil.rmtree(folder)
