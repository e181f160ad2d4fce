"""The queue on a node of a cluster."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from redis.exceptions import MovedError

from mtproto_bridge.queue.checks import inspect
from mtproto_bridge.queue.keys import Keys
from tests.queue_servers import (
    ME,
    MINE,
    ONE,
    Server,
    answer,
    asking,
    every_script,
    exchanging,
    fatal,
    free_port,
    launching,
    until,
)


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
