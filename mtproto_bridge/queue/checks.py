"""What a server must be like to carry the queue: looked at once, at start, and by `check`."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import MovedError, NoPermissionError, RedisError, ResponseError

from mtproto_bridge.queue.keys import Keys
from processes.redis_url import RedisPlace, parse

OLDEST = {"valkey_version": (7, 2), "redis_version": (7, 0)}
"""In this order: a Valkey names a version of Redis, too."""

Ask = Callable[..., Awaitable[Any]]
"""`await ask("GET", key)`: one command, its answer as text."""


@dataclass(frozen=True)
class Finding:
    """One thing to know about the server, in a sentence with a next step."""

    sentence: str
    fatal: bool = False
    """The bridge must not start on it."""


async def inspect(ask: Ask, url: str, keys: Keys, installation: str, *, claim: bool = True) -> list[Finding]:
    """Look at the server, and put our name on the keys, unless `claim` is False or it cannot be used anyway.

    Args:
        ask: sends a command on a connection to the server at `url`.
        url: a valid REDIS_URL.
        keys: whose prefix is to be ours alone.
        installation: our id, from the store.
        claim: whether an unclaimed prefix becomes ours.

    Raises:
        RedisError, OSError: the server is out of reach.
    """
    place = parse(url)
    found = [*findings(await _info(ask)), *_ways_in(place)]
    if not any(one.fatal for one in found):
        found += await _owner(ask, keys, installation, claim=claim)
    return found


def no_answer(error: BaseException) -> str:
    """The sentence about a server that is out of reach, in the words of what lies deepest."""
    while isinstance(error.__cause__, RedisError | OSError):
        error = error.__cause__
    return (
        f"REDIS_URL: the server does not answer ({_words(error)}); start it, see that REDIS_URL is right, "
        "or leave REDIS_URL out."
    )


def _words(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


async def _info(ask: Ask) -> dict[str, str]:
    try:
        return parse_info(str(await ask("INFO")))
    except ResponseError:  # forbidden, or renamed away
        return {}


def parse_info(text: str) -> dict[str, str]:
    """The answer to INFO: a line each, `name:value`."""
    lines = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, colon, value in lines if colon}


def findings(info: Mapping[str, str]) -> list[Finding]:
    """What INFO says against a server; nothing, when all is well."""
    if not info:
        return [
            Finding(
                "The user of REDIS_URL may not ask INFO, so nothing is known of the server: allow it (+info), "
                "or see for yourself that it is new enough, never evicts and keeps an append-only file."
            )
        ]
    return [one for one in (_version(info), _eviction(info), _role(info), _cluster(info), _durability(info)) if one]


def _version(info: Mapping[str, str]) -> Finding | None:
    name = next((name for name in OLDEST if name in info), None)
    numbers = re.match(r"(\d+)\.(\d+)", info[name]) if name else None
    if not name or not numbers:
        return Finding("The server at REDIS_URL does not say its version: see that it can all that Redis 7.0 can.")
    if tuple(map(int, numbers.groups())) >= OLDEST[name]:
        return None
    return Finding(
        f"The server at REDIS_URL is too old ({name.removesuffix('_version').capitalize()} {info[name]}): "
        "take Redis 7.0 or Valkey 7.2, or newer.",
        fatal=True,
    )


def _eviction(info: Mapping[str, str]) -> Finding | None:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction" or info.get("maxmemory", "0") == "0":
        return None
    return Finding(
        f"The server at REDIS_URL throws keys away when its memory is full (maxmemory-policy {policy}), requests and "
        "leases among them: set maxmemory-policy to noeviction in its configuration.",
        fatal=True,
    )


def _role(info: Mapping[str, str]) -> Finding | None:
    if info.get("role", "master") == "master":
        return None
    return Finding(
        "The server at REDIS_URL is a replica, which takes no writes: name its primary, "
        "or let Sentinel do so (redis+sentinel://).",
        fatal=True,
    )


def _cluster(info: Mapping[str, str]) -> Finding | None:
    if info.get("cluster_enabled", "0") == "0":
        return None
    return Finding(
        "The server at REDIS_URL is a node of a cluster, and Starling does not follow its keys to another node: "
        "when they move, name that node; or give Starling a server of its own, or Sentinel."
    )


def _durability(info: Mapping[str, str]) -> Finding | None:
    if info.get("aof_enabled", "1") != "0":
        return None
    return Finding(
        "The server at REDIS_URL keeps no append-only file, so requests under way are lost when it is killed: "
        "set appendonly to yes in its configuration."
    )


def _ways_in(place: RedisPlace) -> list[Finding]:
    found: list[Finding] = []
    if place.is_here:
        return found
    if not place.login.password and "ssl_certfile" not in place.tls_options:
        found.append(
            Finding(
                "REDIS_URL has no password, and whoever can write to the queue can act as anyone: "
                "give the server one, and see that nobody else reaches it."
            )
        )
    if place.tls_options.get("ssl_cert_reqs", "required") != "required":
        found.append(
            Finding(
                "REDIS_URL lets the server's certificate be anybody's (ssl_cert_reqs), so whoever stands between can "
                "read and act: name the authority that signed it with ssl_ca_certs instead."
            )
        )
    return found


async def _owner(ask: Ask, keys: Keys, installation: str, *, claim: bool) -> list[Finding]:
    key = keys.installation()
    try:
        owner = await ask("GET", key)
        if owner is None and claim:
            await ask("SET", key, installation, "NX")
            owner = await ask("GET", key)
        await ask("SPUBLISH", keys.news(), "")  # whether we may use channels; who hears it looks for free lanes
    except MovedError as error:
        sentence = f"REDIS_URL names a node of a cluster that does not hold our keys: name {error.host}:{error.port}."
        return [Finding(sentence, fatal=True)]
    except NoPermissionError:
        sentence = (
            f"The user of REDIS_URL may not use {key} or the channels beside it: "
            "give it the rights that docs/operating.md lists."
        )
        return [Finding(sentence, fatal=True)]
    except ResponseError as error:  # its memory is full, its disk is, its replicas are gone
        sentence = f"The server at REDIS_URL does not take writes ({_words(error)}): see its log, then start again."
        return [Finding(sentence, fatal=True)]
    if owner in (None, installation):
        return []
    return [
        Finding(
            f"The keys {{{keys.prefix}}}:* at REDIS_URL belong to another Starling: set QUEUE_PREFIX to another word "
            "for this one, bridge and bot alike; "
            f"or, if this one's database was replaced on purpose, delete the key {key} there.",
            fatal=True,
        )
    ]
