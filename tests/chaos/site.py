"""Where chaos happens: a sandbox, a queue and bridges, each a real process that can be killed and started again."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from redis import Redis
from redis.exceptions import RedisError

from mtproto_bridge.login import login
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.queue import embedded
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.leases import bridge_of
from mtproto_bridge.settings import BridgeSettings
from processes.tied import TiedProcess
from tests.bridge_fixtures import ScriptedConsole

TTL = 3.0
"""LEASE_SECONDS of the bridges: short, so that there is time for many disasters."""
START_SECONDS = 30.0
FIRST_ACCOUNT, FIRST_OWNER, FIRST_CHANNEL, FIRST_APP = 1_001, 2_001, 90_001, 8_000_001
CHANNELS_EACH = 2
APPS = 4
SPONSOR = 3_001


def world(accounts: int) -> dict[str, Any]:
    """Accounts to log in, each posting in channels of an owner of its own; and a handful of programs."""
    people = [{"id": SPONSOR, "first_name": "Sponsor", "phone": "9996623001"}]
    channels = []
    for number in range(accounts):
        account, owner = FIRST_ACCOUNT + number, FIRST_OWNER + number
        people += [
            {"id": account, "first_name": f"Account {number}", "phone": f"999662{account}"},
            {"id": owner, "first_name": f"Owner {number}", "phone": f"999662{owner}"},
        ]
        for channel in channels_of(account):
            admins = {str(account): ["post_messages"]}
            channels.append({"id": channel, "title": str(channel), "creator_id": owner, "admins": admins})
    program = {"commission_permille": 200, "duration_months": 12, "created": "2026-02-01T10:00:00Z"}
    starling = {"id": 7000001, "title": "Starling", "username": "chaos_starling_bot", "owner_id": SPONSOR}
    bots: list[dict[str, Any]] = [{**starling, "token": "7000001:AAStarlingSandboxTokenThatOpensNothing1"}]
    for app in apps():
        named = {"id": app, "title": f"App {app}", "username": f"app{app}_bot"}
        bots.append({**named, "owner_id": SPONSOR, "program": program})
    # Each rejoin makes a new link: then a join that acted twice has two URLs to show for it.
    switches = {"reconnect": "new_url"}
    return {"our_bot": 7000001, "people": people, "bots": bots, "channels": channels, "switches": switches}


def channels_of(account: int) -> list[int]:
    """The channels an account posts in; as balances their titles are these numbers."""
    first = FIRST_CHANNEL + (account - FIRST_ACCOUNT) * CHANNELS_EACH
    return list(range(first, first + CHANNELS_EACH))


def owner_of(account: int) -> int:
    """Who owns the channels an account posts in."""
    return account - FIRST_ACCOUNT + FIRST_OWNER


def apps() -> list[int]:
    """The bots with a program."""
    return list(range(FIRST_APP, FIRST_APP + APPS))


class Victim:
    """A command that is killed, stopped and started again, and ends with us, however we end."""

    def __init__(self, name: str, command: Sequence[str], env: dict[str, str], folder: Path) -> None:
        self.name = name
        self.pid = 0
        self._command = command
        self._env = env
        self._log = folder / f"{name}.log"
        self._pid_file = folder / f"{name}.pid"
        self._process: TiedProcess | None = None

    @property
    def log(self) -> str:
        """All it ever said."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    @property
    def running(self) -> bool:
        """Whether it has not ended (it may be stopped)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and learn its own pid: that of its guard would not do."""
        self.end()
        self._pid_file.unlink(missing_ok=True)
        tells_its_pid = ["sh", "-c", 'echo $$ > "$0.new"; mv "$0.new" "$0"; exec "$@"', str(self._pid_file)]
        with self._log.open("ab") as log:
            self._process = TiedProcess([*tells_its_pid, *self._command], env=self._env, stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while not self._pid_file.exists():
            assert time.monotonic() < until, f"{self.name} did not start"
            time.sleep(0.005)
        self.pid = int(self._pid_file.read_text())

    def signal(self, number: signal.Signals) -> float:
        """Send it a signal; answers when, on the monotonic clock."""
        at = time.monotonic()
        os.kill(self.pid, number)
        return at

    def wait(self) -> int:
        """Wait until it has ended."""
        assert self._process
        return self._process.wait(START_SECONDS)

    def end(self) -> None:
        """End it in good order, if it has not ended."""
        if self._process:
            if self.running:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGCONT)
            self._process.stop()
            self._process = None


class Queue:
    """A Valkey with AOF everysec on a folder that stays when it is killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys = Keys()
        self._process: TiedProcess | None = None
        self._redis: Redis = Redis(unix_socket_path=str(embedded.socket_path(folder)), decode_responses=True)

    @property
    def url(self) -> str:
        """Its REDIS_URL."""
        return embedded.url_of(embedded.socket_path(self._folder))

    def start(self) -> None:
        """Start it on what its append-only file has."""
        self._process = embedded.start(self._folder)

    def signal(self, number: signal.Signals) -> int:
        """Send it a signal it ends by, wait for that; answers the pid it had."""
        pid = int(self._redis.info("server")["process_id"])
        os.kill(pid, number)
        self.end()
        return pid

    def end(self) -> None:
        """End it, if it has not ended."""
        self._redis.close()
        if self._process:
            self._process.stop()
            self._process = None

    def hang_up(self) -> None:
        """Cut every client's connection."""
        for kind in ("pubsub", "normal"):  # who listens is of the first
            self._redis.client_kill_filter(_type=kind)

    def owners(self) -> dict[AccountId, str]:
        """The bridge that holds each account's lease, as far as anybody holds it."""
        pattern = self._keys.lease(AccountId(0)).removesuffix("0") + "*"
        try:
            leases = sorted(self._redis.scan_iter(pattern, count=1_000))
            tokens: Any = self._redis.mget(leases) if leases else []
        except RedisError:
            return {}
        return {
            AccountId(int(lease.rpartition(":")[2])): bridge
            for lease, token in zip(leases, tokens, strict=True)
            if (bridge := bridge_of(token))
        }

    def owner(self, account: AccountId) -> str | None:
        """The bridge that holds one account's lease, if that can be asked and anybody does."""
        try:
            token: Any = self._redis.get(self._keys.lease(account))
        except RedisError:
            return None
        return bridge_of(token)

    def waiting(self, account: AccountId) -> int:
        """How many unfinished requests an account has."""
        return int(self._redis.xlen(self._keys.lane(account)))

    def dead_letters(self) -> int:
        """How many requests were given up."""
        return int(self._redis.xlen(self._keys.dead_letters()))


class Site:
    """Everything that is running, and the folder it runs on."""

    def __init__(self, folder: Path, accounts: int, bridges: int) -> None:
        self.folder = folder
        self.accounts = [AccountId(FIRST_ACCOUNT + number) for number in range(accounts)]
        self.journal = folder / "journal.jsonl"
        self.queue = Queue(folder / "queue")
        self._told: dict[str, Any] = {}
        self._names = [f"bridge-{number + 1}" for number in range(bridges)]
        self.bridges: dict[str, Victim] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start the sandbox and the queue, log every account in, and start the bridges."""
        with ExitStack() as stack:
            self._start_sandbox(stack)
            self.queue.start()
            stack.callback(self.queue.end)
            asyncio.run(self._log_in())
            command = [sys.executable, "-m", "mtproto_bridge", "run"]
            for name in self._names:
                bridge = Victim(name, command, {**self.environment(), "BRIDGE_NAME": name}, self.folder)
                self.bridges[name] = bridge
                stack.callback(bridge.end)
                bridge.start()
            self.wait_until_served()
            yield

    def _start_sandbox(self, stack: ExitStack) -> None:
        described = self.folder / "world.json"
        described.write_text(json.dumps(world(len(self.accounts))), "utf-8")
        command = [sys.executable, "-m", "sandbox", "serve", "--json"]
        command += ["--world", str(described), "--journal", str(self.journal)]
        with (self.folder / "sandbox.log").open("ab") as log:
            sandbox = stack.enter_context(TiedProcess(command, stdout=subprocess.PIPE, stderr=log))
        assert sandbox.stdout
        self._told = json.loads(sandbox.stdout.readline())

    async def _log_in(self) -> None:
        phones = {one["id"]: (one["phone"], one["login_code"]) for one in self._told["people"]}
        for account in self.accounts:
            phone, code = phones[account]
            console = ScriptedConsole([f"+{phone}", code])
            assert await login(self._settings(), console) == 0, console.said

    def wait_until_served(self) -> None:
        """Wait until every lane has an owner, and every bridge that runs has lanes."""
        until = time.monotonic() + START_SECONDS
        while True:
            owners = self.queue.owners()
            if len(owners) == len(self.accounts) and len(set(owners.values())) == len(self.bridges):
                return
            assert time.monotonic() < until, f"not every lane is served: {owners}"
            time.sleep(0.05)

    def environment(self) -> dict[str, str]:
        """What each bridge process is told, but for its name."""
        settings = self._settings()
        return {
            "PATH": os.environ.get("PATH", ""),
            "ENV_FILE": "",
            "API_ID": str(settings.api_id),
            "API_HASH": settings.api_hash.get_secret_value(),
            "REDIS_URL": self.queue.url,
            "DATA_DIR": str(settings.data_dir),
            "SESSION_KEY_FILE": str(settings.session_key_file),
            "LEASE_SECONDS": str(TTL),
            "MTPROTO_SERVER": str(settings.mtproto_server),
            "MTPROTO_PUBLIC_KEY_FILE": str(settings.mtproto_public_key_file),
        }

    def _settings(self) -> BridgeSettings:
        mtproto = self._told["mtproto"]
        key_file = self.folder / "sandbox.pem"
        key_file.write_text(mtproto["public_key"]["pem"])
        return BridgeSettings.model_validate(
            {
                "api_id": mtproto["api_id"],
                "api_hash": SecretStr(mtproto["api_hash"]),
                "data_dir": self.folder / "data",
                "session_key_file": self.folder / "keys" / "session.key",
                "mtproto_server": f"{mtproto['host']}:{mtproto['port']}",
                "mtproto_public_key_file": key_file,
            }
        )

    async def control(self, action: str, **body: object) -> None:
        """Let something happen in the sandbox (docs/sandbox.md)."""
        await asyncio.to_thread(self._control, action, body)

    def _control(self, action: str, body: dict[str, object]) -> None:
        control = self._told["control"]
        request = urllib.request.Request(  # noqa: S310 - our own loopback server
            f"{control['base_url']}/{action}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {control['token']}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=START_SECONDS):  # noqa: S310
            pass


@contextmanager
def set_up(accounts: int, bridges: int, *, keep: bool = False) -> Iterator[Site]:
    """A running site in a folder of its own; with `keep`, the folder stays: logs, journal, store."""
    folder = Path(tempfile.mkdtemp(prefix="starling-chaos-"))  # short: there is a socket in it
    try:
        made = Site(folder, accounts, bridges)
        with made.running():
            yield made
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
