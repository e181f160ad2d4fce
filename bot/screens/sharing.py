"""What helps to share a link: Copy, Share, and a picture and a text to post, which are messages of their own."""

from collections.abc import Callable

from aiogram.filters.callback_data import CallbackData

from bot.callbacks import Extra
from bot.i18n import Html, Texts
from bot.screens.layout import Button, Copy, Row, Screen, paragraphs, rows_of, share

LONGEST_COPY = 256
"""Characters a copy button may carry (core.telegram.org/bots/api#copytextbutton)."""


def sharing_rows(texts: Texts, url: str, extra: Callable[[Extra], CallbackData]) -> tuple[Row, ...]:
    """The buttons under a link that is alive; `extra` is what asks for the picture or the post."""
    copy = Button(texts.plain("link.copy_button"), Copy(url)) if len(url) <= LONGEST_COPY else None
    return rows_of(
        [copy, Button(texts.plain("link.share_button"), share(url))],
        [
            Button(texts.plain("link.picture_button"), extra("picture")),
            Button(texts.plain("link.post_button"), extra("post")),
        ],
    )


def caption(texts: Texts, title: str, url: str) -> Html:
    """What stands under the QR code; `title` is the app's."""
    return texts("link.caption", title=title, url=url)


def post(texts: Texts, title: str, url: str) -> Screen:
    """A text to post, with the line that says what the link is."""
    return Screen(paragraphs(texts("link.post", title=title, url=url), texts("link.disclosure")))
