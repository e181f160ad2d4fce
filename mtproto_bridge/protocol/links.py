"""Links to bots, and referral links among them, however people write them.

(core.telegram.org/api/links, "Public username links" and "Referral links")
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

HOSTS = ("t.me", "telegram.me", "telegram.dog")
PREFIXES = ("_tgr_",)
"""What marks a start parameter as a referral, unless Telegram's config says otherwise."""
LONGEST = 2_048
LONGEST_START = 64
"""Characters of a start parameter, its prefix included."""

_USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,31}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# Words t.me keeps for itself: t.me/joinchat/… names no bot.
_NOT_BOTS = frozenset(
    {
        "addemoji",
        "addlist",
        "addstickers",
        "addtheme",
        "boost",
        "call",
        "contact",
        "giftcode",
        "invoice",
        "joinchat",
        "login",
        "msg",
        "nft",
        "passport",
        "proxy",
        "resolve",
        "setlanguage",
        "share",
        "socks",
        "stars",
        "web",
    }
)


@dataclass(frozen=True)
class BotLink:
    """A link that names a bot."""

    username: str
    query: Mapping[str, Sequence[str]]
    is_whole: bool
    """It names nothing further of that bot, as an app or a message."""


@dataclass(frozen=True)
class ReferralLink:
    """Whose link, and which one."""

    username: str
    token: str
    """What Telegram calls the referrer: the start parameter without its prefix."""
    prefix: str = PREFIXES[0]

    @property
    def url(self) -> str:
        """As Telegram writes it."""
        return f"https://t.me/{self.username}?start={self.prefix}{self.token}"


def checked_username(name: str) -> str | None:
    """The name, if a bot can have it."""
    return name if _USERNAME.fullmatch(name) and name.lower() not in _NOT_BOTS else None


def bot_link(text: str) -> BotLink | None:
    """The t.me or tg:// link that a text is, with or without a scheme; None where it names no bot."""
    if len(text) > LONGEST:
        return None
    try:
        link = urlsplit(text if _SCHEME.match(text) else f"https://{text}")
        host = (link.hostname or "").removeprefix("www.")
        query = parse_qs(link.query)
    except ValueError:
        return None
    match link.scheme:
        case "tg" if host == "resolve":
            return _named(query.get("domain", [""])[0], query)
        case "http" | "https":
            return _from_web(link, host, query)
    return None


def _from_web(link: SplitResult, host: str, query: Mapping[str, Sequence[str]]) -> BotLink | None:
    path = unquote(link.path).strip("/")
    if host in HOSTS:
        name, _, rest = path.partition("/")
        return _named(name.removeprefix("@"), query, rest)
    name, _, parent = host.partition(".")
    return _named(name, query, path) if parent in HOSTS else None


def _named(name: str, query: Mapping[str, Sequence[str]], rest: str = "") -> BotLink | None:
    username = checked_username(name)
    return BotLink(username, query, is_whole=not rest) if username else None


def referral_in(text: str, prefixes: Sequence[str] = PREFIXES) -> ReferralLink | None:
    """The first referral link among the words of a text; None where there is none.

    `prefixes`: `starref_start_param_prefixes` of Telegram's config. A prefix with nothing after it is an ordinary
    start.
    """
    if len(text) > LONGEST:
        return None
    return next(filter(None, (_referral(word, prefixes) for word in text.split())), None)


def _referral(word: str, prefixes: Sequence[str]) -> ReferralLink | None:
    link = bot_link(word)
    if link is None or not link.is_whole:
        return None
    start, ref = (link.query.get(name, [""])[0] for name in ("start", "ref"))
    prefix = next((one for one in prefixes if start.startswith(one)), None)
    token = start.removeprefix(prefix) if prefix else ref
    found = ReferralLink(link.username, token, prefix or prefixes[0])
    fits = len(found.prefix + found.token) <= LONGEST_START
    return found if fits and _TOKEN.fullmatch(found.token) else None
