"""REDIS_URL in all its forms, and a sentence for each wrong one; what INFO says against a server."""

import ssl
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, TypeAdapter, ValidationError
from redis.asyncio import Connection, SSLConnection, UnixDomainSocketConnection

from bot.settings import place_of
from mtproto_bridge.queue.checks import findings, parse_info
from mtproto_bridge.queue.connecting import pool_at
from mtproto_bridge.queue.keys import Keys
from processes.redis_url import Login, RedisPlace, parse
from processes.settings import RedisUrl

SECRET = "hunter2"
"""What must show nowhere."""


def connection(url: str) -> Any:
    return cast("Any", pool_at(url)).make_connection()


# -- the forms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://h", RedisPlace((("h", 6379),))),
        ("redis://h:1/", RedisPlace((("h", 1),))),
        ("redis://h:1/7", RedisPlace((("h", 1),), db=7)),
        ("redis://h/7?db=3", RedisPlace((("h", 6379),), db=3)),
        ("redis://[::1]:1", RedisPlace((("::1", 1),))),
        ("redis://u:p%40%2F%25@h", RedisPlace((("h", 6379),), login=Login("u", "p@/%"))),
        ("redis://:p@q@h", RedisPlace((("h", 6379),), login=Login(None, "p@q"))),
        ("redis://h?username=u&password=p%2525", RedisPlace((("h", 6379),), login=Login("u", "p%25"))),
        ("rediss://h", RedisPlace((("h", 6379),), tls=True)),
        ("unix:///a/b%40.sock", RedisPlace(path="/a/b@.sock")),
        ("unix://?path=a/b.sock", RedisPlace(path="a/b.sock")),
        ("unix://u:p@/a?db=2", RedisPlace(path="/a", db=2, login=Login("u", "p"))),
        ("redis+sentinel://h/main", RedisPlace((("h", 26379),), service="main")),
        (
            "redis+sentinel://u:p@a:1,[::1]:2,c/main/4?sentinel_username=s&sentinel_password=t",
            RedisPlace(
                (("a", 1), ("::1", 2), ("c", 26379)),
                service="main",
                db=4,
                login=Login("u", "p"),
                sentinel_login=Login("s", "t"),
            ),
        ),
        ("rediss+sentinel://h/main", RedisPlace((("h", 26379),), service="main", tls=True)),
    ],
)
def test_a_url_is_understood(url: str, place: RedisPlace) -> None:
    assert parse(url) == place
    pool_at(url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "it should begin with redis://"),
        ("http://h", "it should begin with redis://"),
        ("unix+sentinel://h/main", "it should begin with redis://"),
        ("redis://", "it names no host"),
        ("redis://:hunter2@", "it names no host"),
        ("redis://h:port", "a host in it is not like name:6379"),
        ("redis://h:99999", "a host in it is not like name:6379"),
        ("redis://:hun/ter2", "a host in it is not like name:6379; a / ? # or @"),
        ("redis://:hun/ter2@h", "a / ? # or @ in its password is written %2F"),
        ("redis://u:12/hunter2@h", "a / ? # or @ in its password is written %2F"),
        ("redis://u:12?hunter2@h", "a / ? # or @ in its password is written %2F"),
        ("redis://a,b", "several hosts are for Sentinel"),
        ("redis://h/main", "its database is no number"),
        ("redis+sentinel://h", "it names no service"),
        ("redis+sentinel://h//0", "it names no service"),
        ("redis+sentinel:///main", "it names no host"),
        ("redis+sentinel://a,,b/main", "a host in it is not like name:26379"),
        ("redis+sentinel://h/main/x", "its database is no number"),
        ("unix://data/valkey.sock", "a socket's path begins with a slash"),
        ("unix://", "a socket's path begins with a slash"),
        ("redis://h?socket_timeout=1", "its option socket_timeout is not known"),
        ("redis://h?hunter2=1", "its option after the question mark is not known"),
        ("redis://h?sentinel_password=hunter2", "its option sentinel_password is not known"),
        ("redis://h?ssl_ca_certs=a.pem", "its option ssl_ca_certs needs TLS"),
        ("rediss://h?ssl_check_hostname=hunter2", "its option ssl_check_hostname has a value that is not known"),
        ("rediss://h?ssl_cert_reqs=some", "its option ssl_cert_reqs has a value that is not known"),
        ("rediss://h?ssl_keyfile=a.pem", "its option ssl_keyfile needs ssl_certfile"),
    ],
)
def test_a_wrong_url_is_half_a_sentence_that_repeats_no_secret(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        parse(url)
    assert str(caught.value).startswith(sentence)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@given(
    st.text(st.characters(exclude_characters="@"), max_size=20).map(lambda one: one + SECRET),
    st.sampled_from(
        ["redis://{}@h", "redis://u:{}@h", "redis+sentinel://u:{}@h/m", "unix://u:{}@/p", "rediss://h?{}=1"]
    ),
)
def test_a_secret_shows_in_no_error_whatever_else_is_in_it(secret: str, form: str) -> None:
    said = ""
    try:
        TypeAdapter(RedisUrl).validate_python(SecretStr(form.format(secret)))
    except ValidationError as error:
        said = str(error)
    assert SECRET not in said


@given(st.text(min_size=1))
def test_nothing_but_a_value_error_comes_of_any_text(url: str) -> None:
    for text in (url, f"redis://{url}", f"unix://{url}", f"redis+sentinel://{url}"):
        try:
            place = parse(text)
        except ValueError:
            continue
        assert str(place)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (f"redis://u:{SECRET}@h:1/3", "h:1"),
        (f"redis+sentinel://:{SECRET}@a,[::1]:2/main/3?sentinel_password={SECRET}", "a:26379,[::1]:2/main"),
        (f"unix://:{SECRET}@/a/b", "/a/b"),
        ("unix://?path=a/b", "a/b"),
    ],
)
def test_a_place_is_told_without_its_password(url: str, place: str) -> None:
    assert place_of(url) == place
    assert SECRET not in repr(parse(url)) + repr(pool_at(url))


# -- what of it reaches a connection ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://u:p@127.0.0.1:6379/3", Connection),
        ("rediss://u:p@127.0.0.1:6379/3", SSLConnection),
        ("unix://u:p@/a?db=3", UnixDomainSocketConnection),
        ("redis+sentinel://u:p@127.0.0.1/main/3", Connection),
        ("rediss+sentinel://u:p@127.0.0.1/main/3", SSLConnection),
    ],
)
def test_every_connection_is_the_same_whatever_the_url(url: str, kind: type[Connection]) -> None:
    made = connection(url)
    assert isinstance(made, kind)
    assert (made.username, made.password, made.db) == ("u", "p", 3)
    assert (made.protocol, made.encoder.decode_responses) == (2, True)
    assert (made.socket_timeout, made.socket_connect_timeout, made.health_check_interval) == (None, 5, 0)
    assert made.retry.get_retries() == 0


def test_a_pool_for_others_waits_no_longer_than_it_is_told() -> None:
    made = cast("Any", pool_at("redis://h", answer_seconds=7, retries=3)).make_connection()
    assert (made.socket_timeout, made.retry.get_retries()) == (7, 3)


TLS = (
    "ssl_ca_certs=ca.pem&ssl_ca_path=cas&ssl_certfile=c.pem&ssl_keyfile=k.pem&ssl_password=p%20w"
    "&ssl_cert_reqs=optional&ssl_check_hostname=no"
)


@pytest.mark.parametrize("url", [f"rediss://h?{TLS}", f"rediss+sentinel://h/main?{TLS}"])
def test_every_option_of_tls_arrives(url: str) -> None:
    pool = cast("Any", pool_at(url))
    contexts = [pool.make_connection().ssl_context]
    if "sentinel" in url:
        contexts += [one.connection_pool.make_connection().ssl_context for one in pool.sentinel_manager.sentinels]
    for context in contexts:
        assert (context.ca_certs, context.ca_path) == ("ca.pem", "cas")
        assert (context.certfile, context.keyfile, context.password) == ("c.pem", "k.pem", "p w")
        assert (context.cert_reqs, context.check_hostname) == (ssl.CERT_OPTIONAL, False)


def test_tls_checks_certificate_and_name_unless_told_otherwise() -> None:
    context = connection("rediss://h").ssl_context
    assert (context.cert_reqs, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_sentinel_is_met_with_credentials_of_its_own() -> None:
    pool = cast("Any", pool_at("redis+sentinel://u:p@a,b/main?sentinel_username=s&sentinel_password=t"))
    for sentinel in pool.sentinel_manager.sentinels:
        made = sentinel.connection_pool.make_connection()
        assert (made.username, made.password, made.protocol) == ("s", "t", 2)
    nobody = cast("Any", pool_at("redis+sentinel://u:p@a/main")).sentinel_manager.sentinels[0]
    assert nobody.connection_pool.make_connection().password is None, "the server's password is not Sentinel's"


# -- what INFO says --------------------------------------------------------------------------------------------

GOOD = {
    "redis_version": "7.2.4",
    "valkey_version": "8.0.1",
    "maxmemory": "0",
    "maxmemory_policy": "noeviction",
    "role": "master",
    "aof_enabled": "1",
    "cluster_enabled": "0",
}


@pytest.mark.parametrize(
    ("changes", "words", "fatal"),
    [
        ({"maxmemory": "100", "maxmemory_policy": "allkeys-lru"}, "set maxmemory-policy to noeviction", True),
        ({"maxmemory": "100", "maxmemory_policy": "volatile-ttl"}, "set maxmemory-policy to noeviction", True),
        ({"valkey_version": "7.1.9"}, "too old (Valkey 7.1.9)", True),
        ({"valkey_version": "", "redis_version": "7.4"}, "does not say its version", False),
        ({"role": "slave"}, "is a replica", True),
        ({"aof_enabled": "0"}, "set appendonly to yes", False),
        ({"cluster_enabled": "1"}, "is a node of a cluster", False),
    ],
)
def test_what_is_wrong_with_a_server_is_one_sentence(changes: dict[str, str], words: str, fatal: bool) -> None:
    (found,) = findings(GOOD | changes)
    assert words in found.sentence
    assert found.sentence.endswith(".")
    assert found.fatal is fatal


@pytest.mark.parametrize("version", ["7.0.0", "7.0.15", "8.2", "10.0.0"])
def test_a_new_enough_redis_with_a_bound_that_it_keeps_is_fine(version: str) -> None:
    redis = {name: value for name, value in GOOD.items() if name != "valkey_version"}
    assert findings(redis | {"redis_version": version, "maxmemory": "100"}) == []
    (old,) = findings(redis | {"redis_version": "6.2.14"})
    assert (old.fatal, "Redis 6.2.14" in old.sentence) == (True, True)


def test_a_policy_without_a_bound_evicts_nothing() -> None:
    assert findings(GOOD | {"maxmemory_policy": "allkeys-lru"}) == []


def test_a_server_that_says_little_is_not_refused_for_it() -> None:
    assert [one.fatal for one in findings({"role": "master"})] == [False]
    assert [one.fatal for one in findings({})] == [False]


def test_info_is_read_line_by_line() -> None:
    text = "# Server\r\nredis_version:7.2.4\r\nexecutable:/a:b\r\n\r\n# Memory\r\nmaxmemory:0\r\n"
    assert parse_info(text) == {"redis_version": "7.2.4", "executable": "/a:b", "maxmemory": "0"}


def test_the_prefix_is_in_every_name() -> None:
    assert Keys("mine").installation() == "{mine}:installation"
