"""The queue on a primary that Sentinel names."""

import asyncio
import os
import re
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from mtproto_bridge.protocol import BridgeError
from mtproto_bridge.queue.checks import inspect
from mtproto_bridge.queue.keys import Keys
from tests.queue_servers import ME, MINE, PASSWORD, Launch, Server, answer, asking, exchanging, fatal, free_port, until

pytestmark = pytest.mark.alone

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
