"""The screens around the conversations: start, help, cancel, hints, the group notice."""

from bot.callbacks import AddChannel, LinksPage, Menu, ProgramsPage
from bot.i18n import Texts
from bot.screens.layout import Button, Screen, Url, paragraphs, rows_of


def browse_button(texts: Texts) -> Button:
    """Browse programs."""
    return Button(texts.plain("menu.browse_button"), ProgramsPage())


def links_button(texts: Texts) -> Button:
    """My links."""
    return Button(texts.plain("menu.links_button"), LinksPage())


def add_channel_button(texts: Texts) -> Button:
    """Add my channel."""
    return Button(texts.plain("menu.add_channel_button"), AddChannel())


def start(texts: Texts, *, note: str | None = None) -> Screen:
    """What this is, and where to begin; `note` is a message id."""
    text = paragraphs(texts(note) if note else None, texts("start.text"))
    return Screen(text, rows_of([browse_button(texts)], [add_channel_button(texts)], [links_button(texts)]))


def stale(texts: Texts) -> Screen:
    """The answer to a button nobody understands any more."""
    return start(texts, note="start.stale_note")


def help_page(texts: Texts) -> Screen:
    """Every command, and the few things to know."""
    return Screen(texts("help.text"), rows_of([browse_button(texts), links_button(texts)]))


def cancelled(texts: Texts, *, something: bool) -> Screen:
    """After /cancel; `something` says whether there was anything to leave."""
    text = texts("cancel.done") if something else texts("cancel.nothing")
    return Screen(text, rows_of([browse_button(texts), links_button(texts)]))


def hint(texts: Texts) -> Screen:
    """The answer to words we make nothing of."""
    return Screen(texts("hint.text"), rows_of([browse_button(texts), links_button(texts)]))


def unknown_command(texts: Texts) -> Screen:
    """The answer to a command we do not have."""
    return Screen(texts("hint.unknown_command"), rows_of([Button(texts.plain("menu.help_button"), Menu(to="help"))]))


def group_notice(texts: Texts, our_username: str) -> Screen:
    """Said once in a group."""
    open_button = Button(texts.plain("group.button"), Url(f"https://t.me/{our_username}"))
    return Screen(texts("group.text"), rows_of([open_button]))
