"""Which bot somebody means, however they write it.

A referral token in a pasted link is left behind on purpose: joining a program, or looking at it, from
somebody's link must never count as following that link.
(core.telegram.org/api/links, "Public username links" and "Referral links")
"""

import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

HOSTS = ("t.me", "telegram.me", "telegram.dog")
LONGEST = 2_048

_USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,31}", re.ASCII)
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


def username_in(text: str) -> str | None:
    """The username a text names: `@bot`, `bot`, a t.me or tg:// link of any shape; None when it names none."""
    text = text.strip()
    if not text or len(text) > LONGEST or len(text.split()) > 1:
        return None
    if text.startswith("@"):
        return _checked(text[1:])
    if "/" not in text and "." not in text and ":" not in text:
        return _checked(text)
    return _from_link(text)


def _from_link(text: str) -> str | None:
    try:
        link = urlsplit(text if _SCHEME.match(text) else f"https://{text}")
        host = (link.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    match link.scheme:
        case "tg":
            return _from_tg(link, host)
        case "http" | "https":
            return _from_web(link, host)
    return None


def _from_tg(link: SplitResult, host: str) -> str | None:
    if host != "resolve":
        return None
    return _checked(parse_qs(link.query).get("domain", [""])[0])


def _from_web(link: SplitResult, host: str) -> str | None:
    if host in HOSTS:
        return _checked(unquote(link.path).strip("/").partition("/")[0].removeprefix("@"))
    name, _, parent = host.partition(".")
    return _checked(name) if parent in HOSTS else None


def _checked(name: str) -> str | None:
    return name if _USERNAME.fullmatch(name) and name.lower() not in _NOT_BOTS else None
