"""From a REDIS_URL to connections: one server, a unix socket, TLS, Sentinel; alike on redis-py 7.4 and 8.1."""

from typing import Any

from redis.asyncio import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff

from processes.redis_url import Login, RedisPlace, parse

CONNECT_SECONDS = 5.0
SENTINEL_SECONDS = 2.0
"""How long one Sentinel is waited for before the next is asked."""
NO_LIMIT = 2**31


def pool_at(url: str, *, answer_seconds: float | None = None, retries: int = 0) -> ConnectionPool:
    """A pool of connections to where a REDIS_URL leads; answers are text, whatever the version of redis-py.

    They speak RESP2 until told otherwise (HELLO).

    For connections of one's own: `connection = pool.make_connection()`, `await connection.connect()`, then
    `send_packed_command(…, check_health=False)` and `read_response(disconnect_on_error=False)`; at the end, and
    whenever `connect` failed or was cancelled, `await connection.disconnect(nowait=True)`; at last
    `await pool.disconnect()`, which closes what Sentinel was asked through.

    An answer is waited for without end, and nothing is tried again, unless `answer_seconds` and `retries` say so:
    then `Redis(connection_pool=…)` can be left to itself.

    With Sentinel each `connect` asks anew which server is the primary. A primary that became a replica closes its
    connections by itself; should it answer READONLY, `read_response` raises ConnectionError: connect anew.

    Raises:
        ValueError: the URL is none (never with a part of it that is secret).
    """
    place = parse(url)
    options = {**_common(place, place.login, answer_seconds), "db": place.db, "max_connections": NO_LIMIT}
    options["retry"] = Retry(ExponentialWithJitterBackoff(), retries)
    if place.service:
        return _sentinel_pool(place, options)
    if place.path:
        return ConnectionPool(UnixDomainSocketConnection, path=place.path, **options)
    ((host, port),) = place.hosts
    return ConnectionPool(SSLConnection if place.tls else Connection, host=host, port=port, **options)


def _common(place: RedisPlace, login: Login, answer_seconds: float | None) -> dict[str, Any]:
    return {
        "username": login.username,
        "password": login.password,
        "protocol": 2,  # with 3, redis-py 8.1 asks for maintenance notifications; `Line` asks for it by itself
        "decode_responses": True,
        "socket_timeout": answer_seconds,
        "socket_connect_timeout": CONNECT_SECONDS,
        "health_check_interval": 0,
        "retry": Retry(NoBackoff(), 0),  # a Redis of redis-py's would try three times
        **place.tls_options,
    }


def _sentinel_pool(place: RedisPlace, options: dict[str, Any]) -> ConnectionPool:
    asking = _common(place, place.sentinel_login, SENTINEL_SECONDS) | {"socket_connect_timeout": SENTINEL_SECONDS}
    sentinel: Any = Sentinel(place.hosts, sentinel_kwargs=asking | {"ssl": place.tls})  # type: ignore[no-untyped-call]
    return _SentinelPool(place.service, sentinel, ssl=place.tls, **options)  # type: ignore[no-untyped-call]


class _SentinelPool(SentinelConnectionPool):
    async def get_master_address(self) -> tuple[str, int]:
        try:
            return await super().get_master_address()  # type: ignore[no-untyped-call, no-any-return]
        except MasterNotFoundError:  # its text lists objects of redis-py's
            raise MasterNotFoundError(f"no Sentinel knows a primary {self.service_name} that is up") from None

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:  # else it is a new primary that is found, by way of these
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.aclose()
