"""Which bot somebody means, however they write it.

A referral token in a pasted link is left behind on purpose: joining a program, or looking at it, from
somebody's link must never count as following that link.
"""

from mtproto_bridge.protocol.links import bot_link, checked_username


def username_in(text: str) -> str | None:
    """The username a text names: `@bot`, `bot`, a t.me or tg:// link of any shape; None when it names none."""
    text = text.strip()
    if not text or len(text.split()) > 1:
        return None
    if text.startswith("@"):
        return checked_username(text[1:])
    if "/" not in text and "." not in text and ":" not in text:
        return checked_username(text)
    link = bot_link(text)
    return link.username if link else None
