"""REDIS_URL in its forms: one server, a unix socket, or Sentinel and the name it knows the primary by."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote

FORMS = "redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://"
ENCODE = "a / ? # or @ in its password is written %2F, %3F, %23 or %40"
SERVER_PORT, SENTINEL_PORT = 6379, 26379

# Greedy up to the last @, as everybody reads it: a password may hold one.
_URL = re.compile(
    r"(?P<scheme>[a-z]+)(?P<sentinel>\+sentinel)?://"
    r"(?:(?P<login>[^/?#]*)@)?(?P<hosts>[^/?#]*)(?P<path>[^?#]*)\??(?P<query>.*)"
)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")


def _yes_or_no(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]


def _requirement(text: str) -> str:
    return {one: one for one in ("required", "optional", "none")}[text]


TLS_OPTIONS: Mapping[str, Callable[[str], str | bool]] = {
    "ssl_ca_certs": str,
    "ssl_ca_path": str,
    "ssl_certfile": str,
    "ssl_keyfile": str,
    "ssl_password": str,
    "ssl_cert_reqs": _requirement,
    "ssl_check_hostname": _yes_or_no,
}
"""What may follow the question mark of a URL with TLS: redis-py's own names."""


@dataclass(frozen=True)
class Login:
    """Who we are to a server."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RedisPlace:
    """Where a queue is, and how to get in."""

    hosts: tuple[tuple[str, int], ...] = ()
    """Of the one server, or of the Sentinels; none for a socket."""
    path: str = ""
    """Of the unix socket."""
    service: str = ""
    """The name that Sentinel knows the primary by."""
    db: int = 0
    login: Login = field(default_factory=Login)
    sentinel_login: Login = field(default_factory=Login)
    tls: bool = False
    tls_options: Mapping[str, str | bool] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        """For people: no password, and no user either."""
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return self.path or "/".join(filter(None, (hosts, self.service)))

    @property
    def is_here(self) -> bool:
        """Whether only this machine is asked."""
        return all(_is_loopback(host) for host, _ in self.hosts)


def parse(url: str) -> RedisPlace:
    """Take a REDIS_URL apart.

    Raises:
        ValueError: it is none; says why in half a sentence that repeats nothing of the URL but names of options.
    """
    form = _URL.fullmatch(url)
    if not form or form["scheme"] not in ("redis", "rediss", "unix") or (form["sentinel"] and form["scheme"] == "unix"):
        raise ValueError(f"it should begin with {FORMS}")
    of_socket = form["scheme"] == "unix"
    if not of_socket and "@" in form["path"] + form["query"]:
        raise ValueError(ENCODE)
    hosts = () if of_socket else _hosts(form["hosts"], SENTINEL_PORT if form["sentinel"] else SERVER_PORT)
    if len(hosts) > 1 and not form["sentinel"]:
        raise ValueError("several hosts are for Sentinel, redis+sentinel://")
    options = dict(parse_qsl(form["query"], keep_blank_values=True))
    path, service, db = _path(form, options)
    username, _, password = (form["login"] or "").partition(":")
    return RedisPlace(
        hosts,
        path,
        service,
        _database(options.pop("db", db)),
        _login(options, "", unquote(username), unquote(password)),
        _login(options, "sentinel_") if form["sentinel"] else Login(),
        form["scheme"] == "rediss",
        _tls_options(options) if form["scheme"] == "rediss" else _none_left(options),
    )


def _hosts(text: str, default_port: int) -> tuple[tuple[str, int], ...]:
    if not text:
        raise ValueError("it names no host")
    found = []
    for one in text.split(","):
        host = _HOST.fullmatch(one)
        if not host or not 0 < int(host["port"] or default_port) < 2**16:
            raise ValueError(f"a host in it is not like name:{default_port}; {ENCODE}")
        found.append((host["host"].strip("[]"), int(host["port"] or default_port)))
    return tuple(found)


def _path(form: re.Match[str], options: dict[str, str]) -> tuple[str, str, str]:
    """The socket's path, Sentinel's service, the database: what the URL's path means in its form."""
    path = unquote(form["path"])
    if form["scheme"] == "unix":
        path = path or options.pop("path", "")
        if form["hosts"] or not path:
            raise ValueError("a socket's path begins with a slash, unix:///path, or is given as unix://?path=path")
        return path, "", "0"
    if not form["sentinel"]:
        return "", "", path.strip("/")
    service, _, db = path.removeprefix("/").partition("/")
    if not service:
        raise ValueError("it names no service: redis+sentinel://host:26379/SERVICE, as in Sentinel's own configuration")
    return "", service, db


def _database(text: str) -> int:
    if not re.fullmatch(r"[0-9]{0,6}", text):
        raise ValueError("its database is no number")
    return int(text or 0)


def _login(options: dict[str, str], prefix: str, username: str = "", password: str = "") -> Login:
    username = username or options.pop(f"{prefix}username", "")
    return Login(username or None, password or options.pop(f"{prefix}password", "") or None)


def _tls_options(options: dict[str, str]) -> dict[str, str | bool]:
    found: dict[str, str | bool] = {}
    for name in TLS_OPTIONS.keys() & options.keys():
        try:
            found[name] = TLS_OPTIONS[name](options.pop(name))
        except KeyError:
            raise ValueError(f"its option {name} has a value that is not known") from None
    if "ssl_keyfile" in found and "ssl_certfile" not in found:
        raise ValueError("its option ssl_keyfile needs ssl_certfile")
    return found | _none_left(options)


def _none_left(options: dict[str, str]) -> dict[str, str | bool]:
    for name in options:
        if name in TLS_OPTIONS:
            raise ValueError(f"its option {name} needs TLS: rediss:// or rediss+sentinel://")
        known = name if re.fullmatch(r"[a-z_]{1,40}", name) else "after the question mark"
        raise ValueError(f"its option {known} is not known; docs/operating.md lists those that are")
    return {}


def _is_loopback(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
