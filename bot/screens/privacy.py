"""/privacy and /delete_me: what is kept of a person, and erasing it."""

from bot.callbacks import AskForget, ConfirmForget, Menu
from bot.i18n import Texts
from bot.screens.layout import Button, Screen, lines, paragraphs, rows_of
from bot.screens.menu import browse_button, links_button
from mtproto_bridge.protocol.replies import Forgotten


def privacy_page(texts: Texts) -> Screen:
    """What is kept of a person, for how long, who sees it, and how to erase it."""
    text = paragraphs(texts("privacy.kept"), texts("privacy.short"), texts("privacy.seen"), texts("privacy.erased"))
    forget = Button(texts.plain("privacy.forget_button"), AskForget())
    return Screen(text, rows_of([forget], [browse_button(texts), links_button(texts)]))


def confirm(texts: Texts, nonce: str, *, note: str | None = None) -> Screen:
    """What will be true after /delete_me; nothing has happened yet. `note` is a message id."""
    text = paragraphs(
        texts(note) if note else None,
        texts("forget.title"),
        texts("forget.erased"),
        texts("forget.stays"),
        texts("forget.confirm"),
    )
    yes = Button(texts.plain("forget.yes_button"), ConfirmForget(nonce=nonce))
    return Screen(text, rows_of([yes], [Button(texts.plain("forget.no_button"), Menu(to="start"))]))


def forgetting(texts: Texts) -> Screen:
    """Shown while it goes on; without buttons, so that nobody taps twice."""
    return Screen(texts("forget.progress"))


def forgotten(texts: Texts, done: Forgotten) -> Screen:
    """It is done, and what became of the channels; who pressed an old button has more to lose than they asked for."""
    if done.replayed:
        return Screen(texts("forget.before"), rows_of([browse_button(texts), links_button(texts)]))
    text = paragraphs(
        texts("forget.done"),
        lines(
            texts.count("forget.left", done.left) if done.left else None,
            texts.count("forget.kept", done.kept) if done.kept else None,
            texts("forget.still_banned") if done.still_banned else None,
        ),
        texts("forget.goodbye"),
    )
    return Screen(text)
