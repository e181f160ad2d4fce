"""What helps to share a link, as a message of its own: for links of every kind."""

from bot.callbacks import Extra
from bot.pictures import qr_code
from bot.screens import sharing
from bot.talk import Talk


async def say_extra(talk: Talk, what: Extra, title: str, url: str) -> None:
    """The QR code or the post of a link that was just found alive: nobody should post a dead one."""
    if what == "picture":
        await talk.say_picture(qr_code(url), sharing.caption(talk.texts, title, url))
    else:
        await talk.say(sharing.post(talk.texts, title, url))
